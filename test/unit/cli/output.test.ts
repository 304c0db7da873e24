import { status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { WatchServersResponse } from '../../../generated/switchboard/v1/registry_service.js';
import { describeFailure, exitCodeOf, UsageError } from '../../../src/cli/failure.js';
import { fromStatus } from '../../../src/wire/status.js';
import { briefChange, diffLines } from '../../../src/cli/changes-text.js';
import { SERVER_COLUMNS, serverDetails, serverRow } from '../../../src/cli/server-text.js';
import { jsonLine, table, withoutUserinfo } from '../../../src/cli/text.js';
import { viewOf } from '../../../src/cli/view.js';
import { textLine } from '../../../src/cli/watch-text.js';
import {
  ERROR_REASONS,
  type ErrorReason,
  invalidField,
  SwitchboardError,
} from '../../../src/domain/errors.js';
import { fromWatchResponse } from '../../../src/wire/client/watch.js';
import { toServerMessage } from '../../../src/wire/server-codec.js';
import { recordOf } from '../../support/storage/builders.js';

const WEATHER = {
  ...recordOf({
    id: 'id-1',
    name: 'weather',
    owner: 'ana',
    spec: {
      transport: { kind: 'streamable_http', url: 'https://weather.example/mcp', headers: {} },
    },
    lastUpdatedAt: new Date(2026, 10, 21, 9, 5, 7).getTime(),
  }),
  etag: 'etag-1',
  configHash: 'hash-1',
  createTime: new Date(2026, 10, 20, 9, 5, 7).getTime(),
};
const FILES = {
  ...recordOf({
    name: 'files',
    tier: 'APP',
    spec: {
      enabled: false,
      transport: {
        kind: 'stdio',
        command: 'npx',
        args: ['-y', 'x'],
        env: {},
        cwd: '',
        stderr: 'ignore',
      },
    },
  }),
  // As a plan has it: it is not there yet.
  lastUpdatedAt: 0,
};

/** The line for people of one message. */
function lineOf(message: Parameters<typeof WatchServersResponse.fromPartial>[0]): string {
  return textLine(fromWatchResponse(WatchServersResponse.fromPartial(message)));
}

describe('text', () => {
  it('of a list is a table', () => {
    expect(table([SERVER_COLUMNS, ...[WEATHER, FILES].map(serverRow)])).toMatchInlineSnapshot(`
      "NAME     TIER            TRANSPORT  WHERE                        STATE     UPDATED
      weather  PRIVATE of ana  http       https://weather.example/mcp  enabled   2026-11-21 09:05:07
      files    APP             stdio      npx -y x                     disabled
      "
    `);
  });

  it('of one server names what is set', () => {
    expect(serverDetails(WEATHER)).toMatchInlineSnapshot(`
      "Name:         weather
      Id:           id-1
      Tier:         PRIVATE
      Owner:        ana
      Enabled:      yes
      Transport:    http
      URL:          https://weather.example/mcp
      Connection:   one for each user
      Because:      tier PRIVATE uses one connection per user
      Created:      2026-11-20 09:05:07
      Updated:      2026-11-21 09:05:07
      Generation:   1
      Etag:         etag-1
      Config hash:  hash-1
      "
    `);
  });

  it('never steers the terminal', () => {
    const evil = recordOf({
      name: 'a\u001b[2Jb\r\nc\u009bd',
      spec: {
        description: '\u0007bell',
        transport: { kind: 'sse', url: '\u001b]0;x', headers: {} },
      },
    });
    const lines = [serverRow(evil).join(' '), serverDetails(evil).replaceAll('\n', '')];
    // eslint-disable-next-line no-control-regex -- what must not be printed
    for (const line of lines) expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
  });

  it('never shows the credentials in the URL of a server', () => {
    const url = 'https://user:hunter2@tools.example/mcp?a=b@c';
    const stored = recordOf({ spec: { transport: { kind: 'sse', url, headers: {} } } });
    const change = { path: 'spec.sse.url', before: '', after: JSON.stringify(url) };
    const shown = [
      serverRow(stored).join(' '),
      serverDetails(stored),
      jsonLine(stored),
      diffLines([change]),
      briefChange(change),
    ];
    for (const text of shown) {
      expect(text).toContain('https://***@tools.example/mcp?a=b@c');
      expect(text).not.toContain('hunter2');
    }
  });

  it('shows references in the place of credentials', () => {
    const url = 'http://${secret:USER}:${secret:PASSWORD}@proxy.example';
    expect(withoutUserinfo(url)).toBe(url);
    expect(withoutUserinfo('http://${user:id}:pw@proxy.example')).toBe('http://***@proxy.example');
  });

  it('of a watch has a line for each change', () => {
    const lines = [
      { $case: 'event', value: { type: 1, server: toServerMessage(WEATHER) } },
      { $case: 'event', value: { type: 3, server: { id: 'id-1', name: 'weather' } } },
      { $case: 'event', value: { type: 4, server: { id: 'id-1' } } },
      { $case: 'synced', value: { token: 't' } },
      { $case: 'commit', value: { token: 't' } },
      { $case: 'heartbeat', value: { token: 't' } },
      { $case: 'reset', value: { reason: 5 } },
    ].map((message) => lineOf({ message } as never));
    expect(lines.join('')).toMatchInlineSnapshot(`
      "ADDED      weather  PRIVATE of ana  http  https://weather.example/mcp  enabled  2026-11-21 09:05:07
      REMOVED    weather
      UNCHANGED  id-1
      SYNCED     waiting for changes
      RESET      this reader fell behind; the whole view follows
      "
    `);
  });

  it('of a watch has the line of a change whether or not it closes its commit', () => {
    const message = { $case: 'event' as const, value: { type: 3, server: { name: 'weather' } } };
    const closes = { token: 't' };
    expect(lineOf({ message, closes })).toBe(lineOf({ message }));
  });

  it('of a watch as JSON is proto JSON, a line each', () => {
    const message = WatchServersResponse.fromPartial({
      message: {
        $case: 'heartbeat',
        value: { token: 't', degradedFor: { seconds: 1, nanos: 5e8 } },
      },
    });
    expect(jsonLine(fromWatchResponse(message))).toBe(
      '{"heartbeat":{"token":"t","degradedFor":"1.500s"}}\n',
    );
  });
});

describe('failures', () => {
  it('say the reason, the fields, and what to do', () => {
    expect(describeFailure(invalidField('server.name', 'must not be empty')))
      .toMatchInlineSnapshot(`
      "switchboard: INVALID_FIELD: server.name: must not be empty
        server.name: must not be empty
        What to do: Correct the fields listed in the BadRequest detail.
      "
    `);
  });

  it('tell of a status that has no reason of ours its code and message', () => {
    const failure = {
      code: status.RESOURCE_EXHAUSTED,
      details: 'Received message larger than max',
    };
    expect(describeFailure(fromStatus(failure))).toMatchInlineSnapshot(`
      "switchboard: UNRECOGNIZED_STATUS: Received message larger than max
        code: RESOURCE_EXHAUSTED
        What to do: Look at the code in the metadata and at the message; a proxy or another version may have sent it.
      "
    `);
  });

  it.each<[unknown, number]>([
    [fromStatus({ code: status.NOT_FOUND, details: '' }), 1],
    [fromStatus({ code: status.PERMISSION_DENIED, details: '' }), 4],
    [fromStatus({ code: status.UNAVAILABLE, details: '' }), 5],
    [new Error('x'), 1],
    [new UsageError('x'), 2],
    [invalidField('a', 'b'), 2],
    [new SwitchboardError('SERVER_NOT_FOUND'), 3],
    [new SwitchboardError('UNAUTHENTICATED'), 4],
    [new SwitchboardError('PERMISSION_DENIED'), 4],
    [new SwitchboardError('UNREACHABLE'), 5],
    [new SwitchboardError('DEADLINE_EXCEEDED'), 5],
    [new SwitchboardError('ETAG_MISMATCH'), 1],
  ])('end with a code for scripts: %s', (error, code) => {
    expect(exitCodeOf(error)).toBe(code);
  });

  it('all have an exit code other than 0', () => {
    for (const reason of Object.keys(ERROR_REASONS) as ErrorReason[]) {
      expect(exitCodeOf(new SwitchboardError(reason))).toBeGreaterThan(0);
    }
  });
});

describe('the view', () => {
  it('is what the flags say', () => {
    expect(viewOf({ app: true })).toEqual({ kind: 'app' });
    expect(viewOf({ inventory: true })).toEqual({ kind: 'inventory' });
    expect(viewOf({ user: 'ana', group: ['b', 'a', 'b'] })).toEqual({
      kind: 'user',
      user: 'ana',
      groups: ['a', 'b'],
    });
    expect(viewOf({}, { kind: 'inventory' })).toEqual({ kind: 'inventory' });
  });

  it.each([
    [{}],
    [{ app: true, user: 'ana' }],
    [{ app: true, inventory: true }],
    [{ group: ['a'] }],
  ])('is never guessed: %j', (flags) => {
    expect(() => viewOf(flags)).toThrow(UsageError);
  });
});
