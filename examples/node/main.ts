// A small node of an application: shows what one user may use and follows every change of it.
//
//   node dist/examples/node/main.js [user] [address of the control plane]
//
// Leave it running and change something. Ctrl-C ends it.
import { isClientError, openSwitchboard, type UserHandle } from 'switchboard/client';

const [user = 'ana', target = '127.0.0.1:7070'] = process.argv.slice(2);

const switchboard = openSwitchboard({
  target,
  // Names this node to operators; the same after a restart.
  nodeId: `example-${user}`,
  // Fills ${user:id} in a spec. Asked when a connection is made, so that no value is ever stored.
  userValues: (request) => (request.user === undefined ? {} : { user: { id: request.user } }),
  onSync: (event) => {
    if (event.type === 'applied') showServers();
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
  showServers();
  await showTools(handle);
  if (!stopping.signal.aborted)
    await new Promise((resolve) => stopping.signal.addEventListener('abort', resolve));
} catch (error) {
  if (!isClientError(error, 'CANCELLED')) throw error;
} finally {
  // Ends the sessions with the MCP servers and their processes, then the stream.
  await switchboard.close();
}

/** From memory, of the last step applied: no call does I/O. */
function showServers(): void {
  const servers = handle?.servers.list() ?? [];
  console.log(`${user}: ${servers.map(({ name }) => name).join(', ')}`);
}

/** Connects where there is no connection yet. One server that fails hides no other. */
async function showTools({ connections }: UserHandle): Promise<void> {
  for (const { name, connection, error } of await connections.getAll()) {
    if (connection === undefined) {
      console.log(`  ${name}: ${error.reason}`);
      continue;
    }
    const tools = await connection.listTools();
    console.log(`  ${name}: ${tools.map((tool) => tool.name).join(', ')}`);
  }
}
