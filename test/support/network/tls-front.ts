import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect, type AddressInfo, type Socket } from 'node:net';
import path from 'node:path';
import { createSecureContext, createServer, type SecureContext } from 'node:tls';
import { onTestFinished } from 'vitest';

const file = (name: string): string => path.join(import.meta.dirname, 'tls', name);

/** Where it is reached, by the name in its certificate, and who signed that. */
export interface TlsFront {
  readonly host: string;
  readonly caFile: string;
}

/**
 * Speaks TLS, with those who ask for it by name, and passes everything on to `target`
 * (`host:port`). Stopped with the test.
 */
export async function openTlsFront(target: string): Promise<TlsFront> {
  const [cert, key] = await Promise.all([
    readFile(file('server.crt')),
    readFile(file('server.key')),
  ]);
  const sockets = new Set<Socket>();
  const { hostname, port } = new URL(`http://${target}`);
  const context = createSecureContext({ cert, key });
  const named = (
    name: string,
    done: (error: Error | null, context?: SecureContext) => void,
  ): void => (name === 'localhost' ? done(null, context) : done(new Error(`not ${name}`)));
  const front = createServer({ SNICallback: named }, (client) => {
    const server = connect(Number(port), hostname);
    server.pipe(client).pipe(server);
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => sockets.delete(socket));
    }
  }).listen(0, '127.0.0.1');
  await once(front, 'listening');
  onTestFinished(async () => {
    front.close();
    for (const socket of sockets) socket.destroy();
    await once(front, 'close');
  });
  const { port: own } = front.address() as AddressInfo;
  return { host: `localhost:${String(own)}`, caFile: file('ca.crt') };
}
