// TTLs and the times of the SOA as master files write them: `3600`, `1h30m`, `1w2d`, in any case.

/** RFC 2181 §8. */
export const MAX_TTL = 0x7fffffff;

/** Seconds by the lower-case letter of the unit. */
const UNIT: Record<number, number> = { 115: 1, 109: 60, 104: 3600, 100: 86400, 119: 604800 };

/** Seconds of text[start..end), at most 2^53; -1 if it is no time. A number without a unit must stand alone. */
export function scanTime(text: Uint8Array, start: number, end: number): number {
  let total = 0;
  let units = 0;
  let value = -1;
  for (let i = start; i < end; i++) {
    const c = text[i];
    if (c >= 0x30 && c <= 0x39) {
      value = Math.min(Math.max(value, 0) * 10 + c - 0x30, Number.MAX_SAFE_INTEGER);
      continue;
    }
    const unit = UNIT[c | 0x20];
    if (unit === undefined || value < 0) return -1;
    total = Math.min(total + value * unit, Number.MAX_SAFE_INTEGER);
    units++;
    value = -1;
  }
  if (value < 0) return units > 0 ? total : -1;
  return units === 0 ? value : -1;
}
