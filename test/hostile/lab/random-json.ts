import type { Random } from '../../support/random.js';
import { mutate } from './random-message.js';

/** Messages that servers send; `$ID` stands for the id of a request that waits. */
const MESSAGES = [
  { id: '$ID', result: { content: [{ type: 'text', text: 'é' }], structuredContent: { a: [1] } } },
  { id: '$ID', result: { content: [{ type: 'image', data: 'AA==', mimeType: 'image/png' }] } },
  { id: '$ID', error: { code: -32_602, message: 'no', data: { seen: [1, null] } } },
  { id: 99, result: {} },
  { id: 's-1', method: 'ping' },
  { id: 's-2', method: 'sampling/createMessage', params: { messages: [], maxTokens: 1 } },
  { id: 's-3', method: 'elicitation/create', params: { message: '', requestedSchema: {} } },
  { method: 'notifications/progress', params: { progressToken: '$ID', progress: 1, total: 2 } },
  { method: 'notifications/tools/list_changed' },
  { method: 'notifications/cancelled', params: { requestId: 's-2' } },
  { method: 'notifications/message', params: { level: 'info', data: { deep: [[[]]] } } },
].map((message) => ({ jsonrpc: '2.0', ...message }));

const VALUES = [
  ...[null, true, 0, -1, 1e308, 2 ** 53, '', '$ID', '\u0000', '\ud800', '__proto__', [], {}],
  ...['x'.repeat(5000), [[]], { length: -1 }, { jsonrpc: '2.0' }, { then: 1 }],
];

/** Bytes that are almost a message, or not one at all. */
export function randomJson(random: Random): Buffer {
  if (random.oneIn(10)) return mutate(random, Buffer.alloc(random.below(40), random.below(256)));
  const message = JSON.stringify(damaged(random, random.pick(MESSAGES)));
  // As a number, like the ids that we send.
  const text = random.oneIn(20) ? message : message.replaceAll('"$ID"', '$ID');
  const nested = random.oneIn(8) ? text.replace('{', `{${'"__proto__":{'.repeat(200)}`) : text;
  const bytes = Buffer.from(nested.replace('"polluted"', '"__proto__"'));
  return random.oneIn(2) ? mutate(random, bytes) : bytes;
}

/** A copy with one value or name replaced, or one left out; at times with none. */
function damaged(random: Random, value: unknown): unknown {
  if (random.oneIn(5)) return random.pick(VALUES);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  const at = random.below(entries.length + 1);
  const changed = entries.flatMap(([name, of], index): [string, unknown][] => {
    if (index !== at) return [[name, of]];
    if (random.oneIn(6)) return [];
    return [[random.oneIn(6) ? 'polluted' : name, damaged(random, of)]];
  });
  return Array.isArray(value) ? changed.map(([, of]) => of) : Object.fromEntries(changed);
}
