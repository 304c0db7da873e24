// A small node of an application: follows what one user may use, and shows the tools of it.
//
//   node dist/examples/node/main.js [user] [address of the control plane]
//
// Leave it running and change something: the list follows. Ctrl-C ends it.
import { isClientError, openSwitchboard, type UserHandle } from 'switchboard/client';

const [user = 'ana', target = '127.0.0.1:7070'] = process.argv.slice(2);

const switchboard = openSwitchboard({
  target,
  // Names this node to operators; the same after a restart.
  nodeId: `example-${user}`,
  // Fills ${user:id} in a spec. Asked for when a connection is made, so that no value is ever stored.
  userValues: (request) => (request.user === undefined ? {} : { user: { id: request.user } }),
  onSync: (event) => {
    if (event.type === 'applied') void show();
  },
});

switchboard.status.subscribe(({ state, reason }) => {
  console.log(`${state} (${reason})`);
});

const stopping = new AbortController();
process.once('SIGINT', () => {
  stopping.abort();
});

let handle: UserHandle | undefined;
try {
  // Waits until the control plane has told what the user may use, however long that takes.
  handle = await switchboard.user(user, { signal: stopping.signal });
  await show();
  await new Promise((resolve) => stopping.signal.addEventListener('abort', resolve));
} catch (error) {
  if (!isClientError(error, 'CANCELLED')) throw error;
} finally {
  // Ends the sessions with the MCP servers and their processes, then the stream.
  await switchboard.close();
}

async function show(): Promise<void> {
  if (handle === undefined) return;
  // From memory, of the last step applied.
  for (const { name, spec } of handle.servers.list()) console.log(`${name}: ${spec.title}`);
  // Connects where there is no connection yet. One server that fails hides no other.
  for (const { name, connection, error } of await handle.connections.getAll()) {
    const tools = await connection?.listTools().catch(() => []);
    console.log(`  ${name}: ${tools?.map((tool) => tool.name).join(', ') ?? error?.reason ?? ''}`);
  }
}
