import type { Position } from '../../domain/commit.js';
import type { Services } from '../../services/create-services.js';
import type { RequestContext } from '../../services/request.js';
import type { UpstreamStatus } from '../../services/replica/upstream.js';
import type { HeaderFacts } from '../../wire/view-codec.js';
import type { CallContext } from '../grpc/call-context.js';

/** What handlers work with. */
export interface HandlerDeps {
  readonly services: Services;
  /** Name of this replica in its answers. */
  readonly servedBy: string;
}

/** The context of a use case, from that of a call. */
export function requestContext(call: CallContext, tenant: string): RequestContext {
  return { caller: call.caller, tenant, signal: call.signal, waitMs: call.deadlineMs };
}

/** What the header of an answer tells. */
export function headerFacts(
  { tenant, servedBy, view }: Pick<HeaderFacts, 'tenant' | 'servedBy' | 'view'>,
  { position, upstream }: { readonly position: Position; readonly upstream: UpstreamStatus },
): HeaderFacts {
  return { tenant, servedBy, view, position, upstream };
}
