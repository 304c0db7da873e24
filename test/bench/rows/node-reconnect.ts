import type { ClientDuplexStream } from '@grpc/grpc-js';
import {
  SyncRequest,
  SyncResponse,
  type SyncedSubscription,
} from '../../../generated/switchboard/v1/connection_service.js';
import { DEFAULT_TENANT } from '../../../src/domain/caller.js';
import { userView } from '../../support/grpc-admin/grpc-admin.js';
import type { Bench } from '../bench.js';
import { fill, withCatalog } from '../lab/fill.js';
import { asIs, openRawClient } from '../lab/raw-grpc.js';
import { startWorker } from '../lab/worker.js';
import type { ControlPlane } from '../roles/control-plane.js';

const PATH = '/switchboard.v1.ConnectionService/Sync';
const USERS = 10_000;

/** What a node had when its stream broke. */
interface Known {
  readonly token: string;
  /** By subscription. */
  readonly digests: ReadonlyMap<string, string>;
}

const NOTHING: Known = { token: '', digests: new Map() };

/** What a stream of a node was sent until it had caught up. */
interface Sent extends Known {
  readonly bytes: number;
}

/** What a node receives when it reconnects, after a restart or to another replica. */
export const nodeReconnect: Bench = {
  name: 'node-reconnect',
  about:
    'A node with the views of 10,000 users, each of whom owns one server, reopens its stream with the last ' +
    'token of the previous one; one of its users was not synced when that stream broke. Bytes of all messages ' +
    'until it has caught up. The baseline is the same node without a token, which receives everything.',
  rows: [
    {
      name: 'reconnect with 10,000 users, one pending',
      figure: 'bytes',
      unit: 'bytes sent',
      against: 'anew',
      baseline: 'the same node without a token',
      ratio: 'ours / baseline',
    },
  ],
  async open(lab) {
    const users = Array.from({ length: lab.isQuick ? 100 : USERS }, (_, index) =>
      String(index).padStart(8, '0'),
    );
    const dataDir = await lab.folder();
    const seeds = users.map((user) => ({ id: `of-${user}`, name: `of-${user}`, owner: user }));
    await withCatalog(dataDir, (catalog) => fill(catalog, DEFAULT_TENANT, seeds));
    const role = new URL('../roles/control-plane.js', import.meta.url);
    const address = await startWorker<ControlPlane>(lab, role).call('start', dataDir);
    const client = openRawClient(address);
    lab.defer(() => {
      client.close();
    });
    const open = (known: Known): Promise<Sent> =>
      untilCaughtUp(client.makeBidiStreamRequest(PATH, asIs, asIs), users, known);
    const { token, digests } = await open(NOTHING);
    const [pending, ...synced] = digests;
    if (pending === undefined) throw new Error('nothing was synced');
    const known = { token, digests: new Map(synced) };
    const bytesFor = async (had: Known) => ({ bytes: (await open(had)).bytes });
    return { ours: () => bytesFor(known), anew: () => bytesFor(NOTHING) };
  },
};

/** Opens a stream and reads until a `synced` has named every user. */
function untilCaughtUp(
  stream: ClientDuplexStream<Buffer, Buffer>,
  users: readonly string[],
  { token, digests }: Known,
): Promise<Sent> {
  const subscriptions = users.map((user) => ({
    subscriptionId: user,
    view: userView(user),
    viewDigest: digests.get(user) ?? '',
  }));
  const open = { nodeId: 'node', bootId: 'boot', resumeToken: token, subscriptions };
  stream.write(
    Buffer.from(
      SyncRequest.encode(
        SyncRequest.fromPartial({ message: { $case: 'open', value: open } }),
      ).finish(),
    ),
  );
  return new Promise((resolve, reject) => {
    const told = new Map<string, string>();
    let bytes = 0;
    stream.on('error', reject);
    stream.on('data', (frame: Buffer) => {
      bytes += frame.byteLength;
      const { message } = SyncResponse.decode(frame);
      if (message?.$case !== 'synced') return;
      note(message.value.subscriptions, told);
      if (told.size < users.length) return;
      stream.removeListener('error', reject);
      stream.on('error', () => undefined);
      stream.cancel();
      resolve({ token: message.value.token, digests: told, bytes });
    });
  });
}

function note(subscriptions: readonly SyncedSubscription[], told: Map<string, string>): void {
  for (const { subscriptionId, viewDigest } of subscriptions) told.set(subscriptionId, viewDigest);
}
