export type {
  Backend,
  BackendOptions,
  Device,
  Feeds,
  KeptValue,
  Session,
  SessionRequest,
  Value,
  ValueData,
  ValueInfo,
  ValueType,
} from "./backend.js";
export { isFailure, reopening } from "./reopening.js";
