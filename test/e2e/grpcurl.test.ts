import { beforeAll, describe, expect, it } from 'vitest';
import { grpcurl, grpcurlBinary, startGrpcurl } from '../support/processes/grpcurl.js';
import {
  startServerProcess,
  temporaryFolder,
  type ServerProcess,
} from '../support/processes/server-process.js';
import { eventually } from '../support/eventually.js';

const REGISTRY = 'switchboard.v1.RegistryService';
const APP = { app: {} };

beforeAll(grpcurlBinary, 600_000);

interface Answer {
  readonly header: { readonly token: string };
  readonly server: { readonly id: string; readonly etag: string; readonly name: string };
}

/** Calls a method with the real grpcurl; the answer, or what it printed as the error. */
async function invoke(
  server: ServerProcess,
  method: string,
  request: unknown,
): Promise<{ readonly answer?: Answer; readonly error: string }> {
  const { code, stdout, stderr } = await grpcurl(
    ...['-plaintext', '-d', JSON.stringify(request), server.address, `${REGISTRY}/${method}`],
  );
  return code === 0 ? { answer: JSON.parse(stdout) as Answer, error: '' } : { error: stderr };
}

const WEATHER = {
  name: 'weather',
  tier: 'TIER_APP',
  spec: { streamable_http: { url: 'https://weather.example/mcp' }, timeouts: { call: '90s' } },
};

describe('an admin with the real grpcurl', () => {
  it('creates, gets, lists, updates, and deletes', async () => {
    await using data = await temporaryFolder();
    await using server = await startServerProcess('--data-dir', data.path);

    const created = await invoke(server, 'CreateServer', { server: WEATHER });
    const { id, etag } = created.answer!.server;
    expect(created.answer!.server).toMatchObject({
      name: 'weather',
      connectionScope: 'CONNECTION_SCOPE_SHARED',
      spec: { timeouts: { call: '90s' } },
    });

    const got = await invoke(server, 'GetServer', { view: APP, name: 'weather' });
    expect(got.answer!.server).toEqual(created.answer!.server);
    const listed = await invoke(server, 'ListServers', { view: { user: { user: 'ana' } } });
    expect(listed.answer).toMatchObject({ servers: [{ id }] });

    const updated = await invoke(server, 'UpdateServer', {
      server: { id, etag, spec: { title: 'Weather' } },
      update_mask: { paths: ['spec.title'] },
    });
    expect(updated.answer!.server).toMatchObject({
      spec: { title: 'Weather', streamableHttp: { url: 'https://weather.example/mcp' } },
    });
    const newEtag = updated.answer!.server.etag;
    expect(newEtag).not.toBe(etag);

    const late = await invoke(server, 'UpdateServer', {
      server: { id, etag, spec: { title: 'Too late' } },
      update_mask: { paths: ['spec.title'] },
    });
    expect(late.error).toContain('Code: Aborted');
    expect(late.error).toContain('"reason": "ETAG_MISMATCH"');
    expect(late.error).toContain(newEtag);

    const deleted = await invoke(server, 'DeleteServer', { id, etag: newEtag });
    expect(deleted.answer).toMatchObject({ affected: { everyone: true } });
    const gone = await invoke(server, 'GetServer', { view: APP, name: 'weather' });
    expect(gone.error).toContain('Code: NotFound');
    expect(gone.error).toContain('"reason": "SERVER_NOT_FOUND"');
  });

  it('sees which field was refused', async () => {
    await using data = await temporaryFolder();
    await using server = await startServerProcess('--data-dir', data.path);
    const { error } = await invoke(server, 'CreateServer', {
      server: { ...WEATHER, spec: { streamable_http: { url: 'file:///etc/passwd' } } },
    });
    expect(error).toContain('Code: InvalidArgument');
    expect(error).toContain('"field": "server.spec.streamable_http.url"');
    expect(error).toContain('type.googleapis.com/google.rpc.BadRequest');
  });

  it('watches: the view, then every change, on a stream that stays open [W5]', async () => {
    await using data = await temporaryFolder();
    await using server = await startServerProcess(
      ...['--data-dir', data.path, '--heartbeat-interval', '500ms'],
    );
    const { answer } = await invoke(server, 'CreateServer', { server: WEATHER });
    const { id, etag } = answer!.server;
    await using watch = await startGrpcurl(
      ...['-plaintext', '-d', JSON.stringify({ view: APP })],
      ...[server.address, `${REGISTRY}/WatchServers`],
    );
    const withoutHeartbeats = (): unknown[] =>
      watch.messages.filter((message) => !Object.hasOwn(message as object, 'heartbeat'));
    await eventually(() => {
      expect(withoutHeartbeats()).toMatchObject([
        { event: { type: 'TYPE_ADDED', server: { name: 'weather' } } },
        { synced: {} },
      ]);
    });
    await invoke(server, 'CreateServer', { server: { ...WEATHER, name: 'news' } });
    await invoke(server, 'DeleteServer', { id, etag });
    await eventually(() => {
      expect(withoutHeartbeats().slice(2)).toMatchObject([
        {
          event: { type: 'TYPE_ADDED', cause: 'CAUSE_CREATE', server: { name: 'news' } },
          closes: { cause: 'CAUSE_CREATE' },
        },
        {
          event: { type: 'TYPE_REMOVED', cause: 'CAUSE_DELETE', server: { name: 'weather' } },
          closes: { cause: 'CAUSE_DELETE' },
        },
      ]);
    });
    // Still open, and alive.
    const heard = watch.messages.length;
    await eventually(() => {
      expect(watch.messages.slice(heard)).toContainEqual(
        expect.objectContaining({ heartbeat: expect.anything() as unknown }),
      );
    });
    expect(watch.stderr()).toBe('');
  });
});
