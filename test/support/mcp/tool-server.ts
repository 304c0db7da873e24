import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { z } from 'zod';

/** The server that all our test servers are, whatever the transport. */
export function buildToolServer(waiters: Set<() => void>, label = ''): McpServer {
  const server = new McpServer({ name: 'test', version: '1.0.0' });
  const text = (value: string) => ({ content: [{ type: 'text' as const, text: value }] });
  server.registerTool('label', {}, () => text(label));
  server.registerTool('headers', {}, (extra) =>
    text(JSON.stringify(extra.requestInfo?.headers ?? {})),
  );
  server.registerTool('echo', { inputSchema: { text: z.string() } }, (input) => text(input.text));
  server.registerTool('fail', {}, () => ({ ...text('no'), isError: true }));
  server.registerTool('steps', {}, async ({ _meta, sendNotification }) => {
    const progressToken = _meta?.progressToken ?? 0;
    for (let progress = 1; progress <= 3; progress += 1) {
      const params = { progressToken, progress, total: 3 };
      await sendNotification({ method: 'notifications/progress', params });
    }
    return text('done');
  });
  server.registerTool('wait', {}, async () => {
    await new Promise<void>((resolve) => {
      const release = (): void => {
        waiters.delete(release);
        resolve();
      };
      waiters.add(release);
    });
    return text(label === '' ? 'released' : label);
  });
  return server;
}
