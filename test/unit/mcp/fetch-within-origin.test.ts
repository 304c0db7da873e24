import { describe, expect, it } from 'vitest';
import { fetchWithinOrigin } from '../../../src/mcp/fetch-within-origin.js';
import { mcpErrorOf } from '../../support/mcp/connect.js';

const redirect = (status: number, location?: string): Response =>
  new Response(null, { status, ...(location === undefined ? {} : { headers: { location } }) });

/** A fetch that answers by path, and what it was asked. */
function answering(answers: Readonly<Record<string, Response>>): {
  readonly asked: string[];
  readonly fetch: ReturnType<typeof fetchWithinOrigin>;
} {
  const asked: string[] = [];
  const fetch = fetchWithinOrigin(async (url, init) => {
    asked.push(`${init?.method ?? 'GET'} ${url.toString()} ${init?.redirect ?? ''}`);
    return Promise.resolve(answers[new URL(url).pathname] ?? new Response('there'));
  });
  return { asked, fetch };
}

describe('fetchWithinOrigin', () => {
  it.each([301, 302, 303, 307, 308])('follows %i of a GET to its own origin', async (status) => {
    const { asked, fetch } = answering({ '/a': redirect(status, '/b?x=1') });
    expect(await (await fetch('http://h/a')).text()).toBe('there');
    expect(asked).toEqual(['GET http://h/a manual', 'GET http://h/b?x=1 manual']);
  });

  it.each([307, 308])('repeats a POST on %i', async (status) => {
    const { asked, fetch } = answering({ '/a': redirect(status, 'b') });
    await fetch('http://h/a', { method: 'POST', body: '{}' });
    expect(asked).toEqual(['POST http://h/a manual', 'POST http://h/b manual']);
  });

  it.each([
    ['a POST that would become a GET', redirect(302, '/b'), { method: 'POST', body: '{}' }],
    ['a redirect to nowhere', redirect(307), {}],
    ['a redirect to what is no URL', redirect(307, 'http://'), {}],
    ['what is no redirect', redirect(304, '/b'), {}],
  ])('answers %s as it is', async (_title, response, init) => {
    const { asked, fetch } = answering({ '/a': response });
    expect((await fetch('http://h/a', init)).status).toBe(response.status);
    expect(asked).toHaveLength(1);
  });

  it.each(['http://other/b', 'https://h/b', 'http://h:81/b'])(
    'goes to no other origin: %s',
    async (location) => {
      const { asked, fetch } = answering({ '/a': redirect(307, location) });
      const error = await mcpErrorOf(fetch('http://h/a'));
      expect([error.kind, error.sent, error.status]).toEqual(['refused', false, 307]);
      expect(asked).toHaveLength(1);
    },
  );

  it('ends in a circle', async () => {
    const { asked, fetch } = answering({ '/a': redirect(307, '/a') });
    expect((await mcpErrorOf(fetch('http://h/a'))).kind).toBe('refused');
    expect(asked).toHaveLength(6);
  });
});
