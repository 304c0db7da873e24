import type { LookupFunction } from 'node:net';

/** Names of a test, and how often each was resolved. */
export interface TestNames {
  readonly lookup: LookupFunction;
  readonly asked: readonly string[];
  rebind(addresses: readonly string[]): void;
}

/** Resolves every name to `addresses`, until it is told others. */
export function namesOf(addresses: readonly string[]): TestNames {
  const asked: string[] = [];
  let found = addresses;
  return {
    asked,
    rebind: (others) => {
      found = others;
    },
    lookup: (host, options, callback) => {
      asked.push(host);
      const all = found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
      const [first] = all;
      if (first === undefined) throw new Error('a name without an address');
      if (options.all === true) callback(null, all);
      else callback(null, first.address, first.family);
    },
  };
}
