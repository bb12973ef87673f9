// The picture of a packet's way that LVS tutorials draw: a box for the packet wherever it is other than before, what is new marked by
// «*», and between the boxes the points of the way with their hooks.
//   request: client → PREROUTING → LOCAL_IN → LOCAL_OUT → POSTROUTING → server; answer: server → FORWARD | LOCAL_IN → … → client
import { plain } from '../kit/text.ts';
import type { Journey } from '../lvs/simulate/journey.ts';
import type { Way } from '../lvs/simulate/simulator.ts';
import { endsOf, type HeaderView, type PacketView } from '../lvs/simulate/view.ts';

/** Inside of a box: as narrow as a terminal of 80 columns has it; longer lines make it wider. */
const WIDTH = 76;
/** Where words are broken into a next line. */
const WRAP = 88;

/** A journey for a terminal. `director`: what the node is called. */
export function picture(journey: Journey, director: string): string {
  const { request, service, server, connection, received, answer } = journey;
  const lines = [...title(journey), '', ...wayLines(request, 'from the client')];
  if (server !== undefined) {
    const at = server.name === server.key ? server.key : `${server.name} (${server.key})`;
    lines.push('', ...wrap(`WHY ${at}  `, server.why), ...candidateLines(server.candidates));
    if (connection !== undefined) {
      const local = connection.local === undefined ? '' : `, local address ${connection.local}`;
      const left = Math.round(connection.expires / 1000);
      lines.push(`connection: ${connection.state}, ${left} s to go${local}`);
    }
  }
  if (received !== undefined && server !== undefined) {
    lines.push('', ...wrap(`AT ${server.name}  `, received.needs));
    if (received.packet.headers.length !== request.leaves?.headers.length)
      lines.push(...box('out of the tunnel', packetLines(received.packet)));
  }
  if (answer !== undefined && service !== undefined) {
    lines.push('', ...wrap('THE ANSWER  ', answer.words), '');
    const from = `from ${server?.name ?? 'the server'}`;
    if (answer.way !== undefined) lines.push(...wayLines(answer.way, from));
    else lines.push(...box(`${from}, past ${director}`, packetLines(answer.packet)));
  }
  return `${lines.map(l => plain(l).trimEnd()).join('\n')}\n`;
}

/** One packet on one line: `tcp 198.51.100.7:40000 > 192.0.2.10:80 SYN`. */
export function packetText(view: PacketView): string {
  const { source, destination, protocol } = endsOf(view);
  const flags = view.headers.findLast(h => h.kind === 'tcp');
  const icmp = view.headers.find(h => h.kind === 'icmp');
  const more = icmp !== undefined ? ` type ${icmp.type} code ${icmp.code}` : '';
  return `${protocol} ${source} > ${destination}${flags?.flags ? ` ${flags.flags}` : ''}${more}`;
}

function title({ request, service }: Journey): string[] {
  const what = `THE REQUEST  ${packetText(request.arrives)}, ${request.arrives.length} bytes`;
  if (service === undefined) return [what];
  const { vip, key, forward, scheduler } = service;
  return [what, `VIP ${vip}, service ${key}, forward ${forward}, scheduler ${scheduler}`];
}

function wayLines(way: Way, from: string): string[] {
  const lines = [...box(from, packetLines(way.arrives)), BAR];
  const names = way.stops.flatMap(s => s.hooks.map(h => h.name.length));
  const wide = Math.max(0, ...names);
  for (const { point, hooks, before, after } of way.stops) {
    const body = hooks.flatMap(h =>
      wrap(`${h.name.padEnd(wide)} ${String(h.priority).padStart(4)}  `, h.did, WRAP - 24),
    );
    lines.push(...beside(point.padEnd(13), body.length === 0 ? ['no hooks'] : body));
    if (after !== undefined) lines.push(ARROW, ...box(`out of ${point}`, packetLines(after, before)), BAR);
  }
  const where =
    way.leaves === undefined ? '' : way.verdict === 'host' ? ' to the host’s own stack' : ' on the wire';
  const cut = way.fragments === undefined ? '' : `, in fragments of at most ${way.fragments} bytes`;
  return [
    ...lines,
    ARROW,
    ...wrap(`${way.verdict.toUpperCase()}${where}  `, `${way.meaning} [${way.reason}]${cut}`),
  ];
}

