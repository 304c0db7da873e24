import type { Database } from 'lmdb';
import { SwitchboardError } from '../../../domain/errors.js';
import { checkedText, withChecksum } from './checksum.js';

/** A table of LMDB whose values are texts, each stored with a checksum over it and its key. */
export interface Table {
  /** Throws CATALOG_UNAVAILABLE if the value is damaged, as `rows` does. */
  get(key: Buffer): string | undefined;
  /** In the order of the keys. */
  rows(range?: Range): Iterable<Row>;
  count(range: Range): number;
  put(key: Buffer, text: string | Buffer, version?: number): Promise<boolean>;
  remove(key: Buffer): Promise<boolean>;
  /** Does what `write` puts and removes if the entry has the version. */
  ifVersion(key: Buffer, version: number, write: () => void): Promise<boolean>;
  ifNoExists(key: Buffer, write: () => void): Promise<boolean>;
}

export interface Row {
  readonly key: Buffer;
  readonly text: string;
}

export interface Range {
  readonly start: Buffer;
  readonly end: Buffer;
  readonly reverse?: boolean;
  readonly limit?: number;
}

export function tableOf(name: string, database: Database<string, Buffer>): Table {
  const checked = (key: Buffer, stored: string): string => {
    const text = checkedText(key, stored);
    if (text !== undefined) return text;
    throw new SwitchboardError(
      'CATALOG_UNAVAILABLE',
      `the catalog holds a damaged value in its table ${name}; restart to check all of it`,
    );
  };
  return {
    get: (key) => {
      const stored = database.get(key);
      return stored === undefined ? undefined : checked(key, stored);
    },
    *rows(range) {
      for (const { key, value } of database.getRange(range)) {
        yield { key, text: checked(key, value) };
      }
    },
    count: (range) => database.getKeysCount(range),
    put: (key, text, version) => {
      // The types have only the decoded form, and bytes are stored as they are.
      const stored = withChecksum(key, text) as string;
      return version === undefined ? database.put(key, stored) : database.put(key, stored, version);
    },
    remove: (key) => database.remove(key),
    ifVersion: (key, version, write) => database.ifVersion(key, version, write),
    ifNoExists: (key, write) => database.ifNoExists(key, write),
  };
}
