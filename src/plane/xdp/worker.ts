// The entry of a forward worker: blocked in its sockets or spinning over them, without an event loop.
//   turn · turn · … nothing for a while → poll (sockets, eventfd) → turn …    messages: looked at when the word `signal` changed
//   very many frames → pause (moderation.ts) → turn …
// Its descriptors and maps belong to the main thread, which gives them back once this thread has ended, however it ends.
import { setFlagsFromString } from 'node:v8';
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { Xsk } from '../../nic/afxdp.ts';
import { beat, QUEUES } from '../../nic/alive.ts';
import { carve } from '../../nic/huge.ts';
import { POLLFD, POLLIN } from '../../nic/layout.ts';
import { openLibc } from '../../nic/libc.ts';
import { Umem } from '../../nic/umem.ts';
import { Control } from './control.ts';
import { FRAME } from './counters.ts';
import { Forwarder } from './forwarder.ts';
import { Inbox, Outbox } from './inbox.ts';
import type { FromWorker, ToWorker } from './message.ts';
import { Moderation } from './moderation.ts';
import { readWays } from './routes-read.ts';
import { startOf } from './thread.ts';

/** Looks for a frame before the thread sleeps: half as many after each that was in vain, some more after each that paid. */
const LOOKS = { most: 100, fewest: 12, more: 8 } as const;
/** How long the thread sleeps at most, milliseconds. */
const SLEEP = 50;
/** Where frames wake it again and again within a millisecond: how long it sleeps then, and how often before it reads the clock. */
const NAP = 1;
const NAPS = 7;
/** Milliseconds between two looks at timers, and between two reports of the counters. */
const TICK = 10;
const REPORT = 500;

// A packet goes through some forty small functions. V8's own bounds (460 and 920) leave most of them calls, a fifth of the time.
for (const bound of ['size=1200', 'size-cumulative=4000'])
  setFlagsFromString(`--max-inlined-bytecode-${bound}`);

/** The global one is looked up by a getter each time. */
const clock = performance;
const signal = workerData as Int32Array;
const port = parentPort as MessagePort;
const libc = await openLibc();
// All is loaded: it may have been started before anybody knew what for.
const start = startOf(signal, port);
const umem = new Umem(libc, start.umem);
const sockets = start.sockets.map(s => ({ ...s, xsk: new Xsk(libc, umem, s.place) }));
const inboxes = start.inboxes.filter(p => p !== undefined).map(p => new Inbox(p));
const outboxes = start.outboxes.map(o => o && new Outbox(o.place));
const alive = new Uint32Array(libc.view(start.alive, QUEUES * 8));
const queues = [...new Set(start.sockets.map(s => s.queue))];
const ways = readWays(start.ways);
const control = new Control(start, ways, carve(libc, start.table), m => port.postMessage(m));
const forwarder = new Forwarder({
  libc,
  umem,
  director: control.director,
  ways,
  sockets,
  senders: Array.from({ length: start.ports }, (_, p) => {
    const sender = sockets.find(s => s.port === p);
    if (sender === undefined) throw new Error(`no socket for port ${p}`);
    return sender.xsk;
  }),
  tun: start.tun,
  index: start.index,
  owners: control.owners,
  inboxes,
  outboxes,
  counters: start.counters,
});
const set = new Int32Array(new ArrayBuffer(POLLFD.size * (sockets.length + 1)));
for (const [i, fd] of [...sockets.map(s => s.xsk.fd), start.wake].entries()) set.set([fd, POLLIN], i * 2);
const setAt = libc.address(set.buffer);
const drain = new BigUint64Array(1);
const drainAt = libc.address(drain.buffer);
const [seconds, nanoseconds] = process.hrtime();
/** Nanoseconds of CLOCK_MONOTONIC at the origin of performance.now(). */
const origin = seconds * 1e9 + nanoseconds - clock.now() * 1e6;

