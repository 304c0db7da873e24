import type { JsonSchemaValidator, jsonSchemaValidator } from '@modelcontextprotocol/client';
import { McpError } from './mcp-error.js';
import type { SchemaChecker, SchemaVerdict } from './schema-checker.js';

/** The largest output schema, in characters of JSON. */
const MAX_SCHEMA_SIZE = 256 * 1024;

/** Checks after whose overrun nothing of a connection is checked any more. */
const MAX_OVERRUNS = 3;

/** Validates the structured results of one connection, outside of the main thread. */
export interface ResultValidator {
  /**
   * For the SDK, which expects the verdict at once: takes every value, and keeps which schema
   * it has to be checked against. Refuses schemas that are too large.
   */
  readonly forSdk: jsonSchemaValidator;
  /**
   * Checks what the SDK has just returned as structured content. Throws McpError
   * `invalid_answer` if it does not match, or cannot be checked within the limits.
   */
  check(value: unknown): Promise<void>;
}

/** Makes the validator of a connection, which checks with `checker`. */
export function createResultValidator(checker: SchemaChecker): ResultValidator {
  // By the value itself: the SDK validates an object that it then returns as it is.
  const due = new Map<unknown, string>();
  const overrun = new Map<string, SchemaVerdict>();
  let lastOverrun: SchemaVerdict | undefined;

  function getValidator<T>(schema: unknown): JsonSchemaValidator<T> {
    const text = JSON.stringify(schema);
    if (text.length > MAX_SCHEMA_SIZE) {
      throw new Error(`it is larger than ${String(MAX_SCHEMA_SIZE)} characters`);
    }
    return (value) => {
      due.set(value, text);
      return { valid: true, data: value as T, errorMessage: undefined };
    };
  }

  async function verdictOn(schema: string, value: unknown): Promise<SchemaVerdict> {
    const known = overrun.size < MAX_OVERRUNS ? overrun.get(schema) : lastOverrun;
    if (known !== undefined) return known;
    const verdict = await checker.check({ schema, value: JSON.stringify(value) });
    if (verdict.kind === 'overrun') {
      overrun.set(schema, verdict);
      lastOverrun = verdict;
    }
    return verdict;
  }

  return {
    forSdk: { getValidator },
    check: async (value) => {
      const schema = due.get(value);
      due.delete(value);
      if (schema === undefined) return;
      const verdict = await verdictOn(schema, value);
      if (verdict.kind === 'valid') return;
      const what =
        verdict.kind === 'invalid'
          ? 'does not match the output schema of the tool'
          : 'cannot be checked against the output schema of the tool';
      throw new McpError('invalid_answer', `the structured result ${what}: ${verdict.reason}`, {
        sent: true,
      });
    },
  };
}
