import { describe, expect, it } from 'vitest';
import { OPTIONS, parseServeOptions, serveCommand } from '../../../src/server/options.js';
import {
  formatAddress,
  parseAddress,
  parseCount,
  parseDelay,
  parseDuration,
} from '../../../src/server/option-values.js';
import { StartError } from '../../../src/server/start-error.js';

describe('options', () => {
  it('have defaults that serve this machine only', () => {
    const options = parseServeOptions([], {});
    expect({ ...options, replicaId: 'r' }).toMatchInlineSnapshot(`
      {
        "dataDir": ".switchboard",
        "drainTimeoutMs": 10000,
        "handshakeTimeoutMs": 5000,
        "heartbeatIntervalMs": 10000,
        "inspect": true,
        "inspectStdio": false,
        "inspectTimeoutMs": 30000,
        "listen": {
          "host": "127.0.0.1",
          "port": 7070,
        },
        "logLevel": "info",
        "maxCallsPerConnection": 1000,
        "maxConnections": 10000,
        "maxIncompleteBytes": 134217728,
        "maxMessageBytes": 4194304,
        "maxStreams": 10000,
        "maxSubscriptions": 10000,
        "privateSourcesFile": undefined,
        "replicaId": "r",
        "requestTimeoutMs": 30000,
        "retentionCommits": 100000,
        "retentionMs": 86400000,
        "seedFile": undefined,
        "tls": undefined,
        "tokensFile": undefined,
        "transportPolicy": {
          "hosts": [],
          "loopback": true,
          "networks": [],
          "privateStdio": false,
        },
        "watchBudgetBytes": 1048576,
      }
    `);
    expect(options.replicaId).not.toBe('');
  });

  it('take a flag before the environment, and the environment before the default', () => {
    const env = { SWITCHBOARD_LISTEN: '127.0.0.1:1', SWITCHBOARD_DATA_DIR: '/env' };
    const options = parseServeOptions(['--listen', '127.0.0.1:2'], env);
    expect(options).toMatchObject({
      listen: { host: '127.0.0.1', port: 2 },
      dataDir: '/env',
      heartbeatIntervalMs: 10_000,
    });
    expect(parseServeOptions([], { SWITCHBOARD_DATA_DIR: '' }).dataDir).toBe('.switchboard');
  });

  it('are each read from their flag and from their variable', () => {
    const values: Readonly<Record<string, readonly [string, string]>> = {
      address: ['127.0.0.1:1', '127.0.0.1:2'],
      count: ['1001', '1002'],
      duration: ['31d', '32d'],
      delay: ['31s', '32s'],
      path: ['/a', '/b'],
      switch: ['', 'true'],
      text: ['a', 'b'],
      'log level': ['warn', 'debug'],
      networks: ['10.0.0.0/8', 'fd00::/8,10.0.0.7'],
      hosts: ['mcp.internal', '*.internal'],
    };
    // Those of which one alone is refused, or changes nothing that shows.
    const pairs = ['--tls-cert', '--tls-key', '--tls-client-ca', '--insecure-allow-remote'];
    const switches = ['--inspect', '--inspect-stdio', '--catalog', '--allow-private-stdio'];
    for (const option of OPTIONS) {
      if (pairs.includes(option.flag) || switches.includes(option.flag)) continue;
      const delays = [
        ...['--heartbeat-interval', '--drain-timeout', '--inspect-timeout'],
        ...['--handshake-timeout', '--request-timeout'],
      ];
      const isShort = delays.includes(option.flag);
      const [flagValue, envValue] = values[isShort ? 'delay' : option.type]!;
      const preset = JSON.stringify(parseServeOptions([], {}));
      const fromFlag = JSON.stringify(parseServeOptions([option.flag, flagValue], {}));
      const fromEnv = JSON.stringify(parseServeOptions([], { [option.env]: envValue }));
      expect(new Set([preset, fromFlag, fromEnv]).size, option.flag).toBe(3);
    }
    const tls = ['--tls-cert', 'c', '--tls-key', 'k', '--tls-client-ca', 'a'];
    expect(parseServeOptions(tls, {}).tls).toEqual({ cert: 'c', key: 'k', clientCa: 'a' });
  });

  it('have switches that are named to be on, and told to be off', () => {
    const read = (argv: readonly string[], env: NodeJS.ProcessEnv = {}) => {
      const { inspect, inspectStdio } = parseServeOptions(argv, env);
      return [inspect, inspectStdio];
    };
    expect(read([])).toEqual([true, false]);
    expect(read(['--inspect=false', '--inspect-stdio'])).toEqual([false, true]);
    expect(read(['--inspect-stdio', '--inspect', 'false'])).toEqual([false, true]);
    const env = { SWITCHBOARD_INSPECT: 'false', SWITCHBOARD_INSPECT_STDIO: 'true' };
    expect(read([], env)).toEqual([false, true]);
    expect(read(['--inspect', '--inspect-stdio=false'], env)).toEqual([true, false]);
    expect(() => read(['--inspect=maybe'])).toThrow(/^--inspect "maybe": expected true or false/);
  });

  it('have a variable that is named like the flag, once', () => {
    for (const { flag, env } of OPTIONS) {
      expect(env).toBe(`SWITCHBOARD_${flag.slice(2).replaceAll('-', '_').toUpperCase()}`);
    }
    expect(new Set(OPTIONS.map(({ flag }) => flag)).size).toBe(OPTIONS.length);
  });

  it('are all in the help', () => {
    const help = serveCommand().helpInformation();
    for (const { flag, env } of OPTIONS) {
      expect(help).toContain(flag);
      expect(help.replaceAll(/\s+/g, ' ')).toContain(env);
    }
  });

  it.each([
    [['--listen', '7070'], /^--listen "7070": expected HOST:PORT/],
    [['--heartbeat-interval', '10'], /^--heartbeat-interval "10": expected a duration such as/],
    [['--heartbeat-interval', '2h'], /^--heartbeat-interval "2h": expected at most 1h/],
    [['--max-streams', '0'], /^--max-streams "0": expected a whole number/],
    [['--log-level', 'loud'], /^--log-level "loud": expected one of/],
    [['--retention', '1h'], /^--retention must be at least 24h/],
    [['--tls-cert', 'a.pem'], /^TLS needs both --tls-cert and --tls-key/],
    [['--tls-client-ca', 'a.pem'], /^TLS needs both/],
    [['--data-dir', ' '], /^--data-dir " ": must not be empty/],
    [['--catalog', 'redis'], /^--catalog "redis": expected one of lmdb, memory/],
    [['--catalog', 'memory', '--data-dir', 'x'], /^--catalog memory stores nothing, so --data-dir/],
    [['--no-such-flag'], /--no-such-flag.*--help lists all options/],
    [['--listen'], /--listen.*--help lists all options/],
    [['stray'], /--help lists all options/],
  ])('refuse %j and name what is wrong', (argv, message) => {
    expect(() => parseServeOptions(argv, {})).toThrow(StartError);
    expect(() => parseServeOptions(argv, {})).toThrow(message);
  });

  it('have no folder when the catalog is in memory', () => {
    expect(parseServeOptions(['--catalog', 'memory'], {}).dataDir).toBeUndefined();
    const env = { SWITCHBOARD_CATALOG: 'memory', SWITCHBOARD_DATA_DIR: 'x' };
    expect(() => parseServeOptions([], env)).toThrow(/remove one of them/);
  });

  it('name the variable when the mistake is there', () => {
    const env = { SWITCHBOARD_MAX_STREAMS: 'many' };
    expect(() => parseServeOptions([], env)).toThrow(/^SWITCHBOARD_MAX_STREAMS "many": expected/);
  });
});

