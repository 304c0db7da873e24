import { clearLine, cursorTo } from 'node:readline';

/** Tells on standard error how far a run is. */
export interface Progress {
  begin(name: string): void;
  readonly say: (text: string) => void;
  end(): void;
}

/** A progress over so many parts: on a terminal one line that moves, else a line for each part. */
export function createProgress(part: string, total: number): Progress {
  let done = 0;
  let name = '';
  const rewrite = (text: string): void => {
    clearLine(process.stderr, 0);
    cursorTo(process.stderr, 0);
    process.stderr.write(text);
  };
  return {
    begin(next) {
      done += 1;
      name = `${part} ${done} of ${total}, ${next}`;
      if (!process.stderr.isTTY) process.stderr.write(`${name}\n`);
    },
    say(text) {
      if (process.stderr.isTTY) rewrite(`${name}: ${text}`);
    },
    end() {
      if (process.stderr.isTTY) rewrite('');
    },
  };
}

/** One line on standard error. */
export function say(text: string): void {
  process.stderr.write(`bench: ${text}\n`);
}
