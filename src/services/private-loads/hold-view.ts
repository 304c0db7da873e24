import { subjectsOf, type View } from '../../domain/view.js';
import type { Tenant } from '../tenants.js';
import type { PrivateLoads } from './private-loads.js';

/**
 * Brings all that a view shows into the tenant's view, loads it first if it comes from a
 * private source, and keeps it there until the returned function is called. Throws why it
 * could not be loaded, and the reason of the signal.
 */
export async function holdView(
  loads: PrivateLoads,
  { tenant, view }: { readonly tenant: Tenant; readonly view: View },
  signal: AbortSignal,
): Promise<() => void> {
  const release = await tenant.log.hold(subjectsOf(view), { signal });
  try {
    await loads.ready(tenant, view, signal);
    return release;
  } catch (error) {
    release();
    throw error;
  }
}
