import type { Commit, RequestKey } from '../../../domain/commit.js';
import { SwitchboardError } from '../../../domain/errors.js';
import type { Catalog } from '../../../storage/catalog.js';
import type { ProjectionOptions } from '../../../storage/projections.js';

/**
 * What an apply has written before, if it is a repetition: the commits of those of its
 * `requests` that are remembered, by their ids. They are read in their order rather than one
 * by one, as a set may have thousands. Throws REQUEST_ID_REUSED if a request with another body
 * is known to have had an id.
 */
export async function earlierCommits(
  catalog: Catalog,
  tenant: string,
  { requests, ...options }: ProjectionOptions & { readonly requests: readonly RequestKey[] },
): Promise<ReadonlyMap<string, Commit>> {
  const found = new Map<number, string>();
  const { value: answers } = await catalog.projections.answers(tenant, requests, options);
  for (const [index, answer] of answers.entries()) {
    const request = requests[index];
    if (answer === undefined || request === undefined) continue;
    if (answer.bodyDigest !== request.bodyDigest) throw new SwitchboardError('REQUEST_ID_REUSED');
    found.set(answer.revision, request.requestId);
  }
  const commits = new Map<string, Commit>();
  let last = 0;
  for (const revision of [...found.keys()].sort((a, b) => a - b)) {
    if (revision <= last) continue;
    const slice = await catalog.log.read(tenant, revision - 1, options);
    for (const commit of slice.commits) {
      const requestId = found.get(commit.revision);
      if (requestId !== undefined) commits.set(requestId, commit);
      last = commit.revision;
    }
  }
  return commits;
}

/** The revision that the first of the commits was decided from; undefined for none. */
export function baseRevisionOf(commits: ReadonlyMap<string, Commit>): number | undefined {
  const bases = [...commits.values()].map(
    ({ revision, request }) => request?.baseRevision ?? revision - 1,
  );
  return bases.length === 0 ? undefined : Math.min(...bases);
}
