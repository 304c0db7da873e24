import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import {
  Metadata,
  Server,
  ServerCredentials,
  type ServerOptions,
  type ServerWritableStream,
  status,
} from '@grpc/grpc-js';
import { RetryInfo } from '../../../generated/google/rpc/error_details.js';
import { Status } from '../../../generated/google/rpc/status.js';
import {
  type ListPrivateServersRequest,
  ListPrivateServersResponse,
  PrivateSourceServiceService,
  type SourceServer as SourceServerMessage,
} from '../../../generated/switchboard/source/v1/private_source_service.js';

/** A row as the source sends it; bytes stand for an encoded one that may be broken. */
export type ScriptedRow = Parameters<typeof SourceServerMessage.fromPartial>[0] | Uint8Array;

/** What a source does when it is asked. All of it together: in this order. */
export interface SourceBehaviour {
  /** Begins to answer only when this resolves. */
  readonly until?: Promise<unknown>;
  /** Begins to answer only after so many milliseconds. */
  readonly delayMs?: number;
  /** How many rows go into one message. Default: all. */
  readonly rowsPerMessage?: number;
  /** Sends the first so many rows only. */
  readonly onlyRows?: number;
  /** Sends these bytes in place of a message. */
  readonly garbage?: Uint8Array;
  /** Default `ok`. `hang` never ends the answer; `die` is the end of the whole source. */
  readonly end?: 'ok' | 'hang' | 'die' | SourceStatus;
}

export interface SourceStatus {
  readonly code: keyof typeof status;
  readonly details?: string;
  readonly retryDelayMs?: number;
}

/** A source that does as it is told, whatever it is reached by. `*` stands for every user. */
export interface ScriptedSource {
  /** What the user may use, from the next call on. At first: nothing. */
  setRows(user: string, rows: readonly ScriptedRow[]): void;
  /** Replaces what was set before for the same; that of a user wins over that of `*`. */
  setBehaviour(user: string, behaviour: SourceBehaviour): void;
  /** How many calls there were. */
  calls(user: string): number;
  /** How many calls are being answered, and how many ever were at the same time. */
  running(user: string): number;
  mostRunning(user: string): number;
  /** Cuts all connections and takes no more. Stopping twice is fine. */
  stop(): Promise<void>;
}

/** The same as a real gRPC server. */
export interface SourceServer extends ScriptedSource, AsyncDisposable {
  /** `HOST:PORT`. */
  readonly address: string;
  /** Tenant, user and credential of each call, in order. */
  readonly requests: readonly SourceRequest[];
}

export interface SourceRequest {
  readonly tenant: string;
  readonly user: string;
  readonly authorization: string | undefined;
}

export interface SourceServerOptions {
  /** Where to listen: that of one which was stopped, to come back. Default: any free port. */
  readonly address?: string;
  readonly credentials?: ServerCredentials;
  /** Others are refused with UNAUTHENTICATED. Default: none is asked for. */
  readonly token?: () => string;
  readonly options?: ServerOptions;
}

type Call = ServerWritableStream<ListPrivateServersRequest, Buffer>;

