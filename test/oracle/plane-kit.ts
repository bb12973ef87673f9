// What the stories of the ipvs plane are told with, inside the kernel under test: a fresh network namespace for each, the
// plane opened on a door that counts what goes to the kernel, and what `ipvsadm` says of it.
import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { lvsText } from '../../src/cli/lvs-text.ts';
import { silent } from '../../src/kit/log.ts';
import type { Plane, ServiceSpec } from '../../src/model/service.ts';
import type { ServiceStatus } from '../../src/model/status.ts';
import { type Libc, openLibc } from '../../src/nic/libc.ts';
import { NETLINK } from '../../src/nic/netlink.ts';
import { type IpvsOptions, openIpvsPlane } from '../../src/plane/ipvs.ts';
import { plainService } from '../specs.ts';
import { openLibc as openTestLibc } from './libc.ts';

const NO_RATES = { connections: 0, inPackets: 0, outPackets: 0, inBytes: 0, outBytes: 0 };
/** Commands of IPVS that change something. */
const CHANGES: ReadonlySet<number> = new Set([1, 2, 3, 5, 6, 7, 9, 10, 12, 16, 17]);
const GENL_CONTROL = 0x10;
const AF_NETLINK = 16;

/** Enters a fresh network namespace in which every address has a way. */
export function freshNamespace(): void {
  openTestLibc().unshare();
  const batch = ['link set lo up', 'link add d0 type dummy', 'link set d0 up'];
  batch.push('addr add 172.16.0.1/16 dev d0', 'addr add fd00:5::1/64 dev d0 nodad');
  batch.push('route add default via 172.16.0.254', '-6 route add default via fd00:5::fe');
  for (const line of batch) execFileSync('ip', line.split(' '));
}

/** The C library, with a count of the changes that IPVS was asked for; instead of number `die` the process ends. */
export async function countingLibc(die = Infinity): Promise<{ libc: Libc; changes: () => number }> {
  const libc = await openLibc();
  let changes = 0;
  let last: { address: number; bytes: Uint8Array } = { address: 0, bytes: new Uint8Array(0) };
  // Of routes, too, the kernel is asked: their messages have the same numbers.
  const generic = new Set<number>();
  const isChange = () => {
    const type = last.bytes[4] | (last.bytes[5] << 8);
    return last.bytes.length >= 20 && type > GENL_CONTROL && CHANGES.has(last.bytes[16]);
  };
  return {
    libc: {
      ...libc,
      socket: (domain, type, protocol) => {
        const fd = libc.socket(domain, type, protocol);
        if (domain === AF_NETLINK && protocol === NETLINK.GENERIC) generic.add(fd);
        else generic.delete(fd);
        return fd;
      },
      address: memory => {
        last = { address: libc.address(memory), bytes: new Uint8Array(memory) };
        return last.address;
      },
      write: (fd, memory, length) => {
        if (generic.has(fd) && memory === last.address && isChange() && ++changes >= die)
          process.kill(process.pid, 'SIGKILL');
        return libc.write(fd, memory, length);
      },
    },
    changes: () => changes,
  };
}

export function scratch(): string {
  return mkdtempSync(join('/run', 'plane-'));
}

export function openPlane(over: Partial<IpvsOptions> = {}): Promise<Plane> {
  return openIpvsPlane({
    node: 'n',
    stateDir: scratch(),
    ownAll: false,
    drain: 60_000,
    log: silent,
    ...over,
  });
}

export function service(over: Partial<ServiceSpec> & Pick<ServiceSpec, 'address' | 'port'>): ServiceSpec {
  return { ...plainService(over.address, over.port, over.protocol), ...over };
}

/** `gtm lvs ls -n` of a plane. */
export function listed(plane: Plane, specs: readonly ServiceSpec[]): string {
  const by = new Map(specs.map(s => [s.key, s]));
  const rows = plane.counters().map((c): ServiceStatus => {
    const { scheduler, flags, forward, persistence } = by.get(c.key) as ServiceSpec;
    const realServers = c.realServers.map(rs => ({ ...rs, rates: NO_RATES }));
    return { ...c, plane: plane.name, scheduler, flags, forward, persistence, rates: NO_RATES, realServers };
  });
  return lvsText(rows, { show: 'setup', numeric: true, exact: true });
}

/** `ipvsadm -Ln` without its first line, which tells the kernel's version. */
export function ipvsadm(...args: string[]): string {
  const text = execFileSync('ipvsadm', args.length === 0 ? ['-Ln'] : args, { encoding: 'utf8' });
  return args.length === 0 ? text.slice(text.indexOf('\n') + 1) : text;
}

/** The first line in which two texts differ; undefined for none. */
export function difference(ours: string, theirs: string): string | undefined {
  const [a, b] = [ours.split('\n'), theirs.split('\n')];
  for (let i = 0; i < Math.max(a.length, b.length); i++)
    if (a[i]?.trimEnd() !== b[i]?.trimEnd()) return `line ${i + 1}: ours «${a[i]}», ipvsadm «${b[i]}»`;
  return undefined;
}
