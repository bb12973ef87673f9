// What a packet costs the LVS core: ns of CPU for a hit (a packet of an open connection) and for a new connection, by forwarding method and by
// scheduler, at 10³ and 10⁶ connections, beside calibration loops in the same run. Packets come in batches, as from a NIC's ring, each of
// a connection that is drawn anew out of all; «alone» is a hit without the look ahead that a batch makes possible. What it takes to make
// and copy a packet is taken off.
import { finish, sum } from '../src/kit/checksum.ts';
import { seeded } from '../src/kit/rng.ts';
import { BATCH } from '../src/lvs/ahead.ts';
import type { Forward, Route, Routes } from '../src/lvs/config.ts';
import { Director, HEADROOM } from '../src/lvs/director.ts';
import { memoryOf } from '../src/lvs/life.ts';
import { SCHEDULERS, type SchedulerName } from '../src/model/schema.ts';
import { carve, mapHuge, unmapHuge } from '../src/nic/huge.ts';
import { type Libc, openLibc } from '../src/nic/libc.ts';

const SERVERS = 16;
/** Bytes of a frame's slot. */
const SLOT = 2048;
const SAMPLES = 9;
/** Runs before them: the compiler makes its best only of what it saw for a while. */
const WARM = 8;
/** Samples that are taken at most, to have so many of a quiet processor. */
const TRIES = 60;
/** A processor is quiet as long as the calibration, right before a sample and right after it, is no slower than its best by this. */
const QUIET = 1.15;
/** Rounds of the calibration beside a sample: 0.4 ms. */
const BESIDE = 10_000;

interface Line {
  what: string;
  connections: number;
  hit: number;
  alone: number;
  fresh: number;
}

/**
 * Prints the table, or JSON with `--json`; `--quick` takes fewer samples and at most 10⁴ connections, `--only TEXT` the lines that have it.
 * Resolves to the exit code.
 */
export async function run(argv: readonly string[]): Promise<number> {
  const quick = argv.includes('--quick');
  const libc = await openLibc().catch(() => undefined);
  const measure = (forward: Forward, scheduler: SchedulerName, connections: number, short: boolean) =>
    measureWith(libc, forward, scheduler, connections, short);
  const only = argv.includes('--only') ? (argv[argv.indexOf('--only') + 1] ?? '') : '';
  const huge = libc !== undefined && isHuge(libc);
  const calibration = calibrate();
  const miss = { small: walk(1000), large: walk(1_000_000) };
  const lines: Line[] = [];
  // The compiler sees every way once before anything is measured.
  for (const forward of ['nat', 'dr', 'tun', 'fullnat'] as Forward[]) measure(forward, 'wlc', 1000, true);
  const kinds: [Forward, SchedulerName][] = [
    ...(['nat', 'dr', 'tun', 'fullnat'] as const).map((forward): [Forward, SchedulerName] => [
      forward,
      'wlc',
    ]),
    ...SCHEDULERS.map((scheduler): [Forward, SchedulerName] => ['dr', scheduler]),
  ];
  for (const connections of quick ? [1000, 10_000] : [1000, 1_000_000])
    for (const [forward, scheduler] of kinds) {
      const what = `${forward} ${scheduler}`;
      if (!what.includes(only)) continue;
      lines.push({ what, connections, ...measure(forward, scheduler, connections, quick) });
    }
  const aims = compare(lines);
  const { samples, disturbed, rows } = calm;
  if (argv.includes('--json')) {
    const quiet = { samples, disturbed, rowsDisturbed: rows };
    process.stdout.write(
      `${JSON.stringify({ bench: 'lvs', unit: 'ns', batch: BATCH, huge, calibration, miss, lines, aims, quiet })}\n`,
    );
    return 0;
  }
  console.log(`calibration: ${calibration.toFixed(1)} ns for a checksum of 60 bytes`);
  console.log(
    `a random walk over as many lines of 64 bytes: ${miss.small.toFixed(1)} ns a step at 10³, ${miss.large.toFixed(1)} at 10⁶`,
  );
  console.log(`the table lies on ${huge ? 'huge pages' : 'pages of 4 KiB'}`);
  console.log('method, scheduler   connections   hit ns   new ns   alone');
  for (const l of lines)
    console.log(
      `${l.what.padEnd(18)} ${String(l.connections).padStart(12)} ${l.hit.toFixed(0).padStart(8)} ${l.fresh.toFixed(0).padStart(8)} ${l.alone.toFixed(0).padStart(7)}`,
    );
  console.log('');
  for (const { what, value, most, met } of aims)
    console.log(`${met ? 'met ' : 'NOT '} ${what}: ${value.toFixed(most > 10 ? 0 : 2)} (at most ${most})`);
  console.log(
    `${disturbed} of ${samples} samples thrown away, as the processor was not alone on its core; figures without a quiet processor: ${rows}`,
  );
  return 0;
}

