/**
 * What a text may consist of, besides its length:
 * - `name`: people read it and compare it. It is kept in NFC, whatever form it arrives in.
 * - `id`: the same, but it comes from an identity provider, which alone knows whether two
 *   spellings are one identity: another form than NFC is refused, never changed.
 * - `line`, `text`: free text of one line or of several.
 */
export type TextForm = 'name' | 'id' | 'line' | 'text';

/**
 * Characters that nobody sees or that change how others are shown, spaces that look like the
 * usual one, and those that this version of Unicode does not know: nobody can tell yet what
 * their normal form will be.
 */
const UNCLEAR = /[\p{C}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}\u2800]|(?! )\p{Zs}/u;
const NOT_IN_LINES = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u;
const NOT_IN_TEXTS = /(?![\t\n\r])\p{Cc}|[\u202a-\u202e\u2066-\u2069]/u;
/** What is in normal form, and clear, without a closer look. */
const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;

/** `text` in NFC, the form in which names are kept and compared. */
export function normalName(text: string): string {
  return PRINTABLE_ASCII.test(text) ? text : text.normalize('NFC');
}

/** What is wrong with the form of a text; undefined if nothing is. Takes a name in any form. */
export function formProblem(text: string, form: TextForm): string | undefined {
  switch (form) {
    case 'name':
      return problemOfName(text);
    case 'id':
      return problemOfName(text) ?? (normalName(text) === text ? undefined : NOT_NORMAL);
    case 'line':
      return problemOfText(text, NOT_IN_LINES);
    case 'text':
      return problemOfText(text, NOT_IN_TEXTS);
  }
}

const NOT_NORMAL = 'must be in the Unicode normal form NFC';

function problemOfName(text: string): string | undefined {
  if (text.trim() !== text) return 'must not start or end with whitespace';
  if (PRINTABLE_ASCII.test(text)) return undefined;
  if (!text.isWellFormed()) return 'must be well-formed Unicode';
  const found = UNCLEAR.exec(text);
  return found === null
    ? undefined
    : `must not contain control characters or invisible ones, such as ${codePoint(found[0])}`;
}

function problemOfText(text: string, unwanted: RegExp): string | undefined {
  if (!text.isWellFormed()) return 'must be well-formed Unicode';
  const found = unwanted.exec(text);
  return found === null
    ? undefined
    : `must not contain control characters or change the direction of text, with ${codePoint(found[0])}`;
}

function codePoint(character: string): string {
  const hex = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  return `U+${hex}`;
}
