import { beforeAll, describe, expect, it } from 'vitest';
import { grpcurl, grpcurlBinary } from '../support/processes/grpcurl.js';
import { startTinyServer } from '../support/grpc/tiny-server.js';

beforeAll(grpcurlBinary, 600_000);

describe('reflection and health, with the real grpcurl', () => {
  it('lists the services', async () => {
    await using tiny = await startTinyServer({});
    const { code, stdout } = await grpcurl('-plaintext', tiny.server.address, 'list');
    expect({ code, services: stdout.trim().split('\n') }).toMatchInlineSnapshot(`
      {
        "code": 0,
        "services": [
          "grpc.health.v1.Health",
          "switchboard.v1.ConnectionService",
          "switchboard.v1.RegistryService",
        ],
      }
    `);
  });

  it('does not offer what the server itself calls', async () => {
    await using tiny = await startTinyServer({});
    const { code, stderr } = await grpcurl(
      '-plaintext',
      tiny.server.address,
      'describe',
      'switchboard.source.v1.PrivateSourceService',
    );
    expect(code).not.toBe(0);
    expect(stderr).toContain('Symbol not found');
  });

  it('describes methods and messages, with the comments of the .proto files', async () => {
    await using tiny = await startTinyServer({});
    const describeSymbol = async (symbol: string): Promise<string> => {
      const result = await grpcurl('-plaintext', tiny.server.address, 'describe', symbol);
      expect(result).toMatchObject({ code: 0, stderr: '' });
      return result.stdout;
    };
    expect(await describeSymbol('switchboard.v1.RegistryService.GetServer')).toContain(
      'GetServer returns the server that a name resolves to in a view',
    );
    for (const symbol of [
      'switchboard.v1.RegistryService',
      'switchboard.v1.ConnectionService',
      'switchboard.v1.Server',
      'switchboard.v1.ServerSpec',
      'switchboard.v1.UpdateServerRequest',
      'switchboard.v1.SyncRequest',
      'switchboard.v1.CheckResult.State',
      'google.protobuf.Duration',
      'google.protobuf.Timestamp',
      'google.protobuf.FieldMask',
      'google.protobuf.Any',
      'google.rpc.Status',
      'google.rpc.ErrorInfo',
      'google.rpc.BadRequest',
      'google.rpc.RetryInfo',
      'grpc.health.v1.Health',
    ]) {
      expect(await describeSymbol(symbol)).toMatch(new RegExp(`^${symbol} is an? `));
    }
  });

  it('writes templates of requests', async () => {
    await using tiny = await startTinyServer({});
    const { code, stdout } = await grpcurl(
      '-plaintext',
      '-msg-template',
      tiny.server.address,
      'describe',
      'switchboard.v1.UpdateServerRequest',
    );
    expect(code).toBe(0);
    expect(stdout).toContain('"updateMask": {');
  });

  it.each(['', 'switchboard.v1.RegistryService', 'switchboard.v1.ConnectionService'])(
    'answers the health of %j',
    async (service) => {
      await using tiny = await startTinyServer({});
      const { code, stdout } = await grpcurl(
        '-plaintext',
        '-d',
        JSON.stringify({ service }),
        tiny.server.address,
        'grpc.health.v1.Health/Check',
      );
      expect({ code, answer: JSON.parse(stdout) as unknown }).toEqual({
        code: 0,
        answer: { status: 'SERVING' },
      });
    },
  );

  it.each(['v1', 'v1alpha'])('speaks version %s of reflection', async (version) => {
    await using tiny = await startTinyServer({});
    const service = `grpc.reflection.${version}.ServerReflection`;
    // `list_services` (field 7) with an empty string; grpcurl itself takes the newest version.
    const stream = tiny.client.makeBidiStreamRequest(
      `/${service}/ServerReflectionInfo`,
      (raw: Buffer) => raw,
      (raw: Buffer) => raw,
    );
    const answer = new Promise<Buffer>((resolve, reject) => {
      stream.on('data', resolve).on('error', reject);
    });
    stream.end(Buffer.from([0x3a, 0x00]));
    expect((await answer).toString('latin1')).toContain('switchboard.v1.RegistryService');
  });
});
