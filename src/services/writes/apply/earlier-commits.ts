import type { Commit } from '../../../domain/commit.js';
import { SwitchboardError } from '../../../domain/errors.js';
import type { Catalog } from '../../../storage/catalog.js';
import { requestForItem, requestForPrune, type ApplyJob } from './apply-job.js';

/**
 * What this request has written before, if it is a repetition: the commits of its items, by
 * the ids of their requests. They are read in their order rather than one by one, as a set
 * may have thousands. Throws REQUEST_ID_REUSED if another request is known to have had the id.
 */
export async function earlierCommits(
  catalog: Catalog,
  job: ApplyJob,
): Promise<ReadonlyMap<string, Commit>> {
  const own = job.written.request;
  if (own === undefined) return new Map();
  const { log } = job.tenant;
  const items = job.items.map(({ at }) => requestForItem(job, at));
  const requests = [own, requestForPrune(job, 0), ...items].flatMap((request) => request ?? []);
  const found = new Map<number, string>();
  const { value: answers } = await catalog.projections.answers(log.tenant, requests);
  for (const [index, answer] of answers.entries()) {
    const request = requests[index];
    if (answer === undefined || request === undefined) continue;
    if (answer.bodyDigest !== own.bodyDigest) throw new SwitchboardError('REQUEST_ID_REUSED');
    found.set(answer.revision, request.requestId);
  }
  const commits = new Map<string, Commit>();
  let last = 0;
  for (const revision of [...found.keys()].sort((a, b) => a - b)) {
    if (revision <= last) continue;
    const slice = await catalog.log.read(log.tenant, revision - 1);
    for (const commit of slice.commits) {
      const requestId = found.get(commit.revision);
      if (requestId !== undefined) commits.set(requestId, commit);
      last = commit.revision;
    }
  }
  await log.catchUp(last);
  return commits;
}
