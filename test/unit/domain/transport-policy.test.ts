import { describe, expect, it } from 'vitest';
import { SPEC_DEFAULTS, type ServerSpec } from '../../../src/domain/config/spec.js';
import { readHost, readNetwork } from '../../../src/domain/read-policy.js';
import {
  addressRefusal,
  hostOf,
  hostRefusal,
  SAFE_POLICY,
  sameDestination,
  specRefusal,
  transportRefusal,
  type TransportPolicy,
} from '../../../src/domain/transport-policy.js';
import { EMPTY_OAUTH } from '../../support/oauth.js';

const at = (url: string, more: Partial<ServerSpec> = {}): ServerSpec => ({
  ...SPEC_DEFAULTS,
  transport: { kind: 'streamable_http', url, headers: {} },
  ...more,
});
const process: ServerSpec = {
  ...SPEC_DEFAULTS,
  transport: { kind: 'stdio', command: '/bin/sh', args: [], env: {}, cwd: '', stderr: 'ignore' },
};
const policyOf = (more: Partial<TransportPolicy>): TransportPolicy => ({ ...SAFE_POLICY, ...more });
const ruleAt = (url: string, more: Partial<TransportPolicy> = {}): string | undefined =>
  specRefusal(policyOf(more), at(url))?.rule;
const ruleOf = (address: string, more: Partial<TransportPolicy> = {}): string | undefined =>
  addressRefusal(policyOf(more), { host: 'mcp.example', address, field: 'url' })?.rule;

describe('the transport policy by default', () => {
  it('refuses processes', () => {
    expect(specRefusal(SAFE_POLICY, process)).toMatchObject({ rule: 'stdio', field: 'stdio' });
    expect(specRefusal(policyOf({ privateStdio: true }), process)).toBeUndefined();
  });

  it.each([
    ['http://127.0.0.1:8080/mcp', 'loopback'],
    ['http://127.255.0.9/', 'loopback'],
    ['http://0x7f.1/', 'loopback'],
    ['http://2130706433/', 'loopback'],
    ['http://0177.0.0.01/', 'loopback'],
    ['http://127.0.0.%31/', 'loopback'],
    ['http://127.0.0.1./', 'loopback'],
    ['http://１２７.0.0.1/', 'loopback'],
    ['http://localhost/', 'loopback'],
    ['http://LOCALHOST./', 'loopback'],
    ['http://a.localhost/', 'loopback'],
    ['http://[::1]/', 'loopback'],
    ['http://[::ffff:127.0.0.1]/', 'loopback'],
    ['http://[::ffff:0:127.0.0.1]/', 'loopback'],
    ['http://[64:ff9b::127.0.0.1]/', 'loopback'],
    ['http://[2002:7f00:1::1]/', 'loopback'],
    ['http://169.254.169.254/latest/meta-data/', 'metadata'],
    ['http://0xa9fea9fe/', 'metadata'],
    ['http://[::ffff:a9fe:a9fe]/', 'metadata'],
    ['http://[fd00:ec2::254]/', 'metadata'],
    ['http://100.100.100.200/', 'metadata'],
    ['http://168.63.129.16/', 'metadata'],
    ['http://metadata.google.internal/', 'metadata'],
    ['http://METADATA.google.internal./', 'metadata'],
    ['http://169.254.1.1/', 'link-local'],
    ['http://[fe80::1]/', 'link-local'],
    ['http://10.1.2.3/', 'private'],
    ['http://172.31.255.255/', 'private'],
    ['http://192.168.0.1/', 'private'],
    ['http://100.64.0.1/', 'private'],
    ['http://[fc00::1]/', 'private'],
    ['http://[fdff::1]/', 'private'],
    ['http://0.0.0.0/', 'reserved'],
    ['http://0/', 'reserved'],
    ['http://[::]/', 'reserved'],
    ['http://[::127.0.0.1]/', 'reserved'],
    ['http://224.0.0.1/', 'reserved'],
    ['http://255.255.255.255/', 'reserved'],
    ['http://240.0.0.1/', 'reserved'],
    ['http://[ff02::1]/', 'reserved'],
    ['http://[2001::1]/', 'reserved'],
    ['http://[64:ff9b:1::7f00:1]/', 'reserved'],
  ])('refuses %s', (url, rule) => {
    expect(ruleAt(url)).toBe(rule);
  });

  it.each([
    'https://mcp.example/',
    'https://8.8.8.8/',
    'https://172.32.0.1/',
    'https://[2606:4700::1]/',
    'https://[64:ff9b::8.8.8.8]/',
    'https://[2002:808:808::1]/',
    'https://localhost.example/',
    'https://notlocalhost/',
  ])('allows %s', (url) => {
    expect(ruleAt(url)).toBeUndefined();
  });

  it('knows resolved addresses as resolvers write them', () => {
    expect(ruleOf('fe80::1%eth0')).toBe('link-local');
    expect(ruleOf('::ffff:10.0.0.1')).toBe('private');
    expect(ruleOf('93.184.216.34')).toBeUndefined();
    expect(ruleOf('no address')).toBe('reserved');
  });

  it('applies to PRIVATE servers that were not demoted', () => {
    const spec = at('http://10.0.0.1/');
    expect(transportRefusal(SAFE_POLICY, { tier: 'PRIVATE', spec })?.rule).toBe('private');
    expect(transportRefusal(SAFE_POLICY, { tier: 'USER', spec })).toBeUndefined();
    expect(transportRefusal(SAFE_POLICY, { tier: 'APP', spec })).toBeUndefined();
    const demoted = { tier: 'PRIVATE', transportExempt: true, spec } as const;
    expect(transportRefusal(SAFE_POLICY, demoted)).toBeUndefined();
  });

  it('names the rule, the place and what allows it', () => {
    expect(hostRefusal(SAFE_POLICY, '10.0.0.1', 'sse.url')?.message).toMatchInlineSnapshot(
      `"a PRIVATE server may not be at 10.0.0.1, a private address (rule private): allow it with --allow-private-networks or --allow-private-hosts"`,
    );
    const address = { host: 'a.example', address: '127.0.0.1', field: 'sse.url' };
    expect(addressRefusal(SAFE_POLICY, address)?.message).toMatchInlineSnapshot(
      `"a PRIVATE server may not be at a.example, which resolves to the machine that connects (rule loopback): allow it with --allow-private-networks or --allow-private-hosts"`,
    );
  });
});

