import type { ObservedFacts, ObservedTool } from './facts.js';
import { collectViolations } from './violations.js';

/** What is kept of an observation. Characters are UTF-16 units. */
export const OBSERVATION_LIMITS = Object.freeze({
  /** Of all tools together, as JSON. */
  toolBytes: 256 * 1024,
  instructions: 16_384,
  capabilitiesBytes: 64 * 1024,
  /** Characters of names and versions. */
  text: 200,
});

/** How much of the budget of an observation a tool takes: its bytes as JSON. */
export function toolBytes(tool: ObservedTool): number {
  return Buffer.byteLength(JSON.stringify(tool));
}

/** Throws one INVALID_FIELD with everything in an observation that is beyond its budget. */
export function validateObserved(observed: ObservedFacts, path: string): void {
  const violations = collectViolations();
  const report = (field: string, description: string): void => {
    violations.report(`${path}.${field}`, description);
  };
  const { tools, toolCount, instructions, capabilitiesJson } = observed;
  for (const [field, text] of [
    ['protocol_version', observed.protocolVersion],
    ['server_name', observed.serverName],
    ['server_version', observed.serverVersion],
  ] as const) {
    checkText(text, OBSERVATION_LIMITS.text, (problem) => {
      report(field, problem);
    });
  }
  checkText(instructions, OBSERVATION_LIMITS.instructions, (problem) => {
    report('instructions', problem);
  });
  if (Buffer.byteLength(capabilitiesJson) > OBSERVATION_LIMITS.capabilitiesBytes) {
    report(
      'capabilities_json',
      `must be at most ${String(OBSERVATION_LIMITS.capabilitiesBytes)} bytes`,
    );
  } else if (!isJsonObject(capabilitiesJson)) {
    report('capabilities_json', 'must be the JSON text of an object');
  }
  checkTools(tools, report);
  if (!Number.isInteger(toolCount) || toolCount < tools.length) {
    report('tool_count', 'must be at least the number of tools');
  }
  violations.throwIfAny();
}

function checkTools(
  tools: readonly ObservedTool[],
  report: (field: string, description: string) => void,
): void {
  const bytes = tools.reduce((sum, tool) => sum + toolBytes(tool), 0);
  if (bytes > OBSERVATION_LIMITS.toolBytes) {
    report('tools', `must be at most ${String(OBSERVATION_LIMITS.toolBytes)} bytes as JSON`);
    return;
  }
  tools.forEach((tool, index) => {
    if (tool.name === '') report(`tools[${String(index)}].name`, 'must not be empty');
    if (tool.inputSchemaJson !== '' && !isJsonObject(tool.inputSchemaJson)) {
      report(`tools[${String(index)}].input_schema_json`, 'must be the JSON text of an object');
    }
  });
}

function checkText(text: string, limit: number, report: (problem: string) => void): void {
  if (text.length > limit) report(`must be at most ${String(limit)} characters`);
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
