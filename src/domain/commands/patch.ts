import { invalidField } from '../errors.js';
import type { Declaration } from '../server.js';
import type { ServerSpec, Transport } from '../config/spec.js';

/** A change of a declaration as data: what is named is replaced, all else stays. */
export interface DeclarationPatch {
  readonly fields: Partial<Omit<Declaration, 'spec' | 'owner'>>;
  /** The new owner; an empty one removes it. */
  readonly owner?: string;
  /** The whole new spec. */
  readonly spec?: ServerSpec;
  /** Fields of the spec that are replaced. */
  readonly specFields: Partial<ServerSpec>;
  /** Optional fields of the spec that are taken away. */
  readonly cleared: readonly ('requiresOAuth' | 'oauth')[];
  /** Fields of the transport that are replaced; it must be of this kind already. */
  readonly transport?: { readonly kind: Transport['kind']; readonly fields: Partial<Transport> };
}

/** `before` with the patch applied. Throws INVALID_FIELD if the transport is of another kind. */
export function applyPatch(before: Declaration, patch: DeclarationPatch): Declaration {
  const { owner: oldOwner, ...rest } = before;
  const owner = patch.owner ?? oldOwner ?? '';
  const spec = patchSpec(patch.spec ?? before.spec, patch);
  return { ...rest, ...patch.fields, spec, ...(owner === '' ? {} : { owner }) };
}

function patchSpec(spec: ServerSpec, patch: DeclarationPatch): ServerSpec {
  const patched: ServerSpec = { ...spec, ...patch.specFields };
  const kept = Object.entries(patched).filter(
    ([field]) => !(patch.cleared as readonly string[]).includes(field),
  );
  const next = Object.fromEntries(kept) as unknown as ServerSpec;
  if (patch.transport === undefined) return next;
  const { kind, fields } = patch.transport;
  if (next.transport.kind !== kind) {
    throw invalidField(
      'update_mask',
      `spec.${kind} has no fields to change: the transport is ${next.transport.kind}`,
    );
  }
  return { ...next, transport: { ...next.transport, ...fields } as Transport };
}
