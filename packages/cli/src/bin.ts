#!/usr/bin/env node
import { main } from "./main.js";

// never process.exit: it would end the process inside ONNX Runtime
main(process.argv.slice(2)).then((exitCode) => {
  process.exitCode = exitCode;
});
