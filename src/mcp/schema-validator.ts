import type {
  JsonSchemaType,
  JsonSchemaValidator,
  jsonSchemaValidator,
} from '@modelcontextprotocol/client';
import { AjvJsonSchemaValidator } from '@modelcontextprotocol/client/validators/ajv';

/**
 * A validator that compiles equal schemas once. The SDK compiles the output schemas of
 * all tools again after every list, and its engine keeps each compilation for ever
 * (typescript-sdk #2605). At `limit` schemas everything is dropped and begun anew.
 *
 * One for each connection: the engine looks schemas up by their `$id`, and what one
 * server calls `$id` must not decide about the answers of another.
 */
export function createSchemaValidator(limit = 256): jsonSchemaValidator {
  let engine = new AjvJsonSchemaValidator();
  let compiled = new Map<string, JsonSchemaValidator<unknown>>();
  return {
    getValidator<T>(schema: JsonSchemaType): JsonSchemaValidator<T> {
      const key = JSON.stringify(schema);
      let validator = compiled.get(key);
      if (validator === undefined) {
        if (compiled.size >= limit) {
          engine = new AjvJsonSchemaValidator();
          compiled = new Map();
        }
        // Changed content under an old `$id` would get the old compilation.
        const own = '$id' in schema ? new AjvJsonSchemaValidator() : engine;
        validator = own.getValidator<unknown>(schema);
        compiled.set(key, validator);
      }
      return validator as JsonSchemaValidator<T>;
    },
  };
}
