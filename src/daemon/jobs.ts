// The door to node-cron. It wakes a node up when a schedule begins and tells whether an instant matches; whether a
// schedule is active is worked out from the clock alone (health/schedule.ts), so a node that slept through the
// beginning or the end is right as soon as it is up.
import { createTask, type ScheduledTask, validateDetailed } from 'node-cron';
import type { ScheduleConfig } from '../model/schema.ts';

/** What is wrong with a cron expression or its time zone, in words; undefined if nothing is. */
export function cronFault(expression: string, timezone: string): string | undefined {
  const { valid, errors } = validateDetailed(expression);
  if (!valid)
    return (
      errors.map(e => (e.field ? `${e.field}: ${e.message}` : e.message)).join('; ') ||
      'not a cron expression'
    );
  try {
    new Intl.DateTimeFormat('en', { timeZone: timezone });
  } catch {
    return `«${timezone}» is not a time zone; write it as UTC or Europe/Berlin`;
  }
  return undefined;
}

/** The schedules of the cluster file as node-cron tasks. */
export class Jobs {
  readonly #tasks = new Map<string, ScheduledTask>();
  readonly #wake: (name: string) => void;

  /** `wake` is called with a schedule's name at each of its occurrences. */
  constructor(wake: (name: string) => void) {
    this.#wake = wake;
  }

  /** Replaces all tasks by those of `schedules`. */
  set(schedules: Record<string, ScheduleConfig>): void {
    this.close();
    for (const [name, s] of Object.entries(schedules)) {
      const task = createTask(s.cron, () => this.#wake(name), {
        timezone: s.timezone,
        name,
        suppressMissedWarning: true,
        unref: true,
      });
      void task.start();
      this.#tasks.set(name, task);
    }
  }

  /** Whether the cron expression of a schedule matches the wall-clock instant `ms`. */
  matches(name: string, ms: number): boolean {
    return this.#tasks.get(name)?.match(new Date(ms)) ?? false;
  }

  /** The next occurrence, wall-clock ms; undefined if there is none. */
  next(name: string): number | undefined {
    return this.#tasks.get(name)?.getNextRun()?.getTime();
  }

  close(): void {
    for (const task of this.#tasks.values()) void task.destroy();
    this.#tasks.clear();
  }
}
