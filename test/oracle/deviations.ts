// Where the core differs from the kernel on purpose. A story ends at such a step, as the two go on differently.
import { formatEndpoint, formatIp } from '../../src/kit/ip.ts';
import { protocolOf } from './canon.ts';
import type { Mismatch } from './check.ts';
import { GRE, ICMP, ICMP6, IPIP, TCP, UDP } from './packet.ts';
import { type Step, type Story, toBytes } from './story.ts';

export interface Deviation {
  name: string;
  why: string;
  /** The two agree about everything after it. */
  goesOn: boolean;
  /** Absent where no story can show it. */
  is?: (story: Story, mismatch: Mismatch) => boolean;
}

export const DEVIATIONS: readonly Deviation[] = [
  {
    name: 'icmp6-of-nat',
    why: 'the kernel drops ICMPv6 errors about NAT connections, as it sums them up without the pseudo header; path MTU discovery needs them',
    goesOn: false,
    is: (story, m) => {
      const step = story.steps[m.step];
      const cell = step.do === 'frame' ? (step.cell ?? story.cell) : '';
      return (
        / (full)?nat .*v6$/.test(cell) &&
        /icmp6/.test(m.what) &&
        m.kernel === 'nothing' &&
        m.core.startsWith('icmp-out')
      );
    },
  },
  {
    name: 'template-timer',
    why: 'kernel timers fire up to an eighth late, so whether a template that is due about when its last connection is gets held for it, and until when, is a matter of chance',
    goesOn: false,
    is: (_story, m) =>
      m.what === 'connections' &&
      /:0 .* (NONE|ASSURED) \d+$/.test(m.core.includes('has it not') ? m.kernel : m.core),
  },
  {
    name: 'mtu-relayed',
    why: 'the kernel passes on the path MTU that it knew before the error; the core the one that the error tells, so that the client learns it at once',
    goesOn: true,
    is: (_story, m) =>
      m.core.startsWith('mtu-relayed: ') &&
      m.core.includes('type 3 code 4') &&
      m.kernel.includes('type 3 code 4'),
  },
  {
    name: 'tunnels-to-one-server',
    why: 'of an ipip and a gre tunnel to the same address the kernel takes in errors about the one that was added last alone; the core about both',
    goesOn: false,
    is: (story, m) =>
      story.steps.slice(0, m.step + 1).some((s, i) => {
        if (s.do !== 'frame' || s.side !== 'server' || s.sent.length > 0) return false;
        const quoted = quotedTunnel(toBytes(s.packet));
        return quoted !== undefined && tunnelsTo(story, i, quoted) > 1;
      }),
  },
  {
    name: 'source-port-0',
    why: 'the kernel finds no connection of a client with source port 0 again, neither for its packets, each of which opens another, nor for errors; the core keeps one',
    goesOn: false,
    is: (story, m) => story.steps.slice(0, m.step + 1).some(isFromPort0),
  },
  {
    name: 'drop-entry',
    why: 'no drop_entry: the kernel ends connections by dice when memory is short; a full table here evicts in a stated order, half-open ones first',
    goesOn: false,
  },
  {
    name: 'no-reset-at-expiry',
    why: 'LVS’s FullNAT patch resets both ends of a connection that idles out; here it ends silently, as in every other mode: time alone sends nothing',
    goesOn: false,
  },
  {
    name: 'ended-at-once',
    why: 'a connection that is given up is found in the kernel until its timer runs, at most a tick later: a refusal of what came may still count for it, and a reset of its own keeps it',
    goesOn: false,
    is: (story, m) => refusalCounted(story, m) || keptByReset(story, m),
  },
];

/** A client's packet with source port 0. */
function isFromPort0(step: Step): boolean {
  if (step.do !== 'frame' || step.side !== 'client') return false;
  const packet = Buffer.from(toBytes(step.packet));
  const protocol = protocolOf(packet);
  const head = packet[0] >> 4 === 6 ? (packet[6] === 44 ? 48 : 40) : (packet[0] & 15) * 4;
  return (protocol === TCP || protocol === UDP) && packet.readUInt16BE(head) === 0;
}

/** The server of the ipip or gre packet that an ICMP error is about. */
function quotedTunnel(packet: Uint8Array): string | undefined {
  if (packet[0] >> 4 !== 4 || packet[9] !== ICMP) return undefined;
  const quote = packet.subarray((packet[0] & 15) * 4 + 8);
  if (quote.length < 20 || (quote[9] !== IPIP && quote[9] !== GRE)) return undefined;
  return formatIp(quote, 16, 4);
}

/** How many kinds of tunnels without ports lead to `address` at a step. */
function tunnelsTo(story: Story, step: number, address: string): number {
  const kinds = new Set<string>();
  for (const s of story.steps.slice(0, step))
    if (s.do === 'dest' && s.dest.address === address && s.options?.forward === 'tun')
      kinds.add(s.options.tunnel?.type ?? 'ipip');
  kinds.delete('gue');
  return kinds.size;
}

/** The kernel counted more answers, as long as messages that it sent itself. */
function refusalCounted(story: Story, m: Mismatch): boolean {
  const [kernel, core] = [m.kernel, m.core].map(line => / out (\d+)\/(\d+)$/.exec(line));
  if (!m.what.startsWith('counters of') || kernel === null || core === null) return false;
  if (m.kernel.slice(0, kernel.index) !== m.core.slice(0, core.index)) return false;
  const packets = Number(kernel[1]) - Number(core[1]);
  const bytes = Number(kernel[2]) - Number(core[2]);
  const refusals = story.steps
    .slice(0, m.step)
    .flatMap(s => (s.do === 'frame' && s.side === 'client' ? s.sent : []))
    .map(s => toBytes(s.packet))
    .filter(p => [ICMP, ICMP6].includes(protocolOf(p)))
    .map(p => p.length);
  return packets > 0 && addsUp(new Set(refusals), packets, bytes);
}

/** The kernel has a connection whose client it sent a reset itself. */
function keptByReset(story: Story, m: Mismatch): boolean {
  const [protocol, client, virtual] = m.kernel.split(' ');
  if (m.what !== 'connections' || m.core !== 'has it not' || protocol !== 'tcp') return false;
  return story.steps
    .slice(0, m.step)
    .flatMap(s => (s.do === 'frame' && s.side === 'client' ? s.sent : []))
    .map(s => Buffer.from(toBytes(s.packet)))
    .filter(p => protocolOf(p) === TCP)
    .some(p => {
      const six = p[0] >> 4 === 6;
      const head = six ? 40 : (p[0] & 15) * 4;
      const [from, to] = six
        ? [formatIp(p, 8, 16), formatIp(p, 24, 16)]
        : [formatIp(p, 12, 4), formatIp(p, 16, 4)];
      const reset = (p[head + 13] & 4) !== 0;
      const ends = [formatEndpoint(from, p.readUInt16BE(head)), formatEndpoint(to, p.readUInt16BE(head + 2))];
      return reset && ends[0] === virtual && ends[1] === client;
    });
}

/** The deviation that a mismatch is. */
export function deviation(story: Story, mismatch: Mismatch): Deviation | undefined {
  return DEVIATIONS.find(d => d.is?.(story, mismatch) === true);
}

/** Whether `count` of these lengths, each as often as needed, make up `bytes`. */
function addsUp(lengths: ReadonlySet<number>, count: number, bytes: number): boolean {
  if (count === 0) return bytes === 0;
  return bytes > 0 && [...lengths].some(n => addsUp(lengths, count - 1, bytes - n));
}
