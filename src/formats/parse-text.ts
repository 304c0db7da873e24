import type { Problem } from './format.js';
import { parseJson } from './parse-json.js';
import { parseYaml } from './parse-yaml.js';
import type { TextPlace, Tree } from './tree.js';

export interface ParsedText {
  /** Undefined with problems. */
  readonly root: Tree | undefined;
  readonly notation: 'json' | 'yaml';
  readonly problems: readonly Problem[];
  /** Comments and trailing commas in JSON, which only some products allow. */
  readonly relaxations: readonly Problem[];
}

/** The place of an offset, counted in UTF-16 units. */
export type PlaceAt = (offset: number) => TextPlace;

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

function guarded(parse: () => ParsedText, notation: ParsedText['notation']): ParsedText {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const problem = { field: '', line: 1, column: 1, message: 'is nested too deeply' };
    return { root: undefined, notation, problems: [problem], relaxations: [] };
  }
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
