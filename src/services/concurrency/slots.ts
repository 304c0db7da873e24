/** Runs a body when its turn has come, and answers or throws what it does. */
export type Slots = <T>(body: () => Promise<T>) => Promise<T>;

/** Lets at most so many bodies run at once; the others wait in the order of asking. */
export function createSlots(most: number): Slots {
  let free = most;
  const waiting: (() => void)[] = [];
  return async (body) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await body();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}
