import type { SetItem } from '../../../src/domain/commands/apply.js';
import { nameOf } from '../../../src/domain/commands/decide.js';
import type { ShadowPolicy } from '../../../src/domain/commands/shadow.js';
import { SwitchboardError } from '../../../src/domain/errors.js';
import type { ServerRecord } from '../../../src/domain/server.js';
import type { View } from '../../../src/domain/view.js';
import type { ApplyInput } from '../../../src/services/writes/apply/apply-job.js';
import type { AppliedSet } from '../../../src/services/writes/apply/apply-result.js';
import type { Services } from '../../../src/services/create-services.js';
import type { Answer, RequestContext } from '../../../src/services/request.js';
import { declarationFor, requestOf, type Replica } from './world.js';
import type { RecordParts } from '../storage/builders.js';

type On = Pick<Replica, 'services'>;

/** An item of a set; without a tier it is USER, with an owner PRIVATE. */
export function itemOf(parts: RecordParts, etag = ''): SetItem {
  const declared = declarationFor(parts);
  const { set: _set, ...content } = declared;
  return { at: nameOf(declared), etag, content };
}

/** An item that could not be read. */
export function brokenItem(name: string): SetItem {
  return { at: { name }, etag: '', content: new SwitchboardError('INVALID_FIELD', 'broken') };
}

/** Applies servers as the set `set` unless told otherwise. */
export function apply(
  { services }: On,
  items: readonly SetItem[],
  more: Partial<Omit<ApplyInput, 'items'>> & { readonly context?: Partial<RequestContext> } = {},
): Promise<Answer<AppliedSet>> {
  const { context, ...rest } = more;
  return services.applyServers(requestOf(context), {
    set: 'set',
    items,
    prune: false,
    allOrNothing: false,
    takeOver: false,
    policy: 'fail',
    requestId: '',
    validateOnly: false,
    reason: '',
    ...rest,
  });
}

/** What became of each: the action, and the name or the reason. */
export function told({ value }: Answer<AppliedSet>): readonly string[] {
  return value.results.map(({ action, record, error }) =>
    [action, error?.reason ?? record?.name].join(' '),
  );
}

interface More {
  readonly requestId?: string;
  readonly validateOnly?: boolean;
  readonly reason?: string;
  readonly policy?: ShadowPolicy;
}

export function undelete(
  { services }: On,
  id: string,
  { requestId = '', validateOnly = false, reason = '', policy = 'fail' }: More = {},
): ReturnType<Services['undeleteServer']> {
  return services.undeleteServer(requestOf(), { id, policy, requestId, validateOnly, reason });
}

export function rollback(
  { services }: On,
  { id, etag }: Pick<ServerRecord, 'id' | 'etag'>,
  more: More & { readonly generation: number },
): ReturnType<Services['rollbackServer']> {
  const { requestId = '', validateOnly = false, reason = '', policy = 'fail', generation } = more;
  const options = { policy, requestId, validateOnly, reason };
  return services.rollbackServer(requestOf(), { id, etag, generation, ...options });
}

export function versions(
  { services }: On,
  id: string,
  { pageSize = 0, pageToken = '' } = {},
): ReturnType<Services['listServerVersions']> {
  return services.listServerVersions(requestOf(), { id, pageSize, pageToken });
}

export function explainName(
  { services }: On,
  view: View,
  name: string,
  atLeast = '',
): ReturnType<Services['explainAccess']> {
  return services.explainAccess(requestOf(), { view, name, atLeast });
}
