// What comes of the stories: each is checked as it is heard, faults are written down and told, and in the end counted.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { words } from './canon.ts';
import { check, type Mismatch } from './check.ts';
import { Coverage } from './coverage.ts';
import { DEVIATIONS, deviation } from './deviations.ts';
import { type Step, type Story, toBytes } from './story.ts';
import type { MakeSubject } from './subject.ts';

/** Faults after which the rest is counted only. */
const ENOUGH = 20;

/** Hands the subject to what it is given: the core, or the core broken on purpose. */
export type Run = <T>(within: (make: MakeSubject) => T) => T;

export class Proof {
  readonly coverage = new Coverage();
  /** Stories that were compared to their ends. */
  readonly whole: Story[] = [];
  /** Stories with a fault, up to it. */
  readonly faulty: Story[] = [];
  passed = 0;
  failed = 0;
  #setups = 0;
  readonly #deviated = new Map<string, number>();
  readonly #root: string;
  readonly #run: Run;

  /** `root`: where dist/ is. */
  constructor(root: string, run: Run) {
    this.#root = root;
    this.#run = run;
  }

  readonly hear = (story: Story): void => {
    this.#setups++;
    if (story.note !== undefined) {
      this.failed++;
      console.log(
        `NOT PLAYED TO ITS END seed ${story.seed} set-up ${story.index} (${story.cell}): ${story.note}`,
      );
    }
    const { end, mismatch } = this.#run(make =>
      check(story, make, (of, m) => {
        const d = deviation(of, m);
        if (d !== undefined) this.#deviated.set(d.name, (this.#deviated.get(d.name) ?? 0) + 1);
        return d;
      }),
    );
    this.passed += this.coverage.add(story, end);
    if (mismatch === undefined) {
      if (end === story.steps.length) this.whole.push(story);
      return;
    }
    if (++this.failed > ENOUGH) return;
    const short = { ...story, steps: story.steps.slice(0, mismatch.step + 1) };
    this.faulty.push(short);
    tell('MISMATCH', short, mismatch, this.write(short, ''));
  };

  /** Writes a story where --replay finds it; the path. */
  write(story: Story, suffix: string): string {
    mkdirSync(join(this.#root, 'dist', 'oracle'), { recursive: true });
    const file = join('dist', 'oracle', `story-${story.seed}-${story.index}${suffix}.json`);
    writeFileSync(join(this.#root, file), JSON.stringify(story));
    return file;
  }

  /** The last lines; the exit code. */
  end(): number {
    for (const d of DEVIATIONS)
      console.log(`deviation ${d.name} (${this.#deviated.get(d.name) ?? 0} times): ${d.why}`);
    console.log(`${this.#setups} set-ups`);
    console.log(`oracle: ${this.passed} passed, ${this.failed} failed`);
    return this.failed > 0 ? 1 : 0;
  }
}

/** A fault, and how to play it again. */
export function tell(what: string, story: Story, m: Mismatch, file: string): void {
  console.log(`${what} seed ${story.seed} set-up ${story.index} (${story.cell}), step ${m.step}: ${m.what}`);
  console.log(`  kernel: ${m.kernel}\n  core:   ${m.core}\n  again:  npm run oracle -- --replay ${file}`);
}

/** A story in words, a line for each step. */
export function lines(story: Story): string[] {
  return story.steps.map((s, i) => `  ${String(i).padStart(3)} ${line(s)}`);
}

function line(s: Step): string {
  if (s.do === 'frame') {
    const sent = s.sent.map(o => `\n      → ${o.side} ${words(toBytes(o.packet))}`).join('');
    return `${s.side} ${words(toBytes(s.packet))} (${s.what})${sent || '\n      → nothing'}`;
  }
  if (s.do === 'look') return `look at ${s.conns.length} connections`;
  if (s.do === 'advance') return `${s.ms / 1000} s pass`;
  const { at: _at, do: what, ...rest } = s;
  return `${what} ${JSON.stringify(rest).replaceAll('"', '')}`;
}
