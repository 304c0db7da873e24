/** Stands where something is missing. */
export const ELLIPSIS = '…';

/** As much of `text` as fits in `limit` UTF-16 units, well-formed: for data. */
export function truncate(text: string, limit: number): string {
  const wellFormed = text.toWellFormed();
  if (wellFormed.length <= limit) return wellFormed;
  const cut = wellFormed.slice(0, limit);
  // Not in the middle of a pair.
  return cut.isWellFormed() ? cut : cut.slice(0, -1);
}

/** The same with an ellipsis, which counts, where something is missing: for people. */
export function ellipsize(text: string, limit: number): string {
  return text.length <= limit
    ? text.toWellFormed()
    : truncate(text, limit - ELLIPSIS.length) + ELLIPSIS;
}
