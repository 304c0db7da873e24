/** Prints what happens, and keeps what was not as it should be. */
export interface Checks {
  readonly failed: readonly string[];
  /** Begins a part of the story. */
  tell(sentence: string): void;
  /** Prints what a command printed. */
  show(output: string): void;
  /** Says that something is so; `detail` is printed if it is not. */
  claim(sentence: string, isSo: boolean, detail?: string): void;
}

export function createChecks(print: (line: string) => void): Checks {
  const failed: string[] = [];
  return {
    failed,
    tell: (sentence) => {
      print(`\n${sentence}`);
    },
    show: (output) => {
      print(output.replaceAll(/^/gm, '    | '));
    },
    claim: (sentence, isSo, detail = '') => {
      print(`  ${isSo ? 'yes' : 'NO '}  ${sentence}`);
      if (!isSo) failed.push(detail === '' ? sentence : `${sentence}: ${detail}`);
    },
  };
}
