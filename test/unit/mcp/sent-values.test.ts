import { describe, expect, it } from 'vitest';
import { sentValues } from '../../../src/mcp/sent-values.js';

describe('sentValues', () => {
  it('takes headers, query and credentials of an address', () => {
    const values = sentValues({
      kind: 'streamable_http',
      url: 'https://host.example/path-literal?key=query-value&short=1',
      headers: {
        Authorization: 'Bearer literal-token',
        'x-basic': `Basic ${Buffer.from('ana:long-password').toString('base64')}`,
        cookie: 'session=cookie-value; theme=dark',
        'x-short': '1234567',
        'User-Agent': 'application/1.0',
      },
      proxyUrl: 'http://proxy-user:p%40ssword@proxy.example:8080',
      secrets: ['Bearer abc4', 'xyz'],
    });
    for (const value of ['literal-token', 'ana:long-password', 'long-password', 'cookie-value'])
      expect(values).toContain(value);
    for (const value of ['query-value', 'proxy-user', 'p@ssword', 'proxy-user:p@ssword', 'abc4'])
      expect(values).toContain(value);
    for (const value of ['xyz', '1', '1234567', 'dark', 'application/1.0', 'Bearer'])
      expect(values).not.toContain(value);
  });

  it('takes the variables of a process, but not those that every process gets', () => {
    const values = sentValues({
      kind: 'stdio',
      command: 'program-name',
      args: ['--argument-literal', '--token=secret'],
      env: {
        PATH: '/usr/local/bin:/usr/bin',
        KEY: 'literal-key',
        DATABASE: 'postgres://user:pass-word@host/base',
      },
      stderr: 'ignore',
      secrets: ['secret'],
    });
    expect(new Set(values)).toEqual(
      new Set([
        'secret',
        'literal-key',
        'postgres://user:pass-word@host/base',
        'pass-word',
        'user:pass-word',
      ]),
    );
  });
});
