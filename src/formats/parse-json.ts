import {
  type Node,
  type ParseError,
  type ParseErrorCode,
  parseTree,
  printParseErrorCode,
} from 'jsonc-parser';
import type { Problem } from './format.js';
import type { ParsedText, PlaceAt } from './parsed-text.js';
import { mapTree, type Tree } from './tree.js';

/** Reads JSON. Comments and trailing commas are read too, and told as relaxations. */
export function parseJson(text: string, placeAt: PlaceAt): ParsedText {
  if (text.trim() === '') return empty();
  const strict = parse(text, { disallowComments: true, allowTrailingComma: false });
  const lenient =
    strict.errors.length === 0
      ? strict
      : parse(text, { disallowComments: false, allowTrailingComma: true });
  const toProblem = ({ error, offset }: ParseError): Problem => ({
    field: '',
    ...placeAt(offset),
    message: `is not JSON: ${words(error)}`,
  });
  const problems = lenient.errors.map(toProblem);
  return {
    root: problems.length > 0 || !lenient.tree ? undefined : toTree(lenient.tree, placeAt),
    notation: 'json',
    problems,
    relaxations: problems.length > 0 ? [] : strict.errors.map(toProblem),
  };
}

function parse(
  text: string,
  options: { readonly disallowComments: boolean; readonly allowTrailingComma: boolean },
): { tree: Node | undefined; errors: readonly ParseError[] } {
  const errors: ParseError[] = [];
  return { tree: parseTree(text, errors, options), errors };
}

function empty(): ParsedText {
  const problem = { field: '', line: 1, column: 1, message: 'is empty' };
  return { root: undefined, notation: 'json', problems: [problem], relaxations: [] };
}

function toTree(node: Node, placeAt: PlaceAt): Tree {
  const place = placeAt(node.offset);
  if (node.type === 'array') {
    const items = (node.children ?? []).map((child) => toTree(child, placeAt));
    return { kind: 'list', place, items };
  }
  if (node.type === 'object') {
    const pairs = (node.children ?? []).flatMap(({ children: [key, value] = [] }) =>
      key === undefined || value === undefined
        ? []
        : [
            {
              key: String(key.value),
              place: placeAt(key.offset),
              value: toTree(value, placeAt),
            },
          ],
    );
    return mapTree(place, pairs);
  }
  return { kind: 'scalar', place, value: node.value as string | number | boolean | null };
}

/** `CommaExpected` as `comma expected`. */
function words(code: ParseErrorCode): string {
  const name = printParseErrorCode(code);
  return name.replaceAll(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter}`).toLowerCase();
}
