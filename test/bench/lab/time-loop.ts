/** Names in an order of their own, each a text that nobody else holds, as if it came in a request. */
export function shuffledNames(names: readonly string[], count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => {
    const name = names[(index * 7919) % names.length] ?? '';
    return Buffer.from(name).toString();
  });
}

/** Runs `body` again and again for at least `ms`; answers nanoseconds for each of its `steps`. */
export function timeLoop(body: () => void, { steps, ms }: { steps: number; ms: number }): number {
  const begin = performance.now();
  let rounds = 0;
  let now = begin;
  while (now - begin < ms) {
    body();
    rounds += 1;
    now = performance.now();
  }
  return ((now - begin) * 1e6) / (rounds * steps);
}

/** As `timeLoop`, of a body that waits. */
export async function timeAsyncLoop(
  body: () => Promise<void>,
  { steps, ms }: { steps: number; ms: number },
): Promise<number> {
  const begin = performance.now();
  let rounds = 0;
  let now = begin;
  while (now - begin < ms) {
    await body();
    rounds += 1;
    now = performance.now();
  }
  return ((now - begin) * 1e6) / (rounds * steps);
}
