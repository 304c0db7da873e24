import { Document, isScalar, type Scalar, visit } from 'yaml';

/** A file as JSON. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** Texts that mean the same without quotes to every reader of YAML, 1.1 or 1.2. */
const PLAIN = /^-{0,2}[A-Za-z](?:[\w./@:-]*[\w/])?$/;
const WORDS = /^(?:true|false|null|yes|no|on|off|y|n)$/i;

/** A file as YAML that readers of YAML 1.1 read alike: what could be something else is quoted. */
export function yamlText(value: unknown): string {
  const document = new Document(value, { aliasDuplicateObjects: false });
  visit(document, {
    Scalar: (key, scalar) => {
      if (typeof scalar.value === 'string') scalar.type = styleOf(scalar.value, key === 'key');
    },
    Pair: (_, { key }) => {
      if (isScalar(key) && typeof key.value === 'string') key.type = styleOf(key.value, true);
    },
  });
  return document.toString({ lineWidth: 0 });
}

function styleOf(text: string, isKey: boolean): Scalar.Type {
  if (PLAIN.test(text) && !WORDS.test(text)) return 'PLAIN';
  return text.includes('\n') && !isKey ? 'BLOCK_LITERAL' : 'QUOTE_DOUBLE';
}
