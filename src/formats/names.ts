/**
 * Names with slashes, such as `io.github.user/weather`. Ours have none: the last part
 * becomes the name and the whole the external id, from which it is written back.
 */
export function fromFileName(name: string): { readonly name: string; readonly externalId: string } {
  const slash = name.lastIndexOf('/');
  return slash < 0 ? { name, externalId: '' } : { name: name.slice(slash + 1), externalId: name };
}

/** The name that a file has for a server: its external id if that ends with `/` and the name. */
export function toFileName(server: { readonly name: string; readonly externalId: string }): string {
  const { name, externalId } = server;
  return fromFileName(externalId).name === name && externalId.includes('/') ? externalId : name;
}

/** `text` as the name of a user variable, unlike any of `taken`. */
export function variableName(text: string, taken: ReadonlySet<string> = new Set()): string {
  const plain = text.replaceAll(/[^A-Za-z0-9_]/g, '_').replace(/^(?=\d|$)/, '_');
  let name = plain;
  for (let count = 2; taken.has(name); count += 1) name = `${plain}_${String(count)}`;
  return name;
}
