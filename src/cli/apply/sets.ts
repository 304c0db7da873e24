import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { impliedTier } from '../../domain/commands/apply.js';
import type { Problem, ReadResult } from '../../formats/format.js';
import { readServers } from '../../formats/read-servers.js';
import { type Suspect, suspectsIn } from '../../formats/suspects.js';
import { UsageError } from '../failure.js';
import type { Io } from '../io.js';
import type { ApplyOptions } from './options.js';

/** A file of servers that was read. */
export interface DeclaredSet {
  /** As it was named on the command line. */
  readonly file: string;
  /** By which the control plane knows the set. */
  readonly name: string;
  readonly read: ReadResult;
  /** What in it looks like a secret, or like a placeholder that nobody filled in. */
  readonly warnings: readonly Suspect[];
  /** Nothing of it could be read: the file as a whole is wrong. */
  readonly broken: boolean;
  /** Whether the servers that the set no longer has are to be deleted. */
  readonly prune: boolean;
}

const STDIN = '-';

/**
 * Reads all files. What is wrong inside of them is part of the answer. Throws a UsageError
 * for a file that cannot be read, or that is named twice.
 */
export async function readSets(
  files: readonly string[],
  options: ApplyOptions,
  io: Pick<Io, 'readInput'>,
): Promise<readonly DeclaredSet[]> {
  const sets: DeclaredSet[] = [];
  for (const file of files) {
    const name = options.set ?? setNameOf(file, process.cwd(), hostname());
    if (sets.some((set) => set.name === name)) {
      throw new UsageError(`${file} is named twice`);
    }
    if (file === STDIN && options.prune && options.set === undefined) {
      throw new UsageError('--prune with standard input needs --set: it says which set to prune');
    }
    const text = file === STDIN ? await io.readInput() : await textOf(file);
    const { read, warnings } = withoutSharedSecrets(
      withTier(readText(text, file, options), options),
      options,
    );
    sets.push({ file, name, warnings, ...judged(read, options) });
  }
  return sets;
}

/**
 * The name of a file's set without `--set`: the host and the whole path, so that two projects
 * share a set only if they say so, and it does not depend on how the file was named; with `/` on
 * every system.
 */
export function setNameOf(file: string, folder: string, host: string): string {
  if (file === STDIN) return 'stdin';
  return `${host}:${path.resolve(folder, file).split(path.sep).join('/')}`;
}

function readText(text: string, file: string, { format }: ApplyOptions): ReadResult {
  return readServers(text, { file: file === STDIN ? undefined : file, format });
}

/** The servers whose file states no tier have that of the flag. */
function withTier(read: ReadResult, { tier }: ApplyOptions): ReadResult {
  if (tier === undefined) return read;
  return { ...read, servers: read.servers.map((server) => ({ tier, ...server })) };
}

/**
 * Finds what looks like a secret. A server of which everyone, and the application itself, would
 * use it without being asked who they are is a problem, unless that is meant.
 */
function withoutSharedSecrets(
  read: ReadResult,
  { allowSharedSecrets }: ApplyOptions,
): Pick<DeclaredSet, 'read' | 'warnings'> {
  const found = read.servers.map((server) => ({ server, suspects: suspectsIn(server) }));
  const warnings = found.flatMap(({ suspects }) => suspects);
  const isRefused = ({ server, suspects }: (typeof found)[number]): boolean =>
    !allowSharedSecrets && suspects.length > 0 && (server.tier ?? impliedTier(server)) === 'APP';
  const problems = found
    .filter(isRefused)
    .flatMap(({ suspects }) =>
      suspects.map(({ reason: _told, ...place }): Problem => ({ ...place, message: SHARED })),
    );
  const servers = found.filter((each) => !isRefused(each)).map(({ server }) => server);
  return { read: { ...read, servers, problems: [...read.problems, ...problems] }, warnings };
}

const SHARED =
  'everyone would use this value, since the server is APP: replace it, choose another tier, or pass --allow-shared-secrets';

/** A set with entries that cannot be read does not know what it no longer has. */
function judged(
  read: ReadResult,
  { prune }: ApplyOptions,
): Pick<DeclaredSet, 'read' | 'broken' | 'prune'> {
  const whole = read.problems.length === 0;
  return { read, broken: !whole && read.servers.length === 0, prune: prune && whole };
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'no such file' : String(error);
    throw new UsageError(`${file}: ${why}`);
  }
}
