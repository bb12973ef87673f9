// The ports of a WKS record (RFC 1035 §3.4.2): a bitmap, written as numbers. Names of services are read, too.
import { show } from '../zonefile/faults.ts';
import type { Kind } from './kind.ts';
import { bitmap, bits } from './types.ts';

/** The services that such records were written with. */
const SERVICES: ReadonlyMap<string, number> = new Map([
  ['echo', 7],
  ['discard', 9],
  ['daytime', 13],
  ['ftp', 21],
  ['ssh', 22],
  ['telnet', 23],
  ['smtp', 25],
  ['time', 37],
  ['domain', 53],
  ['tftp', 69],
  ['gopher', 70],
  ['finger', 79],
  ['http', 80],
  ['pop3', 110],
  ['sunrpc', 111],
  ['nntp', 119],
  ['ntp', 123],
  ['snmp', 161],
]);

export const ports: Kind = {
  end: (bytes, at, end) => (end - at > 8192 || (end > at && bytes[end - 1] === 0) ? -1 : end),
  print: (bytes, at, end) => bits(bytes, at, end).join(' '),
  scan(words) {
    const numbers = new Set<number>();
    for (; words.more; words.next()) {
      const port = /^\d{1,5}$/.test(words.word)
        ? Number(words.word)
        : (SERVICES.get(words.word.toLowerCase()) ?? -1);
      if (words.isQuoted || port < 0 || port > 65535)
        return words.fail('number', `${show(words.word)} is no port of WKS: a number from 0 to 65535`);
      numbers.add(port);
    }
    return words.putOctets(bitmap([...numbers].sort((a, b) => a - b)));
  },
};
