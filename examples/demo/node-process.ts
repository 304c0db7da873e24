// One node of an application: it follows the control plane for one user, and calls tools when it is asked to.
// Started by node-handle.ts, with which it talks over the channel between parent and child process.
import { isClientError, openSwitchboard } from 'switchboard/client';
import type { Counts, FromNode, ToNode } from './messages.js';

const [nodeId = '', target = '', user = ''] = process.argv.slice(2);

const counts: Counts = { opened: 0, closed: 0, calls: 0, commits: 0, snapshots: 0, resumes: 0 };

const switchboard = openSwitchboard({
  target,
  nodeId,
  // What it learns of servers would be commits too, and the story counts those of the admin.
  reportFacts: false,
  // What only the application knows; asked because a spec says ${user:id}.
  userValues: (request) => (request.user === undefined ? {} : { user: { id: request.user } }),
  onEvent: ({ type }) => {
    if (type === 'connected') counts.opened += 1;
    if (type === 'closed') counts.closed += 1;
    report();
  },
  onSync: (event) => {
    if (event.type === 'opened' && event.resumed) counts.resumes += 1;
    if (event.type === 'applied' && event.step === 'commit') counts.commits += 1;
    if (event.type === 'applied' && event.step === 'snapshot') counts.snapshots += 1;
    report();
  },
});
switchboard.status.subscribe(report);
const handle = await switchboard.user(user);
report();

process.on('message', (message: ToNode) => {
  if (message.type === 'stop') void stop();
  else void call(message);
});
// The demo is gone, however that came: nothing of ours stays behind.
process.on('disconnect', () => void stop());
// Ctrl-C in a terminal reaches every process of it. The demo decides about us.
process.on('SIGINT', () => undefined);

async function call({ id, server, tool, args }: Extract<ToNode, { type: 'call' }>): Promise<void> {
  try {
    const request = { name: tool, arguments: args ?? {} };
    const onProgress = (): void => send({ type: 'progress', id });
    const result = await handle.connections.callTool(server, request, { onProgress });
    counts.calls += 1;
    const [content] = result.content;
    send({ type: 'answer', id, text: content?.type === 'text' ? content.text : '' });
  } catch (error) {
    send({ type: 'failure', id, reason: isClientError(error) ? error.reason : String(error) });
  }
  report();
}

async function stop(): Promise<void> {
  await switchboard.close();
  // With nothing left to wait for, the process ends by itself.
  if (process.connected) process.disconnect();
}

/** Hoisted: the listeners above call it from the first moment on. */
function report(): void {
  const servers: Record<string, string> = {};
  // Until the user's view is there, nothing is known; that is not the same as no servers.
  for (const { name, spec } of known()) servers[name] = spec.title;
  const status = switchboard.status.current.state;
  send({ type: 'report', report: { status, servers, counts } });
}

function known(): ReturnType<typeof handle.servers.list> {
  try {
    return handle.servers.list();
  } catch {
    return [];
  }
}

function send(message: FromNode): void {
  if (process.connected) process.send?.(message);
}
