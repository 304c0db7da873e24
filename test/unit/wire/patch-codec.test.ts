import { describe, expect, it } from 'vitest';
import { Server } from '../../../generated/switchboard/v1/server.js';
import { fromUpdateMask } from '../../../src/wire/patch-codec.js';

/** Labels that count how often they are read through. */
class CountedLabels extends Map<string, string> {
  reads = 0;

  override [Symbol.iterator](): MapIterator<[string, string]> {
    this.reads += 1;
    return super[Symbol.iterator]();
  }
}

function serverWith(labels: Map<string, string>): Server {
  const server = Server.fromPartial({
    name: 'a',
    spec: {
      title: 't',
      transport: { $case: 'streamableHttp', value: { url: 'https://a.example' } },
    },
  });
  return { ...server, spec: { ...server.spec!, labels } };
}

const PLAIN = serverWith(new Map());

describe('an update mask', () => {
  it('reads the spec once, however many paths lead into it', () => {
    const labels = new CountedLabels([['a', 'b']]);
    const paths = ['title', 'version', 'description', 'icons', 'oauth', 'startup', 'labels'];
    const mask = paths.map((path) => `spec.${path}`);
    const patch = fromUpdateMask(serverWith(labels), mask);
    expect(patch.specFields).toMatchObject({ title: 't', labels: { a: 'b' } });
    expect(patch.cleared).toEqual(['oauth']);
    expect(labels.reads).toBe(1);
  });

  it('takes a field once, however often it is named', () => {
    const patch = fromUpdateMask(PLAIN, new Array<string>(256).fill('spec.oauth'));
    expect(patch.cleared).toEqual(['oauth']);
  });
});
