import { onTestFinished } from 'vitest';
import type { InspectionResult } from '../../../src/domain/inspection.js';
import { SPEC_DEFAULTS, type ServerSpec, type Transport } from '../../../src/domain/config/spec.js';
import { createConnector } from '../../../src/mcp/connector.js';
import { createInspector } from '../../../src/mcp/inspector.js';
import type { Inspector } from '../../../src/services/inspection/inspector.js';
import type { TransportPolicy } from '../../../src/domain/transport-policy.js';

/** A real inspector; closed with the test. */
export function openInspector(): Inspector {
  const connector = createConnector({ name: 'inspector', version: '1.0.0' });
  const inspector = createInspector({ connector, environment: process.env });
  onTestFinished(() => inspector.close());
  return inspector;
}

/** A spec of a transport, and nothing else said. */
export function specOf(transport: Transport, more: Partial<ServerSpec> = {}): ServerSpec {
  return { ...SPEC_DEFAULTS, ...more, transport };
}

/** Inspects with time enough for a busy machine. */
export function inspect(
  inspector: Inspector,
  transport: Transport,
  more: {
    readonly timeoutMs?: number;
    readonly signal?: AbortSignal;
    readonly policy?: TransportPolicy;
  } = {},
): Promise<InspectionResult> {
  const { timeoutMs = 20_000, signal = new AbortController().signal, policy } = more;
  return inspector.inspect(specOf(transport), { signal, timeoutMs, policy });
}
