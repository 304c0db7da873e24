/** How much a replica keeps of one tenant. */
export interface TenantLimits {
  /** Commits kept in memory for pages, joins and short resumes. Default 1000. */
  readonly recentCommits: number;
  /** Subjects kept although nobody holds them. Default 10,000. */
  readonly idleSubjects: number;
}

export const TENANT_LIMITS: TenantLimits = Object.freeze({
  recentCommits: 1_000,
  idleSubjects: 10_000,
});

/** What reads several things of the Catalog has to be done within this. Milliseconds. */
export const READ_MS = 30_000;
