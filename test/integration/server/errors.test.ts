import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { describe, expect, it, vi } from 'vitest';
import {
  GetServerRequest,
  GetServerResponse,
} from '../../../generated/switchboard/v1/registry_service.js';
import { ERROR_REASONS, type ErrorReason, SwitchboardError } from '../../../src/domain/errors.js';
import type { CallContext } from '../../../src/server/grpc/call-context.js';
import { fromStatus, GRPC_CODES } from '../../../src/wire/status.js';
import { startTinyServer } from '../../support/grpc/tiny-server.js';
import { call, failureOf } from '../../support/grpc/unary-call.js';
import { eventually } from '../../support/eventually.js';

const REQUEST = GetServerRequest.fromPartial({ tenant: 'a' });
const RESPONSE = GetServerResponse.fromPartial({ server: { name: 'weather' } });

describe('errors over the wire', () => {
  const reasons = (Object.keys(ERROR_REASONS) as ErrorReason[]).filter((r) => r !== 'INTERNAL');

  it.each(reasons)(
    'answers %s with its code, and the client gets the same error',
    async (reason) => {
      await using tiny = await startTinyServer({
        getServer: () =>
          Promise.reject(
            new SwitchboardError(reason, 'größer\nals\ud800', {
              metadata: { etag: 'e1' },
              violations: [{ field: 'view', description: 'required' }],
            }),
          ),
      });
      const failure = await failureOf(call(tiny.client, 'getServer', REQUEST));
      expect(failure.code).toBe(status[GRPC_CODES[reason]]);
      expect(failure.details).toBe('größer als\ufffd');
      expect(fromStatus(failure)).toMatchObject({
        reason,
        metadata: { etag: 'e1' },
        violations: [{ field: 'view', description: 'required' }],
      });
    },
  );

  it('hides what it did not expect, and logs it once under a correlation id', async () => {
    await using tiny = await startTinyServer({
      getServer: () => Promise.reject(new Error('password=hunter2')),
    });
    const failure = await failureOf(call(tiny.client, 'getServer', REQUEST));
    const error = fromStatus(failure);
    expect(error.reason).toBe('INTERNAL');
    expect(JSON.stringify([failure.details, error.metadata])).not.toContain('hunter2');
    const records = tiny.logged.filter((line) => line['level'] === 50);
    expect(records).toEqual([
      expect.objectContaining({
        method: '/switchboard.v1.RegistryService/GetServer',
        principal: 'anonymous',
        correlationId: error.metadata['correlation_id'],
        err: expect.objectContaining({ message: 'password=hunter2' }) as unknown,
      }),
    ]);
  });

  it('hides what is thrown at once just as well', async () => {
    await using tiny = await startTinyServer({
      getServer: () => {
        throw new TypeError('x is undefined');
      },
    });
    const failure = await failureOf(call(tiny.client, 'getServer', REQUEST));
    expect(fromStatus(failure).reason).toBe('INTERNAL');
  });

  it('takes an answer that cannot be encoded for a defect, too', async () => {
    const bad = { server: { name: 7 } } as never;
    await using broken = await startTinyServer({ getServer: () => Promise.resolve(bad) });
    const failure = await failureOf(call(broken.client, 'getServer', REQUEST));
    expect(fromStatus(failure).metadata).toHaveProperty('correlation_id');
    expect(broken.logged.some((line) => line['level'] === 50)).toBe(true);
  });

  it('spreads retry delays, so that clients do not come back together', async () => {
    await using tiny = await startTinyServer({
      getServer: () =>
        Promise.reject(new SwitchboardError('SHUTTING_DOWN', undefined, { retryDelayMs: 1_000 })),
    });
    const delays = new Set<number>();
    for (let i = 0; i < 20; i += 1) {
      const error = fromStatus(await failureOf(call(tiny.client, 'getServer', REQUEST)));
      expect(error.retryDelayMs).toBeGreaterThanOrEqual(500);
      expect(error.retryDelayMs).toBeLessThanOrEqual(1_500);
      delays.add(error.retryDelayMs!);
    }
    expect(delays.size).toBeGreaterThan(5);
  });
});

