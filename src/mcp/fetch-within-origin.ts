import type { FetchLike } from '@modelcontextprotocol/client';
import { McpError } from './mcp-error.js';

const MAX_REDIRECTS = 5;

/**
 * A fetch that follows redirects to where it was sent anyway, as servers do that want a
 * slash at the end, and refuses those that would take the headers elsewhere. A request
 * with a body follows only what says to repeat it (307, 308). The body must be a string.
 */
export function fetchWithinOrigin(fetch: FetchLike): FetchLike {
  return async (url, init = {}) => {
    let at = new URL(url);
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
      const response = await fetch(at, { ...init, redirect: 'manual' });
      const next = redirectOf(response, at, init.body !== undefined);
      if (next === undefined) return response;
      await response.body?.cancel();
      if (next.origin !== at.origin) {
        throw refused(`the server redirects to another origin: ${next.origin}`, response.status);
      }
      at = next;
    }
    throw refused('the server redirects in a circle');
  };
}

function redirectOf(response: Response, at: URL, hasBody: boolean): URL | undefined {
  const repeats = response.status === 307 || response.status === 308;
  const moves = [301, 302, 303].includes(response.status) && !hasBody;
  const location = response.headers.get('location');
  if ((!repeats && !moves) || location === null || !URL.canParse(location, at.href))
    return undefined;
  return new URL(location, at);
}

function refused(text: string, status?: number): McpError {
  const details = status === undefined ? { sent: false } : { sent: false, status };
  return new McpError('refused', text, details);
}
