import { describe, expect, it } from 'vitest';
import { StatusCell, type ClientStatus } from '../../../src/client/status.js';

describe('the status of a client', () => {
  it('tells what is new, and only that', () => {
    const cell = new StatusCell();
    const seen: ClientStatus[] = [];
    const stop = cell.subscribe((status) => seen.push(status));
    expect(cell.current).toMatchObject({ state: 'CONNECTING', reason: 'starting' });
    cell.set('READY', 'synced');
    cell.set('READY', 'synced');
    const error = new Error('gone');
    cell.set('STALE', 'disconnected', error);
    cell.set('STALE', 'silent');
    stop();
    cell.set('READY', 'synced');
    expect(seen.map(({ state, reason }) => `${state} ${reason}`)).toEqual([
      'READY synced',
      'STALE disconnected',
      'STALE silent',
    ]);
    expect(seen[1]?.error).toBe(error);
    expect(cell.current).not.toHaveProperty('error');
  });

  it('stays closed', () => {
    const cell = new StatusCell();
    cell.set('CLOSED', 'closed');
    cell.set('READY', 'synced');
    expect(cell.current.state).toBe('CLOSED');
  });

  it('outlives a listener that throws, which becomes a warning', async () => {
    const cell = new StatusCell();
    const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
    cell.subscribe(() => {
      throw new Error('a defect of the application');
    });
    const states: string[] = [];
    cell.subscribe(({ state }) => states.push(state));
    cell.set('READY', 'synced');
    expect(states).toEqual(['READY']);
    expect((await warned).message).toBe('a defect of the application');
  });
});
