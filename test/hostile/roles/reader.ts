import { readFile } from 'node:fs/promises';
import { readServers } from '../../../src/formats/read-servers.js';
import { serve } from '../../bench/lab/serve.js';
import { takeMeasured, watchTurns } from '../lab/turn-monitor.js';

/** What came of a file. */
export type Read = 'refused' | 'read' | `threw ${string}`;

const methods = {
  start: () => watchTurns(),
  /** Reads a config file as `switchboard apply` does. */
  async read(file: string): Promise<Read> {
    try {
      const { servers, problems } = readServers(await readFile(file, 'utf8'), { file });
      // Whoever walks over what was read meets what is odd in it.
      JSON.stringify(servers.map(({ name, spec }) => ({ name, spec })));
      return problems.length > 0 ? 'refused' : 'read';
    } catch (error) {
      return `threw ${String(error)}`;
    }
  },
  /** Whether a file could add something to all objects. */
  isPolluted: () => 'polluted' in {} || 'polluted' in [],
  measured: () => takeMeasured(),
};

/** Reads config files, and measures itself. */
export type ReaderRole = typeof methods;

serve(methods);
