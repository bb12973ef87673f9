// The hook lists of the packet's way, as netfilter has them: at each point an ordered list of functions with priorities.
//   PREROUTING → local? LOCAL_IN (out 98 · in 99)      → LOCAL_OUT → POSTROUTING   for what LVS forwards
//              → else   FORWARD  (icmp 99 · out 100)   → POSTROUTING               for a server's answers
// Invariant: lower priorities run first, equal ones in the order they came; every hook counts what it saw, changed, dropped, and why.
import type { Packet } from './packet/parse.ts';
import { DROP, type Out, REASON, TRANSMIT } from './verdict.ts';

export const PREROUTING = 0;
export const LOCAL_IN = 1;
export const FORWARD = 2;
export const LOCAL_OUT = 3;
export const POSTROUTING = 4;
export const POINT = ['PREROUTING', 'LOCAL_IN', 'FORWARD', 'LOCAL_OUT', 'POSTROUTING'] as const;

/** What a hook returns to let the packet go on to the next; anything else is a verdict. */
export const CONTINUE = -1;

/** A hook's function: CONTINUE or a Verdict, with `out.reason` set for a verdict. `now`: ms modulo 2³². Must not allocate. */
export type Run = (p: Packet, out: Out, now: number) => number;

export class Hook {
  readonly name: string;
  readonly point: number;
  readonly priority: number;
  readonly run: Run;
  /** LVS's own. */
  readonly own: boolean;
  seen = 0;
  changed = 0;
  dropped = 0;
  /** Verdicts by reason. */
  readonly why: Float64Array = new Float64Array(REASON.length);

  constructor(name: string, point: number, priority: number, run: Run, own: boolean) {
    this.own = own;
    this.name = name;
    this.point = point;
    this.priority = priority;
    this.run = run;
  }
}

export class Hooks {
  readonly #lists: Hook[][] = POINT.map(() => []);
  #given: readonly (readonly Hook[])[] = [];
  #plain = false;

  /** Says that the lists are complete as they are, with LVS's own. */
  settle(): void {
    this.#given = this.#lists.map(list => [...list]);
    this.#review();
  }

  /** Whether the lists are as they were settled: no packet meets anybody but LVS. */
  get plain(): boolean {
    return this.#plain;
  }

  /** Puts a function into the list of `point`; the Hook is for its counters and for remove(). */
  add(name: string, point: number, priority: number, run: Run, own = false): Hook {
    const hook = new Hook(name, point, priority, run, own);
    const list = this.#lists[point];
    const at = list.findIndex(h => h.priority > priority);
    list.splice(at < 0 ? list.length : at, 0, hook);
    this.#review();
    return hook;
  }

  /** Takes a hook out; false if it was not in. */
  remove(hook: Hook): boolean {
    const list = this.#lists[hook.point];
    const at = list.indexOf(hook);
    if (at >= 0) list.splice(at, 1);
    this.#review();
    return at >= 0;
  }

  #review(): void {
    const { length } = this.#given;
    this.#plain =
      length > 0 &&
      this.#lists.every((list, point) => {
        const given = this.#given[point];
        return list.length === given.length && list.every((h, i) => h.run === given[i].run);
      });
  }

  /** The hooks of a point in their order. */
  list(point: number): readonly Hook[] {
    return this.#lists[point];
  }

  /** Whether the list of `point` has hooks besides LVS's own; if not, those are told that they saw a packet of LVS itself. */
  passes(point: number): boolean {
    const list = this.#lists[point];
    for (let i = 0; i < list.length; i++) if (!list[i].own) return false;
    for (let i = 0; i < list.length; i++) list[i].seen++;
    return true;
  }

  /** In plain lists: counts a packet that LVS's `in` sends on for `why`, as walk() and passes() do. */
  sent(why: number): void {
    const list = this.#lists[LOCAL_IN];
    for (let i = 0; i < list.length; i++) list[i].seen++;
    const last = list[list.length - 1];
    last.changed++;
    last.why[why]++;
    const after = this.#lists[LOCAL_OUT];
    for (let i = 0; i < after.length; i++) after[i].seen++;
  }

  /** Runs the list of `point` over `p`: the first verdict, or CONTINUE. */
  walk(point: number, p: Packet, out: Out, now: number): number {
    const list = this.#lists[point];
    for (let i = 0; i < list.length; i++) {
      const hook = list[i];
      hook.seen++;
      out.changed = false;
      const verdict = hook.run(p, out, now);
      if (out.changed || verdict === TRANSMIT) hook.changed++;
      if (verdict === CONTINUE) continue;
      if (verdict === DROP) hook.dropped++;
      hook.why[out.reason]++;
      return verdict;
    }
    return CONTINUE;
  }
}