describe('a host that depends on a value', () => {
  it('is left to the node, which knows the value', () => {
    expect(ruleAt('http://${var:HOST}/')).toBeUndefined();
    expect(ruleAt('http://127.0.0.${var:N}/')).toBeUndefined();
    expect(ruleAt('http://10.0.0.1/${var:PATH}')).toBe('private');
    expect(ruleAt('http://10.0.0.1/$${a}')).toBe('private');
  });
});

describe('what is allowed', () => {
  it('is in a network, in whatever form it is written', () => {
    const networks = ['10.0.0.0/8', 'fd00::/8'];
    expect(ruleAt('http://10.9.9.9/', { networks })).toBeUndefined();
    expect(ruleAt('http://[::ffff:10.9.9.9]/', { networks })).toBeUndefined();
    expect(ruleAt('http://[fd12::1]/', { networks })).toBeUndefined();
    expect(ruleAt('http://11.0.0.1/', { networks })).toBeUndefined();
    expect(ruleAt('http://192.168.0.1/', { networks })).toBe('private');
    expect(ruleAt('http://[fc00::1]/', { networks })).toBe('private');
  });

  it('is a metadata service only by its own address', () => {
    const url = 'http://169.254.169.254/';
    for (const networks of [['169.254.0.0/16'], ['0.0.0.0/0'], ['169.254.169.254/31']])
      expect(ruleAt(url, { networks })).toBe('metadata');
    expect(ruleAt(url, { networks: ['169.254.169.254'] })).toBeUndefined();
    expect(ruleAt(url, { networks: ['169.254.169.254/32'] })).toBeUndefined();
    expect(ruleAt(url, { hosts: ['169.254.169.254'] })).toBe('metadata');
    const host = { host: 'mcp.internal', address: '169.254.169.254', field: 'url' };
    expect(addressRefusal(policyOf({ hosts: ['mcp.internal'] }), host)?.rule).toBe('metadata');
  });

  it('is a host, whatever its address', () => {
    const policy = policyOf({ hosts: ['mcp.internal', '*.svc.local'] });
    const rule = (host: string): string | undefined =>
      addressRefusal(policy, { host, address: '10.0.0.1', field: 'url' })?.rule;
    expect(rule('mcp.internal')).toBeUndefined();
    expect(rule('MCP.internal.')).toBeUndefined();
    expect(rule('a.b.svc.local')).toBeUndefined();
    expect(rule('svc.local')).toBe('private');
    expect(rule('evilsvc.local')).toBe('private');
    expect(rule('x.mcp.internal')).toBe('private');
    expect(ruleAt('http://localhost/', { hosts: ['localhost'] })).toBeUndefined();
  });

  it('is loopback as a whole, and nothing else with it', () => {
    for (const url of ['http://localhost:1/', 'http://127.0.0.1/', 'http://[::1]/'])
      expect(ruleAt(url, { loopback: true })).toBeUndefined();
    expect(ruleAt('http://0.0.0.0/', { loopback: true })).toBe('reserved');
    expect(ruleAt('http://10.0.0.1/', { loopback: true })).toBe('private');
  });
});

