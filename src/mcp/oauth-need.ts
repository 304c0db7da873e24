import type { FetchLike } from '@modelcontextprotocol/client';
import { z } from 'zod';
import type { OAuthNeed } from '../domain/facts.js';
import { fetchWithinOrigin } from './fetch-within-origin.js';

/** Where RFC 9728 has the metadata of a protected resource. */
const WELL_KNOWN = '/.well-known/oauth-protected-resource';

const metadata = z.looseObject({ resource: z.string().min(1) });

/** What a server that refused us said about it. */
export interface Refused {
  /** Of the server; a WebSocket's counts as that of its HTTP. */
  readonly url: string;
  /** The `www-authenticate` header of its 401; undefined if there was none. */
  readonly challenge: string | undefined;
  readonly fetch: FetchLike;
  readonly signal: AbortSignal;
}

/**
 * Whether a server that answered 401 demands OAuth: it names its metadata, or has them
 * where RFC 9728 says. Everything else proves nothing: `unknown`. Never throws.
 */
export async function oauthNeedOf(refused: Refused): Promise<OAuthNeed> {
  const { url, challenge, fetch, signal } = refused;
  if (/\bresource_metadata\s*=/i.test(challenge ?? '')) return 'yes';
  for (const place of metadataUrls(url)) {
    if (await hasMetadata(fetchWithinOrigin(fetch), place, signal)) return 'yes';
  }
  return 'unknown';
}

function metadataUrls(text: string): readonly URL[] {
  // Our own query and credentials are for the server, not for its metadata.
  const { protocol, host, pathname } = new URL(text);
  const base = `${protocol.replace(/^ws/, 'http')}//${host}`;
  const path = pathname.replace(/\/$/, '');
  const paths = path === '' ? [WELL_KNOWN] : [`${WELL_KNOWN}${path}`, WELL_KNOWN];
  return paths.map((one) => new URL(one, base));
}

async function hasMetadata(fetch: FetchLike, url: URL, signal: AbortSignal): Promise<boolean> {
  try {
    const response = await fetch(url, { headers: { accept: 'application/json' }, signal });
    if (response.ok) return metadata.safeParse(await response.json()).success;
    await response.body?.cancel();
  } catch {
    // Whatever it is, it does not say yes.
  }
  return false;
}
