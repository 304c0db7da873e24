import { DEFAULT_TENANT } from '../../../src/domain/caller.js';
import type { Arm, Bench, RowSpec, Sample } from '../bench.js';
import { fill, type Seed, withCatalog } from '../lab/fill.js';
import type { Lab } from '../lab/lab.js';
import { startWorker, type Worker } from '../lab/worker.js';
import type { CountedControlPlane } from '../roles/counted-control-plane.js';

const SHARED = 20;
const OWNED = 20;
const GRANTED = 5;
/** Each is cold only once. */
const READERS = 60;
const PER_RUN = 3;

/** What a list for one user reads from the store, among few and among many servers of others. */
export const listForUser: readonly Bench[] = [
  listAmong({ others: 200_000, bench: 'list-for-user', row: 'list for a user' }),
  listAmong({
    others: 1_000_000,
    bench: 'list-for-user 1,000,000',
    row: 'list among 1,000,000',
  }),
];

/** How many servers of others there are, and what bench and rows are called. */
interface Among {
  readonly others: number;
  readonly bench: string;
  readonly row: string;
}

function listAmong(among: Among): Bench {
  const others = among.others.toLocaleString('en-US');
  return {
    name: among.bench,
    about:
      'ListServers for a user who owns 20 servers, was granted 5 and sees 20 shared ones, in a ' +
      `tenant with ${others} more private servers of other users, against a tenant without ` +
      'those. Cold is the first list for a user, warm the second. Counts the gets and ranges ' +
      'of LMDB and the bytes of the rows they read; the minimum of three users, because the ' +
      'replica also reads the head once a second.',
    rows: [
      rowOf(among, { name: 'cold, store commands', figure: 'coldCommands', unit: 'commands' }, 1),
      rowOf(among, { name: 'cold, bytes read', figure: 'coldBytes', unit: 'bytes' }, 1.01),
      rowOf(among, { name: 'warm, store commands', figure: 'warmCommands', unit: 'commands' }, 1),
      rowOf(among, { name: 'warm, bytes read', figure: 'warmBytes', unit: 'bytes' }, 1.01),
    ],
    warmUp: false,
    async open(lab) {
      const few = await openStore(lab, 0);
      const many = await openStore(lab, lab.isQuick ? 1_000 : among.others);
      return { ours: listing(many), few: listing(few) };
    },
  };
}

function rowOf(
  { others, row }: Among,
  { name, ...counted }: Pick<RowSpec, 'name' | 'figure' | 'unit'>,
  bound: number,
): RowSpec {
  return {
    ...counted,
    name: `${row}, ${name}`,
    against: 'few',
    baseline: `the same without ${others.toLocaleString('en-US')} servers of others`,
    ratio: 'ours / baseline',
    mark: { of: 'ratio', direction: 'at most', bound },
  };
}

async function openStore(lab: Lab, foreign: number): Promise<Worker<CountedControlPlane>> {
  lab.progress(`writing ${String(foreign)} servers of others`);
  const dataDir = await lab.folder();
  await withCatalog(dataDir, async (catalog) => {
    // Those that are listed come first, so that their revisions are the same among few and many.
    await fill(catalog, DEFAULT_TENANT, listedServers());
    await fill(catalog, DEFAULT_TENANT, foreignServers(foreign));
  });
  const nodeFlags = ['--import', new URL('../lab/count-lmdb.js', import.meta.url).href];
  const server = startWorker<CountedControlPlane>(
    lab,
    new URL('../roles/counted-control-plane.js', import.meta.url),
    { nodeFlags },
  );
  await server.call('start', dataDir);
  return server;
}

function* listedServers(): Iterable<Seed> {
  for (let index = 0; index < SHARED; index += 1) {
    yield { id: `shared-${String(index)}`, name: `shared-${String(index)}` };
  }
  for (let reader = 0; reader < READERS; reader += 1) {
    const user = userOf(reader);
    for (let index = 0; index < OWNED; index += 1) {
      yield { id: `own-${user}-${String(index)}`, name: `own-${String(index)}`, owner: user };
    }
    for (let index = 0; index < GRANTED; index += 1) {
      const name = `granted-${user}-${String(index)}`;
      yield { id: name, name, owner: 'giver', grantedTo: [`user:${user}`] };
    }
  }
}

function* foreignServers(count: number): Iterable<Seed> {
  for (let index = 0; index < count; index += 1) {
    // In the order of the store, see `fill`.
    const owner = `stranger-${String(Math.floor(index / 10)).padStart(6, '0')}`;
    const id = `foreign-${String(index).padStart(7, '0')}`;
    yield { id, name: `own-${String(index % 10)}`, owner };
  }
}

function userOf(reader: number): string {
  return `reader-${String(reader).padStart(4, '0')}`;
}

function listing(server: Worker<CountedControlPlane>): Arm {
  let reader = 0;
  return async () => {
    const runs: Sample[] = [];
    for (let count = 0; count < PER_RUN; count += 1) {
      if (reader === READERS)
        throw new Error(`there are users for ${READERS / PER_RUN} pairs only`);
      const user = userOf(reader);
      reader += 1;
      const cold = await server.call('list', user);
      const warm = await server.call('list', user);
      if (cold.servers !== SHARED + OWNED + GRANTED)
        throw new Error('the list is not what was written');
      runs.push({
        coldCommands: cold.commands,
        coldBytes: cold.bytes,
        warmCommands: warm.commands,
        warmBytes: warm.bytes,
      });
    }
    return smallest(runs);
  };
}

/** Of each figure the smallest. */
function smallest(runs: readonly Sample[]): Sample {
  const names = Object.keys(runs[0] ?? {});
  return Object.fromEntries(
    names.map((name) => [name, Math.min(...runs.map((run) => run[name] ?? Infinity))]),
  );
}
