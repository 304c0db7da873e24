import { onTestFinished } from 'vitest';
import { startOddServer, type OddBehaviour, type OddServer } from './odd-http.js';

export * from './odd-http.js';

/** Starts a server that does it wrong; stopped with the test. */
export async function openOddServer(behave?: OddBehaviour): Promise<OddServer> {
  const server = await startOddServer(behave);
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server;
}
