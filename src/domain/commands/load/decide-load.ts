import type { Change } from '../../commit.js';
import {
  accessEtagOf,
  declarationOf,
  deletionOf,
  laterThan,
  newRecord,
  nextVersion,
  type Decision,
  type DecisionContext,
  type RecordMeta,
} from '../decide.js';
import { canonicalJson } from '../../digest.js';
import { SwitchboardError } from '../../errors.js';
import { MAX_REFUSED_ROWS, type LoadRecord, type RefusedRow } from '../../load-record.js';
import { grantTo, type Declaration, type ServerRecord, type StoredServer } from '../../server.js';
import { userSubject } from '../../view.js';
import { refusedNames } from './names.js';
import { checkRows, isKept, type LoadedRow, type SourceRights } from './rows.js';
import { sightAfterLoad } from './sight.js';
import { sourceOfLoad } from './source.js';

/** The deletion of a server, after which a row that comes back goes on. */
export interface Deletion {
  readonly revision: number;
  /** A deletion counts as a version. */
  readonly generation: number;
  readonly createTime: number;
  readonly lastUpdatedAt: number;
}

/** What a source returned for a user. */
export interface LoadIntent {
  readonly user: string;
  readonly rights: SourceRights;
  readonly rows: readonly LoadedRow[];
  /** The confirmed head before the source was asked (rule 22). */
  readonly since: number;
  /** The user's own grants at `since`: their revisions by server id. */
  readonly grants: ReadonlyMap<string, number>;
  /** Of rows whose servers were deleted and do not exist now. By server id. */
  readonly deletions: ReadonlyMap<string, Deletion>;
  /** Whether somebody asked for this load: it then also ends a purge. */
  readonly isForced: boolean;
}

/**
 * Publishes a load as one commit: the differences between what the source returned and
 * what the user sees of the source, and the load record, which is touched also when nothing
 * else changes (rule 23). Throws LOAD_CONFLICT if the load record, a grant of the user, or a
 * server whose content the load would change was changed after `since` (rule 22),
 * USER_PURGED, SOURCE_DIFFERS and SOURCE_REMOVED.
 */
export function decideLoad(context: DecisionContext, intent: LoadIntent): Decision {
  const { state, after, now } = context;
  const { user, rights, since } = intent;
  const source = sourceOfLoad(state.privateSource(), rights, after.revision + 1);
  const before = state.loadOf(user);
  demandUnchanged(before, since);
  if (before?.state === 'purged' && !intent.isForced) throw new SwitchboardError('USER_PURGED');
  const plan = planLoad(context, intent);
  const changes = changesOf(context, intent, plan);
  const load: LoadRecord = {
    user,
    state: 'loaded',
    revision: after.revision + 1,
    source: rights.namespace,
    loadTime: now,
    serverCount: plan.accepted.size + plan.keptCount,
    refused: plan.refused.slice(0, MAX_REFUSED_ROWS),
    refusedCount: plan.refused.length,
  };
  const touched = before === undefined ? { after: load } : { before, after: load };
  return { cause: 'LOAD', changes, loads: [touched], ...(source && { source }) };
}

interface LoadPlan {
  readonly accepted: ReadonlyMap<string, Declaration>;
  /** Servers of the source that the user sees and the source no longer has. */
  readonly gone: readonly StoredServer[];
  /** So many stay as they are because their rows were refused. */
  readonly keptCount: number;
  readonly refused: readonly RefusedRow[];
}

function planLoad(
  { state, transportPolicy }: DecisionContext,
  { user, rights, rows }: LoadIntent,
): LoadPlan {
  const checked = checkRows(rows, { user, rights, transportPolicy });
  const known = [...state.privateOf(userSubject(user))].filter(
    ({ record }) => record.privateSource === rights.namespace,
  );
  const stays = ({ record }: StoredServer): boolean =>
    checked.accepted.has(record.id) || isKept(record, checked);
  const gone = known.filter((server) => !stays(server));
  const deleted = new Set(gone.filter((server) => isOwned(server, user)).map(idOf));
  const unnamed = refusedNames(state, checked.accepted, deleted);
  const accepted = new Map([...checked.accepted].filter(([id]) => !unnamed.has(id)));
  const refused = [...unnamed].map(([id, { reason, message }]): RefusedRow => {
    const { externalId, name } = checked.accepted.get(id) ?? { externalId: '', name: '' };
    return { rowId: externalId, name, reason, message };
  });
  return {
    accepted,
    gone,
    keptCount: known.filter((server) => stays(server) && !accepted.has(idOf(server))).length,
    refused: [...checked.refused, ...refused],
  };
}

