import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServiceError } from '@grpc/grpc-js';
import type { ServerSpec } from '../../../generated/switchboard/v1/server.js';
import type { Lab } from '../../bench/lab/lab.js';
import {
  declarePrivate,
  httpSpec,
  stdioSpec,
  toRefusal,
} from '../../support/grpc-admin/grpc-admin.js';
import type { Attack } from '../attack.js';
import { startAttacked, TOKENS, type AttackedControlPlane } from '../lab/control-plane.js';

/** How long the control plane has to inspect what it was given. Milliseconds. */
const INSPECT_MS = 5_000;

/** Something that listens on loopback and should not be reached, and how often it was. */
interface Forbidden {
  readonly port: number;
  readonly requests: () => number;
}

async function openForbidden(lab: Lab): Promise<Forbidden> {
  let requests = 0;
  const http = createServer((_, response) => {
    requests += 1;
    response.writeHead(404).end();
  }).listen(0, '127.0.0.1');
  lab.defer(() => {
    http.close();
    http.closeAllConnections();
  });
  await once(http, 'listening');
  return { port: (http.address() as AddressInfo).port, requests: () => requests };
}

/** Writes private servers, and gives the inspector time. */
async function write(
  { as }: AttackedControlPlane,
  specs: readonly ServerSpec[],
  { requests }: Forbidden,
): Promise<string> {
  const admin = as(TOKENS.admin);
  const outcomes = await Promise.all(
    specs.map((spec, n) =>
      declarePrivate(admin, 'default', { name: `private-${String(n)}`, owner: 'ana', spec }).then(
        () => 'accepted',
        (error: unknown) => toRefusal(error as ServiceError).reason,
      ),
    ),
  );
  await sleep(INSPECT_MS);
  const accepted = outcomes.filter((outcome) => outcome === 'accepted').length;
  const others = [...new Set(outcomes.filter((outcome) => outcome !== 'accepted'))].join(', ');
  return `${String(accepted)} of ${String(specs.length)} accepted, ${String(requests())} requests arrived; ${others}`;
}

interface PrivateAttack extends Pick<Attack, 'name' | 'about' | 'held'> {
  readonly specs: (port: string) => readonly ServerSpec[];
}

/** Private servers where they may not be. */
function privateAttack({ specs, ...rest }: PrivateAttack): Attack {
  return {
    ...rest,
    defence: 'A policy says where private servers may be, when they are written and connected.',
    target: 'control plane',
    maxGrowthMiB: 64,
    async open(lab) {
      const forbidden = await openForbidden(lab);
      const attacked = await startAttacked(lab, { flags: { inspect: 'true' } });
      const all = specs(String(forbidden.port));
      return { ...attacked, attack: () => write(attacked, all, forbidden) };
    },
  };
}

/** Every way to write an address of this machine, or of the service with its credentials. */
const ADDRESSES = [
  '127.0.0.1',
  '127.1',
  '2130706433',
  '0x7f000001',
  '0177.0.0.1',
  '0.0.0.0',
  '[::1]',
  '[::ffff:127.0.0.1]',
  '[::]',
  '169.254.169.254',
  '[::ffff:169.254.169.254]',
  '[fd00:ec2::254]',
  '[fe80::1]',
  '10.0.0.1',
  '172.16.0.1',
  '192.168.0.1',
  '100.100.100.200',
];

/** What private servers may not do. */
export const PRIVATE_SERVER_ATTACKS: readonly Attack[] = [
  privateAttack({
    name: 'private servers that are commands',
    about: 'Private servers with `/bin/sh`, and with `LD_PRELOAD` in their environment.',
    held: /^0 of 2 accepted, 0 requests arrived; TRANSPORT_NOT_ALLOWED$/,
    specs: () => [
      stdioSpec('/bin/sh'),
      stdioSpec('node', {
        transport: {
          $case: 'stdio',
          value: { command: 'node', env: new Map([['LD_PRELOAD', '/tmp/x.so']]) },
        },
      }),
    ],
  }),
  privateAttack({
    name: 'private servers at private addresses',
    about: `Private servers at ${String(ADDRESSES.length)} forms of loopback, link-local, private and metadata addresses.`,
    held: new RegExp(
      `^0 of ${String(ADDRESSES.length)} accepted, 0 requests arrived; TRANSPORT_NOT_ALLOWED$`,
    ),
    specs: (port) => ADDRESSES.map((address) => httpSpec(`http://${address}:${port}/mcp`)),
  }),
  privateAttack({
    name: 'private servers at names of private addresses',
    about: 'Private servers at names that resolve to loopback, which the inspector looks at.',
    // A name may be accepted: what it resolves to is known only when it is connected.
    held: /^\d of 4 accepted, 0 requests arrived/,
    specs: (port) =>
      ['localhost', 'LOCALHOST', 'localhost.', 'ip6-localhost'].map((name) =>
        httpSpec(`http://${name}:${port}/mcp`),
      ),
  }),
];
