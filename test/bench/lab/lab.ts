import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';

/** What a bench works with: how much to do, where to write, and who cleans up. */
export interface Lab {
  /** Whether this is only to see that everything runs. */
  readonly isQuick: boolean;
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal;
  /** Says on standard error how far it is. */
  progress(text: string): void;
  /** Runs after the bench, whatever became of it; the last one registered runs first. */
  defer(cleanup: () => Promise<void> | void): void;
  /** A new folder, removed after the bench, once everything deferred has run. */
  folder(): Promise<string>;
  /** The program etcd; undefined if it cannot be had here. */
  etcd(): Promise<string | undefined>;
  /** For Node itself, in every worker. */
  readonly nodeFlags: readonly string[];
}

/** What is the same for all benches of a run. */
export interface LabOptions {
  readonly isQuick: boolean;
  readonly signal: AbortSignal;
  /** Temporary folders lie in it. */
  readonly dir: string;
  readonly progress: (text: string) => void;
  readonly etcd: () => Promise<string | undefined>;
  /** Folder for a CPU profile of every worker. Default: none are made. */
  readonly profile?: string;
}

/** A lab for one bench. */
export interface OpenLab extends Lab {
  /** Runs what was deferred, all of it also if some of it throws. */
  close(): Promise<void>;
}

/** Opens a lab with nothing deferred. */
export function openLab(options: LabOptions): OpenLab {
  const cleanups: (() => Promise<void> | void)[] = [];
  const folders: string[] = [];
  const { isQuick, signal, progress, etcd, profile } = options;
  return {
    isQuick,
    signal,
    progress,
    etcd,
    nodeFlags: profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`],
    defer: (cleanup) => void cleanups.push(cleanup),
    async folder() {
      const folder = await mkdtemp(path.join(options.dir, 'switchboard-bench-'));
      folders.push(folder);
      return folder;
    },
    async close() {
      const errors: unknown[] = [];
      // Folders come last: until a worker has ended it may write to one.
      const removals = folders
        .splice(0)
        .map((folder) => () => rm(folder, { recursive: true, force: true }));
      cleanups.unshift(...removals);
      for (let next = cleanups.pop(); next !== undefined; next = cleanups.pop()) {
        try {
          await next();
        } catch (error) {
          errors.push(error);
        }
      }
      if (errors.length > 0) throw new AggregateError(errors, 'not everything could be cleaned up');
    },
  };
}
