// The part of a node's `dns` section that says how it answers and whom: cookies, EDNS options, CHAOS names, rate limits.
// It goes to the answer path as it is.
import { z } from 'zod';
import { parsePrefix } from '../kit/prefix.ts';
import { duration } from './fields.ts';

const text = z.string().regex(/^[\x20-\x7e]{1,128}$/, 'expected 1 to 128 printable ASCII characters');

export const prefix = z
  .string('expected a prefix such as 192.0.2.0/24')
  .refine(written => parsePrefix(written) !== undefined, {
    error: issue =>
      `«${issue.input}» is not a prefix such as 192.0.2.0/24 or 2001:db8::/32, with no bits behind its length`,
  });

/** Replies a second; 0 = no limit. */
const rate = z.int().min(0).max(1_000_000);

const rrl = z.strictObject({
  /** Of answers, and of referrals, to one /24 or /56. */
  responses_per_second: rate.default(100),
  /** Of NXDOMAIN from one zone. */
  nxdomains_per_second: rate.default(50),
  /** Of FORMERR, REFUSED, SERVFAIL … */
  errors_per_second: rate.default(20),
  /** Every so many-th reply beyond the limit is an empty one with TC; 0: none. */
  slip: z.int().min(0).max(10).default(2),
  /** So long at most it takes a prefix that was far beyond its limit to be answered again. */
  window: duration('1s', '1h').default(15_000),
  /** Buckets in the table, 13 octets each. */
  table: z.int().min(1024).max(16_777_216).default(65_536),
  /** Prefixes without a limit. */
  exempt: z.array(prefix).max(256).default([]),
});

export const answering = {
  /** DNS cookies (RFC 7873, 9018). */
  cookies: z
    .strictObject({
      /**
       * 128 bits in 32 hexadecimal digits; the first makes cookies, all verify them. None: random at each start, so that
       * nodes behind one address do not know each other's.
       */
      secrets: z.array(z.string()).max(8).default([]),
      /** Whether UDP without a valid cookie is answered with no data: BADCOOKIE, or TC for who knows no cookies. */
      require: z.boolean().default(false),
    })
    .prefault({}),
  /** Client subnets (RFC 7871) are read and sent back with scope 0; false: passed over. */
  ecs: z.boolean().default(true),
  /** What NSID (RFC 5001) tells; default: nothing. */
  nsid: text.optional(),
  /** What class CH tells at version.bind and version.server, hostname.bind and id.server; default: REFUSED. */
  chaos: z.strictObject({ version: text.optional(), hostname: text.optional() }).prefault({}),
  /** Response rate limiting; default: none. */
  rrl: rrl.optional(),
};

export type Answering = { [K in keyof typeof answering]: z.output<(typeof answering)[K]> };
export type RrlConfig = z.output<typeof rrl>;
