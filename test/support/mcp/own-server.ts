import type { StdioTarget } from '../../../src/mcp/connect-target.js';

/**
 * A process that speaks just enough MCP over stdio, and for the rest does what the text of
 * `program` says. There `answer(id, result)` answers, `say(text)` writes as it is, and
 * `handle(method, (id, params) => …)` takes over a method.
 */
export function ownServer(program: string, more: Partial<StdioTarget> = {}): StdioTarget {
  return {
    kind: 'stdio',
    command: process.execPath,
    args: ['-e', `${BASE}\n${program}`],
    env: { PATH: process.env['PATH'] ?? '' },
    stderr: 'ignore',
    ...more,
  };
}

const BASE = `
const say = (text) => process.stdout.write(text);
const answer = (id, result) => say(JSON.stringify({ jsonrpc: '2.0', id, result }) + '\\n');
const handlers = {
  initialize: (id, { protocolVersion }) =>
    answer(id, { protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'own', version: '1' } }),
  ping: (id) => answer(id, {}),
};
const handle = (method, handler) => { handlers[method] = handler; };
let rest = '';
process.stdin.setEncoding('utf8').on('data', (text) => {
  const lines = (rest + text).split('\\n');
  rest = lines.pop();
  for (const line of lines) {
    const { id, method, params } = JSON.parse(line);
    handlers[method]?.(id, params);
  }
});`;
