// Names of response codes (RFC 6895 §2.3), for people: the one table that all rooms print them from.

const NAMES: Readonly<Record<number, string>> = {
  0: 'NOERROR',
  1: 'FORMERR',
  2: 'SERVFAIL',
  3: 'NXDOMAIN',
  4: 'NOTIMP',
  5: 'REFUSED',
  6: 'YXDOMAIN',
  7: 'YXRRSET',
  8: 'NXRRSET',
  9: 'NOTAUTH',
  10: 'NOTZONE',
  16: 'BADVERS',
  23: 'BADCOOKIE',
};

/** `NXDOMAIN`, or `RCODEnnn` for one without a name here. */
export function rcodeText(rcode: number): string {
  return NAMES[rcode] ?? `RCODE${rcode}`;
}
