import type { Problem } from './format.js';
import type { TextPlace, Tree } from './tree.js';

/** What a parser makes of a text. */
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
