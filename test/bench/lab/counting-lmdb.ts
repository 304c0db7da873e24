import * as lmdb from 'lmdb';

/** What was read from the tables of LMDB. */
export interface StoreReads {
  /** Gets, and ranges begun. */
  readonly commands: number;
  /** Keys and values, of gets and of every row of a range. */
  readonly bytes: number;
}

let commands = 0;
let bytes = 0;

/** The reads so far; from 0 again afterwards. */
export function takeReads(): StoreReads {
  const taken = { commands, bytes };
  commands = 0;
  bytes = 0;
  return taken;
}

/** As lmdb's, which is all that is used of it here; but reads of the tables are counted. */
export const open = ((...options: Parameters<typeof lmdb.open>) => {
  const root = lmdb.open<string, Buffer>(...options);
  const openDB = root.openDB.bind(root) as (...args: unknown[]) => Table;
  root.openDB = (...args: unknown[]) => counting(openDB(...args));
  return root;
}) as typeof lmdb.open;

type Table = lmdb.Database<string, Buffer>;

function counting(table: Table): Table {
  const get = table.get.bind(table);
  const getRange = table.getRange.bind(table);
  table.get = (key, options) => {
    const value = get(key, options);
    commands += 1;
    bytes += key.byteLength + (value?.length ?? 0);
    return value;
  };
  table.getRange = (options) => {
    commands += 1;
    return getRange(options).map((row) => {
      bytes += row.key.byteLength + row.value.length;
      return row;
    });
  };
  return table;
}
