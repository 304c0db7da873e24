import { mayLoad, refusalOf } from '../../domain/commands/load/source.js';
import type { SwitchboardError } from '../../domain/errors.js';
import type { TenantState } from '../replica/tenant-state.js';
import type { LoadDeps } from './load-deps.js';

/** What a refusal depends on besides the configuration. */
type SourceOfTenant = Pick<TenantState, 'tenant' | 'privateSource'>;

/**
 * Whether this replica may load for a tenant: not if its configuration names another source
 * than the log. Each change of the log that leads to a refusal is reported once.
 */
export class SourceRefusals {
  private readonly sourceOf: LoadDeps['sourceOf'];
  private readonly report: LoadDeps['onSourceRefused'];
  /** For each tenant that is refused, the revision of the source that was reported. */
  private readonly reported = new Map<string, number>();

  constructor({ sourceOf, onSourceRefused }: Pick<LoadDeps, 'sourceOf' | 'onSourceRefused'>) {
    this.sourceOf = sourceOf;
    this.report = onSourceRefused;
  }

  /** Whether it may not load, although there is something to be loaded or to load from. */
  refuses(log: SourceOfTenant): boolean {
    const record = log.privateSource();
    if (record === undefined) return false;
    const configured = this.configuredName(log);
    if (mayLoad(record, configured)) {
      this.reported.delete(log.tenant);
      return false;
    }
    if (this.reported.get(log.tenant) !== record.revision) {
      this.reported.set(log.tenant, record.revision);
      this.report(log.tenant, refusalOf(record, configured));
    }
    return true;
  }

  /** The refusal; undefined if there is none. */
  errorOf(log: SourceOfTenant): SwitchboardError | undefined {
    const record = log.privateSource();
    if (record === undefined || !this.refuses(log)) return undefined;
    return refusalOf(record, this.configuredName(log));
  }

  /** Throws SOURCE_DIFFERS and SOURCE_REMOVED. */
  demandAllowed(log: SourceOfTenant): void {
    const refusal = this.errorOf(log);
    if (refusal !== undefined) throw refusal;
  }

  private configuredName({ tenant }: SourceOfTenant): string | undefined {
    return this.sourceOf(tenant)?.source.name;
  }
}