function changesOf(context: DecisionContext, intent: LoadIntent, plan: LoadPlan): Change[] {
  const brought = [...plan.accepted].flatMap(([id, declared]) => {
    const server = context.state.byId(id);
    const change =
      server === undefined
        ? creation(context, intent, { id, declared })
        : alteration(context, intent, { server, declared });
    return change === undefined ? [] : [change];
  });
  return [...brought, ...plan.gone.map((server) => removal(context, intent, server))];
}

function creation(
  context: DecisionContext,
  { user, deletions, since }: LoadIntent,
  { id, declared }: { readonly id: string; readonly declared: Declaration },
): Change {
  const revision = context.after.revision + 1;
  const deletion = deletions.get(id);
  demandUnchanged(deletion, since);
  const owner = declared.owner ?? user;
  const access = sightAfterLoad(undefined, { user, owner, revision });
  const record = newRecord(context, declared, metaAfter(id, deletion, context.now));
  return { after: record, ...(access === undefined ? {} : { access }) };
}

function metaAfter(id: string, deletion: Deletion | undefined, now: number): RecordMeta {
  if (deletion === undefined) return { id, generation: 1, createTime: now, lastUpdatedAt: now };
  const { generation, createTime, lastUpdatedAt } = deletion;
  return {
    id,
    generation: generation + 1,
    createTime,
    lastUpdatedAt: laterThan(lastUpdatedAt, now),
  };
}

function alteration(
  context: DecisionContext,
  intent: LoadIntent,
  { server, declared }: { readonly server: StoredServer; readonly declared: Declaration },
): Change | undefined {
  const { after } = context;
  const { user, since } = intent;
  const { record: before } = server;
  demandSameGrant(server, intent);
  const isSame = canonicalJson(declarationOf(declared)) === canonicalJson(declarationOf(before));
  // What declares the same is the same, whoever brought it: users who share a row meet here.
  if (!isSame) demandUnchanged(before, since);
  const owner = declared.owner ?? user;
  const access = sightAfterLoad(server, { user, owner, revision: after.revision + 1 });
  if (isSame && access === undefined) return undefined;
  const record = isSame ? touched(context, before) : nextVersion(context, before, declared);
  if (access === undefined) return { before, after: record };
  return { before, after: { ...record, accessEtag: accessEtagOf(after, before.id) }, access };
}

/** What the user no longer has: its own server is deleted, a grant of another's ends. */
function removal(context: DecisionContext, intent: LoadIntent, server: StoredServer): Change {
  const { user, since } = intent;
  const { record: before } = server;
  demandSameGrant(server, intent);
  if (isOwned(server, user)) {
    demandUnchanged(before, since);
    return deletionOf(server);
  }
  const grant = grantTo(server, userSubject(user));
  const accessEtag = accessEtagOf(context.after, before.id);
  return {
    before,
    after: { ...touched(context, before), accessEtag },
    access: { granted: [], revoked: grant === undefined ? [] : [grant] },
  };
}

function touched({ after }: DecisionContext, record: ServerRecord): ServerRecord {
  return { ...record, revision: after.revision + 1 };
}

function demandUnchanged(found: { readonly revision: number } | undefined, since: number): void {
  if (found !== undefined && found.revision > since) throw new SwitchboardError('LOAD_CONFLICT');
}

function demandSameGrant(server: StoredServer, { user, grants }: LoadIntent): void {
  const grant = grantTo(server, userSubject(user));
  if (grant?.revision !== grants.get(idOf(server))) throw new SwitchboardError('LOAD_CONFLICT');
}

function isOwned({ record }: StoredServer, user: string): boolean {
  return record.owner === user;
}

function idOf({ record }: StoredServer): string {
  return record.id;
}
