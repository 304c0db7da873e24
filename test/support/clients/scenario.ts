import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { ERROR_REASONS, type ErrorReason } from '../../../src/domain/errors.js';

// The scenarios as data, so that whoever writes a client in another language can read and run them.

/** Where the scenarios are, and the files that they name. */
export const SCENARIO_FOLDER = path.resolve(import.meta.dirname, '../../conformance/clients');

const json = z.record(z.string(), z.unknown());

// WatchServersResponse as proto JSON, and the size of a field that no client knows yet.
const scripted = z.looseObject({ unknownBytes: z.number().optional() });

const steps = z.discriminatedUnion('do', [
  // A control plane of its own for the scenario, in a process, with an empty data folder.
  z.strictObject({ do: z.literal('serve'), flags: z.array(z.string()).optional() }),
  z.strictObject({ do: z.literal('kill') }),
  z.strictObject({ do: z.literal('stop') }),
  z.strictObject({ do: z.literal('start') }),
  z.strictObject({ do: z.literal('data'), action: z.enum(['save', 'restore', 'empty']) }),
  z.strictObject({ do: z.literal('network'), action: z.enum(['hold', 'abandon']) }),

  // What an admin does.
  z.strictObject({ do: z.literal('create'), server: json }),
  z.strictObject({
    do: z.literal('update'),
    name: z.string(),
    server: json,
    mask: z.array(z.string()),
  }),
  z.strictObject({ do: z.literal('delete'), name: z.string() }),

  // A control plane that says what the scenario wants, in place of a real one.
  z.strictObject({ do: z.literal('script') }),
  // The next stream that a client opens there.
  z.strictObject({
    do: z.literal('opened'),
    resume: z.string(),
    /** Ids that it must say it holds. */
    held: z.array(z.string()).optional(),
    /** It must not come sooner after the last `end`. */
    notBeforeS: z.number().optional(),
  }),
  z.strictObject({ do: z.literal('say'), messages: z.array(scripted) }),
  z.strictObject({
    do: z.literal('end'),
    reason: z.enum(Object.keys(ERROR_REASONS) as [ErrorReason, ...ErrorReason[]]),
    retryAfterS: z.number().optional(),
  }),

  // The client.
  z.strictObject({
    do: z.literal('watch'),
    request: json,
    flags: z.array(z.string()).optional(),
  }),
  z.strictObject({
    do: z.literal('expect'),
    seen: z.string(),
    /** Names of the servers that it must show, no more and no fewer. */
    servers: z.array(z.string()).optional(),
    /** A part of what else it must say. */
    message: json.optional(),
    /** Whether its token is the last one that it said before. */
    token: z.literal('last').optional(),
    /** What may come before, any number of times. */
    past: z.array(z.string()).optional(),
  }),
  z.strictObject({ do: z.literal('remember'), name: z.string(), as: z.string() }),
  z.strictObject({
    do: z.literal('call'),
    command: z.enum(['get', 'check']),
    request: json,
    flags: z.array(z.string()).optional(),
    /** A part of the answer, or of the status. */
    answer: json.optional(),
    error: json.optional(),
  }),
  z.strictObject({ do: z.literal('signal'), signal: z.enum(['SIGTERM', 'SIGINT']) }),
  z.strictObject({ do: z.literal('exit'), code: z.number() }),
]);

const scenarioFile = z.strictObject({
  scenarios: z.array(
    z.strictObject({
      name: z.string(),
      /** Rules of docs/clients.md that a client which passes has kept. */
      rules: z.array(z.string()).min(1),
      steps: z.array(steps),
    }),
  ),
});

/** One thing that is done or expected. */
export type Step = z.infer<typeof steps>;

/** A step of one kind. */
export type StepOf<K extends Step['do']> = Extract<Step, { do: K }>;

/** What a scripted control plane says. */
export type ScriptedMessage = z.infer<typeof scripted>;

/** Steps that follow each other, and the rules that they prove. */
export type Scenario = z.infer<typeof scenarioFile>['scenarios'][number];

/** All scenarios, in the order of the file. Throws on one that is not well formed. */
export function readScenarios(): readonly Scenario[] {
  return scenarioFile.parse(
    JSON.parse(readFileSync(path.join(SCENARIO_FOLDER, 'scenarios.json'), 'utf8')),
  ).scenarios;
}
