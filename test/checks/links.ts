import path from 'node:path';
import { plainTitle } from '../../scripts/lib/promises.mjs';

/** What a check of links knows about the repository. Paths are from its root, with slashes. */
export interface Tree {
  exists(file: string): boolean;
  /** The text of a page, for the headings in it. */
  read(file: string): string;
  /** The titles of the tests of a file that run, each with those around it. */
  titlesOf(file: string): readonly string[];
}

/**
 * What is wrong with the links of a page: files and headings that are not there, and links to tests that have
 * another title than the test. A link whose text is the name of a file is to the file.
 */
export function linkComplaints(page: string, text: string, tree: Tree): readonly string[] {
  return linksOf(text).flatMap(({ label, target }) => {
    const [to = '', heading] = target.split('#');
    const file = to === '' ? page : path.posix.join(path.posix.dirname(page), to);
    if (!tree.exists(file)) return [`${page} links to ${file}, which is not there`];
    if (heading !== undefined && file.endsWith('.md') && !headingsOf(tree.read(file)).has(heading))
      return [`${page} links to #${heading} of ${file}, which is not there`];
    const isTest = file.startsWith('test/') && file.endsWith('.ts') && !label.endsWith('.ts');
    if (isTest && !tree.titlesOf(file).map(plainTitle).includes(label))
      return [`${page} links to a test of ${file} that is not there, or does not run: ${label}`];
    return [];
  });
}

function linksOf(text: string): readonly { readonly label: string; readonly target: string }[] {
  const plain = text.replaceAll(/^```.*?^```/gms, '');
  return [...plain.matchAll(/\[([^\]]*)\]\(([^)\s]+)\)/g)].flatMap(([, label = '', target = '']) =>
    /^[a-z]+:/.test(target) ? [] : [{ label, target }],
  );
}

/** The headings of a page, as GitHub names them. */
function headingsOf(text: string): ReadonlySet<string> {
  const plain = text.replaceAll(/^```.*?^```/gms, '');
  return new Set(
    [...plain.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}
