import type { ShadowPolicy } from '../../domain/commands/shadow.js';
import { FORMATS, type Format } from '../../formats/format.js';
import type { Flags } from '../connection.js';
import { UsageError } from '../failure.js';
import { reasonOf } from '../reason.js';
import { shadowFlag } from '../shadow-flag.js';
import { tierFlag } from '../tier-flag.js';

/** What the flags of `switchboard apply` ask for. */
export interface ApplyOptions {
  /** Undefined: each file tells by itself. */
  readonly format: Format | undefined;
  /** Undefined: the host and the path of the file. */
  readonly set: string | undefined;
  /** Of servers whose file states none. Undefined: as the spec needs. */
  readonly tier: 'APP' | 'USER' | undefined;
  readonly dryRun: boolean;
  readonly prune: boolean;
  readonly allOrNothing: boolean;
  readonly takeOver: boolean;
  readonly policy: ShadowPolicy;
  /** Whether an APP server may have values that look like secrets. */
  readonly allowSharedSecrets: boolean;
  readonly reason: string;
  readonly json: boolean;
}

/** Reads the flags. Throws a UsageError for those that do not fit together. */
export function applyOptions(files: readonly string[], flags: Flags): ApplyOptions {
  const set = flags['set'] as string | undefined;
  if (set === '') throw new UsageError('--set must not be empty');
  if (set !== undefined && files.length > 1) {
    throw new UsageError('--set names one set: pass one file, or apply the files one by one');
  }
  return {
    format: formatOf(flags),
    set,
    tier: flags['tier'] === undefined ? undefined : tierFlag(flags),
    dryRun: flags['dryRun'] === true,
    prune: flags['prune'] === true,
    allOrNothing: flags['allOrNothing'] === true,
    takeOver: flags['takeOver'] === true,
    policy: shadowFlag(flags),
    allowSharedSecrets: flags['allowSharedSecrets'] === true,
    reason: reasonOf(flags),
    json: flags['json'] === true,
  };
}

/** Other names under which people look for a format. */
const ALIASES: Readonly<Record<string, Format>> = {
  own: 'switchboard',
  'server.json': 'server-json',
  mcp: 'claude',
};

/** What `--format` may say, for the help. */
export const FORMAT_NAMES = ['own', ...FORMATS.slice(1, -1), 'server.json'].join(', ');

/** The format that a flag names; undefined if it is left out. Throws a UsageError if it is none. */
export function formatOf(flags: Flags): Format | undefined {
  const name = flags['format'] as string | undefined;
  if (name === undefined) return undefined;
  const format = ALIASES[name] ?? FORMATS.find((known) => known === name);
  if (format !== undefined) return format;
  throw new UsageError(`--format: ${name} is not one of ${FORMAT_NAMES}`);
}
