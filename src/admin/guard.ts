// Who may talk to the admin API, by headers alone: what keeps a web page in an operator's browser from reaching it.
//   any request   bound to loopback: the Host names loopback        (else a page of a rebound name could read)
//   a write       application/json, and no other site's Origin      (else a page could post a form)
// There is no CORS: a browser hands nothing of this to other pages.
import { GtmError } from '../kit/errors.ts';
import { parseIp } from '../kit/ip.ts';

/** Whether an address is 127.0.0.0/8, ::1 or the first mapped into IPv6. */
export function isLoopback(address: string): boolean {
  const bytes = parseIp(address);
  if (bytes === undefined) return false;
  if (bytes.length === 4) return bytes[0] === 127;
  const mapped = bytes.subarray(0, 10).every(b => b === 0) && bytes[10] === 255 && bytes[11] === 255;
  return mapped ? bytes[12] === 127 : bytes.subarray(0, 15).every(b => b === 0) && bytes[15] === 1;
}

/** The host of a Host header or of an origin's authority, in lower case, without port and brackets; undefined if it is neither. */
export function hostOf(authority: string): string | undefined {
  const m = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:/@?#[\]]+))(?::\d{1,5})?$/.exec(authority);
  return m === null ? undefined : (m[1] ?? m[2]).toLowerCase().replace(/\.$/, '');
}

/** Throws GTM_MISDIRECTED when a listener on loopback is asked under a name that is not loopback's. */
export function checkHost(headers: Headers, listen: string): void {
  if (!isLoopback(listen)) return;
  const authority = headers.get('host') ?? '';
  const host = hostOf(authority);
  if (host === 'localhost' || (host !== undefined && isLoopback(host))) return;
  throw new GtmError(
    'GTM_MISDIRECTED',
    'this is asked as localhost or by its loopback address, not by another name',
  );
}

/** Throws GTM_MEDIA_TYPE or GTM_FORBIDDEN for a write that a page of another site could have sent. */
export function checkWrite(headers: Headers): void {
  const site = headers.get('sec-fetch-site');
  if (site !== null && site !== 'same-origin' && site !== 'none') throw crossSite();
  const origin = headers.get('origin');
  if (origin !== null) {
    const authority = /^https?:\/\/(.+)$/.exec(origin)?.[1]?.toLowerCase();
    const host = authority === undefined ? undefined : hostOf(authority);
    // A name may have been rebound to this address, and then Origin and Host agree; an address cannot.
    const literal = host === 'localhost' || (host !== undefined && parseIp(host) !== undefined);
    if (!literal || authority !== headers.get('host')?.toLowerCase()) throw crossSite();
  }
  const type = headers.get('content-type')?.split(';')[0].trim().toLowerCase();
  if (type !== 'application/json')
    throw new GtmError('GTM_MEDIA_TYPE', 'a write needs «content-type: application/json»');
}

function crossSite(): GtmError {
  return new GtmError('GTM_FORBIDDEN', 'writes from pages of another site are refused');
}
