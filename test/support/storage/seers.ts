import type { StoredServer } from '../../../src/domain/server.js';
import type { Subject } from '../../../src/domain/view.js';

/** Who sees a PRIVATE server, by the rule and not by the product: its owner, and who has a grant. */
export function isSeenBySubject({ record, grants }: StoredServer, subject: Subject): boolean {
  if (record.owner !== undefined && subject === `user:${record.owner}`) return true;
  return grants.some((grant) => grant.subject === subject);
}
