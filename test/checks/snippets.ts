import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

/** Root of the project. */
export const root = path.resolve(import.meta.dirname, '../..');

/** A fenced block whose info string says `run`: ```ts run or ```sh run. */
export interface Snippet {
  /** File and line, for people. */
  readonly where: string;
  readonly language: string;
  readonly text: string;
}

/** All marked snippets of README.md and docs/. */
export function readSnippets(): Snippet[] {
  const docs = path.join(root, 'docs');
  const pages = readdirSync(docs, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => path.posix.join('docs', file));
  return ['README.md', ...pages.sort()].flatMap((file) => {
    return snippetsOf(file, readFileSync(path.join(root, file), 'utf8'));
  });
}

/** The marked snippets of one page. */
export function snippetsOf(file: string, page: string): Snippet[] {
  const fence = /^```(\w+) run *\n([\s\S]*?)^```/gm;
  return [...page.matchAll(fence)].map((match) => {
    const line = page.slice(0, match.index).split('\n').length;
    return { where: `${file}:${String(line)}`, language: match[1] ?? '', text: match[2] ?? '' };
  });
}

/**
 * What the compiler has against TypeScript snippets, with the options of the project. `switchboard/client`
 * is found through the `exports` of package.json, as a user finds it.
 */
export function typeErrors(snippets: readonly Snippet[]): string[] {
  const virtual = new Map(
    snippets.map((snippet, index) => {
      return [path.join(root, `.snippet-${String(index)}.ts`), snippet] as const;
    }),
  );
  const options = compilerOptions();
  const host = ts.createCompilerHost(options);
  const withSnippets: ts.CompilerHost = {
    ...host,
    fileExists: (file) => virtual.has(file) || host.fileExists(file),
    readFile: (file) => virtual.get(file)?.text ?? host.readFile(file),
    getSourceFile: (file, ...rest) => {
      const snippet = virtual.get(file);
      if (snippet === undefined) return host.getSourceFile(file, ...rest);
      return ts.createSourceFile(file, snippet.text, rest[0]);
    },
  };
  const program = ts.createProgram([...virtual.keys()], options, withSnippets);
  return [...virtual].flatMap(([file, snippet]) => {
    const source = program.getSourceFile(file);
    const found = [
      ...program.getSyntacticDiagnostics(source),
      ...program.getSemanticDiagnostics(source),
    ];
    return found.map((each) => {
      const line = each.file?.getLineAndCharacterOfPosition(each.start ?? 0).line ?? 0;
      const text = ts.flattenDiagnosticMessageText(each.messageText, ' ');
      return `${snippet.where} (+${String(line + 1)}): ${text}`;
    });
  });
}

function compilerOptions(): ts.CompilerOptions {
  const file = path.join(root, 'tsconfig.build.json');
  const { config } = ts.readConfigFile(file, (name) => ts.sys.readFile(name)) as {
    config: unknown;
  };
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root, {}, file);
  return { ...options, noEmit: true };
}
