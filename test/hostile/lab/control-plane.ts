import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { ServeFlags } from '../../../src/server/options.js';
import { Tier } from '../../../generated/switchboard/v1/server.js';
import type { Lab } from '../../bench/lab/lab.js';
import { startWorker, type Worker } from '../../bench/lab/worker.js';
import { declare, httpSpec, openAdmin, type Admin } from '../../support/grpc-admin/grpc-admin.js';
import type { Others, Scene, Victim } from '../attack.js';
import { bearer } from './bearer.js';
import type { CallerRole } from '../roles/caller.js';
import type { ControlPlaneRole } from '../roles/control-plane.js';

/** Tokens of the control plane that is attacked, by what they are good for. */
export const TOKENS = {
  admin: 'admin-of-everything',
  node: 'node-of-the-default-tenant',
  reader: 'reader-of-the-default-tenant',
  /** May read, and nothing but another tenant. */
  foreign: 'reader-of-another-tenant',
} as const;

const TOKENS_FILE = JSON.stringify({
  tokens: [
    { token: TOKENS.admin, principal: 'admin', roles: ['admin'] },
    { token: TOKENS.node, principal: 'node', roles: ['node'], tenants: ['default'] },
    { token: TOKENS.reader, principal: 'reader', roles: ['reader'], tenants: ['default'] },
    { token: TOKENS.foreign, principal: 'foreign', roles: ['reader'], tenants: ['elsewhere'] },
  ],
});

/** A control plane with users, and its address for the attacker. */
export interface AttackedControlPlane extends Omit<Scene, 'attack'> {
  readonly address: string;
  readonly server: Worker<ControlPlaneRole>;
  readonly tokensFile: string;
  /** A client with one of the tokens; closed with the lab. */
  as(token: string): Admin;
}

/** How a control plane is started. */
export interface AttackedOptions {
  readonly flags?: ServeFlags;
  /** How many files and sockets the process may have open. Default: as many as this one. */
  readonly maxFiles?: number;
}

/** Starts a control plane that demands tokens, and a caller who reads from it all the time. */
export async function startAttacked(
  lab: Lab,
  { flags = {}, maxFiles }: AttackedOptions = {},
): Promise<AttackedControlPlane> {
  const dataDir = await lab.folder();
  const tokensFile = path.join(await lab.folder(), 'tokens.json');
  await writeFile(tokensFile, TOKENS_FILE);
  const role = new URL('../roles/control-plane.js', import.meta.url);
  const server = startWorker<ControlPlaneRole>(lab, role);
  if (maxFiles !== undefined) await server.call('limitFiles', maxFiles);
  const address = await server.call('start', { dataDir, tokensFile, inspect: 'false', ...flags });
  const as = (token: string): Admin => {
    const admin = openAdmin(address, bearer(token));
    lab.defer(() => admin.close());
    return admin;
  };
  const spec = httpSpec('https://tools.example/mcp');
  await declare(as(TOKENS.admin), 'default', { name: 'weather', tier: Tier.TIER_APP, spec });
  const victim: Victim = { measured: () => server.call('measured') };
  return { address, server, tokensFile, as, victim, others: startCaller(lab, address) };
}

function startCaller(lab: Lab, address: string): Others {
  const caller = startWorker<CallerRole>(lab, new URL('../roles/caller.js', import.meta.url));
  return {
    begin: () => caller.call('begin', { address, token: TOKENS.reader, name: 'weather' }),
    end: () => caller.call('end'),
  };
}
