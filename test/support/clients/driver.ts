import path from 'node:path';
import { expect } from 'vitest';
import { HeldServer } from '../../../generated/switchboard/v1/common.js';
import {
  ShadowPolicy,
  UpdateServerRequest,
} from '../../../generated/switchboard/v1/registry_service.js';
import { Server } from '../../../generated/switchboard/v1/server.js';
import { startExample } from './example.js';
import { startClientsPlane } from './plane.js';
import { SCENARIO_FOLDER, type Scenario, type Step, type StepOf } from './scenario.js';
import { startWatchScript } from './script.js';
import { expectLine, filled, madeBefore, started, type Stage } from './stage.js';
import { serverOf } from '../grpc-admin/grpc-admin.js';

/** Drives an example through a scenario; throws at the first step that does not go as it says. */
export async function runScenario({ steps }: Scenario, command: readonly string[]): Promise<void> {
  const nothing = { read: 0, token: '', shown: [], made: new Map(), values: new Map() };
  const stage: Stage = { command, ...nothing };
  for (const [index, step] of steps.entries()) {
    try {
      await (DO[step.do] as (stage: Stage, step: Step) => unknown)(stage, step);
    } catch (cause) {
      const lines = stage.watch?.lines.map((line) => JSON.stringify(line)) ?? [];
      const said = [...lines, stage.watch?.stderr() ?? ''].join('\n');
      const where = `step ${String(index + 1)}, ${JSON.stringify(step)}`;
      throw new Error(`${where}: ${String(cause)}\nThe client said:\n${said}`, { cause });
    }
  }
}

const DO: { readonly [K in Step['do']]: (stage: Stage, step: StepOf<K>) => unknown } = {
  serve: async (stage, { flags = [] }) => {
    stage.plane = await startClientsPlane(flags.map(withPath));
  },
  kill: (stage) => started(stage, 'plane').end('SIGKILL'),
  stop: (stage) => started(stage, 'plane').end('SIGTERM'),
  start: (stage) => started(stage, 'plane').start(),
  data: (stage, { action }) => started(stage, 'plane').data[action](),
  network: (stage, { action }) => {
    const { network } = started(stage, 'plane');
    if (action === 'hold') network.hold('to-client', 'to-server');
    else network.abandon();
  },
  create: async (stage, { server }) => {
    const { admin } = started(stage, 'plane');
    const policy = ShadowPolicy.SHADOW_POLICY_SHADOW;
    noteWrite(stage, await admin.create({ server: Server.fromJSON(server), policy }));
  },
  update: async (stage, { name, server, mask }) => {
    const { id, etag } = madeBefore(stage, name);
    const changed = { ...Server.fromJSON(server), id, etag };
    const request = UpdateServerRequest.fromPartial({ server: changed, updateMask: mask });
    noteWrite(stage, await started(stage, 'plane').admin.update(request));
  },
  delete: async (stage, { name }) => {
    const { id, etag } = madeBefore(stage, name);
    await started(stage, 'plane').admin.remove({ id, etag });
  },
  script: async (stage) => {
    stage.script = await startWatchScript();
  },
  opened: async (stage, { resume, held, notBeforeS = 0 }) => {
    const { request, afterS } = await started(stage, 'script').opened();
    expect(request.resumeToken).toBe(resume);
    if (held !== undefined) expect(byId(request.held)).toEqual(copies(stage, held));
    expect(afterS).toBeGreaterThanOrEqual(notBeforeS);
  },
  say: (stage, { messages }) => {
    for (const message of messages) started(stage, 'script').say(message);
  },
  end: (stage, { reason, retryAfterS }) => {
    started(stage, 'script').end(reason, retryAfterS);
  },
  watch: (stage, step) => {
    stage.watch = startExample(commandLine(stage, { ...step, command: 'watch' }));
    stage.read = 0;
  },
  expect: expectLine,
  remember: (stage, { name, as }) => {
    const server = stage.shown.find((each) => each['name'] === name);
    if (server === undefined) throw new Error(`the client does not show ${name}`);
    stage.values.set(as, server);
  },
  call: async (stage, step) => {
    const call = startExample(commandLine(stage, step));
    expect(await call.exited, call.stderr()).toBe(step.error === undefined ? 0 : 1);
    const seen = step.error === undefined ? 'answer' : 'error';
    const message = filled(stage, step.error ?? step.answer ?? {});
    expect(call.lines).toMatchObject([{ seen, message }]);
  },
  signal: (stage, { signal }) => {
    started(stage, 'watch').kill(signal);
  },
  exit: async (stage, { code }) => {
    const watch = started(stage, 'watch');
    expect(await watch.exited).toBe(code);
    const unread = watch.lines.slice(stage.read).map(({ seen }) => seen);
    // All that it said was expected; a heartbeat may always come.
    expect(unread.filter((seen) => seen !== 'heartbeat')).toEqual([]);
  },
};

/** What a client that shows these servers holds of them. */
function copies({ shown }: Stage, ids: readonly string[]): readonly HeldServer[] {
  const held = shown.filter(({ id }) => ids.includes(String(id)));
  expect(held).toHaveLength(ids.length);
  // The names of the fields are those of a server.
  return byId(held.map((server) => HeldServer.fromJSON(server)));
}

function byId(held: readonly HeldServer[]): readonly HeldServer[] {
  return [...held].sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** Notes what was written: the server under its name, and the token as `$<name>.token`. */
function noteWrite(
  stage: Stage,
  answer: Parameters<typeof serverOf>[0] & { readonly header: { token: string } | undefined },
): void {
  const server = serverOf(answer);
  stage.made.set(server.name, server);
  stage.values.set(server.name, { token: answer.header?.token, id: server.id });
}

interface Call {
  readonly command: string;
  readonly request: unknown;
  readonly flags?: readonly string[] | undefined;
}

function commandLine(stage: Stage, { command, request, flags = [] }: Call): readonly string[] {
  const target = stage.script?.address ?? started(stage, 'plane').address;
  const values = flags.map((flag) => withPath(flag));
  const text = JSON.stringify(filled(stage, request));
  return [...stage.command, '--target', target, ...values, command, text];
}

/** `file:x` is the path of x beside the scenarios. */
function withPath(flag: string): string {
  return flag.startsWith('file:') ? path.join(SCENARIO_FOLDER, flag.slice(5)) : flag;
}
