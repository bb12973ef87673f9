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
  if (argv.includes('--json')) {
    process.stdout.write(
      `${JSON.stringify({ bench: 'lvs', unit: 'ns', batch: BATCH, huge, calibration, miss, lines })}\n`,
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
  return 0;
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

/** Nanoseconds of CPU that `work` takes, the median of some runs after those that warm up: what else the machine does counts less. */
function median(quick: boolean, work: () => void, between?: () => void): number {
  const times: number[] = [];
  for (let i = quick ? -2 : -WARM; i < (quick ? 3 : SAMPLES); i++) {
    between?.();
    const from = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(from);
    if (i >= 0) times.push((user + system) * 1000);
  }
  return times.sort((a, b) => a - b)[times.length >> 1];
}

function calibrate(): number {
  const bytes = new Uint8Array(60).fill(7);
  let total = 0;
  const time = median(false, () => {
    for (let i = 0; i < 100_000; i++) {
      bytes[0] = i;
      total += finish(sum(bytes, 0, 60, 0));
    }
  });
  return total < 0 ? 0 : time / 100_000;
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
