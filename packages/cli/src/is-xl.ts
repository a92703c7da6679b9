import type { DiffusionPipeline } from "latentkit";

/** Whether it is SDXL or its refiner: their parts have a second text encoder. */
export const isXL = (model: DiffusionPipeline): boolean => "textEncoder2" in model.components;
