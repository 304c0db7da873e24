import type { Catalog } from '../../storage/catalog.js';

/** How much of a log stays readable, and how long requests are remembered. */
export interface Retention {
  /** Commits and answers to requests stay for at least so long. Milliseconds, default 24 h. */
  readonly forMs: number;
  /** At least so many commits stay. Default 100,000. */
  readonly commits: number;
  /** How often it is looked at. Milliseconds, default 1 h. */
  readonly everyMs: number;
}

export const RETENTION_DEFAULTS: Retention = Object.freeze({
  forMs: 24 * 3_600_000,
  commits: 100_000,
  everyMs: 3_600_000,
});

/** Empties what every log holds beyond its retention (protocol.md rules 2 and 3). */
export async function compactTenants(
  catalog: Catalog,
  retention: Retention,
  now = Date.now(),
): Promise<void> {
  for (const tenant of await catalog.log.tenants()) {
    const { revision } = await catalog.log.head(tenant);
    const upTo = await lastBefore(catalog, {
      tenant,
      upTo: revision - retention.commits,
      time: now - retention.forMs,
    });
    if (upTo > 0) await catalog.log.compact(tenant, upTo, { answersBefore: now - retention.forMs });
  }
}

/** The last revision up to `upTo` whose commits, and all before them, are older than `time`. */
async function lastBefore(
  catalog: Catalog,
  { tenant, upTo, time }: { readonly tenant: string; readonly upTo: number; readonly time: number },
): Promise<number> {
  let last = 0;
  const { mark } = await catalog.log.read(tenant, 0);
  let { commits } = await catalog.log.read(tenant, mark);
  while (commits.length > 0) {
    for (const commit of commits) {
      if (commit.revision > upTo || commit.time >= time) return last;
      last = commit.revision;
    }
    ({ commits } = await catalog.log.read(tenant, last));
  }
  return last;
}
