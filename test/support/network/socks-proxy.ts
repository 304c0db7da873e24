import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** A SOCKS proxy for versions 4a and 5; what it was asked to connect to. Stopped with the test. */
export interface SocksProxy {
  readonly port: number;
  /** `version user:password host:port` of each connection. */
  readonly targets: readonly string[];
  /** Connections that are open. */
  readonly open: number;
}

/** How it behaves. */
export interface SocksProxyOptions {
  /** Demands these of version 5, as `user:password`. */
  readonly credentials?: string;
  /** Takes connections and says nothing. */
  readonly mute?: boolean;
  /** Refuses every target. */
  readonly refuses?: boolean;
}

export async function openSocksProxy(options: SocksProxyOptions = {}): Promise<SocksProxy> {
  const targets: string[] = [];
  const sockets = new Set<Socket>();
  const proxy = createServer((client) => {
    keep(sockets, client);
    if (options.mute === true) return void client.resume();
    serve(client, options, (target) => {
      targets.push(target.text);
      const server = connect(target.port, target.host);
      keep(sockets, server);
      return server;
    }).catch(() => client.destroy());
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  onTestFinished(async () => {
    proxy.close();
    for (const socket of sockets) socket.destroy();
    await once(proxy, 'close');
  });
  return {
    port: (proxy.address() as AddressInfo).port,
    targets,
    get open() {
      return sockets.size;
    },
  };
}

interface Target {
  readonly text: string;
  readonly host: string;
  readonly port: number;
}

async function serve(
  client: Socket,
  options: SocksProxyOptions,
  dial: (target: Target) => Socket,
): Promise<void> {
  const first = await chunk(client);
  const isFive = first[0] === 5;
  const target = isFive ? await greetFive(client, options) : readFour(first);
  if (options.refuses === true) {
    client.end(
      isFive ? Buffer.from([5, 2, 0, 1, 0, 0, 0, 0, 0, 0]) : Buffer.from([0, 91, 0, 0, 0, 0, 0, 0]),
    );
    return;
  }
  const server = dial(target);
  await once(server, 'connect');
  client.write(
    isFive ? Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]) : Buffer.from([0, 90, 0, 0, 0, 0, 0, 0]),
  );
  server.pipe(client).pipe(server);
}

async function greetFive(client: Socket, options: SocksProxyOptions): Promise<Target> {
  const { credentials = '' } = options;
  client.write(Buffer.from([5, credentials === '' ? 0 : 2]));
  let user = '';
  if (credentials !== '') {
    const login = await chunk(client);
    const nameEnd = 2 + (login[1] ?? 0);
    user = `${login.subarray(2, nameEnd).toString()}:${login.subarray(nameEnd + 1).toString()}`;
    client.write(Buffer.from([1, user === credentials ? 0 : 1]));
  }
  const request = await chunk(client);
  const isName = request[3] === 3;
  const end = isName ? 5 + (request[4] ?? 0) : 8;
  const host = isName ? request.subarray(5, end).toString() : request.subarray(4, 8).join('.');
  const port = request.readUInt16BE(end);
  return { text: `5 ${user} ${host}:${String(port)}`, host, port };
}

function readFour(request: Buffer): Target {
  const port = request.readUInt16BE(2);
  const [user = '', name = ''] = request.subarray(8).toString().split('\0');
  const isName = request.subarray(4, 7).every((byte) => byte === 0);
  const host = isName ? name : request.subarray(4, 8).join('.');
  return { text: `4 ${user} ${host}:${String(port)}`, host, port };
}

async function chunk(socket: Socket): Promise<Buffer> {
  const [data] = (await once(socket, 'data')) as [Buffer];
  return data;
}

function keep(sockets: Set<Socket>, socket: Socket): void {
  sockets.add(socket);
  socket.on('error', () => socket.destroy());
  socket.on('close', () => sockets.delete(socket));
}
