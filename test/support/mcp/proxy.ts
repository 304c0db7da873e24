import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** A forward proxy that tunnels; what it was asked to connect to. Stopped with the test. */
export async function openProxy(
  options: { readonly refuses?: number } = {},
): Promise<{ readonly url: string; readonly targets: string[] }> {
  const targets: string[] = [];
  const sockets = new Set<Socket>();
  const proxy = createServer().listen(0, '127.0.0.1');
  proxy.on('connect', (request, client: Socket) => {
    if (options.refuses !== undefined) {
      client.end(`HTTP/1.1 ${String(options.refuses)} Refused\r\n\r\n`);
      return;
    }
    const [host = '', port = ''] = (request.url ?? '').split(':');
    targets.push(`${request.headers['proxy-authorization'] ?? ''} ${request.url ?? ''}`.trim());
    const server = connect(Number(port), host, () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      server.pipe(client).pipe(server);
    });
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => sockets.delete(socket));
    }
  });
  await once(proxy, 'listening');
  onTestFinished(async () => {
    proxy.close();
    for (const socket of sockets) socket.destroy();
    proxy.closeAllConnections();
    await once(proxy, 'close');
  });
  return { url: `http://127.0.0.1:${String((proxy.address() as AddressInfo).port)}`, targets };
}
