import type { AccessChange, Change } from '../commit.js';
import { newGrants } from './access.js';
import {
  accessEtagOf,
  creationOf,
  declarationOf,
  demandCurrent,
  demandTransport,
  redeclared,
  type Decision,
  type DecisionContext,
} from './decide.js';
import { SwitchboardError } from '../errors.js';
import { demandNoneHidden, hiddenBy, type ShadowPolicy } from './shadow.js';
import { isShared, type Declaration, type ServerRecord, type StoredServer } from '../server.js';
import type { ServerSpec } from '../config/spec.js';
import { sameDestination } from '../transport-policy.js';
import { validateDeclaration } from '../validate.js';
import type { Subject } from '../view.js';

/** What PromoteServer was asked to do. */
export interface PromoteIntent {
  readonly id: string;
  readonly etag: string;
  readonly tier: 'APP' | 'USER';
  /** Left out: the one it has. */
  readonly spec?: ServerSpec;
  /** What to do if the server would hide private ones. */
  readonly policy: ShadowPolicy;
  /** The servers that have the name; of more than `MAX_NAMESAKES` others, one more is enough. */
  readonly named: readonly StoredServer[];
  /** The id of the copy that a server of a private source is promoted by (rule 28). */
  readonly copyId: string;
}

/**
 * The PRIVATE server as a shared one; its grants end. One of a private source stays, and a
 * copy of it that belongs to nobody's source becomes the shared one. Throws SERVER_NOT_FOUND,
 * ETAG_MISMATCH, WRONG_TIER, INVALID_FIELD, NAME_TAKEN and WOULD_SHADOW.
 */
export function decidePromote(context: DecisionContext, intent: PromoteIntent): Decision {
  const server = demandCurrent(context.state, intent);
  const { record } = server;
  if (isShared(record)) throw wrongTier(record, 'it is shared already');
  const { owner: _owner, privateSource, ...rest } = declarationOf(record);
  const { tier, spec = record.spec } = intent;
  const declared: Declaration = { ...rest, tier, spec };
  validateDeclaration(declared, '');
  const change =
    privateSource === undefined
      ? moveOf(context, { before: record, declared }, { granted: [], revoked: server.grants })
      : creationOf(context, { ...declared, externalId: '' }, intent.copyId);
  if (intent.policy === 'fail') demandNoneHidden(hiddenBy(intent.id, intent.named));
  return { cause: 'PROMOTE', changes: [change] };
}

/** What DemoteServer was asked to do. */
export interface DemoteIntent {
  readonly id: string;
  readonly etag: string;
  readonly owner: string;
  /** Each once. */
  readonly subjects: readonly Subject[];
  /** Left out: the one it has. */
  readonly spec?: ServerSpec;
  /** Left out: the one it has. */
  readonly name?: string;
}

/**
 * The shared server as a PRIVATE one of `owner`, granted to the subjects. It may stay where it is,
 * whatever the transport policy says. Throws SERVER_NOT_FOUND, ETAG_MISMATCH, WRONG_TIER,
 * INVALID_FIELD, NAME_TAKEN, and TRANSPORT_NOT_ALLOWED with a spec that leads elsewhere.
 */
export function decideDemote(context: DecisionContext, intent: DemoteIntent): Decision {
  const { record } = demandCurrent(context.state, intent);
  if (!isShared(record)) throw wrongTier(record, 'it is PRIVATE already');
  const { owner, spec = record.spec, name = record.name } = intent;
  const declared: Declaration = { ...declarationOf(record), name, tier: 'PRIVATE', owner, spec };
  validateDeclaration(declared, '');
  const isExempt = sameDestination(record.spec, spec);
  if (!isExempt) demandTransport(context, declared);
  const granted = newGrants(context, { record: declared, grants: [] }, intent.subjects);
  const change = moveOf(context, { before: record, declared }, { granted, revoked: [] });
  const { after } = change;
  if (!isExempt || after === undefined) return { cause: 'DEMOTE', changes: [change] };
  return { cause: 'DEMOTE', changes: [{ ...change, after: { ...after, transportExempt: true } }] };
}

/** A move between PRIVATE and shared. Another audience, so another access etag. */
export function moveOf(
  context: DecisionContext,
  { before, declared }: { readonly before: ServerRecord; readonly declared: Declaration },
  access: AccessChange,
): Change {
  const accessEtag = accessEtagOf(context.after, before.id);
  const after = { ...redeclared(context, before, declared), accessEtag };
  const isListed = access.granted.length + access.revoked.length > 0;
  return { before, after, ...(isListed ? { access } : {}) };
}

function wrongTier({ id, tier }: ServerRecord, why: string): SwitchboardError {
  return new SwitchboardError('WRONG_TIER', `the server is ${tier}: ${why}`, {
    metadata: { id, tier },
  });
}
