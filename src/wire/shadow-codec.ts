import * as message from '../../generated/switchboard/v1/registry_service.js';
import type { ShadowPolicy } from '../domain/commands/shadow.js';
import { invalidField } from '../domain/errors.js';

/** What becomes of private servers that a shared one would hide, as a message. */
export function toShadowPolicy(policy: ShadowPolicy): message.ShadowPolicy {
  return policy === 'fail'
    ? message.ShadowPolicy.SHADOW_POLICY_FAIL
    : message.ShadowPolicy.SHADOW_POLICY_SHADOW;
}

/** Reads the policy. Throws INVALID_FIELD for one that is unknown. */
export function fromShadowPolicy(policy: message.ShadowPolicy): ShadowPolicy {
  switch (policy) {
    case message.ShadowPolicy.SHADOW_POLICY_UNSPECIFIED:
    case message.ShadowPolicy.SHADOW_POLICY_FAIL:
      return 'fail';
    case message.ShadowPolicy.SHADOW_POLICY_SHADOW:
      return 'shadow';
    default:
      throw invalidField('policy', 'must be SHADOW_POLICY_FAIL or SHADOW_POLICY_SHADOW');
  }
}
