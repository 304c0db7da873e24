import { setMaxListeners } from 'node:events';

/**
 * The controller of one call. A call of many items waits for many things at once, and each
 * wait removes its listener when it ends: Node's warning about more than ten would be wrong.
 */
export function createCallController(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}
