export type { Backend, Device, Session, Value, ValueData, ValueInfo, ValueType } from "./backend.js";
