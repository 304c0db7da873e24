import type { SubscriptionRequest } from '../../domain/node-stream.js';
import type { ReaderView } from '../../domain/view.js';
import { ClientError } from '../client-error.js';

/** What a stream opens with. */
export interface Opening {
  /** Part of `open`: when resuming, those that were synced before; else all. */
  readonly first: readonly SubscriptionRequest[];
  /** Added once the stream is open. */
  readonly later: readonly SubscriptionRequest[];
  /** Whether a user's view is among the first. */
  readonly hasUsers: boolean;
}

interface Subscription {
  readonly id: string;
  readonly wireId: string;
  readonly view: ReaderView;
  /** What the server told when it was synced; empty before. */
  digest: string;
  /** Whether it was part of an `open`. */
  isOpening: boolean;
  readonly done: Waiting;
}

/**
 * The views that a node wants, and who waits for them. On the wire each has an id that is
 * never used again: it is short whatever the view is, and what comes late for one that was
 * removed is not taken for another one of the same view.
 */
export class Subscriptions {
  private readonly byId = new Map<string, Subscription>();
  private readonly byWireId = new Map<string, Subscription>();
  private added = 0;

  /** Resolves when it is synced; rejects if it is refused, removed or closed before. */
  add(id: string, view: ReaderView): Promise<void> {
    if (this.byId.has(id)) throw new Error(`${id} is subscribed to already`);
    this.added += 1;
    const wireId = String(this.added);
    const subscription = { id, wireId, view, digest: '', isOpening: false, done: waiting() };
    this.byId.set(id, subscription);
    this.byWireId.set(wireId, subscription);
    return subscription.done.promise;
  }

  /** Answers the id on the wire, if there was one. */
  remove(id: string): string | undefined {
    return this.delete(id, new ClientError('CANCELLED', 'unsubscribed'))?.wireId;
  }

  /** The id that something from the wire is about; undefined if it was removed. */
  idOf(wireId: string): string | undefined {
    return this.byWireId.get(wireId)?.id;
  }

  synced(wireId: string, digest: string): void {
    const subscription = this.byWireId.get(wireId);
    if (subscription === undefined) return;
    subscription.digest = digest;
    subscription.done.resolve();
  }

  /** A stream begins with these: what was told of any other before no longer counts. */
  begin(wireIds: ReadonlySet<string>): void {
    for (const [wireId, subscription] of this.byWireId) {
      if (!wireIds.has(wireId)) subscription.digest = '';
    }
  }

  /** Whether its view is known here: then it is followed on a new stream, or not at all. */
  wasSynced(wireId: string): boolean {
    return (this.byWireId.get(wireId)?.digest ?? '') !== '';
  }

  /** Whether the stream was opened with it: who asked for it waits until it can be had. */
  isOpening(wireId: string): boolean {
    return this.byWireId.get(wireId)?.isOpening === true;
  }

  /** Removes it. Answers its id if there was one. */
  refuse(wireId: string, cause: Error | undefined): string | undefined {
    const subscription = this.byWireId.get(wireId);
    if (subscription === undefined) return undefined;
    const metadata = { subscription: subscription.id };
    const error = new ClientError('SUBSCRIPTION_REFUSED', cause?.message, { cause, metadata });
    return this.delete(subscription.id, error)?.id;
  }

  close(): void {
    for (const id of [...this.byId.keys()]) this.delete(id, new ClientError('CLIENT_CLOSED'));
  }

  opening(isResuming: boolean): Opening {
    const all = [...this.byId.values()];
    const first = all.filter(({ digest }) => !isResuming || digest !== '');
    for (const subscription of first) subscription.isOpening = true;
    return {
      first: first.map(toRequest),
      later: all.filter((one) => !first.includes(one)).map(toRequest),
      hasUsers: first.some(({ view }) => view.kind === 'user'),
    };
  }

  /** What a node asks for with one subscription. */
  request(id: string): SubscriptionRequest {
    const subscription = this.byId.get(id);
    if (subscription === undefined) throw new Error(`no subscription ${id}`);
    return toRequest(subscription);
  }

  private delete(id: string, error: ClientError): Subscription | undefined {
    const subscription = this.byId.get(id);
    if (subscription === undefined) return undefined;
    this.byId.delete(id);
    this.byWireId.delete(subscription.wireId);
    subscription.done.reject(error);
    return subscription;
  }
}

function toRequest({ wireId, view, digest }: Subscription): SubscriptionRequest {
  return { id: wireId, view, digest };
}

interface Waiting {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

function waiting(): Waiting {
  let resolve!: () => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<void>((yes, no) => {
    [resolve, reject] = [yes, no];
  });
  // Whoever wants to know awaits the promise; that nobody does is no defect.
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}
