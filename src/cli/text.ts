/** Columns of text, padded; every row ends with its last cell. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, index) => (widths[index] = Math.max(widths[index] ?? 0, cell.length)));
  }
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, index) => cell.padEnd(widths[index] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

/**
 * Text that others wrote must not steer the terminal: on one line, without control characters
 * and without those that turn the direction of writing.
 */
export function printable(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what it is about
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]+/g, ' ');
}

/** The same for text of several lines: the lines stay. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

/** The text with `***` in place of the credentials in the URLs of it. References are none. */
export function withoutUserinfo(text: string): string {
  return text.replace(/:\/\/([^/?#\s"]*)@/g, (whole, userinfo: string) =>
    /^(?:\$\{[^}]*\}|:)*$/.test(userinfo) ? whole : '://***@',
  );
}

/**
 * A moment, in milliseconds since 1970, in the time zone of whoever reads it, such as
 * `2026-11-21 10:40:12`; empty for 0, which stands for never.
 */
export function localTime(milliseconds: number): string {
  if (milliseconds === 0) return '';
  const time = new Date(milliseconds);
  const two = (value: number): string => String(value).padStart(2, '0');
  const date = [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join('-');
  return `${date} ${[time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':')}`;
}

/** `1 server`, `2 servers`. */
export function counted(count: number, what: string): string {
  return `${String(count)} ${what}${count === 1 ? '' : 's'}`;
}

/** Each line two spaces further in; without a line break at the end. */
export function indented(lines: string): string {
  return lines.trimEnd().replace(/^/gm, '  ');
}

/**
 * JSON on a line of its own, without the credentials in URLs; of an answer, that is proto JSON.
 */
export function jsonLine(value: object): string {
  return `${withoutUserinfo(JSON.stringify(value))}\n`;
}
