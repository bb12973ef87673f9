// What a single record should not say, though it is well-formed: digests cut short, keys and services that no client may
// use, host names that are none. All of it is advice: other servers serve such records, so it is a warning.
import { number } from '../field/octets.ts';
import { formatName } from '../name.ts';
import { additionalOffset, isAlnum } from '../rdata.ts';
import type { RecordList } from '../records.ts';
import { TYPE, typeOf, typeText } from '../rr.ts';
import type { Fault } from './faults.ts';

export interface Advice {
  fault: Fault;
  message: string;
}

/** Octets of digests and fingerprints by their type (RFC 4509, RFC 6605, RFC 4255, RFC 6594, RFC 6698, RFC 8976). */
const DIGEST: readonly (number | undefined)[] = [undefined, 20, 32, 32, 48];
const FINGERPRINT: readonly (number | undefined)[] = [undefined, 20, 32];
const MATCHING: readonly (number | undefined)[] = [undefined, 32, 64];
const ZONE_HASH: readonly (number | undefined)[] = [undefined, 48, 64];

/** The advice on record `i`; undefined without. The rdata is well-formed. */
export function adviceOn(records: RecordList, i: number): Advice | undefined {
  const type = records.type[i];
  switch (type) {
    case TYPE.A:
    case TYPE.AAAA:
    case TYPE.POOL:
      return ownerAdvice(records, i);
    case TYPE.NS:
    case TYPE.MX:
    case TYPE.SRV:
      return targetAdvice(records, i);
    case TYPE.DS:
    case TYPE.CDS:
    case TYPE.DLV:
      return digestAdvice(records, i, 3, DIGEST);
    case TYPE.SSHFP:
      return digestAdvice(records, i, 1, FINGERPRINT);
    case TYPE.TLSA:
    case TYPE.SMIMEA:
      return digestAdvice(records, i, 2, MATCHING);
    case TYPE.ZONEMD:
      return digestAdvice(records, i, 5, ZONE_HASH);
    case TYPE.DNSKEY:
    case TYPE.CDNSKEY: {
      const protocol = records.bytes[records.rdata[i] + 2];
      const message = `protocol ${protocol}: a key of another protocol than 3 is not used (RFC 4034 §2.1.2)`;
      return protocol === 3 ? undefined : { fault: 'useless', message };
    }
    case TYPE.SVCB:
    case TYPE.HTTPS:
      return serviceAdvice(records, i);
    default:
      return undefined;
  }
}

// `at` is the offset of the octet that tells the kind of digest; the digest is the rest.
function digestAdvice(
  records: RecordList,
  i: number,
  at: number,
  lengths: readonly (number | undefined)[],
): Advice | undefined {
  const rdata = records.rdataBytes(i);
  const wanted = lengths[rdata[at]];
  const length = rdata.length - at - 1;
  // A CDS of algorithm 0 asks for the DS to be taken away (RFC 8078 §4).
  if (wanted === undefined || wanted === length || (records.type[i] === TYPE.CDS && rdata[2] === 0))
    return undefined;
  const what = `${typeText(records.type[i])} of kind ${rdata[at]}`;
  return { fault: 'digest', message: `${what} has ${length} octets, where ${wanted} belong` };
}

function serviceAdvice(records: RecordList, i: number): Advice | undefined {
  const rdata = records.rdataBytes(i);
  let at = 2;
  while (rdata[at] !== 0) at += 1 + rdata[at];
  at++;
  const what = typeText(records.type[i]);
  if (number(rdata, 0, 2) === 0)
    return at === rdata.length
      ? undefined
      : {
          fault: 'useless',
          message: `${what} of priority 0 is an alias: its parameters are ignored (RFC 9460 §2.4.2)`,
        };
  const keys: number[] = [];
  for (; at < rdata.length; at += 4 + number(rdata, at + 2, at + 4)) keys.push(number(rdata, at, at + 2));
  if (!keys.includes(2) || keys.includes(1)) return undefined;
  return {
    fault: 'useless',
    message: `${what} has no-default-alpn without alpn: clients ignore it (RFC 9460 §7.1.1)`,
  };
}

// Of the addresses at one name the first is told.
function ownerAdvice(records: RecordList, i: number): Advice | undefined {
  const { bytes, owner, type } = records;
  const again = i > 0 && owner[i] === owner[i - 1] && ADDRESSES.has(type[i - 1]);
  const wild = bytes[owner[i]] === 1 && bytes[owner[i] + 1] === 0x2a;
  if (again || isHostName(bytes, wild ? owner[i] + 2 : owner[i])) return undefined;
  const where = `${typeText(type[i])} at ${formatName(bytes, owner[i])}`;
  return { fault: 'hostname', message: `${where}: ${RULE}` };
}

function targetAdvice(records: RecordList, i: number): Advice | undefined {
  const { bytes, rdata, rdlength, type } = records;
  const row = typeOf(type[i]);
  const at = row === undefined ? -1 : additionalOffset(row, bytes, rdata[i], rdlength[i]);
  if (at < 0 || isHostName(bytes, at)) return undefined;
  return { fault: 'hostname', message: `${typeText(type[i])} points to ${formatName(bytes, at)}: ${RULE}` };
}

const ADDRESSES: ReadonlySet<number> = new Set([TYPE.A, TYPE.AAAA, TYPE.POOL]);
const RULE = 'a host name is letters, digits and inner hyphens';
const HYPHEN = 0x2d;

/** Whether each label of the name at `offset` is letters, digits and hyphens that stand at no end (RFC 1123 §2.1). */
export function isHostName(bytes: Uint8Array, offset: number): boolean {
  for (let at = offset; bytes[at] !== 0; at += 1 + bytes[at]) {
    const end = at + bytes[at];
    if (bytes[at + 1] === HYPHEN || bytes[end] === HYPHEN) return false;
    for (let i = at + 1; i <= end; i++) if (bytes[i] !== HYPHEN && !isAlnum(bytes[i])) return false;
  }
  return true;
}
