import type { Subject } from '../../domain/view.js';
import { HoldCounts } from './hold-counts.js';

/** What of a tenant must stay at this replica, whatever becomes of the log it was read from. */
export class Holds {
  readonly subjects = new HoldCounts<Subject>();
  /** Ids of servers that are followed, whoever comes to own them. */
  readonly ids = new HoldCounts<string>();
  /** Those who need every record of the tenant; the key tells them apart. */
  readonly inventories = new HoldCounts<symbol>();
}
