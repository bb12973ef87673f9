// Why a socket could not be opened, in words that say what to do about it.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { GtmError } from '../kit/errors.ts';
import { formatEndpoint } from '../kit/ip.ts';

export type Transport = 'udp' | 'tcp';

/** The fault of a bind that failed. Codes: GTM_LISTEN_IN_USE, GTM_LISTEN_DENIED, GTM_LISTEN_ADDRESS, GTM_LISTEN. */
export function listenFault(thrown: unknown, transport: Transport, address: string, port: number): GtmError {
  const code = (thrown as { code?: string }).code;
  const subject = `dns: cannot listen on ${transport} ${formatEndpoint(address, port)}`;
  if (code === 'EADDRINUSE') {
    const owner = ownerOf(transport, port);
    const who = owner === undefined ? '' : ` by ${owner}`;
    const look = `ss -${transport === 'udp' ? 'u' : 't'}lpn 'sport = :${port}' shows who has it`;
    // The stub of systemd-resolved is what stands on port 53 of most desktops and many servers.
    const stub = port === 53 ? '; systemd-resolved lets go with DNSStubListener=no in resolved.conf' : '';
    return new GtmError('GTM_LISTEN_IN_USE', `${subject}: already in use${who}: ${look}${stub}`, thrown);
  }
  if (code === 'EACCES' || code === 'EPERM') {
    const how =
      port < 1024
        ? 'ports below 1024 need a capability: AmbientCapabilities=CAP_NET_BIND_SERVICE in the systemd unit, or ' +
          `setcap cap_net_bind_service=+ep ${process.execPath}`
        : 'the system forbids it';
    return new GtmError('GTM_LISTEN_DENIED', `${subject}: not permitted: ${how}`, thrown);
  }
  if (code === 'EADDRNOTAVAIL') {
    const how = 'no interface of this host has the address: add it to one, or correct dns.listen';
    return new GtmError('GTM_LISTEN_ADDRESS', `${subject}: ${how}`, thrown);
  }
  return new GtmError('GTM_LISTEN', `${subject}`, thrown);
}

/** `name (pid 123)` of a process that holds the port, as far as /proc lets us see; undefined otherwise. */
function ownerOf(transport: Transport, port: number): string | undefined {
  try {
    const inodes = new Set([
      ...inodesOf(`/proc/net/${transport}`, port),
      ...inodesOf(`/proc/net/${transport}6`, port),
    ]);
    for (const pid of readdirSync('/proc').filter(name => /^\d+$/.test(name)))
      if (holds(pid, inodes)) return `${readFileSync(`/proc/${pid}/comm`, 'utf8').trim()} (pid ${pid})`;
  } catch {
    // Not Linux, or no right to look: the message does without.
  }
  return undefined;
}

// Lines of /proc/net/udp and tcp: `sl local_address rem_address st …`, the inode in the tenth field; TCP state 0A listens.
function inodesOf(file: string, port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return readFileSync(file, 'utf8')
    .split('\n')
    .slice(1)
    .map(line => line.trim().split(/\s+/))
    .filter(f => f[1]?.endsWith(suffix) && (file.includes('udp') || f[3] === '0A'))
    .map(f => `socket:[${f[9]}]`);
}

function holds(pid: string, inodes: Set<string>): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some(fd => {
      try {
        return inodes.has(readlinkSync(`/proc/${pid}/fd/${fd}`));
      } catch {
        return false;
      }
    });
  } catch {
    return false;
  }
}
