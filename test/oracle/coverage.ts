// How many packets were compared for each scheduler × mode × flag × family, and of each kind.
import { CELLS, MODES, nameOf } from './cells.ts';
import type { Story } from './story.ts';

/** What every cell is to have seen. */
export const LEAST = 50;

export class Coverage {
  readonly #cells = new Map<string, number>(CELLS.map(c => [nameOf(c), 0]));
  readonly #kinds = new Map<string, number>();

  /** Counts the frames of a story up to and without step `end`, for its own cell. */
  add(story: Story, end: number): number {
    let frames = 0;
    for (const step of story.steps.slice(0, end)) {
      this.#kinds.set(
        step.do === 'frame' ? step.what : step.do,
        (this.#kinds.get(step.do === 'frame' ? step.what : step.do) ?? 0) + 1,
      );
      if (step.do !== 'frame') continue;
      frames++;
      const cell = step.cell ?? story.cell;
      this.#cells.set(cell, (this.#cells.get(cell) ?? 0) + 1);
    }
    return frames;
  }

  /** Cells with fewer packets than LEAST, by their index in CELLS. */
  thin(): number[] {
    return CELLS.map((_, i) => i).filter(i => (this.#cells.get(nameOf(CELLS[i])) ?? 0) < LEAST);
  }

  /** A table: one line for each scheduler and flag, the packets of each mode and family. */
  lines(): string[] {
    const columns = MODES.flatMap(mode => [`${mode} v4`, `${mode} v6`]);
    const out = [`${'scheduler and flag'.padEnd(23)}${columns.map(c => c.padStart(11)).join('')}`];
    const rows = new Set(CELLS.map(c => `${c.scheduler} ${c.flag || '-'}`));
    for (const row of rows) {
      const [scheduler, flag] = row.split(' ');
      const numbers = columns.map(column => {
        const [mode, family] = column.split(' ');
        return String(this.#cells.get(`${scheduler} ${mode} ${flag} ${family}`) ?? '').padStart(11);
      });
      out.push(`${row.padEnd(23)}${numbers.join('')}`);
    }
    out.push(
      [...this.#kinds]
        .sort()
        .map(([kind, n]) => `${kind} ${n}`)
        .join(', '),
    );
    return out;
  }
}
