/** A value, or one that something has to be loaded for first. */
export type Ready<Value> = Value | Promise<Value>;

/** What is made of a value: at once where it is there. A later failure that nobody waits for is no unhandled one. */
export function whenReady<Value, Result>(value: Ready<Value>, make: (value: Value) => Ready<Result>): Ready<Result> {
  if (!(value instanceof Promise)) return make(value);
  const made = value.then(make);
  made.catch(() => {});
  return made;
}
