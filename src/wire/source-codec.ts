import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { ServerSpec as SpecMessage } from '../../generated/switchboard/v1/server.js';
import {
  type FieldViolation,
  invalidFields,
  isSwitchboardError,
  SwitchboardError,
} from '../domain/errors.js';
import type { ServerSpec } from '../domain/config/spec.js';
import { ellipsize } from '../domain/truncate.js';
import { LIMITS } from '../domain/limits.js';
import { checkId } from '../domain/validate.js';
import { decodeStrictly } from './decode.js';
import { itemLimits } from './limits/check-limits.js';
import { fromSpecMessage } from './spec-codec.js';

/** A row of a private source, read: what it says, or what is wrong with it. */
export interface ReadSourceRow {
  /** Empty if the row has none that can be used. */
  readonly rowId: string;
  readonly name: string;
  readonly owner: string;
  readonly content: ServerSpec | SwitchboardError;
}

/**
 * The `servers` of one ListPrivateServersResponse, each still encoded: so that a row which
 * cannot be decoded spoils no other, and whoever counts them can stop early. Throws an Error
 * if the bytes are no such message. Bytes without any row are none either: taken for an
 * empty answer, they would take all servers from the user.
 */
export function* splitSourceAnswer(bytes: Uint8Array): Generator<Uint8Array, void, undefined> {
  let found = bytes.byteLength === 0;
  for (const { value } of lengthDelimited(bytes, ANSWER_FIELDS)) {
    found = true;
    yield value;
  }
  if (!found) throw new Error('holds no servers, and is not empty');
}

/**
 * Reads one encoded SourceServer. Never throws: what is wrong is its content. INVALID_FIELD
 * has paths below `path`; ROW_BROKEN says what the source says. Whatever could be read of
 * its id, name and owner is told all the same.
 */
export function readSourceRow(
  bytes: Uint8Array,
  { path, user }: { readonly path: string; readonly user: string },
): ReadSourceRow {
  const { texts, spec, violations } = readFields(bytes, path);
  const report = (field: string, description: string): void => {
    // Of what could not be read, that alone is told.
    const told = violations.some((violation) => [path, field].includes(violation.field));
    if (!told) violations.push({ field, description });
  };
  // It puts the name into its normal form.
  reporting(report, () => {
    checkRow(texts, path);
  });
  const { rowId = '', name = '', owner = '', broken = '' } = texts;
  checkRowId(rowId, `${path}.row_id`, report);
  const usableId = violations.some(({ field }) => field === `${path}.row_id`) ? '' : rowId;
  if (broken !== '') {
    // All but its id and its name is ignored then.
    const content = new SwitchboardError('ROW_BROKEN', ellipsize(broken, LIMITS.reason));
    return { rowId: usableId, name, owner: user, content };
  }
  if (name === '') report(`${path}.name`, 'is required');
  const content = readSpec(spec, `${path}.spec`, report);
  return {
    rowId: usableId,
    name,
    owner: owner === '' ? user : owner,
    content: content === undefined || violations.length > 0 ? invalidFields(violations) : content,
  };
}

type Report = (field: string, description: string) => void;

function checkRowId(rowId: string, field: string, report: Report): void {
  if (rowId === '') report(field, 'is required');
  else checkId(rowId, field, report);
}

const ANSWER_FIELDS = { 1: 'servers' } as const;
const ROW_FIELDS = { 1: 'row_id', 2: 'name', 3: 'owner', 4: 'spec', 5: 'broken' } as const;
const TEXT_KEYS = { row_id: 'rowId', name: 'name', owner: 'owner', broken: 'broken' } as const;

interface RowFields {
  readonly texts: { [key in (typeof TEXT_KEYS)[keyof typeof TEXT_KEYS]]?: string };
  readonly spec: Uint8Array | undefined;
  readonly violations: FieldViolation[];
}

/** The fields of a row as far as they can be read, and what cannot. */
function readFields(bytes: Uint8Array, path: string): RowFields {
  const texts: RowFields['texts'] = {};
  const violations: FieldViolation[] = [];
  let spec: Uint8Array | undefined;
  try {
    for (const { field, value } of lengthDelimited(bytes, ROW_FIELDS)) {
      if (field === 'spec') spec = value;
      else {
        const text = decodeText(value);
        if (text !== undefined) texts[TEXT_KEYS[field]] = text;
        else violations.push({ field: `${path}.${field}`, description: 'not valid UTF-8' });
      }
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    violations.push({ field: path, description: `not a valid message: ${reason}` });
  }
  return { texts, spec, violations };
}

const checkRow = itemLimits('switchboard.source.v1.SourceServer');
const checkSpec = itemLimits('switchboard.v1.ServerSpec');

/** The result of `read`; undefined if it throws INVALID_FIELD, of which all is reported. */
function reporting<T>(report: Report, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!isSwitchboardError(error, 'INVALID_FIELD')) throw error;
    for (const { field, description } of error.violations) report(field, description);
    return undefined;
  }
}

function readSpec(
  bytes: Uint8Array | undefined,
  path: string,
  report: Report,
): ServerSpec | undefined {
  if (bytes === undefined) {
    report(path, 'is required');
    return undefined;
  }
  const decoded = decodeStrictly((reader) => SpecMessage.decode(reader), bytes);
  if (!decoded.ok) {
    for (const { field, description } of decoded.error.violations)
      report(field === 'request' ? path : `${path}.${field}`, description);
    return undefined;
  }
  return reporting(report, () => {
    checkSpec(decoded.message, path);
    return fromSpecMessage(decoded.message, path);
  });
}

/**
 * The fields of a message of which `names` knows the numbers; all of them have bytes as
 * their value. Others are skipped, as always with protobuf. Throws an Error at the first
 * byte that cannot be part of the message.
 */
function* lengthDelimited<Name extends string>(
  bytes: Uint8Array,
  names: Readonly<Record<number, Name>>,
): Generator<{ readonly field: Name; readonly value: Uint8Array }, void, undefined> {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    const field = names[number];
    if (field === undefined) reader.skip(type, number);
    else if (type === WireType.LengthDelimited) yield { field, value: reader.bytes() };
    else throw new Error(`${field} has another type`);
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decodeText(bytes: Uint8Array): string | undefined {
  try {
    return UTF8.decode(bytes);
  } catch {
    return undefined;
  }
}
