import { isSwitchboardError, SwitchboardError } from '../../domain/errors.js';
import { answerToJson, type Answers } from '../json.js';

/** What the server answered, in the domain's terms; `toJSON` has all of it, as proto JSON. */
export type Answer<T> = T & { toJSON(): object };

/**
 * An answer, read with `read`. `name` is the name of its message. Throws UNRECOGNIZED_STATUS for
 * one that this version cannot read.
 */
export function answerOf<K extends keyof Answers, T extends object>(
  name: K,
  message: Answers[K],
  read: (message: Answers[K]) => T,
): Answer<T> {
  return { ...readAnswer(message, read), toJSON: () => answerToJson(name, message) };
}

/** The same for a part of an answer, without JSON. */
export function readAnswer<M, T>(message: M, read: (message: M) => T): T {
  try {
    return read(message);
  } catch (cause) {
    if (!isSwitchboardError(cause, 'INVALID_FIELD')) throw cause;
    const text = `cannot read the answer: ${cause.message}; the server may be of a newer version`;
    throw new SwitchboardError('UNRECOGNIZED_STATUS', text, { cause });
  }
}
