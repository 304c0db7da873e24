/** The key of an enum value in a table; undefined for a value that is newer than the table. */
export function keyOf<K extends string>(
  table: Readonly<Record<K, number>>,
  value: number,
): K | undefined {
  return (Object.keys(table) as K[]).find((key) => table[key] === value);
}
