import type { CommitLog } from './log.js';
import type { Projections } from './projections.js';

/** What an engine can do. A capability that is declared absent is tested to be absent. */
export interface CatalogCapabilities {
  /** Whether what was acknowledged survives the death of the process. */
  readonly durable: boolean;
  /**
   * Which instances may have the same data open at once: any, those of one process, or none
   * beside the first. A process that may not is refused when it opens.
   */
  readonly sharing: 'ANY' | 'PROCESS' | 'NONE';
  /** Whether projections are written in one transaction with the log, and so never lag. */
  readonly atomicProjections: boolean;
}

/** The Catalog: the logs of all tenants and their projections, which one engine keeps. */
export interface Catalog {
  readonly capabilities: CatalogCapabilities;
  readonly log: CommitLog;
  readonly projections: Projections;

  /** Waits for what is under way, then closes. Closing twice is fine. */
  close(): Promise<void>;
}
