/** One field of a declaration that changed. */
export interface FieldChange {
  /** In the words of the .proto file, such as `spec.labels[team]`. */
  readonly path: string;
  /** JSON text; empty if it was not set. */
  readonly before: string;
  /** JSON text; empty if it is not set. */
  readonly after: string;
}
