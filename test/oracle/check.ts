// Plays a recorded story into a subject and names the first step at which it differs from the kernel.
import { formatEndpoint } from '../../src/kit/ip.ts';
import type { ConnectionInfo, Counters, ServiceInfo } from '../../src/lvs/director.ts';
import { canon, words } from './canon.ts';
import { type Expected, hostWould } from './host.ts';
import { Names } from './rename.ts';
import {
  type Conn,
  type Counts,
  type Sent,
  type ServiceLook,
  type Step,
  type Story,
  toBytes,
  toText,
} from './story.ts';
import type { Heard, MakeSubject, Subject } from './subject.ts';
import { together } from './together.ts';

export interface Mismatch {
  /** Index of the step. */
  step: number;
  what: string;
  kernel: string;
  core: string;
}

/** How far two clocks may be apart when they say how long a connection has to go: ms. */
const TOLERANCE = 1000;

/** What a difference is taken for: undefined = a fault; else it is one on purpose, and the story goes on after it or ends there. */
export type Excuse = (story: Story, mismatch: Mismatch) => { goesOn: boolean } | undefined;

/** How far a story was compared, and the fault that ended it, if one did. */
export interface Verdict {
  end: number;
  mismatch?: Mismatch;
}

/** Compares step by step, up to the first difference that is no deviation. */
export function check(story: Story, make: MakeSubject, excuse: Excuse = () => undefined): Verdict {
  const first = story.steps[0];
  const subject = make(first.do === 'mtu' ? first.mtu : 1500);
  const names = story.steps.some(s => s.do === 'masquerade') ? new Names() : undefined;
  for (const [index, step] of story.steps.entries()) {
    let fault: Omit<Mismatch, 'step'> | undefined;
    try {
      fault = perform(subject, step, names);
    } catch (e) {
      fault = {
        what: step.do,
        kernel: 'did it',
        core: e instanceof Error ? (e.stack ?? e.message) : String(e),
      };
    }
    if (fault === undefined) continue;
    const mismatch = { step: index, ...fault };
    const excused = excuse(story, mismatch);
    if (excused === undefined) return { end: index, mismatch };
    if (!excused.goesOn) return { end: index };
  }
  return { end: story.steps.length };
}

/** The kernel's timers run while the clock is set ahead; the core's at this pace: ms. */
const PACE = 100;

function perform(subject: Subject, step: Step, names: Names | undefined): Omit<Mismatch, 'step'> | undefined {
  if (step.do === 'advance') for (let t = step.at - step.ms; t < step.at; t += PACE) subject.tick(t);
  subject.tick(step.at);
  if (step.do === 'service') subject.service(step.verb, step.key, step.options);
  else if (step.do === 'dest') subject.dest(step.verb, step.key, step.dest, step.options);
  else if (step.do === 'sysctl') subject.sysctl(step.values);
  else if (step.do === 'frame') {
    const packet = toBytes(step.packet);
    const back = names !== undefined && step.side === 'server';
    const heard = subject.frame(back ? names.toCore(packet) : packet, step.at);
    const expected: Expected =
      heard.host === undefined ? { sent: heard.sent, own: heard.own } : hostWould(heard.host, step.sent);
    if (names !== undefined && heard.host === undefined) {
      const fault = rename(subject, names, step, heard, expected);
      if (fault !== undefined)
        return { what: step.what, kernel: 'one local end for a connection', core: fault };
    }
    const full = names !== undefined;
    const [kernel, core] = [show(step.sent, expected.own, full), show(expected.sent, expected.own, full)];
    if (kernel === core) return undefined;
    return {
      what: `${step.what}: ${words(packet)}`,
      kernel: tell(step.sent, expected.own),
      core: `${heard.reason}: ${tell(expected.sent, expected.own)}`,
    };
  } else if (step.do === 'look') return lookAt(subject, step.conns, step.services);
  return undefined;
}

