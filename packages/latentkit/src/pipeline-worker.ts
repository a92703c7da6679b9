import { exposePipeline } from "./expose-pipeline.js";

exposePipeline();