const BAR = '      |';
const ARROW = '      v';

function beside(head: string, lines: readonly string[]): string[] {
  return lines.map((l, i) => `${BAR}  ${i === 0 ? head : ' '.repeat(head.length)}${l}`);
}

// With what differs from `before` marked.
function packetLines(view: PacketView, before?: PacketView): string[] {
  const old = new Set(before === undefined ? [] : textLines(before));
  return textLines(view).map(line => `${before === undefined || old.has(line) ? ' ' : '*'} ${line}`);
}

function textLines({ mac, headers }: PacketView): string[] {
  const first = mac === undefined ? [] : [row('MAC', mac.source, mac.destination, '')];
  let quoted = false;
  const rest = headers.map(h => {
    const text = `${quoted ? '  quotes ' : ''}${headerText(h)}`;
    if (h.kind === 'icmp') quoted = true;
    return text;
  });
  return [...first, ...rest];
}

function headerText(h: HeaderView): string {
  switch (h.kind) {
    case 'ip': {
      const more = [
        `${h.version === 4 ? 'ttl' : 'hops'} ${h.ttl}`,
        ...(h.df === true ? ['DF'] : []),
        ...(h.tos === 0 ? [] : [`tos 0x${h.tos.toString(16)}`]),
        ...(h.fragment === undefined ? [] : [`fragment at ${h.fragment.offset}`]),
      ];
      return row(h.version === 4 ? 'IPv4' : 'IPv6', h.source, h.destination, more.join(' '));
    }
    case 'tcp': {
      const more = [h.flags, `seq ${h.sequence}`, ...h.options].join(', ');
      return row('TCP', String(h.source), String(h.destination), more);
    }
    case 'udp':
      return row('UDP', String(h.source), String(h.destination), '');
    case 'icmp':
      return `${h.version === 4 ? 'ICMP' : 'ICMPv6'} type ${h.type} code ${h.code}${h.mtu === undefined ? '' : ` mtu ${h.mtu}`}`;
    case 'gre':
      return `GRE${h.checksum ? '  with checksum' : ''}`;
    case 'gue':
      return 'GUE';
    default:
      return `protocol ${h.protocol}`;
  }
}

function row(name: string, source: string, destination: string, more: string): string {
  return `${name.padEnd(5)}${source} > ${destination}${more === '' ? '' : `   ${more}`}`;
}

function candidateLines(candidates: NonNullable<Journey['server']>['candidates']): string[] {
  const shown = candidates.slice(0, 20);
  const lines = shown.map(c => {
    const value = c.value === undefined ? '' : `  value ${Number(c.value.toFixed(2))}`;
    const name = c.name === c.key ? c.key : `${c.name} (${c.key})`;
    const barred = c.barred === undefined ? '' : `  not available: ${c.barred}`;
    return `  ${c.picked ? '->' : '  '} ${name}  weight ${c.weight}  active ${c.active}  inactive ${c.inactive}${value}${barred}`;
  });
  const rest = candidates.length - shown.length;
  return rest > 0 ? [...lines, `     and ${rest} more`] : lines;
}

function box(name: string, body: readonly string[]): string[] {
  const width = Math.max(WIDTH, ...body.map(l => l.length));
  return [
    `+- ${name} ${'-'.repeat(Math.max(0, width - name.length - 2))}+`,
    ...body.map(l => `| ${l.padEnd(width)}|`),
    `+${'-'.repeat(width + 1)}+`,
  ];
}

// Words after a head, broken so that lines fit; what follows is indented to the head.
function wrap(head: string, text: string, width = WRAP): string[] {
  const room = width - head.length;
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines.length - 1;
    if (lines[last] !== '' && lines[last].length + word.length >= room) lines.push(word);
    else lines[last] += lines[last] === '' ? word : ` ${word}`;
  }
  return lines.map((l, i) => (i === 0 ? head : ' '.repeat(head.length)) + l);
}
