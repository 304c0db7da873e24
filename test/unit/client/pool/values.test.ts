import { describe, expect, it } from 'vitest';
import type { KnownServer } from '../../../../src/client/server-view.js';
import { resolveTarget } from '../../../../src/client/values/resolve-target.js';
import type { HookRequest, ValueSources } from '../../../../src/client/values/value-sources.js';
import type { Transport } from '../../../../src/domain/config/spec.js';
import { APP_VIEW, userView } from '../../../../src/domain/view.js';
import type { ConnectTarget } from '../../../../src/mcp/connect-target.js';
import { clientErrorOf } from '../../../support/mcp/pool.js';
import { ServerList, type Declared } from '../../../support/mcp/server-list.js';
import { httpServer, nodeServer } from '../../../support/mcp/specs.js';

interface Asked {
  readonly tier?: Declared['tier'];
  readonly sources?: Partial<ValueSources>;
  readonly requestValues?: Record<string, string>;
  readonly headers?: Record<string, string>;
  readonly proxyUrl?: string;
}

function serverOf(transport: Transport, { tier = 'USER', proxyUrl = '' }: Asked): KnownServer {
  const list = new ServerList();
  list.put({
    name: 's',
    tier,
    ...(tier === 'PRIVATE' ? { owner: 'ana' } : {}),
    spec: { transport, proxyUrl },
  });
  return list.resolve('s', tier === 'APP' ? APP_VIEW : userView('ana'))!;
}

async function resolve(transport: Transport, asked: Asked = {}): Promise<ConnectTarget> {
  const { sources = {}, requestValues = {}, headers = {} } = asked;
  const server = serverOf(transport, asked);
  const signal = new AbortController().signal;
  return resolveTarget(
    { env: {}, ...sources },
    { user: 'ana', server, signal, requestValues, headers },
  );
}

