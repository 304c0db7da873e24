/** The environment of this process, without the names that are not set: the default of `env`. */
export function nodeEnvironment(): Readonly<Record<string, string>> {
  const set: Record<string, string> = {};
  // The one place of the library: an application that passes `env` never comes here.
  // eslint-disable-next-line no-restricted-properties -- the default that the application can replace
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined) set[name] = value;
  }
  return set;
}
