import { digestText } from '../../../src/domain/digest.js';
import type { CommitDraft, Position } from '../../../src/domain/commit.js';
import type { Grant, StoredServer } from '../../../src/domain/server.js';
import type { Subject } from '../../../src/domain/view.js';
import type { Catalog } from '../../../src/storage/catalog.js';
import { isTombstone } from '../../../src/storage/projections.js';
import { batchOf, changeOf, draftOf } from '../storage/builders.js';
import { findServer } from '../storage/reads.js';

/** Who gains and who loses sight of a server. */
export interface AccessList {
  readonly grant?: readonly Subject[];
  readonly revoke?: readonly Subject[];
}

/**
 * Changes the access of a PRIVATE server by a commit put straight into the log, as another
 * replica would. Who has a grant already keeps it with its revision. Answers the place of
 * the commit; undefined if there is no such server or nothing would change.
 */
export async function changeAccess(
  catalog: Catalog,
  target: { readonly tenant: string; readonly id: string },
  access: AccessList,
): Promise<Position | undefined> {
  const { tenant, id } = target;
  for (;;) {
    const after = await catalog.log.head(tenant);
    const { value, to } = await findServer(catalog, tenant, id, { atLeast: after.revision });
    if (to !== after.revision) continue;
    if (value === undefined || isTombstone(value)) return undefined;
    const draft = accessDraft(value, access, after.revision + 1);
    if (draft === undefined) return undefined;
    const { appended, head } = await catalog.log.append(tenant, batchOf(after, [draft]));
    if (appended) return head;
  }
}

function accessDraft(
  { record, grants }: StoredServer,
  { grant = [], revoke = [] }: AccessList,
  revision: number,
): CommitDraft | undefined {
  const has = new Set(grants.map(({ subject }) => subject));
  const granted: Grant[] = [...new Set(grant)]
    .filter((subject) => !has.has(subject))
    .map((subject) => ({ subject, revision }));
  const revoked = grants.filter(({ subject }) => revoke.includes(subject));
  if (record.tier !== 'PRIVATE' || granted.length + revoked.length === 0) return undefined;
  const accessEtag = digestText('access', record.id, String(revision));
  const after = { ...record, accessEtag, revision };
  return draftOf(changeOf(record, after, { granted, revoked }));
}