describe('resolveTarget', () => {
  it('puts together values of every source', async () => {
    const asked: string[] = [];
    const target = await resolve(
      httpServer('https://${env:HOST}/${user:id}?q=${request:q}', {
        Authorization: 'Bearer ${secret:TOKEN}',
        'X-Key': '${var:KEY}-${user:id}-$${literal}',
      }),
      {
        sources: {
          env: { HOST: 'mcp.example' },
          userValues: ({ user }: HookRequest) => {
            asked.push(`user ${user ?? ''}`);
            return { user: { id: 'a/b' }, vars: { KEY: 'k' } };
          },
          secrets: (name) => {
            asked.push(name);
            return `s-${name}`;
          },
        },
        requestValues: { q: 'a&b' },
        headers: { AUTHORIZATION: 'Bearer stronger' },
        proxyUrl: 'http://${env:HOST}:8080',
      },
    );
    expect(target).toEqual({
      kind: 'streamable_http',
      url: 'https://mcp.example/a%2Fb?q=a%26b',
      headers: { authorization: 'Bearer stronger', 'x-key': 'k-a/b-${literal}' },
      proxyUrl: 'http://mcp.example:8080',
      secrets: [
        ...['mcp.example', 'a/b', 'a&b', 's-TOKEN', 'k', 'a/b', 'mcp.example'],
        'Bearer stronger',
      ],
    });
    expect(asked.sort()).toEqual(['TOKEN', 'user ana']);
  });

  it('never scans again what came from a value [C6]', async () => {
    const target = await resolve(httpServer('https://h/', { 'x-a': '${var:A}' }), {
      sources: {
        env: { SECRET: 'leaked' },
        userValues: () => ({ vars: { A: '${env:SECRET} ${secret:S}' } }),
        secrets: () => 'leaked',
      },
    });
    expect(target).toMatchObject({ headers: { 'x-a': '${env:SECRET} ${secret:S}' } });
  });

  it('keeps a user from choosing the host [C6]', async () => {
    const transport = httpServer('https://${user:team}.example.com/mcp');
    const ask = async (team: string): Promise<ConnectTarget> =>
      resolve(transport, { sources: { userValues: () => ({ user: { team } }) } });
    expect(await ask('red')).toMatchObject({ url: 'https://red.example.com/mcp' });
    for (const team of ['evil.test/', 'evil.test#', 'evil.test?', 'a@evil.test/', 'evil.test\\']) {
      const outcome = await ask(team).catch((error: unknown) => error as { reason: string });
      const host = 'url' in outcome ? new URL(outcome.url).host : outcome;
      if (typeof host === 'string') expect(host).toMatch(/\.example\.com$/);
      else expect(host).toMatchObject({ reason: 'VALUE_INVALID' });
    }
  });

  it.each([
    ['env', '${env:X}'],
    ['user', '${user:X}'],
    ['var', '${var:X}'],
    ['request', '${request:X}'],
    ['secret', '${secret:X}'],
    ['env of a name that objects have', '${env:constructor}'],
  ])('names a missing value of %s and its field', async (_title, placeholder) => {
    const stdio = clientErrorOf(resolve(nodeServer(['-v', `a ${placeholder}`])));
    expect(await stdio).toMatchObject({
      reason: 'VALUE_MISSING',
      metadata: { placeholder, field: 'stdio.args[1]' },
    });
    const http = clientErrorOf(resolve(httpServer('https://h/', { 'X-Y': placeholder })));
    expect(await http).toMatchObject({
      reason: 'VALUE_MISSING',
      metadata: { placeholder, field: 'streamable_http.headers[X-Y]' },
    });
  });

  it.each(['a\r\nb: c', 'a\nb', 'a\0', '\u{1F600}'])('refuses %j in a header', async (text) => {
    const ofVar = resolve(httpServer('https://h/', { 'x-a': '${var:A}' }), {
      sources: { userValues: () => ({ vars: { A: text } }) },
    });
    expect((await clientErrorOf(ofVar)).reason).toBe('VALUE_INVALID');
    const ofHook = resolve(httpServer('https://h/'), { headers: { 'x-a': text } });
    expect(await clientErrorOf(ofHook)).toMatchObject({
      reason: 'VALUE_INVALID',
      metadata: { field: 'credentials.headers[x-a]' },
    });
  });

  it('refuses a NUL in what a process gets, and what is no URL', async () => {
    const sources = { userValues: () => ({ vars: { A: 'a\0b', U: 'no url' } }) };
    const arg = clientErrorOf(resolve(nodeServer(['${var:A}']), { sources }));
    expect((await arg).metadata['field']).toBe('stdio.args[0]');
    const env = clientErrorOf(resolve(nodeServer([], { env: { E: '${var:A}' } }), { sources }));
    expect((await env).metadata['field']).toBe('stdio.env[E]');
    const url = clientErrorOf(
      resolve(httpServer('${env:U}'), { sources: { env: { U: 'no url' } } }),
    );
    expect(await url).toMatchObject({
      reason: 'VALUE_INVALID',
      metadata: { field: 'streamable_http.url' },
    });
  });

  it('lets a private server have no value of the node', async () => {
    const sources = { env: { X: 'x' }, secrets: () => 's' };
    for (const placeholder of ['${env:X}', '${secret:X}']) {
      const asked = resolve(httpServer('https://h/', { 'x-a': placeholder }), {
        tier: 'PRIVATE',
        sources,
      });
      expect(await clientErrorOf(asked)).toMatchObject({
        reason: 'VALUE_NOT_ALLOWED',
        metadata: { placeholder },
      });
    }
  });

  it('gives a process the safe part of the environment and what its spec adds', async () => {
    const target = await resolve(
      nodeServer([], { env: { PATH: '/own', A: '${env:KEY}' }, cwd: '/tmp' }),
      {
        sources: { env: { PATH: '/bin', HOME: '/h', KEY: 'k', OTHER: 'o' } },
      },
    );
    expect(target).toMatchObject({ env: { PATH: '/own', HOME: '/h', A: 'k' }, cwd: '/tmp' });
    expect(Object.keys((target as { env: object }).env).sort()).toEqual(['A', 'HOME', 'PATH']);
  });

  it('asks no hook that is not needed, and tells one that throws', async () => {
    const failing = {
      userValues: () => {
        throw new Error('down');
      },
      secrets: async () => Promise.reject(new Error('down')),
    };
    expect(await resolve(httpServer('https://h/'), { sources: failing })).toMatchObject({
      headers: {},
    });
    for (const [placeholder, hook] of [
      ['${user:X}', 'userValues'],
      ['${secret:X}', 'secrets'],
    ] as const) {
      const error = await clientErrorOf(resolve(nodeServer([placeholder]), { sources: failing }));
      expect([error.reason, error.metadata['hook']]).toEqual(['HOOK_FAILED', hook]);
    }
  });
});
