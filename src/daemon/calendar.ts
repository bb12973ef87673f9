// Which schedules are active now. node-cron (jobs.ts) tells which minutes match and wakes us; the rest is arithmetic.
import { type Activity, activeSchedule, type Cursor } from '../health/schedule.ts';
import type { Clock } from '../kit/clock.ts';
import type { Config } from '../model/schema.ts';
import { Jobs } from './jobs.ts';

/** Minutes looked back on in one call: a month is found out over some seconds instead of holding up the thread. */
const BUDGET = 3000;

export class Calendar {
  readonly #clock: Clock;
  readonly #jobs: Jobs;
  #config!: Config;
  #cursors = new Map<string, Cursor>();

  /** `wake` is called when a schedule begins. */
  constructor(config: Config, clock: Clock, wake: () => void) {
    this.#clock = clock;
    this.#jobs = new Jobs(wake);
    this.set(config);
  }

  set(config: Config): void {
    this.#config = config;
    this.#jobs.set(config.schedules);
    this.#cursors = new Map(Object.keys(config.schedules).map(name => [name, {}]));
  }

  /** Names of the active ones. */
  active(): Set<string> {
    return new Set(Object.keys(this.#config.schedules).filter(name => this.#activity(name).active));
  }

  /** For status: each with its end, or its next beginning. */
  list(): { name: string; active: boolean; until?: string; next?: string }[] {
    return Object.keys(this.#config.schedules).map(name => {
      const { active, until } = this.#activity(name);
      const next = this.#jobs.next(name);
      return {
        name,
        active,
        ...(active && until !== undefined && { until: new Date(until).toISOString() }),
        ...(next !== undefined && { next: new Date(next).toISOString() }),
      };
    });
  }

  close(): void {
    this.#jobs.close();
  }

  #activity(name: string): Activity {
    const match = (minute: number) => this.#jobs.matches(name, minute);
    return activeSchedule(
      this.#clock.wall(),
      this.#config.schedules[name].for,
      match,
      this.#cursors.get(name),
      BUDGET,
    );
  }
}
