import { Metadata } from '@grpc/grpc-js';

/** Metadata with a token. */
export function bearer(token: string): Metadata {
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${token}`);
  return metadata;
}
