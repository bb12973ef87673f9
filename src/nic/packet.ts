// Whole frames out of an interface, past the kernel's stack (packet(7)), and the two that tell neighbours of an address.
import type { Libc } from './libc.ts';

const AF_PACKET = 17;
const SOCK_RAW = 3;
const BROADCAST = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
/** ff02::1 on the link layer, and as an address. */
const ALL_NODES = [0x33, 0x33, 0, 0, 0, 1];
const ALL_NODES_6 = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
const [ETH_ARP, ETH_IPV6] = [
  [8, 6],
  [0x86, 0xdd],
];
const ICMPV6 = 58;
const [NEIGHBOUR_ADVERTISEMENT, OVERRIDE, TARGET_LINK] = [136, 0x20, 2];

/** Sends one frame out of an interface, by its index. Throws GTM_SYSCALL. */
export function sendFrame(libc: Libc, iface: number, frame: Uint8Array): void {
  const sender = openSender(libc);
  try {
    sender.send(iface, frame);
  } finally {
    sender.close();
  }
}

export interface Sender {
  /** Throws GTM_SYSCALL. */
  send(iface: number, frame: Uint8Array): void;
  close(): void;
}

/** A socket for many frames: to close one keeps the caller waiting, some ten milliseconds. Throws GTM_SYSCALL. */
export function openSender(libc: Libc): Sender {
  // Protocol 0: nothing is received.
  const fd = libc.socket(AF_PACKET, SOCK_RAW, 0);
  let bound = 0;
  return {
    send: (iface, frame) => {
      if (iface !== bound) {
        const name = new Uint8Array(20);
        const view = new DataView(name.buffer);
        view.setUint16(0, AF_PACKET, true);
        view.setInt32(4, iface, true);
        libc.bind(fd, name);
        bound = iface;
      }
      const held = frame.slice();
      libc.write(fd, libc.address(held.buffer), held.length);
    },
    close: () => libc.close(fd),
  };
}

/** The frame that tells the link that `address` stands at `mac`: ARP announcement (RFC 5227 §3) or unsolicited NA (RFC 4861 §7.2.6). */
export function announcement(address: Uint8Array, mac: Uint8Array): Uint8Array {
  return address.length === 4 ? arpAnnouncement(address, mac) : unsolicitedAdvertisement(address, mac);
}

function arpAnnouncement(address: Uint8Array, mac: Uint8Array): Uint8Array {
  const request = [0, 1, 8, 0, 6, 4, 0, 1];
  return Uint8Array.from([
    ...BROADCAST,
    ...mac,
    ...ETH_ARP,
    ...request,
    ...[...mac, ...address],
    ...[0, 0, 0, 0, 0, 0, ...address],
    ...new Array(18).fill(0),
  ]);
}

function unsolicitedAdvertisement(address: Uint8Array, mac: Uint8Array): Uint8Array {
  const message = [NEIGHBOUR_ADVERTISEMENT, 0, 0, 0, OVERRIDE, 0, 0, 0, ...address, TARGET_LINK, 1, ...mac];
  const pseudo = [...address, ...ALL_NODES_6, 0, 0, 0, message.length, 0, 0, 0, ICMPV6];
  const all = [...pseudo, ...message];
  let sum = 0;
  for (let i = 0; i < all.length; i += 2) sum += (all[i] << 8) | all[i + 1];
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  message[2] = (~sum >> 8) & 255;
  message[3] = ~sum & 255;
  const header = [0x60, 0, 0, 0, 0, message.length, ICMPV6, 255];
  return Uint8Array.from([
    ...ALL_NODES,
    ...mac,
    ...ETH_IPV6,
    ...header,
    ...address,
    ...ALL_NODES_6,
    ...message,
  ]);
}
