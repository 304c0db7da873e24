import { withChecksum, checkedText } from './checksum.js';

/** What this version writes, and the only one that it reads. */
export const FORMAT = 6;
export const META_KEY = Buffer.from('meta');

/** The one entry of the table `meta`: what the store is. */
export interface Meta {
  readonly format: number;
  /** Random, of this store: the epoch of a tenant without commits is made of it. */
  readonly incarnation: string;
}

export function encodeMeta(meta: Meta): string {
  return withChecksum(META_KEY, JSON.stringify(meta));
}

/** Undefined if it is damaged. Throws if it is of a format that this version does not know. */
export function decodeMeta(stored: string): Meta | undefined {
  const checked = checkedText(META_KEY, stored);
  // Formats up to 5 have no checksums.
  const meta = parse(checked ?? stored);
  if (meta === undefined || meta.format === FORMAT) return checked === undefined ? undefined : meta;
  throw new Error(
    `it has format ${String(meta.format)}, this version knows ${String(FORMAT)} only; ` +
      'export its servers with the version that wrote it and apply them to an empty folder',
  );
}

function parse(text: string): Meta | undefined {
  try {
    return JSON.parse(text) as Meta;
  } catch {
    return undefined;
  }
}
