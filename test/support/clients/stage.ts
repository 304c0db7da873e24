import { expect } from 'vitest';
import type { Server } from '../../../generated/switchboard/v1/server.js';
import { eventually } from '../eventually.js';
import type { ExampleProcess, Observation } from './example.js';
import type { ClientsPlane } from './plane.js';
import type { StepOf } from './scenario.js';
import type { WatchScript } from './script.js';

/** A message as proto JSON. */
export type Json = Readonly<Record<string, unknown>>;

/** What a scenario has so far. */
export interface Stage {
  /** The command line of the example. */
  readonly command: readonly string[];
  plane?: ClientsPlane;
  script?: WatchScript;
  watch?: ExampleProcess;
  /** How many lines of the watch were looked at. */
  read: number;
  /** The last token that the watch said. */
  token: string;
  /** What the watch showed last. */
  shown: readonly Json[];
  /** What admins made, by name. */
  readonly made: Map<string, Server>;
  /** What `$name.field` in a request stands for. */
  readonly values: Map<string, Json>;
}

/** What was started, or an error that says that it was not. */
export function started<K extends 'plane' | 'script' | 'watch'>(
  stage: Stage,
  what: K,
): NonNullable<Stage[K]> {
  const found = stage[what];
  if (found === undefined) throw new Error(`there is no ${what} yet`);
  return found;
}

/** A server that was made before. */
export function madeBefore({ made }: Stage, name: string): Server {
  const server = made.get(name);
  if (server === undefined) throw new Error(`no step made ${name}`);
  return server;
}

/** A request with what its `$name.field` stand for. */
export function filled(stage: Stage, request: unknown): unknown {
  if (Array.isArray(request)) return request.map((each) => filled(stage, each));
  if (typeof request === 'object' && request !== null) {
    return Object.fromEntries(
      Object.entries(request).map(([key, value]) => [key, filled(stage, value)]),
    );
  }
  const [, name = '', field = ''] = /^\$(\w+)\.(\w+)$/.exec(String(request)) ?? [];
  if (name === '') return request;
  const value = stage.values.get(name)?.[field];
  if (value === undefined) throw new Error(`nothing is known of ${String(request)}`);
  return value;
}

/**
 * The next line of the watch must be this one. Only heartbeats, unless one is expected, and
 * what `past` names may come before: a line too many fails, not only one that is missing.
 */
export async function expectLine(stage: Stage, step: StepOf<'expect'>): Promise<void> {
  const skipped = new Set(['heartbeat', ...(step.past ?? [])]);
  const found = await eventually(() => nextLine(stage, step.seen, skipped));
  expect(found).toMatchObject({ seen: step.seen, message: filled(stage, step.message ?? {}) });
  if (step.token === 'last') expect(found.message['resumeToken']).toBe(stage.token);
  note(stage, found);
  if (step.servers === undefined) return;
  expect(stage.shown.map(({ name }) => name).sort()).toEqual([...step.servers].sort());
}

/** The next line that is wanted or may not be skipped. */
function nextLine(stage: Stage, wanted: string, skipped: ReadonlySet<string>): Observation {
  for (const line of started(stage, 'watch').lines.slice(stage.read)) {
    stage.read += 1;
    if (line.seen === wanted || !skipped.has(line.seen)) return line;
    note(stage, line);
  }
  throw new Error(`the client says nothing more; expected was: ${wanted}`);
}

function note(stage: Stage, { seen, message }: Observation): void {
  const { token, header, servers } = message as {
    readonly token?: string;
    readonly header?: { readonly token: string };
    readonly servers?: readonly Json[];
  };
  if (header !== undefined) [stage.token, stage.shown] = [header.token, servers ?? []];
  else if (seen === 'heartbeat' && token !== undefined) stage.token = token;
}
