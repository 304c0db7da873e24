import type { Server, StatusObject } from '@grpc/grpc-js';
import { SwitchboardError } from '../../domain/errors.js';
import { ellipsize } from '../../domain/truncate.js';
import { toStatus } from '../../wire/status.js';

/** What grpc-js keeps of a method that it serves. */
interface KnownMethod {
  readonly func: (call: UnknownCall) => void;
  readonly serialize: (value: Buffer) => Buffer;
  readonly deserialize: (bytes: Buffer) => Buffer;
  readonly type: 'bidi';
  readonly path: string;
}

interface UnknownCall {
  emit(event: 'error', ended: StatusObject): boolean;
}

/**
 * Answers calls of methods that the server does not have with UNKNOWN_METHOD. grpc-js has no
 * public way to do so. Throws if a version of it keeps its methods elsewhere: the answers
 * must not lose their reason silently.
 */
export function answerUnknownMethods(server: Server): void {
  const { handlers } = server as unknown as { readonly handlers?: unknown };
  if (!(handlers instanceof Map))
    throw new Error('this version of grpc-js does not keep its methods in `handlers`');
  const methods = handlers as Map<string, KnownMethod>;
  const find = methods.get.bind(methods);
  methods.get = (path) => find(path) ?? unknownMethod(path);
}

const same = (bytes: Buffer): Buffer => bytes;

function unknownMethod(path: string): KnownMethod {
  return {
    path,
    // As a stream of requests, so that none is waited for.
    type: 'bidi',
    serialize: same,
    deserialize: same,
    func: (call) => {
      const message = `this server has no method ${ellipsize(path, 200)}`;
      call.emit('error', toStatus(new SwitchboardError('UNKNOWN_METHOD', message)));
    },
  };
}
