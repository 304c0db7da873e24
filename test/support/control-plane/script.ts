import {
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServiceError,
} from '@grpc/grpc-js';
import { onTestFinished } from 'vitest';
import {
  ConnectionServiceService,
  SyncResponse,
  type SyncRequest,
  type SyncOpen,
} from '../../../generated/switchboard/v1/connection_service.js';
import { Server as ServerMessage } from '../../../generated/switchboard/v1/server.js';
import type { Position } from '../../../src/domain/commit.js';
import { SwitchboardError } from '../../../src/domain/errors.js';
import { encodeToken } from '../../../src/domain/token.js';
import { toServerMessage } from '../../../src/wire/server-codec.js';
import { toRpcStatus, toStatus } from '../../../src/wire/status.js';
import type { Init } from '../grpc-admin/grpc-admin.js';
import { recordOf, type RecordParts } from '../storage/builders.js';

type Request = NonNullable<SyncRequest['message']>;
type Response = Init<typeof SyncResponse>['message'];

/** One Sync stream at the side of the server. */
export interface ScriptedStream {
  readonly received: readonly Request[];
  /** The header with which it was opened. */
  readonly authorization: string;
  /** The first message. */
  open(): SyncOpen;
  send(...messages: readonly Response[]): void;
  /** Sends a message that also closes the commit of a revision. */
  sendClosing(message: Response, revision: number): void;
  end(error?: SwitchboardError): void;
  readonly isOver: boolean;
}

/** A real gRPC server that says on Sync what a test wants, in place of a control plane. */
export interface ScriptedServer {
  readonly address: string;
  /** The streams so far, in the order of their opening. */
  readonly streams: readonly ScriptedStream[];
}

/** Starts one; it ends with the test. `onStream` is called when a stream has been opened. */
export async function startScriptedServer(
  onStream: (stream: ScriptedStream, index: number) => void = () => undefined,
): Promise<ScriptedServer> {
  const server = new Server();
  const streams: ScriptedStream[] = [];
  server.addService(ConnectionServiceService, {
    sync: (call: ServerDuplexStream<SyncRequest, SyncResponse>) => {
      const stream = scripted(call);
      call.once('data', () => {
        streams.push(stream);
        onStream(stream, streams.length - 1);
      });
    },
    checkConnections: (_call: unknown, callback: (error: Partial<ServiceError>) => void) => {
      callback(toStatus(new SwitchboardError('UNSUPPORTED')));
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  onTestFinished(() => {
    server.forceShutdown();
  });
  return { address: `127.0.0.1:${String(port)}`, streams };
}

function scripted(call: ServerDuplexStream<SyncRequest, SyncResponse>): ScriptedStream {
  const received: Request[] = [];
  let isOver = false;
  call.on('data', ({ message }: SyncRequest) => {
    if (message !== undefined) received.push(message);
  });
  call.on('error', () => (isOver = true));
  call.on('cancelled', () => (isOver = true));
  return {
    received,
    authorization: String(call.metadata.get('authorization')[0] ?? ''),
    open: () => {
      const [first] = received;
      if (first?.$case !== 'open') throw new Error('the first message is not `open`');
      return first.value;
    },
    send: (...messages) => {
      for (const message of messages) call.write(SyncResponse.fromPartial({ message }));
    },
    sendClosing: (message, revision) => {
      call.write(SyncResponse.fromPartial({ message, closes: { token: tokenAt(revision) } }));
    },
    end: (error) => {
      isOver = true;
      if (error === undefined) call.end();
      else call.emit('error', toStatus(error));
    },
    get isOver() {
      return isOver;
    },
  };
}

/** The token of a place in a made-up log. */
export function tokenAt(revision: number): string {
  const position: Position = { epoch: 'epoch', revision, fingerprint: String(revision) };
  return encodeToken('default', position);
}

export function welcome(resumed: boolean, heartbeatMs = 10_000): Response {
  const heartbeatInterval = {
    seconds: Math.floor(heartbeatMs / 1000),
    nanos: (heartbeatMs % 1000) * 1e6,
  };
  return { $case: 'welcome', value: { servedBy: 'script', heartbeatInterval, resumed } };
}

/** A record seen by the subscriptions of these ids on the wire. */
export function upsert(parts: RecordParts, ...subscriptionIds: readonly string[]): Response {
  const value = ServerMessage.fromPartial(toServerMessage(recordOf(parts)));
  const sights = subscriptionIds.map((subscriptionId) => ({ subscriptionId, owned: true }));
  return { $case: 'changes', value: { changes: [{ change: { $case: 'upsert', value }, sights }] } };
}

export function unchanged(id: string, ...subscriptionIds: readonly string[]): Response {
  const sights = subscriptionIds.map((subscriptionId) => ({ subscriptionId, owned: true }));
  const change = { $case: 'unchangedId' as const, value: id };
  return { $case: 'changes', value: { changes: [{ change, sights }] } };
}

export function removed(id: string): Response {
  const change = { $case: 'removedId' as const, value: id };
  return { $case: 'changes', value: { changes: [{ change }] } };
}

/** Makes subscriptions visible. */
export function synced(revision: number, ...subscriptionIds: readonly string[]): Response {
  const subscriptions = subscriptionIds.map((subscriptionId) => ({
    subscriptionId,
    viewDigest: `digest ${subscriptionId}`,
  }));
  return { $case: 'synced', value: { token: tokenAt(revision), subscriptions } };
}

export function commit(revision: number): Response {
  return { $case: 'commit', value: { token: tokenAt(revision) } };
}

export function heartbeat(revision: number, newest = revision): Response {
  return { $case: 'heartbeat', value: { token: tokenAt(revision), newest: tokenAt(newest) } };
}

export function refused(subscriptionId: string, error: SwitchboardError): Response {
  return { $case: 'refused', value: { subscriptionId, status: toRpcStatus(error) } };
}
