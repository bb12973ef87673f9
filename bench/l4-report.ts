// What the l4 bench prints: medians over the rounds, and how they stand to what is to be reached.
import { cpus, release } from 'node:os';
import { median } from './dns-load.ts';
import { ROWS, type Row } from './l4-net.ts';

/** What one round of one row gave; NaN = not measured. */
export interface Figures {
  requests: number;
  connections: number;
  /** The same as parts of what plain routing carried right before. */
  requestShare: number;
  connectionShare: number;
  gigabits: number;
  packets: number;
  /** Microseconds of the machine for one request, and for one connection with its request; and over what plain routing took right before. */
  machineRequest: number;
  machineConnection: number;
  addedRequest: number;
  addedConnection: number;
  /** Of the director's process, for one request. */
  ownRequest: number;
  /**
   * Of its thread that forwards, for one packet: in user space, and of that in JavaScript, looking for frames in vain included.
   * Under keep-alive requests, where many frames come alone, and in a flood of small datagrams.
   */
  userPacket: number;
  scriptPacket: number;
  userSmall: number;
  scriptSmall: number;
  /** The part of the machine's processors that was busy while nothing was measured: others' work, which spoils the figures. */
  others: number;
}

export type Measured = Map<Row, Figures[]>;

/** What the figures are to reach. */
const TARGETS: readonly { what: string; value: (m: Medians) => number; bound: number; most?: true }[] = [
  ...(['nginx', 'haproxy'] as const).flatMap(peer => [
    {
      what: `xdp NAT over ${ROWS[peer].name}, requests/s`,
      value: (m: Medians) => m('xdp-nat', 'requestShare') / m(peer, 'requestShare'),
      bound: 1.2,
    },
    {
      what: `xdp NAT over ${ROWS[peer].name}, connections/s`,
      value: (m: Medians) => m('xdp-nat', 'connectionShare') / m(peer, 'connectionShare'),
      bound: 1.5,
    },
    {
      what: `CPU added by xdp NAT over that by ${ROWS[peer].name}, a request`,
      value: (m: Medians) => m('xdp-nat', 'addedRequest') / m(peer, 'addedRequest'),
      bound: 0.45,
      most: true as const,
    },
    {
      what: `CPU added by xdp NAT over that by ${ROWS[peer].name}, a connection`,
      value: (m: Medians) => m('xdp-nat', 'addedConnection') / m(peer, 'addedConnection'),
      bound: 0.3,
      most: true as const,
    },
  ]),
  ...(
    [
      ['xdp-nat', 1.2],
      ['xdp-dr', 0.8],
    ] as const
  ).flatMap(([row, bound]) => [
    {
      what: `µs of JavaScript for a packet, ${ROWS[row].name}, keep-alive requests`,
      value: (m: Medians) => m(row, 'scriptPacket'),
      bound,
      most: true as const,
    },
    {
      what: `µs of JavaScript for a packet, ${ROWS[row].name}, flood of small datagrams`,
      value: (m: Medians) => m(row, 'scriptSmall'),
      bound,
      most: true as const,
    },
  ]),
];

type Medians = (row: Row, figure: keyof Figures) => number;

function medians(measured: Measured): Medians {
  return (row, figure) => median((measured.get(row) ?? []).map(f => f[figure]));
}

function ratios(measured: Measured) {
  const m = medians(measured);
  return TARGETS.map(({ what, value, bound, most }) => {
    const got = value(m);
    return { what, value: round(got), bound, most: most === true, met: most ? got <= bound : got >= bound };
  }).filter(r => !Number.isNaN(r.value));
}

/** What the machine did beside, in the median of all rounds. */
function othersOf(measured: Measured): number {
  return round(median([...measured.values()].flat().map(f => f.others)));
}

function table(measured: Measured) {
  const m = medians(measured);
  return [...measured.keys()].map(row => ({
    row: ROWS[row].name,
    requestsPerSecond: Math.round(m(row, 'requests')),
    requestsOfRouting: round(m(row, 'requestShare')),
    connectionsPerSecond: Math.round(m(row, 'connections')),
    connectionsOfRouting: round(m(row, 'connectionShare')),
    gigabitsPerSecond: round(m(row, 'gigabits')),
    smallPacketsPerSecond: Math.round(m(row, 'packets')),
    machineMicrosPerRequest: round(m(row, 'machineRequest')),
    addedMicrosPerRequest: round(m(row, 'addedRequest')),
    machineMicrosPerConnection: round(m(row, 'machineConnection')),
    addedMicrosPerConnection: round(m(row, 'addedConnection')),
    directorMicrosPerRequest: round(m(row, 'ownRequest')),
    userMicrosPerPacket: round(m(row, 'userPacket')),
    scriptMicrosPerPacket: round(m(row, 'scriptPacket')),
    userMicrosPerSmallPacket: round(m(row, 'userSmall')),
    scriptMicrosPerSmallPacket: round(m(row, 'scriptSmall')),
  }));
}

/** The figures as JSON, one object. */
export function asJson(measured: Measured, rounds: number, seconds: number, notRun: unknown[]): string {
  const machine = {
    processors: cpus().length,
    model: cpus()[0]?.model,
    node: process.version,
    kernel: release(),
  };
  const rows = table(measured);
  return `${JSON.stringify({ bench: 'l4', machine, rounds, seconds, rows, others: othersOf(measured), ratios: ratios(measured), notRun }, null, 2)}\n`;
}

/** The figures as a table, and what of the aims was met. */
export function asText(measured: Measured, notRun: readonly { row: string; why: string }[]): string {
  const head = [
    'director',
    'req/s',
    'part',
    'conn/s',
    'part',
    'Gbit/s',
    '64 B pkt/s',
    'µs/req',
    '+µs/req',
    'µs/conn',
    '+µs/conn',
    'own µs/req',
    'user µs/pkt',
    'JS',
    'small user',
    'JS',
  ];
  const all = [
    head,
    ...table(measured).map(r => Object.values(r).map(v => (Number.isNaN(v) ? '-' : `${v}`))),
  ];
  const widths = head.map((_, c) => Math.max(...all.map(r => r[c].length)));
  return [
    ...all.map(r =>
      r.map((cell, c) => (c === 0 ? cell.padEnd(widths[c]) : cell.padStart(widths[c]))).join('  '),
    ),
    '',
    '«part»: of what plain routing carried right before; «+»: over what it took of the whole machine then (in its own row: how far two',
    'measurements of the same differ). The ratios below are of these. «user µs/pkt»: of the thread that forwards, in user space, as perf',
    'samples it: under keep-alive requests, where many frames come alone; «small»: in the flood of 64-octet datagrams. «JS»: of that the',
    'code that V8 made and V8 itself, looking for frames in vain included; the rest is the way into the system calls and out of them.',
    '',
    ...ratios(measured).map(
      r => `${r.met ? 'met ' : 'NOT '} ${r.what}: ${r.value} (at ${r.most ? 'most' : 'least'} ${r.bound})`,
    ),
    ...(othersOf(measured) > 0.1
      ? [
          `the machine was ${Math.round(othersOf(measured) * 100)} % busy with other work: CPU figures are not to be relied on`,
        ]
      : []),
    ...notRun.map(n => `not run: ${n.row}: ${n.why}`),
    '',
  ].join('\n');
}

function round(n: number): number {
  return Math.round(n * 100) / 100;
}
