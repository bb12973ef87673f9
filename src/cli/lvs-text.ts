// The tables of ipvsadm, column for column: `-L`, `--stats`, `--rate` and `-Lnc`. What a plane does not count is `-`.
import { parseEndpoint, parseIp } from '../kit/ip.ts';
import { plain } from '../kit/text.ts';
import type { ConnectionRow } from '../model/service.ts';
import type { ServiceStatus } from '../model/status.ts';

export interface LvsView {
  show: 'setup' | 'stats' | 'rate';
  /** Addresses instead of the cluster file's names. */
  numeric: boolean;
  /** Numbers in full, however long. */
  exact: boolean;
}

const FORWARD = { nat: 'Masq', dr: 'Route', tun: 'Tunnel', fullnat: 'FullNat' } as const;
const HEADS = {
  stats: ['Conns', 'InPkts', 'OutPkts', 'InBytes', 'OutBytes'],
  rate: ['CPS', 'InPPS', 'OutPPS', 'InBPS', 'OutBPS'],
} as const;
/** Where the name of a service, and that of a real server behind its arrow, is cut. */
const SERVICE_WIDTH = 33;
const SERVER_WIDTH = 28;

/** The virtual services and their real servers, in ipvsadm's order. */
export function lvsText(services: readonly ServiceStatus[], view: LvsView): string {
  const lines = title(view.show);
  for (const s of [...services].sort((a, b) => compare(placeOf(a), placeOf(b)))) {
    const { protocol, address, port } = placeOf(s);
    const name = view.numeric ? s.key.slice(s.key.indexOf(' ') + 1) : `${plain(s.vip)}:${port}`;
    lines.push(serviceLine(s, cut(`${protocol.toUpperCase()}  ${name}`, address, SERVICE_WIDTH), view));
    const servers = [...s.realServers].sort((a, b) => compare(placeOf(a), placeOf(b)));
    for (const rs of servers) {
      const at = placeOf(rs);
      const named = view.numeric || rs.name === rs.key ? rs.key : `${plain(rs.name)}:${at.port}`;
      const left = `  -> ${cut(named, at.address, SERVER_WIDTH).padEnd(SERVER_WIDTH)}`;
      if (view.show !== 'setup') lines.push(left + numbers(rs, view));
      else {
        const forward = s.plane === 'proxy' ? 'Proxy' : FORWARD[s.forward];
        const rest = [forward.padEnd(7), pad(rs.weight, 6), pad(rs.active, 10), pad(rs.inactive, 10)];
        lines.push([left, ...rest].join(' '));
      }
    }
  }
  return `${lines.join('\n')}\n`;
}

/** The connections, as they come. */
export function connectionsText(rows: readonly ConnectionRow[]): string {
  const lines = [
    'IPVS connection entries',
    'pro expire state       source             virtual            destination',
    ...rows.map(r => {
      const seconds = Math.round(r.expires / 1000);
      const expire = [Math.floor(seconds / 60), seconds % 60].map(n => String(n).padStart(2, '0')).join(':');
      const left = [r.protocol.toUpperCase().padEnd(3), expire.padEnd(6), r.state.padEnd(11)];
      return [...left, r.client.padEnd(18), r.virtual.padEnd(18), r.server].join(' ');
    }),
  ];
  return `${lines.map(plain).join('\n')}\n`;
}

function title(show: LvsView['show']): string[] {
  if (show === 'setup')
    return [
      'Prot LocalAddress:Port Scheduler Flags',
      '  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn',
    ];
  const heads = HEADS[show].map(h => h.padStart(8)).join(' ');
  return [`${'Prot LocalAddress:Port'.padEnd(SERVICE_WIDTH)} ${heads}`, '  -> RemoteAddress:Port'];
}

function serviceLine(s: ServiceStatus, name: string, view: LvsView): string {
  if (view.show !== 'setup') return name.padEnd(SERVICE_WIDTH) + numbers(s, view);
  const ops = s.flags.includes('ops') ? ' ops' : '';
  const persistent = s.persistence > 0 ? ` persistent ${Math.round(s.persistence / 1000)}` : '';
  const flags = s.flags.filter(f => f !== 'ops');
  return `${name} ${s.scheduler}${flags.length > 0 ? ` (${flags.join(',')})` : ''}${persistent}${ops}`;
}

function numbers(of: ServiceStatus | ServiceStatus['realServers'][number], view: LvsView): string {
  const { connections, inPackets, outPackets, inBytes, outBytes } = view.show === 'rate' ? of.rates : of;
  return [connections, inPackets, outPackets, inBytes, outBytes].map(n => large(n, view.exact)).join('');
}

// Up to eight digits as they are; more become thousands, millions …, always cut down, never rounded up.
function large(value: number | undefined, exact: boolean): string {
  if (value === undefined) return '-'.padStart(9);
  const n = Math.trunc(value);
  if (exact) return ` ${String(n).padStart(8)}`;
  if (n < 1e8) return String(n).padStart(9);
  const [unit, letter] = n < 1e9 ? [1e3, 'K'] : n < 1e11 ? [1e6, 'M'] : n < 1e14 ? [1e9, 'G'] : [1e12, 'T'];
  return `${Math.floor(n / Number(unit))}`.padStart(8) + letter;
}

interface Place {
  protocol: string;
  address: string;
  port: number;
}

// `tcp 192.0.2.10:80`, or the endpoint alone.
function placeOf({ key }: { key: string }): Place {
  const gap = key.indexOf(' ');
  const { address, port } = parseEndpoint(key.slice(gap + 1)) ?? { address: key, port: 0 };
  return { protocol: gap < 0 ? '' : key.slice(0, gap), address, port };
}

// IPv4 before IPv6, tcp before udp, then by address and port.
function compare(a: Place, b: Place): number {
  const [x, y] = [a, b].map(p => Buffer.from(parseIp(p.address) ?? []));
  return x.length - y.length || order(a.protocol, b.protocol) || Buffer.compare(x, y) || a.port - b.port;
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

// ipvsadm cuts names of IPv4 alone.
function cut(name: string, address: string, width: number): string {
  return address.includes(':') ? name : name.slice(0, width);
}

function pad(n: number, width: number): string {
  return String(n).padEnd(width);
}
