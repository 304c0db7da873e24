/** What a process gets of our own environment; everything else only if its spec says so. */
const SAFE_NAMES = [
  'HOME',
  'LANG',
  'LC_ALL',
  'LOGNAME',
  'PATH',
  'SHELL',
  'TERM',
  'TMPDIR',
  'TZ',
  'USER',
];

/** Whether every process gets the variable of this name, whatever its value is with us. */
export function isSafeName(name: string): boolean {
  return SAFE_NAMES.includes(name);
}

/** The part of `environment`, which is ours, that every process gets. */
export function safeEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const safe: Record<string, string> = {};
  for (const name of SAFE_NAMES) {
    const value = environment[name];
    if (value !== undefined) safe[name] = value;
  }
  return safe;
}
