import { parseJson } from './parse-json.js';
import { parseYaml } from './parse-yaml.js';
import type { ParsedText, PlaceAt } from './parsed-text.js';
import { partsOf, type TextPlace, type Tree } from './tree.js';

/**
 * Reads `text` as JSON if it looks like it, else as YAML. A byte order mark is skipped;
 * text of any size and depth is answered, never thrown at.
 */
export function parseText(text: string, file?: string): ParsedText {
  const body = text.startsWith('\uFEFF') ? text.slice(1) : text;
  const placeAt = places(body);
  if (!looksLikeJson(body, file)) return guarded(() => parseYaml(body, placeAt), 'yaml');
  const json = guarded(() => parseJson(body, placeAt), 'json');
  if (json.root !== undefined || isNamedJson(file)) return json;
  // A flow collection of YAML begins like JSON too.
  const yaml = guarded(() => parseYaml(body, placeAt), 'yaml');
  return yaml.root === undefined ? json : yaml;
}

/** Deeper than any config file, and shallow enough for every walk over the tree. */
const MAX_DEPTH = 100;

function guarded(parse: () => ParsedText, notation: ParsedText['notation']): ParsedText {
  try {
    const parsed = parse();
    const place = parsed.root && tooDeep(parsed.root, MAX_DEPTH);
    return place === undefined ? parsed : refused(notation, place);
  } catch (error) {
    // The parsers are recursive too.
    if (error instanceof RangeError) return refused(notation, { line: 1, column: 1 });
    throw error;
  }
}

function refused(notation: ParsedText['notation'], place: TextPlace): ParsedText {
  const problem = { field: '', ...place, message: 'is nested too deeply' };
  return { root: undefined, notation, problems: [problem], relaxations: [] };
}

function tooDeep(tree: Tree, left: number): TextPlace | undefined {
  if (left === 0) return tree.place;
  for (const part of partsOf(tree)) {
    const place = tooDeep(part, left - 1);
    if (place !== undefined) return place;
  }
  return undefined;
}

function looksLikeJson(text: string, file: string | undefined): boolean {
  return isNamedJson(file) || /^\s*(?:[{[]|\/[/*])/.test(text);
}

function isNamedJson(file: string | undefined): boolean {
  return file !== undefined && /\.jsonc?$/i.test(file);
}

function places(text: string): PlaceAt {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
  };
}
