import { InspectServerRequest } from '../../../generated/switchboard/v1/registry_service.js';
import { InspectionFailureReason, Tier } from '../../../generated/switchboard/v1/server.js';
import { gzipBomb, writeForever } from '../../support/mcp/floods.js';
import { answer, tools, type OddBehaviour } from '../../support/mcp/odd-http.js';
import { declare, httpSpec, serverOf } from '../../support/grpc-admin/grpc-admin.js';
import { call } from '../../support/grpc/unary-call.js';
import type { Attack } from '../attack.js';
import { bearer } from '../lab/bearer.js';
import { startAttacked, TOKENS, type AttackedControlPlane } from '../lab/control-plane.js';
import { openOdd } from '../lab/node.js';

const MIB = 2 ** 20;
const JSON_TYPE = { 'content-type': 'application/json' };

interface InspectionAttack extends Pick<Attack, 'name' | 'about' | 'held'> {
  /** Makes what is expensive to make before the attack. */
  readonly behave: () => OddBehaviour | Promise<OddBehaviour>;
}

/** A server that the control plane inspects. */
function inspectionAttack({ behave, ...rest }: InspectionAttack): Attack {
  return {
    ...rest,
    defence: 'The inspector has the limits of a node, and tells of an excess as a failure.',
    target: 'control plane',
    maxGrowthMiB: 128,
    async open(lab) {
      const { url } = await openOdd(lab, await behave());
      const attacked = await startAttacked(lab, { flags: { inspect: 'true' } });
      return { ...attacked, attack: () => inspect(attacked, url) };
    },
  };
}

async function inspect({ as }: AttackedControlPlane, url: string): Promise<string> {
  const admin = as(TOKENS.admin);
  const spec = httpSpec(url);
  const { id } = await declare(admin, 'default', { name: 'hostile', tier: Tier.TIER_APP, spec });
  const request = InspectServerRequest.fromPartial({ tenant: 'default', id });
  const extras = {
    options: { deadline: Date.now() + 50_000 },
    metadata: bearer(TOKENS.admin),
  };
  const { facts } = serverOf(await call(admin.registry, 'inspectServer', request, extras));
  if (facts?.failure === undefined) return 'inspected';
  return `${InspectionFailureReason[facts.failure.reason]}: ${facts.failure.message}`;
}

/** Servers that the control plane inspects by itself. */
export const INSPECTION_ATTACKS: readonly Attack[] = [
  inspectionAttack({
    name: 'inspection: an endless error',
    about: 'A status 400 has a body that never ends.',
    held: /INVALID_ANSWER/,
    behave:
      () =>
      ({ response }) => {
        response.writeHead(400, { 'content-type': 'text/plain' });
        void writeForever(response, 'x'.repeat(64 * 1_024));
        return true;
      },
  }),
  inspectionAttack({
    name: 'inspection: a gzip bomb',
    about: 'The list of tools is 400 KB that decompress to 400 MB.',
    held: /TOO_LARGE/,
    behave: async () => {
      const bomb = await gzipBomb('{"jsonrpc":"2.0",', 400);
      return ({ rpc, response }) => {
        if (rpc?.method !== 'tools/list') return false;
        response.writeHead(200, { ...JSON_TYPE, 'content-encoding': 'gzip' }).end(bomb);
        return true;
      };
    },
  }),
  inspectionAttack({
    name: 'inspection: a schema nested 200,000 deep',
    about: 'The schema of a tool is nested 200,000 deep.',
    held: /TOO_LARGE/,
    behave:
      () =>
      ({ rpc, response }) => {
        if (rpc?.method !== 'tools/list') return false;
        const schema = `${'{"items":'.repeat(200_000)}{}${'}'.repeat(200_000)}`;
        const result = `{"tools":[{"name":"tool","inputSchema":${schema}}]}`;
        response.writeHead(200, JSON_TYPE);
        response.end(`{"jsonrpc":"2.0","id":${String(rpc.id)},"result":${result}}`);
        return true;
      },
  }),
  inspectionAttack({
    name: 'inspection: pages of tools without an end',
    about: 'The list of tools has one page of 4 MB after the other.',
    held: /TOO_LARGE/,
    behave: () => (exchange) => {
      if (exchange.rpc?.method !== 'tools/list') return false;
      const page = Number(exchange.rpc.params?.['cursor'] ?? 0);
      const [tool] = tools(1, page);
      const description = 'x'.repeat(4 * MIB);
      return answer(exchange, { tools: [{ ...tool, description }], nextCursor: String(page + 1) });
    },
  }),
];
