import { printEnv } from '../mcp-servers/dialect.js';
import { type Dialect, type Found, type Printed, readBy } from '../values.js';

/** VS Code: `${env:NAME}`, `${input:id}`, and many that mean something on the user's machine. */

const PLACEHOLDER = /\$\{([^}]*)\}/g;
const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const LOCAL =
  /^(?:userHome|workspaceFolder|workspaceFolderBasename|cwd|pathSeparator|\/|execPath|file\w*|relativeFile\w*|lineNumber|columnNumber|selectedText|defaultBuildTask|(?:workspaceFolder|config|command|extensionInstallFolder):.*)$/s;

/** A user variable as an input. */
export interface InputVariable {
  /** The name that a reader of the file gives it. */
  readonly name: string;
  /** Its name in the server that is written, if that is another. */
  readonly of?: string;
}

/** User variables by the id of the input that they are written as. */
export type VariablesById = ReadonlyMap<string, InputVariable>;

export function vscodeDialect(variables: VariablesById): Dialect {
  return {
    read: (text) =>
      readBy(PLACEHOLDER, ([whole, inside = '']) => find(whole, inside, variables), text),
    print: (reference) => {
      if (reference.kind !== 'var') return printEnv(reference, (name) => `\${env:${name}}`);
      const known = [...variables].find(([, { name, of = name }]) => of === reference.name);
      return known && printInput(...known);
    },
  };
}

function printInput(id: string, { name, of = name }: InputVariable): Printed {
  const text = `\${input:${id}}`;
  if (of === name) return { text };
  return { text, becomes: { kind: 'var', name }, loss: `\${var:${of}} is called ${name} there` };
}

function find(whole: string, inside: string, variables: VariablesById): Found {
  if (inside.startsWith('input:')) {
    const variable = variables.get(inside.slice('input:'.length));
    if (variable === undefined) return { problem: `${whole} does not name an input` };
    return { part: { kind: 'var', name: variable.name } };
  }
  if (inside.startsWith('env:') && ENV_NAME.test(inside.slice(4)))
    return { part: { kind: 'env', name: inside.slice(4) } };
  if (LOCAL.test(inside)) return { problem: `${whole} has no meaning on a server` };
  return { loss: `${whole} is not a placeholder of this format and is kept as text` };
}
