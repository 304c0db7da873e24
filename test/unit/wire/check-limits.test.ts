import { describe, expect, it } from 'vitest';
import {
  ApplyServersRequest,
  UpdateServerRequest,
} from '../../../generated/switchboard/v1/registry_service.js';
import { Server, UserVariable } from '../../../generated/switchboard/v1/server.js';
import { isSwitchboardError, type FieldViolation } from '../../../src/domain/errors.js';
import { limitCheckOf } from '../../../src/wire/limits/check-limits.js';

const checkUpdate = limitCheckOf('switchboard.v1.UpdateServerRequest');
const checkServer = limitCheckOf('switchboard.v1.Server');

function violationsOf(check: () => void): readonly FieldViolation[] {
  try {
    check();
    return [];
  } catch (error) {
    if (!isSwitchboardError(error, 'INVALID_FIELD')) throw error;
    return error.violations;
  }
}

const inUpdate = (request: Parameters<typeof UpdateServerRequest.fromPartial>[0]) =>
  violationsOf(() => {
    checkUpdate(UpdateServerRequest.fromPartial(request));
  });

describe('the limits of fields', () => {
  it('name field, limit and what came, never the value', () => {
    const title = 'secret'.repeat(1_000);
    expect(inUpdate({ server: { spec: { title } } })).toEqual([
      { field: 'server.spec.title', description: 'must be at most 200 characters, not 6000' },
    ]);
  });

  it('reach into lists, maps and oneofs', () => {
    const stdio = { command: 'node', args: ['a', 'b'.repeat(20_000)] };
    const server = {
      spec: {
        transport: { $case: 'stdio' as const, value: stdio },
        icons: [{ src: '' }, { sizes: ['s'.repeat(65)], theme: 'a\u202eb' }],
        annotations: new Map([['a', 'v'.repeat(16_385)]]),
        userVariables: new Map([['KEY', UserVariable.fromPartial({ title: 't'.repeat(201) })]]),
      },
    };
    expect(inUpdate({ server }).map(({ field }) => field)).toEqual([
      'server.spec.stdio.args[1]',
      'server.spec.icons[1].sizes[0]',
      'server.spec.icons[1].theme',
      'server.spec.user_variables[KEY].title',
      'server.spec.annotations[a]',
    ]);
  });

  it('count a list before they look into it', () => {
    const server = { spec: { icons: [{ sizes: new Array<string>(1_000).fill('s'.repeat(100)) }] } };
    expect(inUpdate({ server })).toEqual([
      { field: 'server.spec.icons[0].sizes', description: 'must be at most 64, not 1000' },
    ]);
    const mask = (paths: number): number =>
      inUpdate({ updateMask: new Array<string>(paths).fill('name') }).length;
    expect([mask(256), mask(257)]).toEqual([0, 1]);
  });

  it('leave the items of a set to whoever reads them one by one', () => {
    const items = (count: number) => ({ servers: new Array(count).fill({ name: 'a\u200bb' }) });
    const check = limitCheckOf('switchboard.v1.ApplyServersRequest');
    const violations = (count: number) =>
      violationsOf(() => {
        check(ApplyServersRequest.fromPartial(items(count)));
      });
    expect(violations(10_000)).toEqual([]);
    expect(violations(10_001)).toEqual([
      { field: 'servers', description: 'must be at most 10000, not 10001' },
    ]);
  });

  it('cut the key of a map in the path of what is wrong with it', () => {
    const labels = new Map([['k'.repeat(10_000), 'v']]);
    const [violation] = inUpdate({ server: { spec: { labels } } });
    expect(violation?.field).toHaveLength('server.spec.labels[]'.length + 80);
  });

  it('put names into NFC and leave everything else as it is', () => {
    const server = Server.fromPartial({
      name: 'cafe\u0301',
      set: 'e\u0301',
      spec: { title: 'e\u0301', description: 'a\nb' },
    });
    checkServer(server, 'server');
    expect(server).toMatchObject({ name: 'caf\u00e9', set: '\u00e9', spec: { title: 'e\u0301' } });
  });

  it('hold for a name in NFC, which can be longer', () => {
    // One character of which the normal form has three.
    const name = '\ufb2c'.repeat(100);
    expect(
      violationsOf(() => {
        checkServer(Server.fromPartial({ name }), 'server');
      }),
    ).toEqual([{ field: 'server.name', description: 'must be at most 200 characters in NFC' }]);
  });

  it('refuse ids in another form than NFC, which may be another identity', () => {
    const server = Server.fromPartial({ owner: 'e\u0301' });
    expect(
      violationsOf(() => {
        checkServer(server, 'servers[3]');
      }),
    ).toEqual([
      { field: 'servers[3].owner', description: 'must be in the Unicode normal form NFC' },
    ]);
  });
});
