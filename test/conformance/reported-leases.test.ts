import { expect, it } from 'vitest';
import { reportLeases, type LeaseAvailability } from '../../src/storage/report-leases.js';
import { ScriptedLeases } from '../support/storage/scripted-leases.js';
import { describeLeases } from './leases.suite.js';

const ignore = (): void => undefined;

describeLeases('reported', {
  capabilities: { betweenInstances: false, canFail: true },
  create: async () => {
    const [scripted, other] = [await ScriptedLeases.open(), await ScriptedLeases.open()];
    return {
      leases: reportLeases(scripted, ignore),
      openAnother: () => Promise.resolve(reportLeases(other, ignore)),
      faults: scripted,
      dispose: async () => {
        await scripted.close();
        await other.close();
      },
    };
  },
});

it('that leases cannot be had is reported once for each change, with the cause', async () => {
  const scripted = await ScriptedLeases.open();
  const reports: LeaseAvailability[] = [];
  const leases = reportLeases(scripted, (availability) => reports.push(availability));
  const work = async (): Promise<void> => {
    for (let times = 0; times < 3; times += 1)
      await leases.withLease('k', { ttlMs: 5_000 }, () => Promise.resolve());
  };
  await work();
  expect(reports).toEqual([]);
  scripted.takeDown();
  await work();
  expect(reports).toEqual([{ kind: 'unavailable', cause: new Error('the leases are down') }]);
  scripted.bringUp();
  await work();
  expect(reports.map(({ kind }) => kind)).toEqual(['unavailable', 'available']);
  await leases.close();
});