describe('an address that others can reach', () => {
  const TLS = ['--tls-cert', 'c', '--tls-key', 'k'];
  const TOKENS = ['--tokens-file', 't'];

  it.each([
    ['0.0.0.0:7070', []],
    ['[::]:7070', []],
    ['10.0.0.1:7070', TLS],
    ['example.org:7070', TOKENS],
    ['127.0.0.1.example.org:7070', []],
  ])('is refused: %s with %j', (listen, flags) => {
    expect(() => parseServeOptions(['--listen', listen, ...flags], {})).toThrow(
      /can be reached from other machines.*--insecure-allow-remote/,
    );
  });

  it.each([
    ['0.0.0.0:7070', [...TLS, ...TOKENS]],
    ['0.0.0.0:7070', [...TLS, '--tls-client-ca', 'a']],
    ['0.0.0.0:7070', ['--insecure-allow-remote']],
    ['localhost:7070', []],
    ['127.8.9.10:7070', []],
    ['[::1]:7070', []],
  ])('is served, or is none: %s with %j', (listen, flags) => {
    const { listen: address } = parseServeOptions(['--listen', listen, ...flags], {});
    expect(formatAddress(address)).toBe(listen);
  });

  it('is not allowed by a switch that says false', () => {
    const env = { SWITCHBOARD_INSECURE_ALLOW_REMOTE: 'false' };
    expect(() => parseServeOptions(['--listen', '0.0.0.0:1'], env)).toThrow(StartError);
  });
});

describe('values of options', () => {
  it.each([
    ['500ms', 500],
    ['10s', 10_000],
    ['1.5m', 90_000],
    ['24h', 86_400_000],
    ['7d', 604_800_000],
  ])('has durations such as %s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(['', '0s', '-1s', '1', 's', '1 s', '1w', '0.0001ms', '1e3s', `${'9'.repeat(30)}d`])(
    'refuses %j as a duration',
    (text) => {
      expect(() => parseDuration(text)).toThrow(/such as/);
      expect(() => parseDelay(text)).toThrow();
    },
  );

  it.each(['', '0', '-1', '1.5', '1e3', ' 1', '9007199254740993'])(
    'refuses %j as a count',
    (text) => {
      expect(() => parseCount(text)).toThrow(/whole number/);
    },
  );

  it.each(['', ':7070', 'a', 'a:', 'a:b', 'a:70000', '::1:7070', 'a b:1', 'http://a:1'])(
    'refuses %j as an address',
    (text) => {
      expect(() => parseAddress(text)).toThrow(/HOST:PORT/);
    },
  );
});
