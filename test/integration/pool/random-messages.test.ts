import { describe, expect, it, onTestFinished } from 'vitest';
import { createConnector } from '../../../src/mcp/connector.js';
import type { McpConnection } from '../../../src/mcp/mcp-connection.js';
import { McpError } from '../../../src/mcp/mcp-error.js';
import { randomJson } from '../../hostile/lab/random-json.js';
import { openConnection } from '../../support/mcp/connect.js';
import { openParrot, PARROT_KINDS, type ParrotKind } from '../../support/mcp/parrot-server.js';
import { moreSeeds, printedSeed, randomFrom } from '../../support/random.js';

const MESSAGES = 60;
/** Some messages leave a call without an answer. */
const CALL_MS = 100;

const ANSWER = Buffer.from('{"jsonrpc":"2.0","id":$ID,"result":{"content":[]}}');

/** Connections to one server: the last one, or another when it has ended. */
async function openServer(kind: ParrotKind) {
  const target = await openParrot(kind);
  const connector = createConnector({ name: 'test', version: '1' });
  let current: McpConnection | undefined;
  onTestFinished(async () => {
    await current?.close();
    await connector.close();
  });
  return async (): Promise<McpConnection> => {
    current ??= await connector.connect(target, {
      onClosed: () => {
        void current?.close();
        current = undefined;
      },
      onError: (error) => expect(error).toBeInstanceOf(Error),
    });
    return current;
  };
}

/** Has a server send random messages. Returns how often what came of the calls. */
async function sendAll(kind: ParrotKind, seed: number): Promise<Map<string, number>> {
  const random = randomFrom(seed);
  const connected = await openServer(kind);
  const other = await openConnection(await openParrot(kind));
  const outcomes = new Map<string, number>();
  for (let sent = 0; sent < MESSAGES; sent += 1) {
    const bytes = randomJson(random);
    const outcome = await callWith(await connected(), bytes).catch((error: unknown) => {
      const what = `seed ${String(seed)}, message ${String(sent)}: ${bytes.toString('hex')}`;
      throw new Error(what, { cause: error });
    });
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    if (sent % 20 === 0) await other.probe();
  }
  await other.probe();
  // The same server, over the same connection or the one that replaced it.
  expect(await callWith(await connected(), ANSWER, 10_000)).toBe('result');
  return outcomes;
}

/** Calls a tool that sends these bytes. Returns `result`, or the kind of the McpError. */
async function callWith(
  connection: McpConnection,
  bytes: Buffer,
  timeoutMs = CALL_MS,
): Promise<string> {
  try {
    const call = { name: 'x', arguments: { raw: bytes.toString('base64') } };
    await connection.callTool(call, { timeoutMs, totalTimeoutMs: timeoutMs });
    return 'result';
  } catch (error) {
    if (error instanceof McpError) return error.kind;
    throw error;
  }
}

/** Rejections and exceptions that nobody handles fail the test run by themselves. */
describe.each(PARROT_KINDS)('random messages over %s', (kind) => {
  const seeds = [20_261_201, printedSeed(`random messages over ${kind}`), ...moreSeeds()];
  it.each(seeds)('give a result or an McpError, and others go on: seed %i [C7]', async (seed) => {
    const outcomes = await sendAll(kind, seed);
    expect(outcomes.size).toBeGreaterThan(1);
    expect(Object.keys(Object.prototype)).toEqual([]);
  });
});
