// ONNX exports, and what a UNet is seldom asked for, for `import()`: pages load it when a model or an option needs it
export { tokenMergers, unet2dShallow } from "@latentkit/onnx";
export { clipTextRoles, unetRoles } from "./export-roles.js";
export { openExportedAutoencoder } from "./exported-autoencoder.js";
export { exportedTextConfig, exportedUNetConfig } from "./exported-config.js";
export { findExport } from "./find-export.js";
export { openExport } from "./open-export.js";
export { residualFeeds } from "./residual-feeds.js";
