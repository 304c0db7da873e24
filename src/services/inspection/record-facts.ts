import { invalidField, SwitchboardError } from '../../domain/errors.js';
import type { OAuthNeed, ObservedFacts } from '../../domain/facts.js';
import { validateObserved } from '../../domain/observation.js';
import { LIMITS } from '../../domain/limits.js';
import { validateId, type Answer, type RequestContext } from '../request.js';
import type { Tenants } from '../tenants.js';
import { commitFacts } from './commit-facts.js';

export interface RecordFactsDeps {
  readonly tenants: Tenants;
}

/** What a node learned. */
export interface RecordFactsInput {
  readonly id: string;
  /** Of the configuration that the node connected with. */
  readonly configHash: string;
  readonly observedBy: string;
  readonly observed: ObservedFacts;
  /** Undefined: the node does not know. */
  readonly oauthNeed?: OAuthNeed;
}

/** Stores what a node learned; answers false if it was known, or of another configuration. */
export async function recordFacts(
  { tenants }: RecordFactsDeps,
  context: RequestContext,
  input: RecordFactsInput,
): Promise<Answer<boolean>> {
  const { id, configHash, observedBy, observed, oauthNeed } = input;
  validateId(id, 'id');
  validateId(observedBy, 'observation.observed_by');
  if (configHash === '' || configHash.length > LIMITS.id)
    throw invalidField(
      'observation.config_hash',
      'is required: that of the server when it was observed',
    );
  validateObserved(observed, 'observation');
  const tenant = await tenants.get(context.tenant);
  const result = {
    kind: 'observed',
    observed,
    ...(oauthNeed === undefined ? {} : { oauthNeed }),
  } as const;
  const finding = { id, configHash, observedBy, fromNode: true, result };
  const { written, record, position } = await commitFacts(
    tenant,
    finding,
    context.caller.principal,
  );
  if (record === undefined) throw new SwitchboardError('SERVER_NOT_FOUND', `no server ${id}`);
  return { value: written, position, upstream: tenant.upstream.status() };
}
