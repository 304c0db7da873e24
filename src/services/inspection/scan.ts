import type { InspectionDeps } from './inspection-deps.js';
import type { Scheduler } from './scheduler.js';

/** Records looked at together: with their facts each may have some hundred KB. */
const PAGE_SIZE = 50;

/** Offers every server of every tenant to the scheduler, a page at a time. */
export async function scanEverything(
  { catalog }: Pick<InspectionDeps, 'catalog'>,
  scheduler: Scheduler,
  signal: AbortSignal,
): Promise<void> {
  for (const tenant of await catalog.log.tenants({ signal })) {
    let afterId: string | undefined = '';
    while (afterId !== undefined) {
      const page = await catalog.projections.inventory(
        tenant,
        { afterId, limit: PAGE_SIZE },
        { signal },
      );
      for (const { record } of page.value) await scheduler.offer({ tenant, id: record.id }, record);
      signal.throwIfAborted();
      afterId = page.value.at(-1)?.record.id;
    }
  }
}
