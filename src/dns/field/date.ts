// The times of signatures: seconds since 1970 in 32 bits, written YYYYMMDDHHMMSS or as plain seconds (RFC 4034 §3.2).
import { show } from '../zonefile/faults.ts';
import type { Kind } from './kind.ts';
import { number } from './octets.ts';

export const date: Kind = {
  end: (_, at, end) => (at + 4 <= end ? at + 4 : -1),
  print: (bytes, at, end) => dateText(number(bytes, at, end)),
  scan(words, field, mnemonic) {
    const seconds = parseDate(words.word);
    if (seconds !== undefined) return words.put(seconds, 4) && words.next();
    const wanted = 'YYYYMMDDHHMMSS, or seconds since 1970';
    return words.fail('date', `${show(words.word)} is no ${field.name} of ${mnemonic}: ${wanted}`);
  },
};

/** `20261122120000`, in UTC. */
export function dateText(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(/\D/g, '').slice(0, 14);
}

/** Seconds since 1970 of a date, or of plain seconds; undefined if it is none, or beyond 32 bits. */
export function parseDate(text: string): number | undefined {
  if (/^\d{1,10}$/.test(text)) return Number(text) <= 0xffffffff ? Number(text) : undefined;
  const m = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(text);
  if (m === null) return undefined;
  const [year, month, day, hour, minute, second] = m.slice(1).map(Number);
  const seconds = Date.UTC(year, month - 1, day, hour, minute, second) / 1000;
  // What the calendar does not have (February 30) comes out as another day.
  return seconds >= 0 && seconds <= 0xffffffff && dateText(seconds) === text ? seconds : undefined;
}
