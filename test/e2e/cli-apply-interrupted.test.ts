import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ApplyServersRequest } from '../../generated/switchboard/v1/registry_service.js';
import { apply } from '../../src/cli/apply/apply.js';
import { openClient } from '../../src/cli/connection.js';
import type { Io } from '../../src/cli/io.js';
import { startControlPlane, testFolder } from '../support/control-plane/control-plane.js';
import { eventually } from '../support/eventually.js';
import { type Admin, INVENTORY, openAdmin } from '../support/grpc-admin/grpc-admin.js';
import {
  runCli,
  type ServerProcess,
  startCli,
  startServerProcess,
} from '../support/processes/server-process.js';
import { call } from '../support/grpc/unary-call.js';

/** So many that it takes several steps, in each of which there is time to do something. */
const MANY = 3_000;

async function writeSet(file: string, count: number, path = 'mcp'): Promise<void> {
  const servers = Array.from({ length: count }, (_, n) => ({
    name: `s${String(n)}`,
    spec: { streamableHttp: { url: `https://s${String(n)}.example/${path}` } },
  }));
  await writeFile(file, JSON.stringify({ servers }));
}

async function countOf(admin: Admin): Promise<number> {
  let count = 0;
  let pageToken = '';
  do {
    const page = await admin.list({ view: INVENTORY, pageSize: 1_000, pageToken });
    count += page.servers.length;
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return count;
}

/** Waits until the first servers of an apply are there. */
async function begun(server: ServerProcess): Promise<void> {
  using admin = openAdmin(server.address);
  await eventually(async () => {
    const { servers } = await admin.list({ view: INVENTORY, pageSize: 1 });
    expect(servers).toHaveLength(1);
  });
}

describe('an apply that is interrupted', () => {
  it('stops at Ctrl-C between two steps, says so, and is completed by the next one', async () => {
    const folder = await testFolder();
    const file = path.join(folder, 'many.json');
    await writeSet(file, MANY);
    const args = ['--data-dir', path.join(folder, 'data'), '--inspect=false'];
    await using server = await startServerProcess(...args);
    await using applying = startCli(['apply', file, '--target', server.address]);
    await begun(server);
    // Stopped, the server answers nothing: the step under way is not the last when Ctrl-C comes.
    server.kill('SIGSTOP');
    applying.kill('SIGINT');
    server.kill('SIGCONT');
    expect(await applying.exited).toBe(1);
    expect(applying.stderr()).toBe('Stopped. Apply again to complete it.\n');
    const [, applied, open] =
      /: (\d+) applied .*, (\d+) not known to be applied\n$/.exec(applying.stdout()) ?? [];
    expect(Number(applied) + Number(open)).toBe(MANY);
    using admin = openAdmin(server.address);
    expect(await countOf(admin)).toBe(Number(applied));

    const again = await runCli(['apply', file, '--target', server.address]);
    expect(again).toMatchObject({ code: 0, stderr: '' });
    expect(again.stdout).toContain(`: ${String(open)} applied (${String(open)} created), `);
    expect(await countOf(admin)).toBe(MANY);
  });

  it('goes on by itself when the server is killed and comes back [F1, R3]', async () => {
    const folder = await testFolder();
    const file = path.join(folder, 'many.json');
    await writeSet(file, MANY);
    const args = ['--data-dir', path.join(folder, 'data'), '--inspect=false'];
    await using first = await startServerProcess(...args);
    await using applying = startCli(['apply', file, '--target', first.address]);
    await begun(first);
    first.kill('SIGKILL');
    await first.exited;
    await using second = await startServerProcess(...args, '--listen', first.address);
    expect(await applying.exited).toBe(0);
    expect(applying.stderr()).toMatch(/; retrying in \d+ ms/);
    // What was committed before the kill is told as this apply's: repeated, it has its answer.
    expect(applying.stdout()).toContain(`: ${String(MANY)} applied (${String(MANY)} created)\n`);
    using admin = openAdmin(second.address);
    expect(await countOf(admin)).toBe(MANY);
  });

  it('says what it does not know when the server does not come back', async () => {
    const folder = await testFolder();
    const file = path.join(folder, 'many.json');
    await writeSet(file, MANY);
    await using server = await startServerProcess('--data-dir', folder, '--inspect=false');
    await using applying = startCli(['apply', file, '--json', '--target', server.address]);
    await begun(server);
    server.kill('SIGKILL');
    await server.exited;
    await eventually(() => {
      expect(applying.stderr()).toContain('retrying');
    });
    applying.kill('SIGINT');
    expect(await applying.exited).toBe(5);
    const { files } = JSON.parse(applying.stdout()) as {
      files: [{ counts: { created: number; open: number }; outcome: { error: object } }];
    };
    expect(files[0].counts.created + files[0].counts.open).toBe(MANY);
    expect(files[0].counts.open).toBeGreaterThan(0);
    expect(files[0].outcome.error).toHaveProperty('reason');
    expect(applying.stderr()).toContain('Apply again to complete it.\n');
  });
});

/** Somebody at a terminal, who answers after `meanwhile`. */
function terminal(answer: string, meanwhile: () => Promise<void> = async () => {}) {
  const said = { out: '', err: '' };
  const io: Io = {
    out: (text) => void (said.out += text),
    err: (text) => void (said.err += text),
    watched: true,
    interactive: true,
    ask: async (question) => {
      said.err += question;
      await meanwhile();
      return answer;
    },
    readInput: async () => '',
    signal: new AbortController().signal,
  };
  return { io, said };
}

describe('somebody at a terminal', () => {
  it('is shown the plan, and nothing is done without a yes', async () => {
    const { address, admin } = await startControlPlane({ flags: { inspect: false } });
    const file = path.join(await testFolder(), 'a.json');
    await writeSet(file, 2);
    const client = openClient({ target: address }, {});
    const { io, said } = terminal('');
    expect(await apply(client, [file], { flags: {}, io })).toBe(1);
    expect(said.out).toContain('  + s0  APP  https://s0.example/mcp\n');
    expect(said.out).toMatch(/Nothing was changed\.\n$/);
    expect(said.err).toBe('Apply these changes? [y/N] ');
    expect(await countOf(admin)).toBe(0);

    const yes = terminal('y');
    expect(await apply(client, [file], { flags: {}, io: yes.io })).toBe(0);
    expect(yes.said.err).toContain('2 of 2 servers');
    expect(await countOf(admin)).toBe(2);
    client.close();
  });

  it('gets what was planned: what moved meanwhile is refused [R2]', async () => {
    const { address, admin } = await startControlPlane({ flags: { inspect: false } });
    const file = path.join(await testFolder(), 'a.json');
    await writeSet(file, 3);
    const client = openClient({ target: address }, {});
    const flags = { set: 'a' };
    expect(await apply(client, [file], { flags, io: terminal('y').io })).toBe(0);

    await writeSet(file, 4, 'changed');
    const declareElsewhere = async (name: string): Promise<void> => {
      const server = { name, spec: { transport: { $case: 'sse', value: { url: 'https://x' } } } };
      const request = { set: 'a', servers: [server] } as never;
      await call(admin.registry, 'applyServers', ApplyServersRequest.fromPartial(request));
    };
    const { io, said } = terminal('y', async () => {
      await declareElsewhere('s1');
      await declareElsewhere('s3');
    });
    expect(await apply(client, [file], { flags, io })).toBe(1);
    expect(said.out).toMatch(/: 3 applied \(3 updated\), 1 refused\n/);
    expect(said.out).toContain('  ! s1  has changed since the plan was made: ');
    // Planned as new, and there by now: it is told that it went otherwise.
    expect(said.out.split('refused\n')[1]).toContain('  ~ s3\n');
    client.close();
  });
});
