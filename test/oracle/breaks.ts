// The core broken on purpose, one piece at a time: each must be found by the stories that the real kernel recorded.
import { delta16, update } from '../../src/kit/checksum.ts';
import { formatIp } from '../../src/kit/ip.ts';
import { SCHEDULER } from '../../src/lvs/sched/index.ts';
import { makeMh } from '../../src/lvs/sched/mh.ts';
import type { MakeScheduler } from '../../src/lvs/sched/scheduler.ts';
import type { SchedulerName } from '../../src/model/schema.ts';
import { checksum, TCP } from './packet.ts';
import { toBytes, toText } from './story.ts';
import { type Heard, type MakeSubject, makeSubject } from './subject.ts';
import { LOCALS, OWN } from './topology.ts';

export interface Break {
  name: string;
  /** Runs `within` with the piece broken. */
  run: <T>(within: (make: MakeSubject) => T) => T;
}

/** Another scheduler under the name of one. */
function scheduler(name: SchedulerName, what: string, by: MakeScheduler): Break {
  const table = SCHEDULER as { [n in SchedulerName]: MakeScheduler };
  return {
    name: `${name}: ${what}`,
    run: within => {
      const right = table[name];
      table[name] = by;
      try {
        return within(makeSubject);
      } finally {
        table[name] = right;
      }
    },
  };
}

/** A change of each packet that the core sends. */
function rewrite(name: string, change: (packet: Buffer, heard: Heard) => void): Break {
  const make: MakeSubject = mtu => {
    const right = makeSubject(mtu);
    return {
      ...right,
      frame: (packet, now) => {
        const heard = right.frame(packet, now);
        const sent = heard.sent.map(s => {
          const bytes = Buffer.from(toBytes(s.packet));
          change(bytes, heard);
          if (bytes[0] >> 4 === 4) {
            bytes.writeUInt16BE(0, 10);
            bytes.writeUInt16BE(checksum(bytes.subarray(0, (bytes[0] & 15) * 4)), 10);
          }
          return { ...s, packet: toText(bytes) };
        });
        return { ...heard, sent };
      },
    };
  };
  return { name, run: within => within(make) };
}

/** A subject that is told something else. */
function told(
  name: string,
  change: (right: ReturnType<MakeSubject>) => Partial<ReturnType<MakeSubject>>,
): Break {
  const make: MakeSubject = mtu => {
    const right = makeSubject(mtu);
    return { ...right, ...change(right) };
  };
  return { name, run: within => within(make) };
}

/** FullNAT's packets to servers, all from one port. */
function onePort(p: Buffer): void {
  const six = p[0] >> 4 === 6;
  const l4 = six ? 40 : (p[0] & 15) * 4;
  const protocol = p[six ? 6 : 9];
  const local = formatIp(p, six ? 8 : 12, six ? 16 : 4);
  if (protocol !== TCP || ![...LOCALS[4], ...LOCALS[6], ...OWN.server].includes(local)) return;
  const check = update(p.readUInt16BE(l4 + 16), delta16(p.readUInt16BE(l4), 5000));
  p.writeUInt16BE(5000, l4);
  p.writeUInt16BE(check, l4 + 16);
}

const { rr, wrr, lc, wlc, sh, sed } = SCHEDULER;

export const BREAKS: readonly Break[] = [
  scheduler('rr', 'the least loaded instead', lc),
  scheduler('wrr', 'without weights', rr),
  scheduler('lc', 'in turn', rr),
  scheduler('wlc', 'without weights', lc),
  scheduler('sed', 'counts closing connections', wlc),
  scheduler('nq', 'never looks for an idle one', sed),
  scheduler('fo', 'in turn', wrr),
  scheduler('ovf', 'never full', SCHEDULER.fo),
  scheduler('lblc', 'forgets destinations', wlc),
  scheduler('lblcr', 'forgets destinations', wlc),
  scheduler('dh', 'by the source', sh),
  scheduler('sh', 'the port never counts', (dests, flags, seams) =>
    sh(dests, { ...flags, port: false }, seams),
  ),
  scheduler('mh', 'a table of another size', makeMh(13)),
  rewrite('the hop is not counted', p => {
    p[p[0] >> 4 === 6 ? 7 : 8]++;
  }),
  rewrite('DF is lost', p => {
    if (p[0] >> 4 === 4) p[6] &= 0xbf;
  }),
  rewrite('the service class and ECN are lost', p => {
    if (p[0] >> 4 === 4) p[1] = 0;
    else p.writeUInt32BE((p.readUInt32BE(0) & 0xf00fffff) >>> 0, 0);
  }),
  rewrite('TCP checksums are off by one', p => {
    if (p[0] >> 4 === 4 && p[9] === 6 && p.length >= 40) p[37] ^= 1;
  }),
  rewrite('a told MTU is four too small', (p, heard) => {
    if (heard.reason === 'frag-needed') p[p[0] >> 4 === 6 ? 47 : 27] -= 4;
  }),
  rewrite('the outer source is another', p => {
    if (p[0] >> 4 === 4 && (p[9] === 4 || p[9] === 47)) p[15] ^= 2;
  }),
  rewrite('FullNAT: the clients share a port', onePort),
  told('secure_tcp is not heard', right => ({
    sysctl: values => right.sysctl({ ...values, secure_tcp: 0 }),
  })),
  told('drop_packet is not heard', right => ({
    sysctl: values => right.sysctl({ ...values, drop_packet: 0 }),
  })),
  told('weights stay as they were', right => ({
    dest: (verb, key, dest, options) => {
      if (verb !== 'set') right.dest(verb, key, dest, options);
    },
  })),
  told('the time-outs are the defaults', right => ({
    service: (verb, key, options) => {
      if (options === undefined) right.service(verb, key);
      else {
        const { timeouts: _, ...rest } = options;
        right.service(verb, key, rest);
      }
    },
  })),
];
