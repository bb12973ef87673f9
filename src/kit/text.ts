// Numbers and foreign words for people: counts, bytes, shares, and text that is safe on a terminal.

const SI = ['', 'k', 'M', 'G', 'T', 'P'];
const IEC = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** A count with three digits and a unit: `987`, `12.3k`, `4M`. */
export function formatCount(n: number): string {
  return scale(n, 1000, SI, '');
}

/** Bytes in IEC units: `512 B`, `1.5 GiB`. */
export function formatBytes(n: number): string {
  return scale(n, 1024, IEC, ' ');
}

function scale(n: number, base: number, units: readonly string[], gap: string): string {
  let value = n;
  let unit = 0;
  while (unit < units.length - 1 && Math.abs(value) >= base) {
    value /= base;
    unit++;
  }
  const digits = unit === 0 ? Math.round(value) : Math.round(value * 10) / 10;
  // 999.96k rounds up to the next unit.
  if (Math.abs(digits) >= base && unit < units.length - 1) return `1${gap}${units[unit + 1]}`;
  return `${digits}${gap}${units[unit]}`;
}

/** A fraction as a percentage with one decimal at most: `43%`, `0.5%`. A part above 0 never reads as 0. */
export function formatPercent(fraction: number): string {
  const tenths = Math.round(fraction * 1000) / 10;
  return fraction > 0 && tenths === 0 ? '<0.1%' : `${tenths}%`;
}

/** A weight with one decimal at most. */
export function formatWeight(weight: number): string {
  return String(Math.round(weight * 10) / 10);
}

// C0, DEL, C1, zero-width and direction marks: what can move a cursor, hide, or turn text around.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]+/g;

/** Text that came from elsewhere (a probe's result, an operator's reason), on one line and without control characters. */
export function plain(text: string): string {
  return text.replace(UNSAFE, ' ');
}
