import path from 'node:path';
import ts from 'typescript';

/** The repository, or a small example of one: what the check looks at. */
export interface CheckedTree {
  readonly root: string;
  readonly options: ts.CompilerOptions;
  /** From the root, with slashes. */
  readonly files: readonly string[];
}

/**
 * Where a generated message is known outside of the folders that may know it, a line each: an import
 * need not say so, because the type of a value is inferred.
 */
export function messageSightings(
  { root, options, files }: CheckedTree,
  mayKnow: (file: string) => boolean,
): readonly string[] {
  const program = ts.createProgram(
    files.map((file) => path.join(root, file)),
    options,
  );
  const checker = program.getTypeChecker();
  const generated = path.join(root, 'generated') + path.sep;
  const isMessage = (type: ts.Type): boolean =>
    [type.symbol, type.aliasSymbol].some((symbol) =>
      symbol?.declarations?.some((declaration) =>
        path.normalize(declaration.getSourceFile().fileName).startsWith(generated),
      ),
    );

  const seen = new Map<ts.Type, ts.Type | undefined>();
  const messageIn = (type: ts.Type): ts.Type | undefined => {
    if (!seen.has(type)) seen.set(type, partsOf(type, checker).find(isMessage));
    return seen.get(type);
  };

  return files
    .filter((file) => !mayKnow(file))
    .flatMap((file) => {
      const source = program.getSourceFile(path.join(root, file));
      if (source === undefined) throw new Error(`${file} is not part of the program`);
      const lines = new Set<string>();
      const visit = (node: ts.Node): void => {
        if (ts.isExpression(node) || ts.isBindingName(node)) {
          const message = messageIn(checker.getTypeAtLocation(node));
          const line = source.getLineAndCharacterOfPosition(node.getStart()).line + 1;
          if (message !== undefined)
            lines.add(`${file}:${String(line)} knows ${checker.typeToString(message)}`);
        }
        ts.forEachChild(node, visit);
      };
      visit(source);
      return [...lines];
    });
}

/** A type, what it is one of, and what is in it: elements, a promised value, arguments, answers. */
function partsOf(type: ts.Type, checker: ts.TypeChecker): readonly ts.Type[] {
  const parts = new Set<ts.Type>();
  const add = (part: ts.Type): void => {
    if (parts.has(part)) return;
    parts.add(part);
    if (part.isUnionOrIntersection()) part.types.forEach(add);
    checker.getTypeArguments(part as ts.TypeReference).forEach(add);
    part.aliasTypeArguments?.forEach(add);
    for (const signature of part.getCallSignatures()) {
      add(signature.getReturnType());
      for (const parameter of signature.getParameters()) add(checker.getTypeOfSymbol(parameter));
    }
  };
  add(type);
  return [...parts];
}