// What the core sent gets the kernel's local ends.
function rename(
  subject: Subject,
  names: Names,
  step: Step & { do: 'frame' },
  heard: Heard,
  expected: Expected,
): string | undefined {
  const core = together(heard.sent);
  const kernel = together(step.sent);
  if (step.side === 'client' && core.length === 1 && kernel.length === 1 && core[0].side === 'server') {
    const [k, c] = [kernel[0], core[0]].map(s => toBytes(s.packet));
    const opened = subject.services().reduce((sum, service) => sum + service.counters.conns, 0);
    const fault = names.learn(k, c, opened);
    if (fault !== undefined) return fault;
  }
  expected.sent = core.map(s => ({ ...s, packet: toText(names.toKernel(toBytes(s.packet))) }));
  return undefined;
}

function show(all: readonly Sent[], own: boolean, full: boolean): string {
  return together(all)
    .map(s => `${s.side} ${s.hop} ${canon(toBytes(s.packet), own, full)}`)
    .sort()
    .join('\n');
}

function tell(sent: readonly Sent[], own: boolean): string {
  if (sent.length === 0) return 'nothing';
  return sent
    .map(s => `${s.side} ${s.hop} ${words(toBytes(s.packet))}\n      ${canon(toBytes(s.packet), own)}`)
    .join('\n    ');
}

function lookAt(
  subject: Subject,
  conns: readonly Conn[],
  services: readonly ServiceLook[],
): Omit<Mismatch, 'step'> | undefined {
  const overdue = conns.filter(c => c.expires <= 1);
  // One that was given up for a new connection of the same ends stands beside it for a moment.
  const theirs = new Map(conns.toSorted((a, b) => a.expires - b.expires).map(c => [keyOf(c), c]));
  const mine = new Map([...subject.connections()].map(c => [keyOf(plain(c)), plain(c)]));
  for (const [key, c] of theirs) {
    const m = mine.get(key);
    if (m === undefined) {
      if (c.expires > 1) return { what: 'connections', kernel: line(c), core: 'has it not' };
      continue;
    }
    if (m.state !== c.state) return { what: 'connections', kernel: line(c), core: line(m) };
    // The kernel shows whole seconds, cut off.
    if (Math.abs(m.expires - c.expires * 1000 - 500) > TOLERANCE + 500)
      return { what: 'connections', kernel: line(c), core: line(m) };
  }
  for (const [key, m] of mine) {
    if (!theirs.has(key) && m.expires > TOLERANCE)
      return { what: 'connections', kernel: 'has it not', core: line(m) };
  }
  return overdue.length > 0 ? undefined : compareServices(services, subject.services());
}

function compareServices(
  theirs: readonly ServiceLook[],
  mine: readonly ServiceInfo[],
): Omit<Mismatch, 'step'> | undefined {
  const name = (k: { protocol: string; address: string; port: number }) =>
    `${k.protocol} ${formatEndpoint(k.address, k.port)}`;
  const table = new Map<string, string>();
  for (const s of mine) {
    table.set(name(s), counts(s.counters));
    for (const d of s.dests)
      table.set(
        `${name(s)} -> ${formatEndpoint(d.address, d.port)}`,
        `weight ${d.weight} active ${d.active} inactive ${d.inactive} persistent ${d.persistent} ${counts(d.counters)}`,
      );
  }
  for (const s of theirs) {
    const all: [string, string][] = [[name(s.key), counts(s.counts)]];
    for (const d of s.dests)
      all.push([
        `${name(s.key)} -> ${formatEndpoint(d.address, d.port)}`,
        `weight ${d.weight} active ${d.active} inactive ${d.inactive} persistent ${d.persistent} ${counts(d.counts)}`,
      ]);
    for (const [key, value] of all) {
      if (table.get(key) !== value)
        return { what: `counters of ${key}`, kernel: value, core: String(table.get(key)) };
    }
  }
  return undefined;
}

function counts(c: Counts | Counters): string {
  return `conns ${c.conns} in ${c.inpkts}/${c.inbytes} out ${c.outpkts}/${c.outbytes}`;
}

function plain(c: ConnectionInfo): Conn {
  const end = (e: { address: string; port: number }) => formatEndpoint(e.address, e.port);
  return {
    protocol: c.protocol,
    client: end(c.client),
    virtual: end(c.virtual),
    dest: end(c.dest),
    state: c.state,
    expires: c.expires,
  };
}

function keyOf(c: Conn): string {
  return `${c.protocol} ${c.client} ${c.virtual} ${c.dest}`;
}

function line(c: Conn): string {
  return `${keyOf(c)} ${c.state} ${c.expires}`;
}