for (const { xsk } of sockets) xsk.refill();
port.postMessage({ type: 'ready' } satisfies FromWorker);
try {
  run();
} finally {
  // Also when something is broken: the next worker takes the connections up.
  const table = control.save(clock.now());
  port.postMessage({ type: 'closed', table } satisfies FromWorker, [table.buffer as ArrayBuffer]);
  port.close();
}

// What a turn needs is held in variables of its own: those of the module are looked up and checked each time.
function run(): void {
  const { director } = control;
  const worker = forwarder;
  const { poll, usleep } = libc;
  const moderation = new Moderation(start.moderation);
  const fds = sockets.length + 1;
  const word = signal;
  let now = Math.floor(clock.now());
  let seen = 0;
  let ticked = 0;
  let report = 0;
  let turns = 0;
  let naps = 0;
  let looks: number = LOOKS.most;
  // Until it knows its services, the program is to drop what is theirs: the host would answer it.
  let told = false;
  for (;;) {
    const work = worker.turn(now);
    const left = worker.flush();
    if (worker.asleep) poll(setAt, fds, 0);
    for (let i = 0; i < outboxes.length; i++) {
      const there = start.outboxes[i];
      if (there !== undefined && outboxes[i]?.publish() === true) ring(there.wake);
    }
    if (now - ticked >= TICK) {
      ticked = now;
      if (told) live(now);
      director.tick(now);
      if (now >= report) {
        worker.count();
        control.report();
        // With very many real servers it takes a while: then it is done once a second.
        report = now + Math.max(REPORT, Math.min(2 * REPORT, 25 * (clock.now() - now)));
      }
    }
    if (word[0] !== seen) {
      seen = Atomics.load(word, 0);
      for (let m = receiveMessageOnPort(port); m !== undefined; m = receiveMessageOnPort(port)) {
        const message = m.message as ToWorker;
        if (!control.obey(message, performance.now())) return;
        if (told || message.type !== 'apply') continue;
        told = true;
        live(clock.now());
      }
    }
    const pause = moderation.pause(work, now);
    if (pause > 0) {
      start.counters[FRAME.pauses]++;
      usleep(pause);
      now = Math.floor(clock.now());
      continue;
    }
    // The next frame is often near: looking for it costs less than falling asleep. What a link would not take is offered again soon.
    let due = false;
    for (let i = 0; i < looks && !due; i++) due = worker.due() || word[0] !== seen;
    if (due) {
      looks = Math.min(LOOKS.most, looks + LOOKS.more);
      // Turns without a sleep between them follow within microseconds.
      if ((++turns & 7) === 0) now = Math.floor(clock.now());
      continue;
    }
    looks = Math.max(LOOKS.fewest, looks >> 1);
    const woken = sleep(naps > 0 || left || worker.waits ? NAP : SLEEP);
    if (woken && naps > 0) naps--;
    else {
      const before = now;
      now = Math.floor(clock.now());
      naps = woken && now - before <= NAP ? NAPS : 0;
    }
  }
}

/** Whether there is something to do; false: the time went by. */
function sleep(ms: number): boolean {
  for (let i = 0; i < inboxes.length; i++) inboxes[i].sleep(1);
  let waiting = 0;
  for (let i = 0; i < inboxes.length; i++) waiting += inboxes[i].waiting();
  const ready = waiting > 0 ? waiting : libc.poll(setAt, sockets.length + 1, ms);
  for (let i = 0; i < inboxes.length; i++) inboxes[i].sleep(0);
  if (set[sockets.length * 2 + 1] >>> 16 !== 0) libc.read(start.wake, drainAt, 8);
  return ready > 0;
}

function live(now: number): void {
  const word = beat(origin + now * 1e6);
  for (let i = 0; i < queues.length; i++) alive[queues[i] * 2] = word;
}

function ring(fd: number): void {
  drain[0] = 1n;
  libc.write(fd, drainAt, 8);
}
