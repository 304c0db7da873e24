import { pino } from 'pino';
import type { Log } from '../../src/server/log.js';

/** A real log whose lines can be read. */
export function captureLog(): { readonly log: Log; readonly lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  const write = (line: string): void => {
    lines.push(JSON.parse(line) as Record<string, unknown>);
  };
  return { log: pino({ level: 'debug', base: null }, { write }), lines };
}
