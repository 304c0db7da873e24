// A process that appends until it is killed. It prints `ack <tenant> <revision> <fingerprint>` after
// each acknowledged append, and `fail <reason>` after each that failed.
//
// Arguments: the data folder; a JSON object with
//   seed       of the choices it makes
//   writers    how many append at once, two of them to each tenant
//   killAt     a failpoint at which it kills itself, and
//   killAfter  how often it passes that before it does
//   padding    bytes that each record is blown up by
//   limited    whether it began with a limit on the size of files, to be lifted on failure

import { execFileSync } from 'node:child_process';
import { placeCommit, positionOf } from '../../../dist/src/domain/commit.js';
import { openStorage } from '../../../dist/src/storage/open-storage.js';

const [dataDir, json] = process.argv.slice(2);
const options = {
  seed: 1,
  writers: 4,
  killAfter: 1,
  padding: 0,
  limited: false,
  ...JSON.parse(json),
};
const random = randomFrom(options.seed);
let passed = 0;
let recovery;

const { catalog } = await openStorage({ kind: 'embedded', dataDir, failpoint });
await Promise.all(
  Array.from({ length: options.writers }, (_, at) => write(`t${Math.floor(at / 2)}`)),
);

function failpoint(name) {
  if (name !== options.killAt) return;
  passed += 1;
  if (passed === options.killAfter) process.kill(process.pid, 'SIGKILL');
}

async function write(tenant) {
  let after = await catalog.log.head(tenant);
  for (;;) {
    const commits = [];
    const touched = new Set();
    let place = after;
    for (let n = 1 + pick(3); n > 0; n -= 1) {
      const commit = placeCommit(
        await draft({ tenant, revision: place.revision + 1, touched }),
        place,
      );
      commits.push(commit);
      place = positionOf(after.epoch, commit);
    }
    try {
      const outcome = await catalog.log.append(tenant, { after, batchId: `b${random()}`, commits });
      if (outcome.appended) print(`ack ${tenant} ${place.revision} ${place.fingerprint}`);
      after = outcome.head;
    } catch (error) {
      print(`fail ${error.reason} ${error.message.replaceAll('\n', ' ')}`);
      if (!options.limited) throw error;
      recovery ??= recover(tenant);
      await recovery;
      after = await catalog.log.head(tenant);
    }
  }
}

/** Lets a compaction fail too, as no page beyond LMDB's first two can be written; then lifts the limit. */
async function recover(tenant) {
  limitFiles('8192:');
  const { revision } = await catalog.log.head(tenant);
  await catalog.log
    .compact(tenant, revision, { answersBefore: Date.now() })
    .then(() => print('fail NOTHING the compaction went through'))
    .catch((error) => print(`fail ${error.reason} ${error.message.replaceAll('\n', ' ')}`));
  limitFiles('unlimited:');
}

function limitFiles(limit) {
  execFileSync('prlimit', ['--pid', String(process.pid), `--fsize=${limit}`]);
}

/** Creates; or updates or deletes what is there and was not touched by the batch. */
async function draft({ tenant, revision, touched }) {
  const { value } = await catalog.projections.inventory(tenant, {
    afterId: `s${pick(1_000)}-`,
    limit: 1,
  });
  const free = revision % 2 === 0 && !touched.has(value[0]?.record.id);
  const held = free ? value[0] : undefined;
  touched.add(held?.record.id);
  const change = held === undefined ? creation(revision) : changeOf(held, revision);
  return {
    cause: 'UPDATE',
    actor: 'appender',
    reason: '',
    time: 1_700_000_000_000 + revision,
    request: { principal: 'p', requestId: `${revision}`, bodyDigest: 'd' },
    changes: [change],
  };
}

function creation(revision) {
  const shared = pick(2) === 0;
  const after = {
    id: `s${pick(1_000)}-${revision}`,
    name: `n${pick(5)}`,
    tier: shared ? 'USER' : 'PRIVATE',
    ...(shared ? {} : { owner: `u${pick(5)}` }),
    spec: { title: 'x'.repeat(options.padding) },
    set: '',
    etag: `${revision}`,
    generation: 1,
    createTime: revision,
    lastUpdatedAt: revision,
    revision,
  };
  const access = { granted: [{ subject: `group:g${pick(5)}`, revision }], revoked: [] };
  return shared ? { after } : { after, access };
}

function changeOf({ record, grants }, revision) {
  if (pick(3) === 0) return { before: record, access: { granted: [], revoked: grants } };
  const generation = record.generation + 1;
  const moved = { etag: `${revision}`, generation, lastUpdatedAt: revision, revision };
  return { before: record, after: { ...record, name: `n${pick(5)}`, ...moved } };
}

function pick(below) {
  return Math.floor(random() * below);
}

/** Synchronous where standard output is a pipe: what was printed outlives the process. */
function print(line) {
  process.stdout.write(`${line}\n`);
}

/** A small generator of random numbers in [0, 1): equal seeds give equal choices. */
function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
