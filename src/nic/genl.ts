// Generic netlink: a family's number and its multicast groups by name (include/uapi/linux/genetlink.h).
//   openGenl → family('IPVS') → request(command, …) over the one socket

import { GtmError } from '../kit/errors.ts';
import type { Libc } from './libc.ts';
import { errnoName, NETLINK, type Netlink, type NetlinkOptions, openNetlink } from './netlink.ts';
import { Attributes, type Message, Request } from './netlink-message.ts';

const CTRL = { id: 0x10, version: 2, GETFAMILY: 3 } as const;
const ATTR = { FAMILY_ID: 1, FAMILY_NAME: 2, VERSION: 3, MCAST_GROUPS: 7 } as const;
const GROUP = { NAME: 1, ID: 2 } as const;
/** struct genlmsghdr. */
export const GENL_HEADER = 4;

export interface Family {
  name: string;
  id: number;
  version: number;
  /** Multicast groups: their numbers by name. */
  groups: ReadonlyMap<string, number>;
}

/** Opens a socket for generic netlink. Throws GTM_SYSCALL. */
export function openGenl(libc: Libc, options?: NetlinkOptions): Netlink {
  return openNetlink(libc, NETLINK.GENERIC, options);
}

/** The family of that name; undefined when the kernel has none such (its module is not loaded). Throws GTM_NETLINK. */
export function findFamily(netlink: Netlink, name: string): Family | undefined {
  let replies: Message[];
  try {
    replies = netlink.request(
      `family ${name}`,
      genlRequest(CTRL, CTRL.GETFAMILY).text(ATTR.FAMILY_NAME, name),
    );
  } catch (e) {
    if (errnoName(e) === 'ENOENT') return undefined;
    throw e;
  }
  const attributes = new Attributes(replies[0]?.body ?? new Uint8Array(0), GENL_HEADER);
  const id = attributes.u16(ATTR.FAMILY_ID);
  if (id === undefined)
    throw new GtmError('GTM_NETLINK', `family ${name}: the kernel's answer has no number`);
  const groups = new Map<string, number>();
  for (const { value } of attributes.nested(ATTR.MCAST_GROUPS)?.list ?? []) {
    const group = new Attributes(value);
    groups.set(group.text(GROUP.NAME) ?? '', group.u32(GROUP.ID) ?? 0);
  }
  return { name, id, version: attributes.u32(ATTR.VERSION) ?? 1, groups };
}

/** A request to a family; attributes are appended to it. Flags are NLM's. */
export function genlRequest(family: { id: number; version: number }, command: number, flags = 0): Request {
  return new Request(family.id, flags).raw([command, family.version, 0, 0]);
}

/** The attributes of a reply, and its command. */
export function readGenl(message: Message): { command: number; attributes: Attributes } {
  return { command: message.body[0] ?? 0, attributes: new Attributes(message.body, GENL_HEADER) };
}
