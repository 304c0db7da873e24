import { type Caller, demandRole, demandTenant } from '../../domain/caller.js';
import { SwitchboardError } from '../../domain/errors.js';
import { decodeStrictly, eachNamedTenant } from '../../wire/decode.js';
import { requestLimits } from '../../wire/limits/check-limits.js';
import { tenantOf } from '../../wire/node-messages.js';
import { ruleOf } from '../handlers/method-rules.js';
import { type AnyMethod, nameOf } from './methods.js';

/** Stands before the handlers of one method: what a caller may not do is never decoded. */
export interface Receiver<Q> {
  /** To be called first. Throws PERMISSION_DENIED unless the caller has the role of the method. */
  readonly admit: (caller: Caller) => void;
  /**
   * Decodes one message. Throws PERMISSION_DENIED if it is for a tenant in which the caller
   * may not act, whatever else is wrong with it, REQUEST_TOO_LARGE, and INVALID_FIELD if it
   * cannot be decoded, or if a text or a list is too long.
   */
  readonly receive: (caller: Caller, bytes: Buffer) => Q;
}

/** Up to so many bytes, decoding a request costs no more than looking for its tenant first. */
const SMALL_BYTES = 4_096;

/** The receiver of a method, by its rule. */
export function createReceiver<Q>(method: AnyMethod): Receiver<Q> {
  const { role, tenant, maxBytes = Infinity } = ruleOf(method);
  const checkLimits = requestLimits(method.path);
  const demandNamed = (caller: Caller, bytes: Buffer): void => {
    if (caller.tenants === undefined) return;
    eachNamedTenant(bytes, tenant.fields, (named) => {
      demandTenant(caller, tenantOf(named));
    });
  };
  return {
    admit(caller) {
      demandRole(caller, role);
    },
    receive(caller, bytes) {
      if (bytes.byteLength > SMALL_BYTES) demandNamed(caller, bytes);
      if (bytes.byteLength > maxBytes) throw tooLarge(method, bytes.byteLength, maxBytes);
      // Generated decoders take a reader in place of the bytes, and a reader can be strict.
      const decoded = decodeStrictly<Q>(method.requestDeserialize as never, bytes);
      if (!decoded.ok) {
        demandNamed(caller, bytes);
        throw decoded.error;
      }
      // What decides: a malformed message can hide a tenant from whoever only looks for it.
      const named = tenant.of(decoded.message as never);
      if (named !== undefined) demandTenant(caller, tenantOf(named));
      checkLimits(decoded.message as never);
      return decoded.message;
    },
  };
}

function tooLarge({ path }: AnyMethod, size: number, limit: number): SwitchboardError {
  return new SwitchboardError(
    'REQUEST_TOO_LARGE',
    `${nameOf(path)} takes requests of at most ${String(limit)} bytes; this one has ${String(size)}`,
    { metadata: { limit: String(limit) } },
  );
}
