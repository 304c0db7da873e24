import type { ObservedFacts, ObservedTool } from '../domain/facts.js';
import { OBSERVATION_LIMITS, toolBytes } from '../domain/observation.js';
import { truncate } from '../domain/truncate.js';
import type { McpConnection } from './mcp-connection.js';
import { McpError } from './mcp-error.js';
import { TooLargeError } from './read-limit.js';

/** What is read of a list of tools before it counts as too large. */
const MAX_PAGES = 64;
const MAX_TOOLS = 10_000;
const MAX_BYTES = 8 * 1024 * 1024;

/** One look at a server. */
export interface ObserveOptions {
  readonly signal: AbortSignal;
  /** Milliseconds for all pages of tools. */
  readonly timeoutMs: number;
}

/**
 * Reads what a server tells of itself, with all pages of its tools, over an open
 * connection, without the values that were sent to it. Keeps what fits into an observation.
 * Throws McpError, or TooLargeError for a server that tells more than is read.
 */
export async function observe(
  connection: McpConnection,
  options: ObserveOptions,
): Promise<ObservedFacts> {
  const { era, protocolVersion, serverInfo, capabilities, redactor } = connection;
  const capabilitiesJson = JSON.stringify(redactor.json(capabilities));
  if (Buffer.byteLength(capabilitiesJson) > OBSERVATION_LIMITS.capabilitiesBytes) {
    throw new TooLargeError('the capabilities are too large');
  }
  const short = (text: string | undefined): string =>
    truncate(redactor.text(text ?? ''), OBSERVATION_LIMITS.text);
  const instructions = redactor.text(connection.instructions ?? '');
  return {
    protocolEra: era,
    protocolVersion: short(protocolVersion),
    serverName: short(serverInfo?.name),
    serverVersion: short(serverInfo?.version),
    instructions: truncate(instructions, OBSERVATION_LIMITS.instructions),
    capabilitiesJson,
    ...(capabilities['tools'] === undefined
      ? { tools: [], toolCount: 0 }
      : await observeTools(connection, options)),
  };
}

async function observeTools(
  connection: McpConnection,
  { signal, timeoutMs }: ObserveOptions,
): Promise<Pick<ObservedFacts, 'tools' | 'toolCount'>> {
  const tools: ObservedTool[] = [];
  let toolCount = 0;
  let bytesRead = 0;
  let bytesLeft = OBSERVATION_LIMITS.toolBytes;
  let cursor: string | undefined;
  const end = performance.now() + timeoutMs;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const leftMs = Math.max(0, end - performance.now());
    const params = cursor === undefined ? {} : { cursor };
    const answer = await connection.request(
      { method: 'tools/list', params },
      { signal, timeoutMs: leftMs, totalTimeoutMs: leftMs },
    );
    const described = describedIn(answer);
    toolCount += described.length;
    if (toolCount > MAX_TOOLS) throw new TooLargeError(`more than ${String(MAX_TOOLS)} tools`);
    for (const each of described) {
      const tool = toObservedTool(connection.redactor.json(each) as Record<string, unknown>);
      const bytes = toolBytes(tool);
      bytesRead += bytes;
      bytesLeft -= bytes;
      if (bytesLeft >= 0) tools.push(tool);
      if (bytesRead > MAX_BYTES) throw new TooLargeError('the tools are too large');
    }
    cursor = cursorIn(answer);
    if (cursor === undefined) return { tools, toolCount };
  }
  throw new TooLargeError(`more than ${String(MAX_PAGES)} pages of tools`);
}

function describedIn({ tools }: Record<string, unknown>): readonly Record<string, unknown>[] {
  if (!Array.isArray(tools) || !tools.every(isObject)) throw notMcp('no list of tools');
  return tools;
}

function cursorIn({ nextCursor }: Record<string, unknown>): string | undefined {
  if (nextCursor === undefined || nextCursor === null || nextCursor === '') return undefined;
  if (typeof nextCursor !== 'string') throw notMcp('a cursor that is no text');
  return nextCursor;
}

function toObservedTool({
  name,
  title,
  description,
  inputSchema,
}: Record<string, unknown>): ObservedTool {
  if (typeof name !== 'string' || name === '') throw notMcp('a tool without a name');
  const text = (value: unknown): string => (typeof value === 'string' ? value.toWellFormed() : '');
  return {
    name: name.toWellFormed(),
    title: text(title),
    description: text(description),
    inputSchemaJson: isObject(inputSchema) ? JSON.stringify(inputSchema) : '',
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function notMcp(what: string): McpError {
  return new McpError('invalid_answer', `the server answered ${what}`, { sent: true });
}