/** What the medians over all lines are to reach. */
function compare(lines: readonly Line[]) {
  const [small, large] = [...new Set(lines.map(l => l.connections))];
  const of = (connections: number | undefined, figure: 'hit' | 'fresh') =>
    middle(lines.filter(l => l.connections === connections).map(l => l[figure]));
  const aims = [
    { what: 'ns a hit', value: of(small, 'hit'), most: 250 },
    { what: 'ns a new connection', value: of(small, 'fresh'), most: 1000 },
    { what: 'growth of a hit with the connections', value: of(large, 'hit') / of(small, 'hit'), most: 2 },
    {
      what: 'growth of a new one with the connections',
      value: of(large, 'fresh') / of(small, 'fresh'),
      most: 2,
    },
  ];
  return aims.map(aim => ({ ...aim, met: aim.value <= aim.most }));
}

const routes: Routes = {
  find(family: number, address: Int32Array, route: Route): boolean {
    route.hop.set(address);
    route.hopFamily = family;
    route.source[0] = 0x0a0000fe;
    return true;
  },
};

function isHuge(libc: Libc): boolean {
  const place = mapHuge(libc, 1);
  unmapHuge(libc, place);
  return place.huge;
}

/** The table lies where the xdp plane has it, if this system lets it. */
function measureWith(
  libc: Libc | undefined,
  forward: Forward,
  scheduler: SchedulerName,
  connections: number,
  quick: boolean,
) {
  const capacity = Math.ceil(connections * 1.2) + 20_000;
  if (libc === undefined)
    return measure(
      new Director({ capacity, routes, rng: seeded(1) }),
      forward,
      scheduler,
      connections,
      quick,
    );
  const place = mapHuge(libc, memoryOf(capacity));
  try {
    const director = new Director({ capacity, routes, rng: seeded(1), memory: carve(libc, place) });
    return measure(director, forward, scheduler, connections, quick);
  } finally {
    unmapHuge(libc, place);
  }
}

function measure(
  director: Director,
  forward: Forward,
  scheduler: SchedulerName,
  connections: number,
  quick: boolean,
) {
  const key = { protocol: 'tcp', address: '192.0.2.10', port: 80 } as const;
  const localAddresses = Array.from({ length: 32 }, (_, i) => `10.1.0.${i + 1}`);
  director.addService(key, { scheduler, flags: [`${scheduler}-port`], localAddresses });
  for (let i = 1; i <= SERVERS; i++) {
    // ovf's weights are limits: none is reached here.
    const weight = scheduler === 'ovf' ? 0xffff : 1 + (i % 3);
    director.addDest(key, { address: `10.0.0.${i}`, port: 80 }, { weight, forward });
  }
  const memory = new Uint8Array(BATCH * SLOT);
  const offsets = Int32Array.from({ length: BATCH }, (_, i) => i * SLOT + HEADROOM);
  const packet = segment();
  let now = 1000;
  // The n-th client; its checksum follows, so that a wrong one is told from a fast one.
  const make = (slot: number, n: number, flags: number) => {
    packet[13] = n >>> 16;
    packet[14] = n >>> 8;
    packet[15] = n;
    packet[10] = packet[11] = 0;
    const check = finish(sum(packet, 0, 20, 0));
    packet[10] = check >> 8;
    packet[11] = check;
    packet[33] = flags;
    memory.set(packet, offsets[slot]);
  };
  const handle = (slot: number) => director.handle(memory, offsets[slot], packet.length, now);
  const sendAll = (clients: Int32Array, flags: number, ahead: boolean) => {
    for (let from = 0; from < clients.length; from += BATCH) {
      const count = Math.min(BATCH, clients.length - from);
      for (let i = 0; i < count; i++) make(i, clients[from + i], flags);
      if (ahead) director.lookAhead(memory, offsets, count);
      for (let i = 0; i < count; i++) handle(i);
    }
  };
  for (let n = 0; n < connections; n++) {
    make(0, n, 2);
    handle(0);
    make(0, n, 16);
    handle(0);
    if (n % 1000 === 0) director.tick(++now);
  }
  const clients = new Int32Array(quick ? 2000 : 10_000);
  const rng = seeded(2);
  const draw = () => {
    for (let i = 0; i < clients.length; i++) clients[i] = rng() % connections;
  };
  const empty = median(
    quick,
    () => {
      for (let i = 0; i < clients.length; i++) make(i % BATCH, clients[i], 16);
    },
    draw,
  );
  const hit = median(quick, () => sendAll(clients, 16, true), draw);
  const alone = median(quick, () => sendAll(clients, 16, false), draw);
  let next = connections;
  const fresh = median(
    quick,
    () => sendAll(clients, 2, true),
    // Those of the batch end again before the next: as many connections in every sample.
    () => {
      now += 61_000;
      director.tick(now);
      for (let n = 0; n < Math.min(connections, 1000); n++) {
        make(0, n, 16);
        handle(0);
      }
      for (let i = 0; i < clients.length; i++) clients[i] = next++;
    },
  );
  const each = (time: number) => (time - empty) / clients.length;
  return { hit: each(hit), alone: each(alone), fresh: each(fresh) };
}

