import type { InspectionFailure, Observation, ObservedFacts } from '../../../src/domain/facts.js';

/** What a small server says of itself. */
export function observedFacts(parts: Partial<ObservedFacts> = {}): ObservedFacts {
  const tools = [{ name: 'a', title: '', description: '', inputSchemaJson: '{}' }];
  return {
    protocolEra: 'legacy',
    protocolVersion: '2025-11-25',
    serverName: 'small',
    serverVersion: '1.0.0',
    instructions: '',
    capabilitiesJson: '{"tools":{}}',
    tools,
    toolCount: tools.length,
    ...parts,
  };
}

/** An observation of a configuration. */
export function observationAt(configHash: string, parts: Partial<Observation> = {}): Observation {
  return { ...observedFacts(), configHash, observeTime: 1_000, observedBy: 'replica', ...parts };
}

/** A failure of a configuration, the first. */
export function failureAt(
  configHash: string,
  parts: Partial<InspectionFailure> = {},
): InspectionFailure {
  return {
    reason: 'UNREACHABLE',
    message: 'not there',
    configHash,
    failTime: 1_000,
    attempts: 1,
    ...parts,
  };
}