describe('requests that cannot be read', () => {
  it.each([
    ['invalid UTF-8', Buffer.from([0x0a, 0x02, 0xff, 0xfe]), 'tenant'],
    ['a message that breaks off', Buffer.from([0x0a, 0x7f, 0x61]), 'request'],
  ])('are refused with the field: %s', async (_, bytes, field) => {
    const handled = vi.fn();
    await using tiny = await startTinyServer({
      getServer: (request) => {
        handled(request);
        return Promise.resolve(RESPONSE);
      },
    });
    const failure = await failureOf(callRaw(tiny, bytes));
    expect(failure.code).toBe(status.INVALID_ARGUMENT);
    expect(fromStatus(failure)).toMatchObject({
      reason: 'INVALID_FIELD',
      violations: [{ field }],
    });
    expect(handled).not.toHaveBeenCalled();
  });

  it('are refused when they are larger than allowed', async () => {
    await using tiny = await startTinyServer({}, { maxMessageBytes: 1_000 });
    const failure = await failureOf(
      call(tiny.client, 'getServer', { ...REQUEST, tenant: 'a'.repeat(2_000) }),
    );
    expect(failure.code).toBe(status.RESOURCE_EXHAUSTED);
  });
});

describe('an answer', () => {
  const bytes = GetServerResponse.encode(RESPONSE).finish();
  it.each([
    ['a message', () => Promise.resolve(RESPONSE)],
    ['a message at once', () => RESPONSE],
    ['its bytes', () => Promise.resolve(bytes)],
    ['its bytes at once', () => bytes],
  ])('may come as %s', async (_, getServer) => {
    await using tiny = await startTinyServer({ getServer });
    expect(await call(tiny.client, 'getServer', REQUEST)).toEqual(RESPONSE);
  });
});

describe('the end of a call', () => {
  it('reaches the handler when the caller cancels', async () => {
    let context: CallContext | undefined;
    await using tiny = await startTinyServer({
      getServer: (_, ctx) => {
        context = ctx;
        return untilAborted(ctx.signal);
      },
    });
    const controller = new AbortController();
    const failed = failureOf(
      call(tiny.client, 'getServer', REQUEST, { signal: controller.signal }),
    );
    await eventually(() => {
      expect(context?.deadlineMs).toBe(30_000);
    });
    controller.abort();
    expect((await failed).code).toBe(status.CANCELLED);
    await eventually(() => {
      expect(context?.signal.reason).toMatchObject({ reason: 'CANCELLED' });
    });
  });

  it('comes so early before the deadline that a typed answer still arrives', async () => {
    await using tiny = await startTinyServer({
      getServer: async (_, { signal }) => {
        await untilAborted(signal).catch(() => undefined);
        expect(signal.reason).toMatchObject({ reason: 'DEADLINE_EXCEEDED' });
        throw new SwitchboardError('NOT_CAUGHT_UP', undefined, { metadata: { revision: '7' } });
      },
    });
    const failure = await failureOf(
      call(tiny.client, 'getServer', REQUEST, { options: { deadline: Date.now() + 1_500 } }),
    );
    expect(fromStatus(failure)).toMatchObject({
      reason: 'NOT_CAUGHT_UP',
      metadata: { revision: '7' },
    });
  });

  it('is told by the server where a handler does not come back', async () => {
    await using tiny = await startTinyServer({ getServer: () => new Promise(() => undefined) });
    const failure = await failureOf(
      call(tiny.client, 'getServer', REQUEST, { options: { deadline: Date.now() + 300 } }),
    );
    expect(failure.code).toBe(status.DEADLINE_EXCEEDED);
  });

  it('does not abort a call that was answered', async () => {
    let context: CallContext | undefined;
    await using tiny = await startTinyServer({
      getServer: (_, ctx) => {
        context = ctx;
        return Promise.resolve(RESPONSE);
      },
    });
    expect(await call(tiny.client, 'getServer', REQUEST)).toEqual(RESPONSE);
    // A second call on the connection: whatever the first still had to say has been said.
    await call(tiny.client, 'getServer', REQUEST);
    expect(context?.signal.aborted).toBe(false);
  });
});

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => {
      reject(signal.reason as Error);
    });
  });
}

/** Sends bytes in place of a request. */
function callRaw(
  { client }: Awaited<ReturnType<typeof startTinyServer>>,
  bytes: Buffer,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      '/switchboard.v1.RegistryService/GetServer',
      (raw: Buffer) => raw,
      (raw: Buffer) => raw,
      bytes,
      new Metadata(),
      (error: ServiceError | null, response: unknown) => {
        if (error === null) resolve(response);
        else reject(error);
      },
    );
  });
}