describe('a proxy of a private server', () => {
  const through = (proxyUrl: string, hosts: readonly string[] = []): string | undefined =>
    specRefusal(policyOf({ hosts }), at('https://mcp.example/', { proxyUrl }))?.rule;

  it('is refused unless it is named, since it resolves names by itself', () => {
    expect(through('http://proxy.example:3128')).toBe('proxy');
    expect(through('socks5://8.8.8.8:1080')).toBe('proxy');
    expect(through('socks5://user:pw@PROXY.example', ['proxy.example'])).toBeUndefined();
    expect(through('socks5://0xa.1:1080', ['10.0.0.1'])).toBeUndefined();
    expect(through('http://proxy.internal', ['*.internal'])).toBeUndefined();
  });

  it('does not let a refused address pass', () => {
    const spec = at('http://10.0.0.1/', { proxyUrl: 'http://proxy.internal' });
    expect(specRefusal(policyOf({ hosts: ['proxy.internal'] }), spec)?.rule).toBe('private');
  });
});

describe('the URLs of an OAuth block that applications post secrets to', () => {
  it('are held to the policy too', () => {
    const oauth = { ...EMPTY_OAUTH, tokenUrl: 'http://10.0.0.1/token' };
    expect(specRefusal(SAFE_POLICY, at('https://mcp.example/', { oauth }))).toMatchObject({
      rule: 'private',
      field: 'oauth.token_url',
    });
  });
});

describe('sameDestination', () => {
  it('ignores what does not change where a server is', () => {
    const url = 'http://10.0.0.1/';
    expect(sameDestination(at(url), at(url, { title: 'x' }))).toBe(true);
    expect(sameDestination(at(url), at('http://10.0.0.2/'))).toBe(false);
    expect(sameDestination(at(url), at(url, { proxyUrl: 'http://p' }))).toBe(false);
    expect(sameDestination(at(url), process)).toBe(false);
    const { transport } = process;
    const other = { ...process, transport: { ...transport, env: { LD_PRELOAD: '/x.so' } } };
    expect(sameDestination(process, other as ServerSpec)).toBe(false);
  });
});

describe('what is read of an option', () => {
  it('is a network or a host', () => {
    expect(readNetwork('FD00::/8')).toBe('fd00::/8');
    expect(readNetwork('10.0.0.7')).toBe('10.0.0.7');
    expect(readHost('*.Internal.')).toBe('*.internal');
    for (const text of [
      '10.0.0.0/33',
      '10.0.0.1/8',
      '10.0.0',
      'x/8',
      '',
      '1::2::3',
      '::/x',
      '::ffff:0:0/96',
    ])
      expect(() => readNetwork(text), text).toThrow();
    for (const text of ['', '*', '*.', 'a b', 'http://a', 'a/b', 'a:1', '*.10.0.0.300'])
      expect(() => readHost(text), text).toThrow();
  });

  it('compares hosts as URLs write them', () => {
    expect(hostOf('socks5://0x7f.1:1080')).toBe('127.0.0.1');
    expect(hostOf('socks5://PROXY')).toBe('proxy');
    expect(hostOf('nothing')).toBeUndefined();
  });
});
