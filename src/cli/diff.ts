import { SwitchboardError } from '../domain/errors.js';
import type { FieldChange } from '../domain/field-change.js';
import type { RegistryClient } from '../wire/client/registry-client.js';
import type { ReportedVersion } from '../wire/client/versions.js';
import { diffLines } from './changes-text.js';
import { composeChanges, reversed } from './compose-changes.js';
import type { Flags } from './connection.js';
import { findId } from './find-server.js';
import { optionalGeneration } from './generation.js';
import { jsonLine, localTime, printable } from './text.js';
import { causeWord } from './history.js';

/** What differs between two versions of a server. */
export interface VersionDiff {
  /** Undefined: before there was any version. */
  readonly from: ReportedVersion | undefined;
  readonly to: ReportedVersion;
  readonly changes: readonly FieldChange[];
}

/**
 * `switchboard diff`: the fields that differ between two versions of a server; without
 * `--from`, from the one before `--to`; without `--to`, to the newest.
 */
export async function diff(client: RegistryClient, key: string, flags: Flags): Promise<string> {
  const wanted = { from: optionalGeneration(flags, 'from'), to: optionalGeneration(flags, 'to') };
  const id = await findId(client, key, { flags, deletedToo: true });
  const { versions } = await client.listServerVersions(id);
  const found = diffOf(versions, wanted);
  return flags['json'] === true ? diffJson(id, found) : diffText(found);
}

/** Compares two of `versions`, which come with the newest first. Throws VERSION_NOT_FOUND. */
export function diffOf(
  versions: readonly ReportedVersion[],
  wanted: { readonly from: number | undefined; readonly to: number | undefined },
): VersionDiff {
  const to = indexOf(versions, wanted.to) ?? 0;
  const from = indexOf(versions, wanted.from) ?? to + 1;
  const [newer, older] = to < from ? [to, from] : [from, to];
  const steps = versions.slice(newer, older).map(({ changes }) => changes);
  const forwards = composeChanges(steps.reverse());
  const target = versions[to];
  if (target === undefined) throw new SwitchboardError('VERSION_NOT_FOUND');
  return {
    from: versions[from],
    to: target,
    changes: to < from ? forwards : reversed(forwards),
  };
}

function indexOf(
  versions: readonly ReportedVersion[],
  generation: number | undefined,
): number | undefined {
  if (generation === undefined) return undefined;
  const index = versions.findIndex((version) => version.generation === generation);
  if (index >= 0) return index;
  const known = versions.map((version) => String(version.generation)).slice(0, 20);
  throw new SwitchboardError(
    'VERSION_NOT_FOUND',
    `there is no generation ${String(generation)}; the newest are ${known.join(', ')}`,
  );
}

/** Both versions, and each field that differs with what it was and what it is. */
export function diffText({ from, to, changes }: VersionDiff): string {
  return [
    `--- ${from === undefined ? 'nothing' : versionLine(from)}\n`,
    `+++ ${versionLine(to)}\n`,
    changes.length === 0 ? '  no field differs\n' : diffLines(changes),
  ].join('');
}

function versionLine(version: ReportedVersion): string {
  const { generation, time, actor, reason } = version;
  const why = reason === '' ? '' : `: ${reason}`;
  const what = `generation ${String(generation)}, ${localTime(time)}`;
  return printable(`${what}, ${causeWord(version)} by ${actor}${why}`);
}

function diffJson(id: string, { from, to, changes }: VersionDiff): string {
  const generations = { from: from?.generation ?? 0, to: to.generation };
  return jsonLine({ id, ...generations, changes });
}
