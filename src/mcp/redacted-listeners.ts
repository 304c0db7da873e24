import type { McpError } from './mcp-error.js';
import type { ErrorRedactor } from './redacted-error.js';
import type { Redactor } from './redactor.js';

/** Who hears of a connection besides its callers. */
export interface ConnectionListeners {
  /**
   * Called once when the connection is found to be of no more use, other than by close().
   * Over streamable HTTP nothing may tell that but a failing call or probe, and calls in
   * flight may still be answered. close() is still needed.
   */
  readonly onClosed?: ((cause: McpError) => void) | undefined;
  /** Errors of the transport that concern no call; for logs. */
  readonly onError?: ((error: Error) => void) | undefined;
  /** What a process writes to its standard error, with `stderr: 'pipe'`. */
  readonly onStderr?: ((text: string) => void) | undefined;
}

/** The same listeners, who do not hear the values that were sent to the server. */
export function redactedListeners(
  { onClosed, onError, onStderr }: ConnectionListeners,
  redactor: Redactor,
  redactError: ErrorRedactor,
): ConnectionListeners & { readonly onStderrEnd?: () => void } {
  const stderr = redactor.stream();
  const tell = (text: string): void => {
    if (text !== '') onStderr?.(text);
  };
  return {
    ...(onClosed && { onClosed: (cause) => onClosed(redactError(cause)) }),
    ...(onError && { onError: (error) => onError(redactError(error)) }),
    ...(onStderr && {
      onStderr: (text) => tell(stderr.push(text)),
      onStderrEnd: () => tell(stderr.end()),
    }),
  };
}
