// what runs leave on a device, for `import()`: pages whose networks run on the CPU do without it
export { deviceSums } from "./device-sums.js";
export { keepingResults } from "./kept-results.js";
