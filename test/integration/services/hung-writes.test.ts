import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SwitchboardError } from '../../../src/domain/errors.js';
import { INVENTORY_VIEW } from '../../../src/domain/view.js';
import { promote } from '../../support/services/access.js';
import {
  create,
  declarationFor,
  openWorld,
  page,
  requestOf,
  TENANT,
  type Replica,
  type World,
} from '../../support/services/world.js';
import { withMethods, type CatalogMethods } from '../../support/storage/reads.js';
import { reasonOf } from '../../support/reason-of.js';

/** Time stands still until a test moves it: a call that hangs is given up only then. */
beforeEach(() => {
  vi.useFakeTimers({
    toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout', 'performance'],
  });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Longer than any call of the Catalog may take. Milliseconds. */
const TOO_LONG_MS = 30_000;

interface Hanging {
  readonly replica: Replica;
  /** Lets the next call hang; resolves when it was made. */
  hangNext(): Promise<void>;
}

/** A replica of which one method of the Catalog hangs when it is told to. */
async function hanging<K extends keyof CatalogMethods>(
  world: World,
  method: K,
  call: CatalogMethods[K],
): Promise<Hanging> {
  let onHang: (() => void) | undefined;
  const orHang = (...args: never[]): unknown => {
    if (onHang === undefined) return (call as (...all: never[]) => unknown)(...args);
    onHang();
    onHang = undefined;
    return new Promise(() => undefined);
  };
  const catalog = withMethods(world.catalog, { [method]: orHang });
  return {
    replica: await world.replica({ catalog }),
    hangNext: () => new Promise((resolve) => (onHang = resolve)),
  };
}

const namesIn = async (replica: Replica): Promise<readonly string[]> =>
  (await page(replica, INVENTORY_VIEW)).value.servers.map(({ record }) => record.name).toSorted();

const createAs = ({ services }: Replica, name: string, signal: AbortSignal): Promise<unknown> =>
  services.createServer(requestOf({ signal }), {
    declared: declarationFor({ name }),
    policy: 'fail',
    requestId: name,
    validateOnly: false,
    reason: '',
  });

describe('a call of the Catalog that hangs', () => {
  it('while it appends, leaves those writes unknown, and the next ones go on [R3, P12]', async () => {
    await using world = await openWorld();
    const { log } = world.catalog;
    const { replica, hangNext } = await hanging(world, 'append', log.append);
    await create(replica, { name: 'first' });
    const hangs = hangNext();
    const unknown = reasonOf(create(replica, { name: 'unknown' }));
    await hangs;
    const next = reasonOf(create(replica, { name: 'next' }));
    vi.advanceTimersByTime(TOO_LONG_MS);
    expect([await unknown, await next]).toEqual(['OUTCOME_UNKNOWN', 'done']);
    expect(await namesIn(replica)).toEqual(['first', 'next']);
  });

  it('while it confirms a refusal, means that nothing was written [P11, P12]', async () => {
    await using world = await openWorld();
    const { replica, hangNext } = await hanging(world, 'head', world.catalog.log.head);
    await create(replica, { name: 'taken' });
    const hangs = hangNext();
    const refused = reasonOf(create(replica, { name: 'taken' }));
    await hangs;
    const next = reasonOf(create(replica, { name: 'next' }));
    vi.advanceTimersByTime(TOO_LONG_MS);
    expect([await refused, await next]).toEqual(['NOT_WRITTEN', 'done']);
  });

  it('while it looks a request up, means that nothing was written [R3, P12]', async () => {
    await using world = await openWorld();
    const { answers } = world.catalog.projections;
    const { replica, hangNext } = await hanging(world, 'answers', answers);
    const hangs = hangNext();
    const stuck = reasonOf(create(replica, { name: 'stuck' }, { requestId: 'r' }));
    await hangs;
    expect(await reasonOf(create(replica, { name: 'next' }, { requestId: 's' }))).toBe('done');
    vi.advanceTimersByTime(TOO_LONG_MS);
    expect(await stuck).toBe('NOT_WRITTEN');
    expect(await namesIn(replica)).toEqual(['next']);
  });

  it('while a write is prepared again, ends that write alone [R1, P12]', async () => {
    await using world = await openWorld();
    const far = await world.replica();
    const { value } = await create(far, { name: 'files', owner: 'ana' });
    const { serversNamed } = world.catalog.projections;
    let onAppend: () => Promise<unknown> = () => Promise.resolve();
    const catalog = withMethods(world.catalog, {
      append: async (...args) => {
        await onAppend();
        return world.catalog.log.append(...args);
      },
    });
    const { replica, hangNext } = await hanging(
      { ...world, catalog },
      'serversNamed',
      serversNamed,
    );
    let hangs: Promise<void> | undefined;
    const beaten = new Promise<void>((resolve) => {
      onAppend = async () => {
        onAppend = () => Promise.resolve();
        // Another replica is first, so that all is prepared and decided again.
        await create(far, { name: 'theirs' });
        hangs = hangNext();
        resolve();
      };
    });
    const stuck = reasonOf(promote(replica, value));
    await beaten;
    await hangs;
    const next = reasonOf(create(replica, { name: 'next' }));
    vi.advanceTimersByTime(TOO_LONG_MS);
    expect([await stuck, await next]).toEqual(['NOT_WRITTEN', 'done']);
    expect(await namesIn(far)).toEqual(['files', 'next', 'theirs']);
  });
});

describe('a write whose caller gives up', () => {
  const late = (): SwitchboardError => new SwitchboardError('DEADLINE_EXCEEDED');

  it('while a look-up hangs is not written, and is told so at once [R3, P12]', async () => {
    await using world = await openWorld();
    const { answers } = world.catalog.projections;
    const { replica, hangNext } = await hanging(world, 'answers', answers);
    const caller = new AbortController();
    const hangs = hangNext();
    const stuck = reasonOf(createAs(replica, 'stuck', caller.signal));
    await hangs;
    caller.abort(late());
    expect(await stuck).toBe('NOT_WRITTEN');
  });

  it('while its append hangs is told at once that nobody knows [R3, P12]', async () => {
    await using world = await openWorld();
    const { replica, hangNext } = await hanging(world, 'append', world.catalog.log.append);
    const caller = new AbortController();
    const hangs = hangNext();
    const stuck = reasonOf(createAs(replica, 'stuck', caller.signal));
    await hangs;
    caller.abort(late());
    expect(await stuck).toBe('OUTCOME_UNKNOWN');
    vi.advanceTimersByTime(TOO_LONG_MS);
    expect(await reasonOf(create(replica, { name: 'next' }))).toBe('done');
  });
});

describe('the look-up of requests', () => {
  it('is not repeated for a write that is decided again [P12]', async () => {
    await using world = await openWorld();
    const far = await world.replica();
    let lookUps = 0;
    let beatenBy = 3;
    const catalog = withMethods(world.catalog, {
      answers: (...args) => {
        lookUps += 1;
        return world.catalog.projections.answers(...args);
      },
      append: async (...args) => {
        if (beatenBy > 0) await create(far, { name: `theirs ${String(beatenBy)}` });
        beatenBy -= 1;
        return world.catalog.log.append(...args);
      },
    });
    const replica = await world.replica({ catalog });
    const { position } = await create(replica, { name: 'files' }, { requestId: 'r' });
    expect([position.revision, lookUps]).toEqual([4, 1]);
  });

  it('is one for many that wait together [P12]', async () => {
    await using world = await openWorld();
    let lookUps = 0;
    const catalog = withMethods(world.catalog, {
      answers: (...args) => {
        lookUps += 1;
        return world.catalog.projections.answers(...args);
      },
    });
    const replica = await world.replica({ catalog });
    await create(replica, { name: 'opens the tenant' });
    const names = Array.from({ length: 64 }, (_, n) => `n${String(n)}`);
    await Promise.all(names.map((name) => create(replica, { name }, { requestId: name })));
    expect(lookUps).toBe(1);
    expect((await world.catalog.log.head(TENANT)).revision).toBe(65);
  });
});