/** Starts a source on the loopback. */
export async function startSourceServer(options: SourceServerOptions = {}): Promise<SourceServer> {
  const script = createScript();
  const requests: SourceRequest[] = [];
  const server = new Server({ 'grpc.enable_channelz': 0, ...options.options });
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopped ??= stopServer(server, address));
  const listPrivateServers = (call: Call): void => {
    const { tenant, user } = call.request;
    const [authorization] = call.metadata.get('authorization').map(String);
    requests.push({ tenant, user, authorization });
    const refused = options.token !== undefined && authorization !== `Bearer ${options.token()}`;
    const behaviour = refused ? { onlyRows: 0, end: UNAUTHENTICATED } : script.behaviour(user);
    void script.during(user, () => answer(call, script.rows(user), behaviour, stop));
  };
  server.addService(RAW_SERVICE, { listPrivateServers });
  const credentials = options.credentials ?? ServerCredentials.createInsecure();
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(options.address ?? '127.0.0.1:0', credentials, (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  const address = `127.0.0.1:${String(port)}`;
  const { setRows, setBehaviour, calls, running, mostRunning } = script;
  return {
    address,
    requests,
    setRows,
    setBehaviour,
    calls,
    running,
    mostRunning,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

const UNAUTHENTICATED: SourceStatus = { code: 'UNAUTHENTICATED', details: 'not this token' };

/** What goes out is bytes already, so that it may be anything. */
const RAW_SERVICE = {
  listPrivateServers: {
    ...PrivateSourceServiceService.listPrivateServers,
    responseSerialize: (bytes: Buffer) => bytes,
  },
};

async function stopServer(server: Server, address: string): Promise<void> {
  // Cuts connections; has to come first, because `tryShutdown` forgets them.
  server.drain(address, 0);
  await new Promise<void>((resolve) => {
    server.tryShutdown(() => {
      resolve();
    });
  });
}

/** What the source was told to do, and what it did. */
function createScript() {
  const rows = new Map<string, readonly ScriptedRow[]>();
  const behaviours = new Map<string, SourceBehaviour>();
  const counts = new Map<string, { calls: number; running: number; most: number }>();
  const countOf = (user: string): { calls: number; running: number; most: number } => {
    const count = counts.get(user) ?? { calls: 0, running: 0, most: 0 };
    counts.set(user, count);
    return count;
  };
  return {
    setRows: (user: string, of: readonly ScriptedRow[]): void => void rows.set(user, of),
    setBehaviour: (user: string, of: SourceBehaviour): void => void behaviours.set(user, of),
    calls: (user: string): number => countOf(user).calls,
    running: (user: string): number => countOf(user).running,
    mostRunning: (user: string): number => countOf(user).most,
    rows: (user: string): readonly ScriptedRow[] => rows.get(user) ?? [],
    behaviour: (user: string): SourceBehaviour => behaviours.get(user) ?? behaviours.get('*') ?? {},
    during: async (user: string, body: () => Promise<void>): Promise<void> => {
      const both = [countOf(user), countOf('*')];
      for (const count of both) {
        count.calls += 1;
        count.running += 1;
        count.most = Math.max(count.most, count.running);
      }
      await body().finally(() => both.forEach((count) => (count.running -= 1)));
    },
  };
}

/** Resolves when the call is over, also because the other side gave it up. */
async function answer(
  call: Call,
  rows: readonly ScriptedRow[],
  behaviour: SourceBehaviour,
  die: () => Promise<void>,
): Promise<void> {
  const { until, delayMs = 0, rowsPerMessage = Infinity, onlyRows = Infinity } = behaviour;
  const { garbage, end = 'ok' } = behaviour;
  const cancelled = once(call, 'cancelled');
  await Promise.race([cancelled, Promise.all([until, delayMs > 0 ? wait(delayMs) : undefined])]);
  for (const message of messagesOf(rows.slice(0, onlyRows), rowsPerMessage)) {
    if (call.cancelled) return;
    if (!call.write(message)) await Promise.race([cancelled, once(call, 'drain')]);
  }
  if (garbage !== undefined) call.write(Buffer.from(garbage));
  if (end === 'ok') call.end();
  else if (end === 'hang') await cancelled;
  else if (end === 'die') {
    // What was written is on its way first.
    await wait(20);
    await die();
  } else call.emit('error', statusOf(end));
}

function messagesOf(rows: readonly ScriptedRow[], size: number): readonly Buffer[] {
  const messages: Buffer[] = [];
  for (let at = 0; at < rows.length; at += size)
    messages.push(encodeAnswer(rows.slice(at, at + size)));
  return messages;
}

/** A ListPrivateServersResponse of these rows. */
export function encodeAnswer(rows: readonly ScriptedRow[]): Buffer {
  const encoded = rows.map((row) => {
    if (!(row instanceof Uint8Array))
      return ListPrivateServersResponse.encode(
        ListPrivateServersResponse.fromPartial({ servers: [row] }),
      ).finish();
    // Field 1, with the bytes as they are.
    return Buffer.concat([Buffer.from([0x0a]), lengthOf(row), row]);
  });
  return Buffer.concat(encoded);
}

/** The length of `bytes` as a varint. */
function lengthOf(bytes: Uint8Array): Buffer {
  const septets: number[] = [];
  for (let rest = bytes.byteLength; septets.length === 0 || rest > 0; rest >>>= 7)
    septets.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
  return Buffer.from(septets);
}

function statusOf({ code, details = 'as told', retryDelayMs }: SourceStatus) {
  const metadata = new Metadata();
  if (retryDelayMs !== undefined) {
    const retryDelay = {
      seconds: Math.trunc(retryDelayMs / 1000),
      nanos: (retryDelayMs % 1000) * 1e6,
    };
    const value = Buffer.from(RetryInfo.encode({ retryDelay }).finish());
    const packed = { typeUrl: 'type.googleapis.com/google.rpc.RetryInfo', value };
    const rpc = { code: status[code], message: details, details: [packed] };
    metadata.set('grpc-status-details-bin', Buffer.from(Status.encode(rpc).finish()));
  }
  return { code: status[code], details, metadata };
}
