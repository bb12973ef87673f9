// How many receive queues a link has now (ethtool's channels, by ioctl).
import { AF, SOCK_DGRAM } from './layout.ts';
import type { Libc } from './libc.ts';

const SIOCETHTOOL = 0x8946;
const GCHANNELS = 0x3c;
const IFREQ = { size: 40, value: 16 } as const;
/** Words of ethtool_channels. */
const CHANNELS = { words: 9, rx: 5, combined: 8 } as const;

/** The queues that frames may come in on; 1 where the driver does not tell. */
export function queuesOf(libc: Libc, name: string): number {
  const channels = new Uint32Array(new ArrayBuffer(CHANNELS.words * 4));
  channels[0] = GCHANNELS;
  const request = new Uint8Array(IFREQ.size);
  request.set(new TextEncoder().encode(name.slice(0, 15)));
  new DataView(request.buffer).setBigUint64(IFREQ.value, BigInt(libc.address(channels.buffer)), true);
  const fd = libc.socket(AF.INET, SOCK_DGRAM, 0);
  try {
    libc.ioctl(fd, SIOCETHTOOL, request);
    return Math.max(1, channels[CHANNELS.rx] + channels[CHANNELS.combined]);
  } catch {
    return 1;
  } finally {
    libc.close(fd);
  }
}
