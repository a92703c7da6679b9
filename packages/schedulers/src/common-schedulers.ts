// samplers that many checkpoints come with, for `import()`: pages load them when one does
export { DDIMScheduler } from "./ddim.js";
export { DPMSolverMultistepScheduler } from "./dpm-solver-multistep.js";
export { EulerDiscreteScheduler } from "./euler-discrete.js";
