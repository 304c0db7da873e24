import {
  type ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  status,
} from '@grpc/grpc-js';
import { invalidField, SwitchboardError } from '../../domain/errors.js';
import { toStatus } from '../../wire/status.js';

/** How a call ends, as grpc-js passes it on. */
type Ended = Parameters<ServerInterceptingCallInterface['sendStatus']>[0];

/**
 * Gives the statuses that grpc-js makes itself a reason, like those of ours: for messages that
 * are too large or cannot be decompressed, for timeouts that are none, for deadlines. The
 * others of a call come through here too, and stay as they are; so do those of services that
 * are not ours, which have no reasons.
 */
export function typedStatuses(limits: { readonly maxMessageBytes: number }): ServerInterceptor {
  const sendStatus = sendStatusWith(limits);
  return ({ path }, call) => {
    if (!path.startsWith('/switchboard.')) return call as ServerInterceptingCall;
    // On the call itself: grpc-js sends these past all interceptors.
    call.sendStatus = sendStatus;
    return call as ServerInterceptingCall;
  };
}

function sendStatusWith(limits: { readonly maxMessageBytes: number }) {
  return function (this: ServerInterceptingCallInterface, given: Ended): void {
    const base = Object.getPrototypeOf(this) as ServerInterceptingCallInterface;
    // What handlers send has metadata; what grpc-js makes has none.
    const isOwn = given.code !== status.OK && !given.metadata;
    base.sendStatus.call(this, isOwn ? toStatus(errorOf(given, limits)) : given);
  };
}

function errorOf(
  { code, details }: Ended,
  { maxMessageBytes }: { readonly maxMessageBytes: number },
): SwitchboardError {
  switch (code) {
    case status.RESOURCE_EXHAUSTED:
      return new SwitchboardError(
        'REQUEST_TOO_LARGE',
        `a request has at most ${String(maxMessageBytes)} bytes; see --max-message-bytes`,
        { metadata: { limit: String(maxMessageBytes) } },
      );
    case status.DEADLINE_EXCEEDED:
      return new SwitchboardError('DEADLINE_EXCEEDED');
    case status.UNIMPLEMENTED:
      return details.includes('encoding')
        ? invalidField('grpc-encoding', 'must be identity, deflate or gzip')
        : invalidField('request', 'must be exactly one message');
    default:
      if (details.includes('grpc-timeout'))
        return invalidField('grpc-timeout', 'must be 1 to 8 digits and one of H, M, S, m, u, n');
      if (details.includes('decompress'))
        return invalidField('request', 'cannot be decompressed with its grpc-encoding');
      return new SwitchboardError('INTERNAL', details);
  }
}