function segment(): Uint8Array {
  const b = new Uint8Array(60);
  b.set([0x45, 0, 0, 60, 0, 1, 0x40, 0, 64, 6, 0, 0, 198, 51, 100, 7, 192, 0, 2, 10], 0);
  b.set([0x7a, 0x69, 0, 80, 0, 0, 3, 0xe8, 0, 0, 0, 0, 0xa0, 2, 0xff, 0xff], 20);
  b.set([2, 4, 5, 0xb4, 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1, 1, 1], 40);
  return b;
}

/** How quiet the processor was: a virtual one may share its core, and then all takes up to twice as long. */
const calm = { best: Number.POSITIVE_INFINITY, samples: 0, disturbed: 0, rows: 0 };

/**
 * Nanoseconds of CPU that `work` takes, the median of samples from a quiet processor, after some runs that warm up. Where
 * it does not become quiet often enough, the median of all that were taken, and the row counts as disturbed.
 */
function median(quick: boolean, work: () => void, between?: () => void): number {
  const [warm, wanted] = quick ? [2, 3] : [WARM, SAMPLES];
  for (let i = 0; i < warm; i++) {
    between?.();
    work();
  }
  const all: number[] = [];
  const quiet: number[] = [];
  while (quiet.length < wanted && all.length < (quick ? 2 * wanted : TRIES)) {
    between?.();
    const before = checksums(BESIDE);
    const from = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(from);
    const after = checksums(BESIDE);
    const time = (user + system) * 1000;
    calm.best = Math.min(calm.best, before, after);
    all.push(time);
    if (Math.max(before, after) <= QUIET * calm.best) quiet.push(time);
  }
  calm.samples += all.length;
  calm.disturbed += all.length - quiet.length;
  const enough = quiet.length >= wanted;
  if (!enough) calm.rows++;
  return middle(enough ? quiet : all);
}

function middle(figures: readonly number[]): number {
  return [...figures].sort((a, b) => a - b)[figures.length >> 1];
}

/** Nanoseconds of CPU for a checksum of 60 bytes, over `rounds` of them. */
function checksums(rounds: number): number {
  const bytes = new Uint8Array(60).fill(7);
  let total = 0;
  const from = process.hrtime();
  for (let i = 0; i < rounds; i++) {
    bytes[0] = i;
    total += finish(sum(bytes, 0, 60, 0));
  }
  const [seconds, nanoseconds] = process.hrtime(from);
  return total < 0 ? 0 : (seconds * 1e9 + nanoseconds) / rounds;
}

/** The best of many: the processor alone. */
function calibrate(): number {
  for (let i = 0; i < 500; i++) calm.best = Math.min(calm.best, checksums(BESIDE));
  return calm.best;
}

/** Nanoseconds of a read that has to wait for the one before it, all over `lines` lines of 64 bytes: what a look-up cannot be below. */
function walk(lines: number): number {
  const memory = new Int32Array(lines * 16);
  const order = Int32Array.from({ length: lines }, (_, i) => i);
  const rng = seeded(3);
  for (let i = lines - 1; i > 0; i--) {
    const j = rng() % (i + 1);
    [order[i], order[j]] = [order[j], order[i]];
  }
  for (let i = 0; i < lines; i++) memory[order[i] * 16] = order[(i + 1) % lines] * 16;
  let at = 0;
  const steps = 100_000;
  const time = median(false, () => {
    for (let i = 0; i < steps; i++) at = memory[at];
  });
  return at < 0 ? 0 : time / steps;
}
