import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { ServerCredentials } from '@grpc/grpc-js';
import type { TlsFiles } from './options.js';
import { messageOf, StartError } from './start-error.js';

/** The content of TLS files. */
export interface TlsContext {
  readonly cert: Buffer;
  readonly key: Buffer;
  /** With it, every client needs a certificate. */
  readonly ca: Buffer | undefined;
}

/**
 * The credentials to listen with: TLS from PEM files, with client certificates if a
 * `clientCa` is given; none without `files`. Throws a StartError.
 */
export function readServerCredentials(files: TlsFiles | undefined): ServerCredentials {
  if (files === undefined) return ServerCredentials.createInsecure();
  const { cert, key, ca } = readTls(files);
  const pair = { cert_chain: cert, private_key: key };
  return ServerCredentials.createSsl(ca ?? null, [pair], ca !== undefined);
}

/** Reads TLS files and checks that they fit together. Throws a StartError. */
export function readTls(files: TlsFiles): TlsContext {
  const cert = readPem('--tls-cert', files.cert);
  const key = readPem('--tls-key', files.key);
  const ca = files.clientCa === undefined ? undefined : readPem('--tls-client-ca', files.clientCa);
  try {
    // grpc-js would find out at the first connection only.
    createSecureContext({ cert, key, ...(ca && { ca }) });
  } catch (error) {
    throw new StartError(
      `--tls-cert ${files.cert} and --tls-key ${files.key} cannot be used: ${messageOf(error)}`,
    );
  }
  return { cert, key, ca };
}

function readPem(flag: string, file: string): Buffer {
  let pem: Buffer;
  try {
    pem = readFileSync(file);
  } catch (error) {
    throw new StartError(`${flag}: cannot read ${file}: ${messageOf(error)}`);
  }
  if (!pem.includes('-----BEGIN ')) throw new StartError(`${flag}: ${file} is not a PEM file`);
  return pem;
}
