// What the lab tells, as a table: each row is a story about one mode, family and protocol, told by programs that no one here wrote.
// A story throws when it is not as it should be.
import { death, dnsMoves, hashes, narrow, quiesce, shares, through, toa } from './changes.ts';
import {
  begun,
  dig,
  download,
  fragments,
  idle,
  inTurn,
  many,
  others,
  past,
  refused,
  source,
  upload,
} from './contents.ts';
import { otherFamily } from './families.ts';
import { flood } from './flood.ts';
import { gathering } from './gathering.ts';
import { lost, soon, withoutVip } from './health.ts';
import { remembered, restart } from './restart.ts';
import type { Family, Mode } from './site.ts';
import type { Context } from './telling.ts';

export interface Story {
  name: string;
  protocol: 'tcp' | 'udp' | 'any';
  /** Where it is told; everywhere if nothing is said. */
  modes?: readonly Mode[];
  /** ipvs: inside the kernel under test (npm run oracle:plane). */
  planes?: readonly Context['plane'][];
  families?: readonly Family[];
  /** Told once more on links of two queues. */
  queues?: true;
  /** Resolves to what is worth being said beside that it is so. */
  tell(c: Context): Promise<unknown>;
}

export const STORIES: readonly Story[] = [
  { name: 'both servers answer, in turn', protocol: 'tcp', queues: true, tell: inTurn },
  { name: 'the server sees who asks', protocol: 'tcp', planes: ['xdp', 'ipvs'], tell: source },
  { name: 'a file of 64 MiB comes whole', protocol: 'tcp', queues: true, tell: c => download(c, 'medium') },
  {
    name: 'a file of 1 GiB comes whole',
    protocol: 'tcp',
    modes: ['nat', 'tun'],
    families: [4],
    planes: ['xdp'],
    tell: c => download(c, 'large'),
  },
  { name: 'a file of 32 MiB is put whole, whatever the MTU on the way', protocol: 'tcp', tell: upload },
  { name: '200 connections at once', protocol: 'tcp', queues: true, tell: many },
  {
    name: 'a narrow link behind the router: the server hears of it, and 64 MiB come whole',
    protocol: 'tcp',
    planes: ['xdp', 'ipvs'],
    queues: true,
    tell: narrow,
  },
  {
    name: '64 clients: hashes share as weighted, and keep to their servers',
    protocol: 'tcp',
    modes: ['nat'],
    families: [4],
    // Hundreds of programs, one after the other, take minutes in a kernel under test.
    planes: ['proxy', 'xdp'],
    tell: hashes,
  },
  ...(['gue', 'gre'] as const).map(
    (tunnel): Story => ({
      name: `through ${tunnel.toUpperCase()}`,
      protocol: 'tcp',
      modes: ['tun'],
      planes: ['xdp', 'ipvs'],
      tell: c => through(c, tunnel),
    }),
  ),
  {
    name: 'one family inside the other, through IPIP, GUE and GRE',
    protocol: 'tcp',
    modes: ['tun'],
    planes: ['xdp', 'ipvs'],
    tell: otherFamily,
  },
  { name: 'TOA tells the server who asks', protocol: 'tcp', modes: ['fullnat'], planes: ['xdp'], tell: toa },
  {
    name: 'servers die, DNS answers move, and come back',
    protocol: 'tcp',
    modes: ['nat', 'dr'],
    families: [4],
    planes: ['xdp'],
    tell: c => dnsMoves(c),
  },
  {
    name: 'servers lose the VIP, DNS answers move, and come back',
    protocol: 'tcp',
    modes: ['dr', 'tun'],
    families: [4],
    planes: ['xdp'],
    tell: c => dnsMoves(c, lost),
  },
  {
    name: 'a server that lacks the VIP is found sick, gets nothing, and is well again with it',
    protocol: 'tcp',
    modes: ['dr', 'tun'],
    planes: ['xdp', 'ipvs'],
    queues: true,
    tell: withoutVip,
  },
  {
    name: 'a verdict counts in less than 50 ms',
    protocol: 'tcp',
    modes: ['nat', 'dr'],
    families: [4],
    planes: ['xdp'],
    queues: true,
    tell: soon,
  },
  { name: 'both servers answer dig', protocol: 'udp', queues: true, tell: dig },
  { name: 'an answer in fragments comes whole', protocol: 'udp', queues: true, tell: fragments },
  {
    name: 'a server without a listener refuses, and dig hears of it',
    protocol: 'udp',
    planes: ['xdp', 'ipvs'],
    queues: true,
    tell: refused,
  },
  {
    name: 'answers do not pass the director',
    protocol: 'tcp',
    modes: ['dr', 'tun'],
    planes: ['xdp', 'ipvs'],
    tell: past,
  },
  { name: 'weight 0 lets an open connection finish', protocol: 'tcp', tell: quiesce },
  { name: 'a server that dies is left out', protocol: 'tcp', tell: death },
  { name: 'an idle connection goes on', protocol: 'tcp', tell: idle },
  {
    name: 'ping and a port that is no service stay with the host',
    protocol: 'any',
    planes: ['xdp', 'ipvs'],
    tell: others,
  },
  {
    name: 'what a server begins goes out as its own',
    protocol: 'tcp',
    modes: ['nat'],
    planes: ['xdp', 'ipvs'],
    tell: begun,
  },
  {
    name: 'weights are shares, with every scheduler that has them',
    protocol: 'tcp',
    modes: ['nat'],
    families: [4],
    tell: shares,
  },
  {
    name: 'a restart: a gap of a second at most, no reset, 100 MB and wrk go on over it',
    protocol: 'tcp',
    modes: ['nat', 'fullnat', 'dr'],
    families: [4],
    planes: ['xdp'],
    queues: true,
    tell: restart,
  },
  {
    name: 'a restart: servers take new connections from local ports that they remember',
    protocol: 'tcp',
    modes: ['fullnat'],
    planes: ['xdp'],
    tell: remembered,
  },
  {
    name: 'frames gather under many clients, and not with moderation: off, from the next start on',
    protocol: 'tcp',
    modes: ['nat'],
    families: [4],
    planes: ['xdp'],
    tell: gathering,
  },
  // The last one: what it leaves half-open stays for a minute.
  ...(
    [
      ['nat', 4],
      ['nat', 6],
      ['fullnat', 4],
    ] as const
  ).map(
    ([mode, family]): Story => ({
      name: 'a SYN flood that overfills the table tenfold: what is open goes on, new clients come in',
      protocol: 'tcp',
      modes: [mode],
      families: [family],
      planes: ['xdp'],
      tell: flood,
    }),
  ),
];
