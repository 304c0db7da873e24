import type { Change } from '../../../src/domain/commit.js';
import type { ServerRecord } from '../../../src/domain/server.js';
import type { Services } from '../../../src/services/create-services.js';
import type { DemoteInput, PromoteInput } from '../../../src/services/writes/move-servers.js';
import type { Catalog } from '../../../src/storage/catalog.js';
import { requestOf, TENANT, type Replica } from './world.js';
import { appendAtHead, draftOf, recordOf, type RecordParts } from '../storage/builders.js';

type On = Pick<Replica, 'services'>;

interface More {
  readonly requestId?: string;
  readonly validateOnly?: boolean;
  readonly reason?: string;
}

const optionsOf = ({ requestId = '', validateOnly = false, reason = '' }: More) => ({
  requestId,
  validateOnly,
  reason,
});

/** Replaces the access list of a server. */
export function setAccess(
  { services }: On,
  { id, accessEtag }: Pick<ServerRecord, 'id' | 'accessEtag'>,
  { subjects, ...more }: More & { readonly subjects: readonly string[] },
): ReturnType<Services['setAccess']> {
  return services.setAccess(requestOf(), { id, accessEtag, subjects, ...optionsOf(more) });
}

/** Grants a server to subjects. */
export function grant(
  { services }: On,
  { id }: Pick<ServerRecord, 'id'>,
  { subjects, ...more }: More & { readonly subjects: readonly string[] },
): ReturnType<Services['grantAccess']> {
  return services.grantAccess(requestOf(), { id, subjects, ...optionsOf(more) });
}

/** Takes a server back from subjects. */
export function revoke(
  { services }: On,
  { id }: Pick<ServerRecord, 'id'>,
  { subjects, ...more }: More & { readonly subjects: readonly string[] },
): ReturnType<Services['revokeAccess']> {
  return services.revokeAccess(requestOf(), { id, subjects, ...optionsOf(more) });
}

/** One page of who has access. */
export function grantsOf(
  { services }: On,
  { id }: Pick<ServerRecord, 'id'>,
  { pageSize = 0, pageToken = '', atLeast = '' } = {},
): ReturnType<Services['listGrants']> {
  return services.listGrants(requestOf(), { id, pageSize, pageToken, atLeast });
}

/** Makes a private server a USER one unless told otherwise, hiding those of others. */
export function promote(
  { services }: On,
  { id, etag }: Pick<ServerRecord, 'id' | 'etag'>,
  more: Partial<PromoteInput> = {},
): ReturnType<Services['promoteServer']> {
  return services.promoteServer(requestOf(), {
    id,
    etag,
    tier: 'USER',
    policy: 'shadow',
    ...optionsOf({}),
    ...more,
  });
}

/** Makes a shared server a private one. */
export function demote(
  { services }: On,
  { id, etag }: Pick<ServerRecord, 'id' | 'etag'>,
  more: Partial<DemoteInput> & Pick<DemoteInput, 'owner'>,
): ReturnType<Services['demoteServer']> {
  return services.demoteServer(requestOf(), { id, etag, subjects: [], ...optionsOf({}), ...more });
}

/** Puts a server of a private source into the log, as loading it does. */
export async function loadManaged(
  catalog: Catalog,
  parts: RecordParts & { readonly owner: string },
): Promise<ServerRecord> {
  const { revision } = await catalog.log.head(TENANT);
  const plain = recordOf({ ...parts, revision: revision + 1 });
  const record: ServerRecord = { ...plain, privateSource: 'db', externalId: `row-${plain.id}` };
  await appendAtHead(
    catalog,
    TENANT,
    draftOf({ after: record } satisfies Change, { cause: 'LOAD' }),
  );
  return record;
}
