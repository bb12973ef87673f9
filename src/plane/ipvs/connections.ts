// The connections of the kernel's IPVS, from /proc/net/ip_vs_conn: netlink has no list of them.
//   Pro FromIP FPrt ToIP TPrt DestIP DestPort State Expires PEName PEData      (addresses and ports in hexadecimal)
import { open } from 'node:fs/promises';
import { formatEndpoint, formatIp } from '../../kit/ip.ts';
import type { ConnectionRow } from '../../model/service.ts';

const FILE = '/proc/net/ip_vs_conn';
/** Octets of one read. */
const CHUNK = 65_536;

/** At most `limit` connections; templates of persistence (client port 0) are none. Rejects with what the system says. */
export async function readConnections(limit: number, path = FILE): Promise<ConnectionRow[]> {
  const rows: ConnectionRow[] = [];
  const file = await open(path, 'r');
  try {
    let rest = '';
    const chunk = Buffer.alloc(CHUNK);
    while (rows.length < limit) {
      const { bytesRead } = await file.read(chunk, 0, CHUNK, null);
      if (bytesRead === 0) break;
      const lines = (rest + chunk.toString('latin1', 0, bytesRead)).split('\n');
      rest = lines.pop() as string;
      for (const line of lines) {
        const row = parseConnection(line);
        if (row !== undefined && rows.length < limit) rows.push(row);
      }
    }
  } finally {
    await file.close();
  }
  return rows;
}

/** A line of the file; undefined for its head, and for what is no connection of TCP or UDP. */
export function parseConnection(line: string): ConnectionRow | undefined {
  const [protocol, client, clientPort, vip, vipPort, server, serverPort, state, expires] = line
    .trim()
    .split(/\s+/);
  if ((protocol !== 'TCP' && protocol !== 'UDP') || expires === undefined) return undefined;
  if (clientPort === '0000') return undefined;
  return {
    protocol: protocol === 'TCP' ? 'tcp' : 'udp',
    state,
    expires: Number(expires) * 1000,
    client: endpoint(client, clientPort),
    virtual: endpoint(vip, vipPort),
    server: endpoint(server, serverPort),
  };
}

// IPv4 is eight digits, IPv6 eight groups of four, in brackets or not.
function endpoint(address: string, port: string): string {
  const bytes = Buffer.from(address.replaceAll(/[[\]:]/g, ''), 'hex');
  return formatEndpoint(formatIp(bytes, 0, bytes.length === 16 ? 16 : 4), Number.parseInt(port, 16));
}
