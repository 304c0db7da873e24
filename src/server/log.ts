import { destination, pino, type Logger } from 'pino';
import type { LogLevel } from './option-values.js';

/** The one structured log: a JSON object a line, on standard error. */
export type Log = Logger;

/**
 * Opens the log. It writes synchronously: the last lines before an exit are those that
 * matter most. Standard output is left to what a person is told at the start.
 */
export function createLog(level: LogLevel): Log {
  return pino(
    { level, base: { pid: process.pid }, redact: ['authorization', '*.authorization'] },
    destination({ fd: 2, sync: true }),
  );
}
