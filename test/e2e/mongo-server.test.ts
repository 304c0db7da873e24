import { type Collection, MongoServerError } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';
import {
  missingMongo,
  MONGO_SETUP_MS,
  type MongoServer,
  startMongo,
  temporaryDatabase,
} from '../support/processes/mongo-server.js';

// What other tests take for granted about the MongoDB that they run against: with it, not with ours, a
// test of theirs would be wrong.

interface Item {
  readonly _id: string;
  readonly group: number;
}

describe('the MongoDB of the tests', () => {
  let missing: string | undefined;
  let mongo: MongoServer | undefined;
  let database: ReturnType<typeof temporaryDatabase> | undefined;
  let items: Collection<Item>;

  beforeAll(async () => {
    missing = await missingMongo();
    if (missing !== undefined) return;
    mongo = await startMongo();
    database = temporaryDatabase(mongo.url);
    items = database.db.collection('items');
  }, MONGO_SETUP_MS);

  afterAll(async () => {
    await database?.[Symbol.asyncDispose]();
    await mongo?.stop();
  });

  it('finds in order what was inserted with the majority', async ({ skip }) => {
    skip(missing !== undefined, missing);
    const all = ['c', 'a', 'b'].map((_id) => ({ _id, group: 1 }));
    const { acknowledged, insertedCount } = await items.insertMany(all, {
      writeConcern: { w: 'majority' },
    });
    expect({ acknowledged, insertedCount }).toEqual({ acknowledged: true, insertedCount: 3 });
    const found = await items
      .find({ group: 1 }, { readConcern: 'majority', readPreference: 'primary' })
      .sort({ _id: 1 })
      .toArray();
    expect(found.map(({ _id }) => _id)).toEqual(['a', 'b', 'c']);
  });

  it('refuses an id that is taken, also of two who insert at once', async ({ skip }) => {
    skip(missing !== undefined, missing);
    const outcomes = await Promise.allSettled(
      [1, 2, 3, 4].map((group) => items.insertOne({ _id: 'once', group })),
    );
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(refused).toHaveLength(3);
    for (const { reason } of refused) {
      expect(reason).toBeInstanceOf(MongoServerError);
      expect(reason).toMatchObject({ code: 11000 });
    }
  });

  it('has after kill -9 whatever it acknowledged', async ({ skip }) => {
    skip(missing !== undefined, missing);
    if (!mongo!.isOurs) return skip('MONGODB_URL names a server that tests may not stop');
    const acknowledged: string[] = [];
    let killed = false;
    const writers = Array.from({ length: 4 }, async (_, writer) => {
      for (let n = 0; !killed; n += 1) {
        const _id = `${String(writer)}-${String(n)}`;
        await items.insertOne({ _id, group: 9 });
        acknowledged.push(_id);
      }
    });
    const over = Promise.allSettled(writers);
    await eventually(() => expect(acknowledged.length).toBeGreaterThanOrEqual(250));
    await mongo!.kill();
    killed = true;
    await mongo!.restart();
    await over;
    const held = new Set(await items.distinct('_id', { group: 9 }));
    expect(acknowledged.filter((id) => !held.has(id))).toEqual([]);
    // What was under way is there or not, each as a whole: an index that disagrees would not find it.
    const again = await Promise.allSettled(
      [...held].map((_id) => items.insertOne({ _id, group: 9 })),
    );
    expect(again.filter(({ status }) => status === 'fulfilled')).toEqual([]);
    for (const outcome of again) expect(outcome).toMatchObject({ reason: { code: 11000 } });
    expect(await items.countDocuments({ _id: { $in: [...held] } })).toBe(held.size);
  });
});
