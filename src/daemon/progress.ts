// How far a long load is, as one line on a terminal: it appears when there is something to wait for, and goes away at the
// end. Nothing is written where stderr is no terminal.
import type { Progress } from './library.ts';

/** What is done sooner needs no bar; milliseconds. */
const PATIENCE = 500;
const PAUSE = 100;
const WIDTH = 30;

export interface ProgressBar {
  show: Progress;
  /** Takes the line away. */
  done(): void;
}

/** A bar on `out`; `now` in milliseconds. */
export function progressBar(
  out: { isTTY?: boolean; write(text: string): unknown },
  now: () => number,
): ProgressBar {
  const start = now();
  let last = 0;
  let shown = false;
  return {
    show(done, of, part) {
      const at = now();
      if (out.isTTY !== true || at - start < PATIENCE || at - last < PAUSE) return;
      last = at;
      shown = true;
      out.write(`\r${barText(done, of, part)}\x1b[K`);
    },
    done() {
      if (shown) out.write('\r\x1b[K');
      shown = false;
    },
  };
}

/** The line: a bar, the percentage, and of several zones how many are done. */
export function barText(done: number, of: number, part: number): string {
  const share = of === 0 ? 0 : Math.min(1, (done + part) / of);
  const full = Math.floor(share * WIDTH);
  const count = (n: number) => n.toLocaleString('en-US');
  const zones = of > 1 ? `  ${count(done)} of ${count(of)} zones` : '';
  return `reading zones [${'█'.repeat(full)}${'·'.repeat(WIDTH - full)}] ${String(Math.floor(share * 100)).padStart(3)} %${zones}`;
}
