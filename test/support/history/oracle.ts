import type { Commit } from '../../../src/domain/commit.js';
import type { LoadRecord } from '../../../src/domain/load-record.js';
import type { StoredServer } from '../../../src/domain/server.js';
import { viewKey, type View } from '../../../src/domain/view.js';
import type { Catalog } from '../../../src/storage/catalog.js';
import { readLog } from '../storage/builders.js';
import { seenIn, serverAfter } from './rule.js';

/** What a view holds: the revision of the content by server id. */
export type Contents = ReadonlyMap<string, number>;

/**
 * What every view holds at every revision, from the Catalog's commits alone. It is what
 * the recorded streams are measured by.
 */
export class Oracle {
  private readonly states: ReadonlyMap<string, StoredServer>[] = [new Map()];
  private readonly contents = new Map<string, Contents>();
  private readonly loads: ReadonlyMap<string, LoadRecord>[] = [new Map()];

  /** The newest revision it knows. */
  get head(): number {
    return this.states.length - 1;
  }

  /** Reads what the log has since the last call; before a compaction, that is. */
  async extend(catalog: Catalog, tenant: string): Promise<void> {
    this.add(await readLog(catalog, tenant, this.head));
  }

  /** Adds commits; those that it knows are skipped. */
  add(commits: readonly Commit[]): void {
    for (const commit of commits) {
      if (commit.revision <= this.head) continue;
      if (commit.revision !== this.head + 1) throw new Error('the log has a hole');
      const state = new Map(this.states[this.head]);
      for (const change of commit.changes) {
        const id = (change.after ?? change.before)?.id ?? '';
        const after = serverAfter(state.get(id), change);
        if (after === undefined) state.delete(id);
        else state.set(id, after);
      }
      this.states.push(state);
      const touched = (commit.loads ?? []).map(({ after }) => [after.user, after] as const);
      this.loads.push(new Map([...this.loadsAt(commit.revision - 1), ...touched]));
    }
  }

  /** The servers at a revision. */
  serversAt(revision: number): readonly StoredServer[] {
    const state = this.states[revision];
    if (state === undefined) throw new Error(`the oracle ends at ${String(this.head)}`);
    return [...state.values()];
  }

  /** The load records at a revision, by user. */
  loadsAt(revision: number): ReadonlyMap<string, LoadRecord> {
    return this.loads[revision] ?? new Map<string, LoadRecord>();
  }

  /** Servers that are gone, by id: the name that they had then, and the revision, the newest first. */
  deleted(): ReadonlyMap<string, { readonly name: string; readonly revision: number }> {
    const gone = new Map<string, { readonly name: string; readonly revision: number }>();
    for (let revision = this.head; revision > 0; revision -= 1) {
      for (const { record } of this.serversAt(revision - 1)) {
        const { id, name } = record;
        const isThere = this.states[revision]?.has(id) === true || this.states[this.head]?.has(id);
        if (isThere !== true && !gone.has(id)) gone.set(id, { name, revision });
      }
    }
    return gone;
  }

  /** What the view holds at a revision. */
  viewAt(view: View, revision: number): Contents {
    const key = `${String(revision)} ${viewKey(view)}`;
    const known = this.contents.get(key);
    if (known !== undefined) return known;
    const servers = this.serversAt(revision);
    const seen = view.kind === 'inventory' ? servers : seenIn(servers, view);
    const contents = new Map(seen.map(({ record }) => [record.id, record.revision]));
    this.contents.set(key, contents);
    return contents;
  }

  /** Whether the commit of a revision shows the view anything. */
  changesView(view: View, revision: number): boolean {
    return !sameContents(this.viewAt(view, revision - 1), this.viewAt(view, revision));
  }
}

/** Whether both hold the same servers at the same revisions. */
export function sameContents(a: Contents, b: Contents): boolean {
  return a.size === b.size && [...a].every(([id, version]) => b.get(id) === version);
}

/** For people: what is in one and not in the other. */
export function describeContents(contents: Contents): string {
  return [...contents]
    .map(([id, version]) => `${id}@${String(version)}`)
    .sort()
    .join(' ');
}
