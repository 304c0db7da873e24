import { timerMs } from '../../domain/timer.js';
import type { Step } from '../replica/tenant-state.js';
import { keyOf, targetKey, type LoadTarget } from './load-deps.js';
import type { PrivateLoads } from './private-loads.js';

interface Followed {
  readonly target: LoadTarget;
  count: number;
  timer: NodeJS.Timeout | undefined;
}

/** A load that is due is begun after this, so that nothing runs in a tight loop. */
const MIN_WAIT_MS = 10;

/**
 * Keeps the loads of users that streams follow fresh: nobody asks for them, so they are
 * loaded anew when they are due, and at once when they were invalidated. The streams get
 * what is found from the log.
 */
export class LoadFollower {
  private readonly loads: PrivateLoads;
  private readonly followed = new Map<string, Followed>();

  constructor(loads: PrivateLoads) {
    this.loads = loads;
  }

  /** Until the returned function is called; the subjects of the user have to be held. */
  follow(target: LoadTarget): () => void {
    const key = targetKey(target);
    const known = this.followed.get(key) ?? { target, count: 0, timer: undefined };
    this.followed.set(key, known);
    known.count += 1;
    if (known.count === 1) this.arm(known);
    let isFollowing = true;
    return () => {
      if (!isFollowing) return;
      isFollowing = false;
      known.count -= 1;
      if (known.count > 0) return;
      clearTimeout(known.timer);
      this.followed.delete(key);
    };
  }

  /** Must be called for every commit of every open tenant, before it becomes visible. */
  onStep(tenant: string, { commit }: Step): void {
    for (const { after } of commit.loads ?? []) {
      const followed = this.followed.get(keyOf(tenant, after.user));
      if (followed !== undefined) setImmediate(() => this.arm(followed));
    }
    // Whether anybody may be loaded at this replica can have changed.
    if (commit.source !== undefined) setImmediate(() => this.armAll(tenant));
  }

  /** Must be called when the log of an open tenant became another one: other loads are in it. */
  onReplaced(tenant: string): void {
    setImmediate(() => this.armAll(tenant));
  }

  close(): void {
    for (const { timer } of this.followed.values()) clearTimeout(timer);
    this.followed.clear();
  }

  private armAll(tenant: string): void {
    for (const followed of this.followed.values())
      if (followed.target.tenant.log.tenant === tenant) this.arm(followed);
  }

  private arm(followed: Followed): void {
    clearTimeout(followed.timer);
    if (this.followed.get(targetKey(followed.target)) !== followed) return;
    const waitMs = this.loads.dueInMs(followed.target);
    if (waitMs === undefined) return;
    followed.timer = setTimeout(
      () => {
        this.loads.refresh(followed.target);
        // If it fails, it is due again when that was waited out.
        void this.loads.settled(followed.target).then(() => {
          this.arm(followed);
        });
      },
      timerMs(Math.max(MIN_WAIT_MS, waitMs)),
    ).unref();
  }
}
