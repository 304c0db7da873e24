import { checkedText, isIntact } from '../checksum.js';
import { decodeMeta, META_KEY } from '../meta.js';
import { TABLES, type TableName, VERSION_OF } from '../tables.js';
import { Damage, type DataFile, withDataFile } from './data-file.js';
import { checkFreePages } from './free-pages.js';
import { type Pages, pagesOf } from './pages.js';
import { readSnapshot, TREE_RECORD_BYTES, type TreeRecord, treeRecord } from './root-pages.js';
import { IS_TREE, walkTree } from './walk-tree.js';

/** What LMDB notes of a table whose entries have versions, and how long those are. */
const HAS_VERSIONS = 0x100;
const VERSION_BYTES = 8;

/**
 * Reads all that LMDB would read of a data file that no process has open: trees, free pages, and
 * each value with its checksum. Throws, and says what is wrong, if any of it is not as it was
 * written. LMDB itself trusts the file: damage would end the process, or hide servers.
 */
export function checkData(path: string): void {
  try {
    withDataFile(path, checkFile);
  } catch (cause) {
    if (!(cause instanceof Damage)) throw cause;
    throw new Error(
      `${path} is damaged: ${cause.message}; nothing was changed: ` +
        'restore a backup of its folder, and check the disk',
      { cause },
    );
  }
}

function checkFile(file: DataFile): void {
  const pages = pagesOf(file, readSnapshot(file));
  const tables = readTables(pages);
  const meta = tables.get('meta');
  // The first transaction makes it; a new file may have ended before.
  if (meta !== undefined) checkMeta(pages, meta);
  for (const [name, tree] of tables) {
    if (name !== 'meta') checkTable(pages, name as TableName, tree);
  }
  checkFreePages(pages);
}

function readTables(pages: Pages): ReadonlyMap<string, TreeRecord> {
  const tables = new Map<string, TreeRecord>();
  walkTree(pages, pages.snapshot.main, {
    visit: (key, value, flags) => {
      if (flags !== IS_TREE || value.length !== TREE_RECORD_BYTES) {
        throw new Damage('its list of tables is broken');
      }
      tables.set(key.toString('latin1').replace(/\0$/, ''), treeRecord(value, 0));
    },
  });
  return tables;
}

function checkMeta(pages: Pages, tree: TreeRecord): void {
  walkTree(pages, tree, {
    visit: (key, value) => {
      if (!key.equals(META_KEY) || decodeMeta(value.toString()) === undefined) {
        throw new Damage('its format entry is damaged');
      }
    },
  });
}

function checkTable(pages: Pages, name: TableName, tree: TreeRecord): void {
  if (!TABLES.includes(name)) throw new Damage(`it has an unknown table ${JSON.stringify(name)}`);
  const versionOf = VERSION_OF[name];
  if (tree.flags !== (versionOf === undefined ? 0 : HAS_VERSIONS)) {
    throw new Damage(`its table ${name} has unknown flags`);
  }
  const isWhole = (key: Buffer, value: Buffer): boolean => {
    if (versionOf === undefined) return isIntact(key, value);
    const text = checkedText(key, value.toString('utf8', VERSION_BYTES));
    return text !== undefined && value.readDoubleLE() === versionOf(text);
  };
  walkTree(pages, tree, {
    visit: (key, value) => {
      if (!isWhole(key, value))
        throw new Damage(`a value in its table ${name} has a wrong checksum`);
    },
  });
}
