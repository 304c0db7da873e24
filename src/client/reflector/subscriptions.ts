import type { ReaderView } from '../../domain/view.js';
import { toViewMessage } from '../../wire/view-codec.js';
import { ClientError } from '../client-error.js';

interface Subscription {
  readonly view: ReaderView;
  /** What the server told when it was synced; empty before. */
  digest: string;
  readonly done: PromiseWithResolvers<void>;
}

/** The views that a node wants, and who waits for them. */
export class Subscriptions {
  private readonly all = new Map<string, Subscription>();

  get hasUsers(): boolean {
    return [...this.all.values()].some(({ view }) => view.kind === 'user');
  }

  /** Resolves when it is synced; rejects if it is refused, removed or closed before. */
  add(id: string, view: ReaderView): Promise<void> {
    const done = withResolvers();
    this.all.get(id)?.done.reject(new ClientError('CANCELLED', 'subscribed anew'));
    this.all.set(id, { view, digest: '', done });
    return done.promise;
  }

  remove(id: string): void {
    this.all.get(id)?.done.reject(new ClientError('CANCELLED', 'unsubscribed'));
    this.all.delete(id);
  }

  synced(id: string, digest: string): void {
    const subscription = this.all.get(id);
    if (subscription === undefined) return;
    subscription.digest = digest;
    subscription.done.resolve();
  }

  refuse(id: string, cause: Error | undefined): void {
    this.all
      .get(id)
      ?.done.reject(
        new ClientError('SUBSCRIPTION_REFUSED', cause?.message, {
          cause,
          metadata: { subscription: id },
        }),
      );
    this.all.delete(id);
  }

  close(): void {
    for (const { done } of this.all.values()) done.reject(new ClientError('CLIENT_CLOSED'));
    this.all.clear();
  }

  /** Those that a stream opens with: when resuming, only those that were synced before. */
  opening(resuming: boolean): SubscribeMessage[] {
    return this.messages().filter(({ viewDigest }) => !resuming || viewDigest !== '');
  }

  /** Those that are added once the stream is open. */
  later(resuming: boolean): SubscribeMessage[] {
    return this.messages().filter(({ viewDigest }) => resuming && viewDigest === '');
  }

  /** One subscription as a message, made anew. */
  message(id: string): SubscribeMessage {
    const subscription = this.all.get(id);
    if (subscription === undefined) throw new Error(`no subscription ${id}`);
    return {
      subscriptionId: id,
      view: toViewMessage(subscription.view),
      viewDigest: subscription.digest,
    };
  }

  private messages(): SubscribeMessage[] {
    return [...this.all.keys()].map((id) => this.message(id));
  }
}

interface SubscribeMessage {
  readonly subscriptionId: string;
  readonly view: ReturnType<typeof toViewMessage>;
  readonly viewDigest: string;
}

function withResolvers(): PromiseWithResolvers<void> {
  let resolve!: () => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<void>((yes, no) => {
    [resolve, reject] = [yes, no];
  });
  // Whoever wants to know awaits the promise; that nobody does is no defect.
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}

interface PromiseWithResolvers<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: unknown) => void;
}
