import { ScalarType, type DescField, type DescMessage } from '@bufbuild/protobuf';
import { formProblem, normalName } from '../../domain/text-form.js';
import { ellipsize } from '../../domain/truncate.js';
import { collectViolations, type Violations } from '../../domain/violations.js';
import { descriptorRegistry } from '../descriptors.js';
import { FIELD_LIMITS, type FieldLimit, type ListLimit, type TextLimit } from './field-limits.js';

type Message = Record<string, unknown>;

/** Where a check is, in the words of the .proto file, and what it found. */
interface Walk {
  readonly path: Place[];
  /** Made for the first one: nearly all requests are fine. */
  violations: Violations | undefined;
}

/** A field, the index of an item, or the key of an entry. */
type Place = string | number | { readonly key: string };

/** The check of what is set at a place. Returns what takes its place. */
type ValueCheck = (value: unknown, walk: Walk, place: Place) => unknown;

interface Step {
  /** The name of the field in the .proto file. */
  readonly name: string;
  /** Its name in the decoded message. */
  readonly key: string;
  /** The name of the oneof that it is a case of. */
  readonly oneof: string | undefined;
  readonly check: ValueCheck;
}

/** Checks a decoded message; `path` is where it is in its request. Throws INVALID_FIELD. */
export type LimitCheck = (message: object, path?: string) => void;

/**
 * The check of all texts and lists in messages of a type by `FIELD_LIMITS`: linear in their
 * number, and it looks at no text that is too long and into no list that is. Names are put into
 * their normal form, in place. Throws an Error if a field has no limit.
 */
export function limitCheckOf(typeName: string): LimitCheck {
  const type = descriptorRegistry().getMessage(typeName);
  if (type === undefined) throw new Error(`there is no message ${typeName}`);
  const steps = stepsOf(type);
  return (message, path = '') => {
    const walk: Walk = { path: path === '' ? [] : [path], violations: undefined };
    checkMessage(steps, message as Message, walk);
    walk.violations?.throwIfAny();
  };
}

/** The same for items of a list that are checked one by one; made when it is needed first. */
export function itemLimits(typeName: string): LimitCheck {
  let check: LimitCheck | undefined;
  return (message, path) => {
    check ??= limitCheckOf(typeName);
    check(message, path);
  };
}

/** The same for the requests of a method, by its path. */
export function requestLimits(methodPath: string): LimitCheck {
  const [, service = '', name] = methodPath.split('/');
  const method = descriptorRegistry()
    .getService(service)
    ?.methods.find((each) => each.name === name);
  if (method === undefined) throw new Error(`there is no method ${methodPath}`);
  return limitCheckOf(method.input.typeName);
}

function stepsOf(type: DescMessage): readonly Step[] {
  return type.fields.flatMap((field) => {
    const check = fieldCheck(field, FIELD_LIMITS[type.typeName]?.[field.name]);
    return check === undefined
      ? []
      : [{ name: field.name, key: field.localName, oneof: field.oneof?.localName, check }];
  });
}

/** Undefined for a field that holds no text and no list. */
function fieldCheck(field: DescField, limit: FieldLimit | undefined): ValueCheck | undefined {
  const isMask = field.message?.typeName === 'google.protobuf.FieldMask';
  if (isMask || field.fieldKind === 'list') return listCheck(field, demandList(field, limit));
  if (field.fieldKind === 'map') return mapCheck(field, demandList(field, limit));
  if (field.fieldKind === 'message')
    return limit !== undefined && 'apart' in limit ? undefined : messageCheck(field.message);
  return field.fieldKind === 'scalar' && isText(field.scalar)
    ? textCheck(demandText(field, limit))
    : undefined;
}

function messageCheck(type: DescMessage): ValueCheck | undefined {
  if (type.typeName.startsWith('google.')) return undefined;
  const steps = stepsOf(type);
  if (steps.length === 0) return undefined;
  return (value, walk, place) => {
    walk.path.push(place);
    checkMessage(steps, value as Message, walk);
    walk.path.pop();
    return value;
  };
}

