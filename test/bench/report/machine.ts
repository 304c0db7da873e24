import { cpus, loadavg, platform, totalmem } from 'node:os';

/** When and on what a run was made; in general terms, as far as others can compare. */
export interface RunFacts {
  /** Day, ISO 8601. */
  readonly date: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly platform: string;
  readonly node: string;
  /** Load average of the last minute before the run: an idle machine has almost none. */
  readonly loadBefore: number;
  readonly pairs: number;
  /** Its version, or why it was not measured; undefined if nothing asked for it. */
  readonly etcd?: string | undefined;
}

/** The facts of a run that begins now. */
export function describeRun({ pairs }: { readonly pairs: number }): RunFacts {
  return {
    date: new Date().toISOString().slice(0, 10),
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    platform: platform(),
    node: process.versions.node,
    loadBefore: Math.round((loadavg()[0] ?? 0) * 100) / 100,
    pairs,
  };
}
