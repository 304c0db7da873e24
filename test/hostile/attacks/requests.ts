import {
  ApplyServersRequest,
  BatchGetServersRequest,
  CreateServerRequest,
  UpdateServerRequest,
} from '../../../generated/switchboard/v1/registry_service.js';
import { Server, Tier } from '../../../generated/switchboard/v1/server.js';
import { APP, httpSpec, stdioSpec, toRefusal } from '../../support/grpc-admin/grpc-admin.js';
import { callRaw } from '../../support/grpc-admin/raw.js';
import { failureOf } from '../../support/grpc/unary-call.js';
import type { Attack } from '../attack.js';
import { bearer } from '../lab/bearer.js';
import { startAttacked, TOKENS } from '../lab/control-plane.js';

const SERVICE = '/switchboard.v1.RegistryService';
/** As large as a peer can make a request without being noticed for its size alone. */
const BYTES = 512 * 1_024;

interface RequestAttack extends Pick<Attack, 'name' | 'about' | 'defence' | 'held'> {
  readonly method: string;
  readonly token: string;
  readonly message: () => Uint8Array;
}

/** One request that is expensive to refuse. */
function requestAttack({ method, token, message, ...rest }: RequestAttack): Attack {
  return {
    ...rest,
    target: 'control plane',
    maxGrowthMiB: 64,
    async open(lab) {
      const { as, ...attacked } = await startAttacked(lab);
      const bytes = Buffer.from(message());
      const client = as(token).registry;
      return {
        ...attacked,
        attack: async () => {
          const call = callRaw(client, `${SERVICE}/${method}`, bytes, bearer(token));
          return toRefusal(await failureOf(call)).reason;
        },
      };
    },
  };
}

function server(rest: object = {}): Server {
  const spec = httpSpec('https://tools.example/mcp');
  return Server.fromPartial({ name: 'new', tier: Tier.TIER_APP, spec, ...rest });
}

function repeat<T>(count: number, item: T): T[] {
  return Array.from({ length: count }, () => item);
}

function update(
  paths: readonly string[],
  spec = httpSpec('https://tools.example/mcp'),
): Uint8Array {
  const message = UpdateServerRequest.fromPartial({
    server: server({ id: 'a', etag: 'e', spec }),
    updateMask: [...paths],
  });
  return UpdateServerRequest.encode(message).finish();
}

const AUTHORIZED_FIRST = 'Role and tenant are checked on the bytes, before a request is decoded.';
const FIELDS = 'Each method has a limit in bytes, and a request a limit of 200,000 fields.';

/** Requests that cost more to refuse than to send. */
export const REQUEST_ATTACKS: readonly Attack[] = [
  requestAttack({
    name: 'update mask of 40,000 paths',
    about: 'UpdateServer by a reader of another tenant, with a mask of 40,000 times `spec.oauth`.',
    defence: AUTHORIZED_FIRST,
    held: /^PERMISSION_DENIED$/,
    method: 'UpdateServer',
    token: TOKENS.foreign,
    message: () => update(repeat(40_000, 'spec.oauth')),
  }),
  requestAttack({
    name: 'update mask beside 2,000 labels',
    about:
      'UpdateServer by a reader of another tenant, with 5,000 times `spec.title` beside a spec of ' +
      '2,000 labels.',
    defence: AUTHORIZED_FIRST,
    held: /^PERMISSION_DENIED$/,
    method: 'UpdateServer',
    token: TOKENS.foreign,
    message: () => {
      const labels = new Map(repeat(2_000, '').map((_, n) => [`label-${String(n)}`, 'x']));
      return update(repeat(5_000, 'spec.title'), httpSpec('https://tools.example/mcp', { labels }));
    },
  }),
  requestAttack({
    name: 'apply of empty servers',
    about: 'ApplyServers by an administrator with 512 KiB of empty servers.',
    defence: FIELDS,
    held: /^REQUEST_TOO_LARGE$/,
    method: 'ApplyServers',
    token: TOKENS.admin,
    message: () => {
      const message = ApplyServersRequest.fromPartial({
        set: 'hostile',
        servers: repeat(BYTES / 2, {}),
      });
      return ApplyServersRequest.encode(message).finish();
    },
  }),
  requestAttack({
    name: 'batch of empty keys',
    about: 'BatchGetServers by a reader with 512 KiB of empty keys.',
    defence: FIELDS,
    held: /^REQUEST_TOO_LARGE$/,
    method: 'BatchGetServers',
    token: TOKENS.reader,
    message: () => {
      const message = BatchGetServersRequest.fromPartial({
        view: APP,
        keys: repeat(BYTES / 2, {}),
      });
      return BatchGetServersRequest.encode(message).finish();
    },
  }),
  requestAttack({
    name: 'arguments with unclosed references',
    about: 'CreateServer by an administrator with 512 KiB of arguments like `${x`.',
    defence: 'At most 100 violations are listed, and looking for them costs what the size costs.',
    held: /^INVALID_FIELD$/,
    method: 'CreateServer',
    token: TOKENS.admin,
    message: () => {
      const spec = stdioSpec('node', {
        transport: { $case: 'stdio', value: { command: 'node', args: repeat(BYTES / 5, '${x') } },
      });
      const message = CreateServerRequest.fromPartial({ server: server({ spec }) });
      return CreateServerRequest.encode(message).finish();
    },
  }),
];
