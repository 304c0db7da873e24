import { expect, it } from 'vitest';
import { createReconnectDelay } from '../../../src/mcp/reconnect-delay.js';

it('a delay is never shorter than a second, whatever the server asks for, and grows', () => {
  const delay = createReconnectDelay();
  expect([0, 0, 0].map((asked) => delay.next(asked))).toEqual([1000, 2000, 4000]);
  expect(delay.next(20_000)).toBe(20_000);
  delay.reset();
  expect(delay.next(0)).toBe(1000);
});

it('a delay is one that a timer can wait', () => {
  const delay = createReconnectDelay();
  expect(delay.next(1e15)).toBe(60_000);
  for (let times = 0; times < 20; times += 1) delay.next(0);
  expect(delay.next(0)).toBe(60_000);
});
