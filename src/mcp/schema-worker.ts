/**
 * What the thread of a schema checker runs. A text rather than a file, so that no bundler and
 * no loader of an application has to find it.
 *
 * Each message is a schema and a value, both as JSON; the answer is `[kind, reason]`.
 * Compiled schemas are kept by their text, and all are dropped at `limit`: the engine never
 * forgets one by itself. A schema with an `$id` has an engine of its own, because an engine
 * looks schemas up by `$id`, and that of one server must not decide about another's answers.
 */
export const SCHEMA_WORKER = `
const { parentPort, workerData } = require('node:worker_threads');
const { AjvJsonSchemaValidator } = require(workerData.validators);
let engine = new AjvJsonSchemaValidator();
let compiled = new Map();

function compile(text) {
  const known = compiled.get(text);
  if (known !== undefined) return known;
  if (compiled.size >= workerData.limit) {
    engine = new AjvJsonSchemaValidator();
    compiled = new Map();
  }
  const schema = JSON.parse(text);
  const check = ('$id' in schema ? new AjvJsonSchemaValidator() : engine).getValidator(schema);
  compiled.set(text, check);
  return check;
}

function verdict({ schema, value }) {
  try {
    const { valid, errorMessage } = compile(schema)(JSON.parse(value));
    return valid ? ['valid'] : ['invalid', errorMessage.slice(0, workerData.reasonLength)];
  } catch (error) {
    return ['unchecked', String(error).slice(0, workerData.reasonLength)];
  }
}

parentPort.on('message', (job) => parentPort.postMessage(verdict(job)));
parentPort.postMessage(['ready']);
`;