function listCheck(field: DescField, { items, each, apart }: ListLimit): ValueCheck {
  const checkItem = apart === true ? undefined : itemCheck(field, each);
  return (value, walk, place) => {
    const list = value as unknown[];
    if (list.length > items) report(walk, place, tooMany(list.length, items));
    else if (checkItem !== undefined && list.length > 0) {
      walk.path.push(place);
      for (let index = 0; index < list.length; index += 1)
        list[index] = checkItem(list[index], walk, index);
      walk.path.pop();
    }
    return list;
  };
}

function mapCheck(field: DescField, { items, key: keyLimit, each }: ListLimit): ValueCheck {
  const checkValue = itemCheck(field, each);
  const checkKey = keyLimit && textCheck(keyLimit);
  return (value, walk, place) => {
    const map = value as Map<string, unknown>;
    if (map.size > items) report(walk, place, tooMany(map.size, items));
    else if (map.size > 0) {
      walk.path.push(place);
      for (const [key, item] of map) {
        checkKey?.(key, walk, { key });
        checkValue?.(item, walk, { key });
      }
      walk.path.pop();
    }
    return map;
  };
}

function itemCheck(field: DescField, each: TextLimit | undefined): ValueCheck | undefined {
  return each === undefined ? field.message && messageCheck(field.message) : textCheck(each);
}

function checkMessage(steps: readonly Step[], message: Message, walk: Walk): void {
  for (const { name, key, oneof, check } of steps) {
    const holder = oneof === undefined ? message : caseOf(message[oneof], key);
    const place = oneof === undefined ? key : 'value';
    const value = holder?.[place];
    if (holder === undefined || value === undefined || value === '') continue;
    const checked = check(value, walk, name);
    if (checked !== value) holder[place] = checked;
  }
}

function caseOf(choice: unknown, key: string): Message | undefined {
  const given = choice as (Message & { readonly $case: string }) | undefined;
  return given?.$case === key ? given : undefined;
}

function textCheck({ chars, form }: TextLimit): ValueCheck {
  return (value, walk, place) => {
    const text = value as string;
    const problem =
      text.length > chars
        ? `must be at most ${String(chars)} characters, not ${String(text.length)}`
        : form && formProblem(text, form);
    if (problem !== undefined) report(walk, place, problem);
    if (problem !== undefined || form !== 'name') return text;
    const normal = normalName(text);
    // It can be longer.
    if (normal.length > chars)
      report(walk, place, `must be at most ${String(chars)} characters in NFC`);
    return normal;
  };
}

function tooMany(count: number, limit: number): string {
  return `must be at most ${String(limit)}, not ${String(count)}`;
}

function report(walk: Walk, place: Place, description: string): void {
  const path = [...walk.path, place].map(toText).join('').replace(/^\./, '');
  (walk.violations ??= collectViolations()).report(path, description);
}

function toText(place: Place): string {
  if (typeof place === 'string') return `.${place}`;
  return typeof place === 'number' ? `[${String(place)}]` : `[${ellipsize(place.key, 80)}]`;
}

function isText(scalar: ScalarType): boolean {
  return scalar === ScalarType.STRING || scalar === ScalarType.BYTES;
}

function demandText(field: DescField, limit: FieldLimit | undefined): TextLimit {
  if (limit !== undefined && 'chars' in limit) return limit;
  throw noLimit(field);
}

function demandList(field: DescField, limit: FieldLimit | undefined): ListLimit {
  if (limit === undefined || !('items' in limit)) throw noLimit(field);
  const isMap = field.fieldKind === 'map';
  const holdsTexts = field.message === undefined ? hasTexts(field) : field.fieldKind === 'message';
  if ((isMap && limit.key === undefined) || (holdsTexts && limit.each === undefined))
    throw noLimit(field);
  return limit;
}

function hasTexts(field: DescField): boolean {
  return (field.fieldKind === 'list' || field.fieldKind === 'map') && field.scalar !== undefined
    ? isText(field.scalar)
    : false;
}

function noLimit(field: DescField): Error {
  return new Error(`${field.parent.typeName}.${field.name} needs a limit in FIELD_LIMITS`);
}
