import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { ServerCredentials } from '@grpc/grpc-js';
import type { TlsFiles } from './options.js';
import { messageOf, StartError } from './start-error.js';

/**
 * The credentials to listen with: TLS from PEM files, with client certificates if a
 * `clientCa` is given; none without `files`. Throws a StartError.
 */
export function readServerCredentials(files: TlsFiles | undefined): ServerCredentials {
  if (files === undefined) return ServerCredentials.createInsecure();
  const cert = readPem('--tls-cert', files.cert);
  const key = readPem('--tls-key', files.key);
  const ca = files.clientCa === undefined ? null : readPem('--tls-client-ca', files.clientCa);
  try {
    // grpc-js would find out at the first connection only.
    createSecureContext({ cert, key, ...(ca && { ca }) });
  } catch (error) {
    throw new StartError(
      `--tls-cert ${files.cert} and --tls-key ${files.key} cannot be used: ${messageOf(error)}`,
    );
  }
  return ServerCredentials.createSsl(ca, [{ cert_chain: cert, private_key: key }], ca !== null);
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
