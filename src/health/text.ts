// The words of this room for people: fractions, operators' words.
import { formatDuration } from '../kit/duration.ts';
import type { Override } from '../model/records.ts';

/** `50%`, `0.1%`: a fraction for people, to a tenth of a percent; never 0 % or 100 % for what is not quite. */
export function percentText(fraction: number): string {
  const percent = Number((fraction * 100).toFixed(1));
  if (percent === 0 && fraction > 0) return '<0.1%';
  return percent === 100 && fraction < 1 ? '>99.9%' : `${percent}%`;
}

/** An operator's word for people: `drain by anna: kernel upgrade (20m left)`. */
export function overrideText(o: Override, wall: number): string {
  const weight = o.weight === undefined || o.weight === 1 ? '' : `weight ${percentText(o.weight)}`;
  const what = [o.state === 'ready' ? '' : o.state, weight].filter(Boolean).join(', ') || 'ready';
  const where = o.target.startsWith('site/') ? ` of ${o.target.replace('/', ' ')}` : '';
  const left = o.until === undefined ? '' : ` (${formatDuration(o.until - wall)} left)`;
  return `${what}${where} by ${o.who}: ${o.reason}${left}`;
}
