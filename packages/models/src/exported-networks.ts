export { clipTextRoles, unetRoles } from "./export-roles.js";
export { openExportedAutoencoder } from "./exported-autoencoder.js";
export { exportedTextConfig, exportedUNetConfig } from "./exported-config.js";
export { openExport } from "./open-export.js";
