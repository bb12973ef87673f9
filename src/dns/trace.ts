// What the answer path did with the last query, as words in a fixed table: cheap enough to be kept for every query,
// and what explain.ts puts into sentences. So an explanation is a run of the real thing.

/** Steps; what their value is stands behind each. */
export const STEP = {
  /** No zone here holds the name. */
  outside: 0,
  /** The zone. */
  zone: 1,
  /** Node numbers. */
  found: 2,
  wildcard: 3,
  cut: 4,
  dname: 5,
  missing: 6,
  /** Row of the CNAME followed. */
  cname: 7,
  /** The name that a DNAME makes is too long. */
  tooLong: 8,
  loop: 9,
  chainEnd: 10,
  /** Row of the RRset that answers. */
  rrset: 11,
  /** Number of the pool; the next step's value is how many addresses it gave, or PICK_SERVFAIL. */
  pool: 12,
  picked: 13,
  nodata: 14,
  /** An RRset, or glue that is needed, did not fit. */
  truncated: 15,
} as const;

const MAX_STEPS = 128;

export class Trace {
  readonly code = new Uint8Array(MAX_STEPS);
  /** Word offset of the zone's block at that step. */
  readonly zone = new Uint32Array(MAX_STEPS);
  readonly value = new Int32Array(MAX_STEPS);
  count = 0;

  clear(): void {
    this.count = 0;
  }

  note(code: number, zone: number, value: number): void {
    const i = this.count;
    if (i === MAX_STEPS) return;
    this.code[i] = code;
    this.zone[i] = zone;
    this.value[i] = value;
    this.count = i + 1;
  }
}
