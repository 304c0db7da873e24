import type { Commit } from '../../../src/domain/commit.js';
import { SwitchboardError } from '../../../src/domain/errors.js';
import { SPEC_DEFAULTS } from '../../../src/domain/config/spec.js';
import type { Catalog } from '../../../src/storage/catalog.js';
import type {
  PrivateSource,
  SourceRow,
} from '../../../src/services/private-loads/private-source.js';
import { idOfSourceRow } from '../loads/row-ids.js';
import type { Random } from '../random.js';

const ROWS = ['r0', 'r1', 'r2', 'r3', 'r4'];

interface Row {
  readonly name: string;
  readonly owner: string;
  readonly allowed: readonly string[];
  /** Greater than of every row before. */
  readonly version: number;
  readonly isBroken: boolean;
}

/** A question of a load, and what the database had to say in that moment. */
export interface Ask {
  readonly user: string;
  /** The head of the log then: what the load was thrown away by came later. */
  readonly head: number;
  readonly rows: readonly SourceRow[];
}

/**
 * The application's database of its users' servers, as a private source that is slow, or
 * down, when the test wants it. Every change of a row makes a version that never was.
 */
export class TestDatabase implements PrivateSource {
  readonly name = 'app-db';
  readonly asks: Ask[] = [];
  isDown = false;
  private readonly rows = new Map<string, Row>();
  private readonly catalog: Catalog;
  private readonly tenant: string;
  private versions = 0;
  private waiting: (() => void)[] = [];
  private isSlow = false;

  constructor(catalog: Catalog, tenant: string) {
    this.catalog = catalog;
    this.tenant = tenant;
  }

  /** Changes a row, makes one or takes one away. */
  change(random: Random, names: readonly string[], users: readonly string[]): void {
    const id = random.pick(ROWS);
    if (random.oneIn(4)) {
      this.rows.delete(id);
      return;
    }
    this.rows.set(id, {
      name: random.pick(names),
      owner: random.pick(users),
      allowed: random.some(users),
      version: (this.versions += 1),
      isBroken: random.oneIn(8),
    });
  }

  async load({ user }: { readonly user: string }): Promise<readonly SourceRow[]> {
    const rows = [...this.rows]
      .filter(([, { owner, allowed }]) => owner === user || allowed.includes(user))
      .map(toSourceRow);
    const { revision: head } = await this.catalog.log.head(this.tenant);
    this.asks.push({ user, head, rows });
    if (this.isSlow) await new Promise<void>((resolve) => this.waiting.push(resolve));
    if (this.isDown) throw new SwitchboardError('SOURCE_UNAVAILABLE');
    return rows;
  }

  /** Questions wait from now on, until they are let go. */
  slow(): void {
    this.isSlow = true;
  }

  /** Answers one of the questions that wait, not always the oldest. */
  answerOne(random: Random): void {
    const [answer] = this.waiting.splice(random.below(this.waiting.length), 1);
    answer?.();
  }

  /** Answers all that wait, and is fast and up again. */
  recover(): void {
    this.isSlow = false;
    this.isDown = false;
    for (const answer of this.waiting.splice(0)) answer();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function toSourceRow([rowId, { name, owner, version, isBroken }]: [string, Row]): SourceRow {
  if (isBroken) return { rowId, name, owner, content: new SwitchboardError('ROW_BROKEN') };
  const transport = {
    kind: 'streamable_http',
    url: 'https://db.example/mcp',
    headers: {},
  } as const;
  const title = `v${String(version)}`;
  return { rowId, name, owner, content: { ...SPEC_DEFAULTS, transport, title } };
}

/** The version that the content of a server from the database names. */
export function versionOf({ spec }: { readonly spec: { readonly title: string } }): number {
  return Number(spec.title.slice(1));
}

/** The server that a row is. */
export function idOfRow({ rowId }: Pick<SourceRow, 'rowId'>): string {
  return idOfSourceRow('app-db', rowId);
}

/**
 * Where a log brings back of the database what it had left behind: an older version, or one
 * that was taken away, though not by the purge of a user.
 */
export function returnsOf(log: readonly Commit[]): readonly string[] {
  const last = new Map<string, { readonly version: number; readonly isGone: boolean }>();
  const found: string[] = [];
  for (const { revision, cause, changes } of log) {
    for (const { before, after } of changes) {
      const record = after ?? before;
      if (record?.privateSource !== 'app-db') continue;
      const { id } = record;
      const [known, version] = [last.get(id), versionOf(record)];
      const isGone = after === undefined && cause !== 'PURGE';
      if (known !== undefined && after !== undefined) {
        const isBack = version < known.version || (known.isGone && version === known.version);
        if (isBack)
          found.push(`${id} is at version ${String(version)} again by ${String(revision)}`);
      }
      last.set(id, { version, isGone });
    }
  }
  return found;
}
