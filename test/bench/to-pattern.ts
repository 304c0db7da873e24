import { InvalidArgumentError } from 'commander';

/** The value of `--only`, for commander. */
export function toPattern(text: string): RegExp {
  try {
    return new RegExp(text, 'i');
  } catch {
    throw new InvalidArgumentError('not a regular expression');
  }
}
