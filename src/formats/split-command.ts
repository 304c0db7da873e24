/**
 * Programs that run something which is named after them. What else a text with blanks begins with
 * may be the name of a program that has blanks in it.
 */
const LAUNCHERS = new Set([
  ...['npx', 'npm', 'pnpm', 'yarn', 'node', 'bun', 'bunx', 'deno', 'tsx'],
  ...['uv', 'uvx', 'pipx', 'python', 'python3', 'py', 'docker', 'podman', 'java', 'dotnet', 'dnx'],
  ...['go', 'ruby', 'php', 'perl', 'sh', 'bash', 'cmd', 'powershell', 'pwsh'],
]);

/** What a shell would not take as it is written. */
const SHELL_SYNTAX = /["'`\\|&;<>()*?#\n\r]|\{\{/;

export type SplitCommand =
  | { readonly kind: 'whole' }
  | { readonly kind: 'split'; readonly command: string; readonly args: readonly string[] }
  /** It seems to have arguments, and nobody can tell where they begin and end. */
  | { readonly kind: 'unclear' };

/** A command with its arguments in one text, as people write it in a shell. */
export function splitCommand(text: string): SplitCommand {
  const [command = '', ...args] = text.trim().split(/[ \t]+/);
  if (args.length === 0 || isPath(text)) return { kind: 'whole' };
  const program = command.replace(/\.(?:cmd|exe)$/i, '').toLowerCase();
  if (!LAUNCHERS.has(program))
    return { kind: args.some((arg) => arg.startsWith('-')) ? 'unclear' : 'whole' };
  return SHELL_SYNTAX.test(text) ? { kind: 'unclear' } : { kind: 'split', command, args };
}

function isPath(text: string): boolean {
  return /^(?:[/\\~]|\.{1,2}[/\\]|[A-Za-z]:[\\/])/.test(text.trim());
}
