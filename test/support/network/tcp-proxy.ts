import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** Which way bytes go. */
export type Direction = 'to-server' | 'to-client';

/**
 * Stands between a client and a server, and does what networks do. What is held goes on when
 * it is released: as with lost packets, TCP brings them in the end.
 */
export interface TcpProxy extends AsyncDisposable {
  readonly address: string;
  /** Connections ever accepted, and those that are open. */
  readonly accepted: number;
  readonly open: number;
  /** Holds back what goes these ways, on all connections, also those to come. */
  hold(...directions: readonly Direction[]): void;
  /** Lets everything go on, also what was held. */
  release(): void;
  /** Lets connections to come go on; those that are open stay held for ever. */
  abandon(): void;
  /** Everything takes so much longer, on connections to come. */
  delay(ms: number): void;
  /** Cuts each connection to come once so many bytes went to the client. */
  cutAfter(bytes: number): void;
  /** Cuts what is open. */
  cut(): void;
}

interface Weather {
  readonly held: Set<Direction>;
}

/** A proxy to `target` (`host:port`) on a free port of the loopback. */
export async function startTcpProxy(target: string): Promise<TcpProxy> {
  const separator = target.lastIndexOf(':');
  const [host, port] = [target.slice(0, separator), Number(target.slice(separator + 1))];
  const links = new Set<Link>();
  let weather: Weather = { held: new Set() };
  let accepted = 0;
  let delayMs = 0;
  let cutAfterBytes = Infinity;
  const proxy = createServer((client) => {
    accepted += 1;
    const link = new Link(client, connect(port, host), { weather, delayMs, cutAfterBytes });
    links.add(link);
    link.onClosed = () => links.delete(link);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const resume = (): void => {
    for (const link of links) link.resume();
  };
  const cut = (): void => {
    for (const link of links) link.cut();
  };
  return {
    address: `127.0.0.1:${String((proxy.address() as AddressInfo).port)}`,
    get accepted() {
      return accepted;
    },
    get open() {
      return links.size;
    },
    hold: (...directions) => {
      for (const direction of directions) weather.held.add(direction);
    },
    release: () => {
      weather.held.clear();
      resume();
    },
    abandon: () => (weather = { held: new Set() }),
    delay: (ms) => (delayMs = ms),
    cutAfter: (bytes) => (cutAfterBytes = bytes),
    cut,
    async [Symbol.asyncDispose]() {
      const closed = once(proxy, 'close');
      proxy.close();
      cut();
      await closed;
    },
  };
}

interface LinkOptions {
  readonly weather: Weather;
  readonly delayMs: number;
  readonly cutAfterBytes: number;
}

/** One connection through the proxy. */
class Link {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #options: LinkOptions;
  readonly #waiting: Record<Direction, Buffer[]> = { 'to-server': [], 'to-client': [] };
  #toClientBytes = 0;
  /** Both ends are gone. */
  onClosed: () => void = () => undefined;

  constructor(client: Socket, server: Socket, options: LinkOptions) {
    [this.#client, this.#server, this.#options] = [client, server, options];
    client.on('data', (chunk: Buffer) => this.#arrived('to-server', chunk));
    server.on('data', (chunk: Buffer) => this.#arrived('to-client', chunk));
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on('error', () => this.cut());
      socket.on('close', () => this.#gone());
    }
  }

  resume(): void {
    this.#pump('to-server');
    this.#pump('to-client');
  }

  cut(): void {
    this.#client.destroy();
    this.#server.destroy();
  }

  /** One end went away; the other one learns of it unless something does not get through. */
  #gone(): void {
    if (this.#options.weather.held.size === 0) this.cut();
    if (this.#client.closed && this.#server.closed) this.onClosed();
  }

  #arrived(direction: Direction, chunk: Buffer): void {
    const { delayMs } = this.#options;
    const forward = (): void => {
      this.#waiting[direction].push(chunk);
      this.#pump(direction);
    };
    if (delayMs === 0) forward();
    else setTimeout(forward, delayMs);
  }

  #pump(direction: Direction): void {
    if (this.#options.weather.held.has(direction)) return;
    const to = direction === 'to-server' ? this.#server : this.#client;
    for (const chunk of this.#waiting[direction].splice(0)) {
      if (direction === 'to-client') this.#toClientBytes += chunk.byteLength;
      if (!to.destroyed) to.write(chunk);
    }
    if (this.#toClientBytes >= this.#options.cutAfterBytes) this.cut();
  }
}
