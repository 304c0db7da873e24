/**
 * Named places at which a test can stop or kill the process. In production the default
 * does nothing.
 */
export type FailpointName =
  | 'append.before'
  | 'append.beforeFlush'
  | 'append.afterFlush'
  | 'append.after'
  | 'compact.forgotten'
  | 'compact.marked'
  | 'view.before'
  | 'relay.before'
  | 'answer.before'
  | 'load.before'
  | 'load.answered';

/** Called at a failpoint. It may delay, throw, or never come back. */
export type Failpoint = (name: FailpointName) => void | Promise<void>;

export const NO_FAILPOINT: Failpoint = () => undefined;
