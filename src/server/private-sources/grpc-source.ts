import { ChannelCredentials } from '@grpc/grpc-js';
import { SwitchboardError } from '../../domain/errors.js';
import type { PrivateSource } from '../../services/private-loads/private-source.js';
import { createSourceClient } from '../../wire/source-client.js';
import { readSourceRow } from '../../wire/source-codec.js';
import { listRows } from './list-rows.js';
import { sourceMetadata } from './source-token.js';

/** How a private source is reached, and what it may answer. */
export interface GrpcSourceConfig {
  readonly name: string;
  /** `HOST:PORT`. */
  readonly target: string;
  /** PEM contents; `{}` for the authorities that Node trusts. Left out: no TLS. */
  readonly tls?: SourceTls;
  /** Path of a file with the bearer token. Left out: none is sent. */
  readonly tokenFile?: string;
  /** How long a load may take, from connecting to the last row. Milliseconds. */
  readonly timeoutMs: number;
  readonly maxRows: number;
  /** Of all messages of a load together. */
  readonly maxBytes: number;
}

export interface SourceTls {
  readonly ca?: Buffer;
  /** Our own certificate, with its key. */
  readonly identity?: { readonly cert: Buffer; readonly key: Buffer };
}

/**
 * A private source behind gRPC: a service of the application that serves
 * switchboard.source.v1.PrivateSourceService. It connects with the first load, keeps one
 * connection, and gets another one when that breaks. `close` ends running loads with CLOSED.
 */
export function openGrpcSource(config: GrpcSourceConfig): PrivateSource {
  const { name, timeoutMs, tokenFile } = config;
  const client = createSourceClient(config.target, credentialsOf(config.tls), config);
  const running = new Set<AbortController>();
  let isClosed = false;
  const closedError = (): SwitchboardError =>
    new SwitchboardError('CLOSED', `private source ${name} is closed`);

  return {
    name,
    async load({ tenant, user }, { signal } = {}) {
      if (isClosed) throw closedError();
      if (signal?.aborted === true) throw new SwitchboardError('CANCELLED');
      const deadline = Date.now() + timeoutMs;
      const controller = new AbortController();
      const cancel = (): void => {
        controller.abort(new SwitchboardError('CANCELLED'));
      };
      running.add(controller);
      signal?.addEventListener('abort', cancel, { once: true });
      try {
        const metadata = await sourceMetadata(config, tokenFile);
        // No event comes for what was aborted before anybody listened.
        controller.signal.throwIfAborted();
        const request = { tenant, user };
        const call = { source: config, request, metadata, deadline, signal: controller.signal };
        const rows = await listRows(client, call);
        return rows.map((row, index) =>
          readSourceRow(row, { path: `servers[${String(index)}]`, user }),
        );
      } finally {
        running.delete(controller);
        signal?.removeEventListener('abort', cancel);
      }
    },
    close() {
      isClosed = true;
      for (const controller of running) controller.abort(closedError());
      client.close();
      return Promise.resolve();
    },
  };
}

function credentialsOf(tls: SourceTls | undefined): ChannelCredentials {
  if (tls === undefined) return ChannelCredentials.createInsecure();
  const { ca = null, identity } = tls;
  return ChannelCredentials.createSsl(ca, identity?.key ?? null, identity?.cert ?? null);
}
