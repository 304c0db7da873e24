/**
 * About how many bytes a parsed value takes as JSON, without writing it: its texts count by
 * their characters, and everything else a little. Costs as much as there are values.
 */
export function jsonSize(value: unknown): number {
  if (typeof value === 'string') return value.length + 2;
  if (typeof value !== 'object' || value === null) return 8;
  let size = 2;
  for (const [name, of] of Object.entries(value)) size += name.length + 4 + jsonSize(of);
  return size;
}
