// The `check` of a service in the cluster file: one kind of probe, its pace, and what counts as up. Part of schema.ts.
import { z } from 'zod';
import { domain, duration, isObject, percent, port } from './fields.ts';
import { PROBE_KINDS } from './probe-kind.ts';

const pacing = {
  interval: duration('50ms', '1h').default(5000),
  timeout: duration('10ms', '10m').default(1000),
  rise: z.int().min(1).max(100).default(2),
  fall: z.int().min(1).max(100).default(3),
  /**
   * Successes in a row after which earlier failures are forgotten. 1: only `fall` failures in a row mean down. More also
   * brings down what fails now and then: `fall` failures, with fewer successes than that between any two of them.
   */
  forgive: z.int().min(1).max(1000).default(1),
  /** Spread of the interval, as a part of it: the next probe comes after interval × (1 … 1 + jitter). */
  jitter: percent(100).default(0.1),
  /**
   * Real servers of `forward: dr` and `tun` are asked for the VIP too, by the way that clients' packets take: one that lacks the VIP
   * is found sick. Planes xdp and ipvs, which forward so.
   */
  forwarded: z.boolean().default(true),
};

const http = z.strictObject({
  path: z.string().startsWith('/', 'a path begins with /').default('/'),
  method: z.enum(['GET', 'HEAD']).default('GET'),
  /** The Host header and, for https, the name in SNI and the certificate; default: the address. */
  host: z.string().min(1).optional(),
  port: port.optional(),
  /** Status codes that mean healthy: numbers or ranges such as `200-299`. */
  status: z
    .array(
      z.union(
        [z.int().min(100).max(599), z.string().regex(/^\d{3}-\d{3}$/, 'a range is written as 200-299')],
        'expected a status code or a range such as 200-299',
      ),
    )
    .min(1)
    .default(['200-299']),
  /** A text that the first 64 KiB of the body must hold. */
  body: z.string().min(1).optional(),
});

const https = http.extend({
  /** Whether the certificate must hold (chain and name). */
  verify: z.boolean().default(true),
});

const tcp = z.strictObject({ port: port.optional() });

const tls = z.strictObject({
  port: port.optional(),
  /** The name in SNI and the certificate; default: the address. */
  host: z.string().min(1).optional(),
  /** Whether the certificate must hold (chain and name). */
  verify: z.boolean().default(true),
  /** Days that the certificate must go on for at least, verified or not. */
  min_days: z.int().min(0).max(3650).default(0),
  /** Protocols to offer (RFC 7301), such as `h2`: the server must take one of them. */
  alpn: z.array(z.string().min(1).max(255)).min(1).max(16).optional(),
});

const dns = z.strictObject({
  name: domain,
  type: z.enum(['A', 'AAAA', 'NS', 'SOA', 'TXT', 'MX', 'CNAME']).default('A'),
  port: port.optional(),
  rcode: z.enum(['NOERROR', 'NXDOMAIN']).default('NOERROR'),
  /** A text that one of the answers must equal. */
  answer: z.string().optional(),
});

const hex = z
  .string()
  .regex(
    /^([0-9a-fA-F]{2}[ :]?)+$/,
    'bytes are written in hex, two digits each, blanks or colons between them',
  )
  .max(4096);

const udp = z
  .strictObject({
    port: port.optional(),
    /** The datagram that is sent, as text or as bytes in hex. */
    send: z.string().min(1).max(1400).optional(),
    send_hex: hex.optional(),
    /** What the reply must hold, as text or as bytes in hex; with neither, any reply will do. */
    expect: z.string().min(1).max(1400).optional(),
    expect_hex: hex.optional(),
  })
  .refine(u => (u.send === undefined) !== (u.send_hex === undefined), {
    error: 'a udp check sends exactly one of send, send_hex',
    when: isObject,
  })
  .refine(u => u.expect === undefined || u.expect_hex === undefined, {
    error: 'a udp check expects one of expect, expect_hex',
    when: isObject,
  });

/** Octets of data in the echo request, besides the eight of its header. */
const icmp = z.strictObject({ size: z.int().min(0).max(65_000).default(56) });

const exec = z.strictObject({
  /** The program, by its whole path, and its arguments. No shell reads them. */
  command: z
    .array(z.string().regex(/^[^\0]*$/, 'no zero byte'))
    .min(1)
    .max(64)
    .refine(c => c[0]?.startsWith('/') !== false, {
      error: 'a program is named by its whole path, such as /usr/lib/check',
      path: [0],
    }),
});

export const check = z
  .strictObject({
    http: http.optional(),
    https: https.optional(),
    tcp: tcp.optional(),
    tls: tls.optional(),
    dns: dns.optional(),
    udp: udp.optional(),
    icmp: icmp.optional(),
    exec: exec.optional(),
    ...pacing,
  })
  .refine(c => PROBE_KINDS.filter(kind => c[kind] !== undefined).length === 1, {
    error: `a check has exactly one of ${PROBE_KINDS.join(', ')}`,
    when: isObject,
  });

/** A check after parsing: durations in ms, defaults filled in. */
export type CheckConfig = z.output<typeof check>;
