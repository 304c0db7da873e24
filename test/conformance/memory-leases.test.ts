import { openMemoryLeases } from '../../src/storage/leases/memory/memory-leases.js';
import type { Leases } from '../../src/storage/leases.js';
import { describeLeases } from './leases.suite.js';

describeLeases('memory', {
  capabilities: { betweenInstances: false, canFail: false },
  create: async () => {
    const opened: Leases[] = [];
    const open = async (): Promise<Leases> => {
      const leases = await openMemoryLeases();
      opened.push(leases);
      return leases;
    };
    return {
      leases: await open(),
      openAnother: open,
      dispose: async () => {
        for (const leases of opened) await leases.close();
      },
    };
  },
});
