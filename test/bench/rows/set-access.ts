import { DEFAULT_TENANT } from '../../../src/domain/caller.js';
import type { Subject } from '../../../src/domain/view.js';
import { byId, INVENTORY, openAdmin, serverOf } from '../../support/grpc-admin/grpc-admin.js';
import { setAccess as callSetAccess } from '../../support/grpc-admin/access.js';
import type { Bench } from '../bench.js';
import { quantile } from '../figures.js';
import { fill, withCatalog } from '../lab/fill.js';
import type { Lab } from '../lab/lab.js';
import { startWorker } from '../lab/worker.js';
import type { BareRows } from '../roles/bare-rows.js';
import type { ControlPlane } from '../roles/control-plane.js';

const LISTED = 10_000;
const ID = 'granted';

/** What it costs to replace a long access list, for each subject that comes or goes. */
export const setAccess: Bench = {
  name: 'set-access',
  about:
    'SetAccess that replaces a list of 10,000 users by another that keeps half of them: 5,000 ' +
    'are removed and 5,000 added. One call after the other, back and forth, without watchers. ' +
    'Bare LMDB puts and removes the rows of these commits (log, head, record, two rows for ' +
    'each user), taken from ours, in one transaction with the same settings and flush. Both ' +
    'are divided by the subjects added or removed, because with so many the fixed cost of a ' +
    'call does not show.',
  rows: [
    {
      name: 'SetAccess, 10,000 of which half change',
      figure: 'cpu',
      unit: 'µs server CPU per subject',
      against: 'bare',
      baseline: 'bare LMDB, the same rows',
      ratio: 'ours / baseline',
      beside: [{ figure: 'p50', label: 'p50', unit: 'ms' }],
    },
  ],
  async open(lab) {
    const listed = lab.isQuick ? 100 : LISTED;
    const lists = [0, listed / 2].map((from) => subjects(from, listed));
    const [dataDir, bareDir] = [await storeWith(lab, lists[0]), await storeWith(lab, lists[0])];
    const role = (name: string): URL => new URL(`../roles/${name}.js`, import.meta.url);
    const server = startWorker<ControlPlane>(lab, role('control-plane'));
    const bare = startWorker<BareRows>(lab, role('bare-rows'));
    const admin = openAdmin(await server.call('start', dataDir));
    lab.defer(() => {
      admin.close();
    });
    let { accessEtag } = serverOf(await admin.get({ view: INVENTORY, key: byId(ID) }));
    let turn = 0;
    const call = async (): Promise<number> => {
      turn += 1;
      const request = { id: ID, accessEtag, subjects: [...(lists[turn % 2] ?? [])] };
      const begin = performance.now();
      const answer = await callSetAccess(admin, request);
      const ms = performance.now() - begin;
      if (answer.addedCount + answer.removedCount !== listed) throw new Error('not half of it');
      accessEtag = serverOf(answer).accessEtag;
      return ms;
    };
    // There and back: what bare LMDB is to write.
    for (const _list of lists) await call();
    const batches = await server.call('newestBatches', { dataDir, count: lists.length });
    await bare.call('open', { batches, to: bareDir, tenant: DEFAULT_TENANT });
    const calls = lab.isQuick ? 2 : 10;
    return {
      async ours() {
        const latencies: number[] = [];
        const before = await server.usage();
        for (let count = 0; count < calls; count += 1) latencies.push(await call());
        const after = await server.usage();
        const cpu = (after.cpuMicros - before.cpuMicros) / (calls * listed);
        return { cpu, p50: quantile(latencies, 0.5) };
      },
      async bare() {
        const { cpuMicros, p50 } = await bare.call('put', calls);
        return { cpu: cpuMicros / (calls * listed), p50 };
      },
    };
  },
};

function subjects(from: number, count: number): readonly Subject[] {
  return Array.from(
    { length: count },
    (_, index) => `user:${String(from + index).padStart(8, '0')}` as const,
  );
}

/** A folder with data in which one server is granted to these. */
async function storeWith(lab: Lab, grantedTo: readonly Subject[] = []): Promise<string> {
  const dataDir = await lab.folder();
  await withCatalog(dataDir, (catalog) =>
    fill(catalog, DEFAULT_TENANT, [{ id: ID, name: ID, owner: 'giver', grantedTo }]),
  );
  return dataDir;
}
