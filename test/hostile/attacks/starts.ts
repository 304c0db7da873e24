import { open, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Tier } from '../../../generated/switchboard/v1/server.js';
import type { Lab } from '../../bench/lab/lab.js';
import { startWorker, type Worker } from '../../bench/lab/worker.js';
import { declare, INVENTORY, openAdmin } from '../../support/grpc-admin/grpc-admin.js';
import type { Attack } from '../attack.js';
import { startAttacked, TOKENS } from '../lab/control-plane.js';
import type { ControlPlaneRole } from '../roles/control-plane.js';

const SERVERS = 300;
/** Of a lab: the report says nothing of the machine. */
const LAB_FOLDER = /\S*\/switchboard-bench-[^/:\s]+/g;

function startRole(lab: Lab): Worker<ControlPlaneRole> {
  return startWorker(lab, new URL('../roles/control-plane.js', import.meta.url));
}

/** A data folder with servers in it that nobody uses any more. */
async function filledFolder(lab: Lab): Promise<string> {
  const dataDir = await lab.folder();
  const server = startRole(lab);
  const address = await server.call('start', { dataDir, inspect: 'false' });
  using admin = openAdmin(address);
  const names = Array.from({ length: SERVERS }, (_, n) => `server-${String(n)}`);
  await Promise.all(names.map((name) => declare(admin, 'default', { name, tier: Tier.TIER_APP })));
  await server.call('stop');
  await server.stop();
  return dataDir;
}

/** What a start comes to: how many servers are there, or why it is refused. */
async function outcomeOfStart(server: Worker<ControlPlaneRole>, dataDir: string): Promise<string> {
  const address = await server.call('start', { dataDir, inspect: 'false' }).catch(refusal);
  if (address.startsWith('refused')) return address;
  using admin = openAdmin(address);
  const listed = admin.list({ view: INVENTORY, pageSize: SERVERS });
  return await listed.then(
    ({ servers }) => `serves ${String(servers.length)} of ${String(SERVERS)}`,
    refusal,
  );
}

function refusal(error: unknown): string {
  const [first = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
  return `refused: ${first.replace(LAB_FOLDER, 'FOLDER').slice(0, 200)}`;
}

interface DamageAttack extends Pick<Attack, 'name' | 'about'> {
  readonly damage: (file: string) => Promise<void>;
}

/** A control plane that starts with damaged data. */
function damageAttack({ name, about, damage }: DamageAttack): Attack {
  return {
    name,
    about,
    defence: 'What is read is verified at start: a damaged file is refused with what to do.',
    target: 'control plane',
    held: new RegExp(`^(refused: (?!.*SIG)|serves ${String(SERVERS)} of)`),
    maxGrowthMiB: 256,
    async open(lab) {
      const dataDir = await filledFolder(lab);
      await damage(path.join(dataDir, 'catalog', 'data.mdb'));
      const server = startRole(lab);
      await server.call('measured');
      return {
        victim: { measured: () => server.call('measured') },
        attack: () => outcomeOfStart(server, dataDir),
      };
    },
  };
}

/** Overwrites so many bytes from a page in the middle of a file. */
async function overwrite(file: string, bytes: number): Promise<void> {
  const { size } = await stat(file);
  const handle = await open(file, 'r+');
  try {
    const at = Math.floor(size / 2 / 4_096) * 4_096;
    await handle.write(Buffer.alloc(bytes, 0xa5), 0, bytes, at);
  } finally {
    await handle.close();
  }
}

/** What a process reads when it starts, or when it is asked to read again. */
export const START_ATTACKS: readonly Attack[] = [
  damageAttack({
    name: 'a data file that was cut',
    about: 'The second half of `data.mdb` is missing.',
    damage: async (file) => {
      const handle = await open(file, 'r+');
      await handle.truncate(Math.floor((await handle.stat()).size / 2));
      await handle.close();
    },
  }),
  damageAttack({
    name: 'a data file with a page of garbage',
    about: 'A page in the middle of `data.mdb` was overwritten.',
    damage: (file) => overwrite(file, 4_096),
  }),
  {
    name: 'a tokens file that names a token twice',
    about: 'The tokens file is replaced by one that has a token with two roles, and read again.',
    defence: 'A tokens file with an ambiguity is refused, and the tokens stay as they were.',
    target: 'control plane',
    held: /^refused: .* are the same/,
    maxGrowthMiB: 32,
    async open(lab) {
      const { server, tokensFile, ...attacked } = await startAttacked(lab);
      const entry = { token: TOKENS.reader, principal: 'reader' };
      const tokens = [
        { ...entry, roles: ['reader'] },
        { ...entry, roles: ['admin'] },
      ];
      return {
        ...attacked,
        attack: async () => {
          await writeFile(tokensFile, JSON.stringify({ tokens }));
          return server.call('reload').then(() => 'taken', refusal);
        },
      };
    },
  },
];
