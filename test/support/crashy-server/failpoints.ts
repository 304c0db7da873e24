import type { FailpointName } from '../../../src/domain/failpoint.js';

/** Those that a write passes, in their order. */
export const WRITE_FAILPOINTS: readonly FailpointName[] = [
  'append.before',
  'append.beforeFlush',
  'append.afterFlush',
  'append.after',
  'view.before',
  'relay.before',
  'answer.before',
];
