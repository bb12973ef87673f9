// The field kinds of the cluster file: durations, percentages, addresses, endpoints, names. Text in, plain values out.
import { z } from 'zod';
import { parseDuration } from '../kit/duration.ts';
import { parseEndpoint, parseIp } from '../kit/ip.ts';

/** For refinements: a rule over several keys runs also where one of them is wrong, so that all faults come in one run. */
export const isObject = ({ value }: { value: unknown }): boolean =>
  typeof value === 'object' && value !== null;

/** `10s`, `1h30m`: milliseconds. `min` and `max` are texts too, named in the fault. */
export function duration(min = '0s', max = '7d') {
  return z
    .string('expected a duration such as 500ms, 10s or 1h30m')
    .transform((text, ctx) => {
      const ms = parseDuration(text);
      if (ms === undefined) {
        ctx.addIssue(`«${text}» is not a duration; write it as 500ms, 10s or 1h30m`);
        return z.NEVER;
      }
      if (ms < (parseDuration(min) as number) || ms > (parseDuration(max) as number)) {
        ctx.addIssue(`${text} is out of bounds: from ${min} to ${max}`);
        return z.NEVER;
      }
      return ms;
    })
    .meta({ unit: 'duration' });
}

/** `0%` to `max`%: a fraction, 1 = 100 %. */
export function percent(max = 1000) {
  return z
    .string('expected a percentage such as 50%')
    .transform((text, ctx) => {
      const m = /^(\d+(?:\.\d+)?)\s*%$/.exec(text);
      if (m === null) {
        ctx.addIssue(`«${text}» is not a percentage; write it as 50%`);
        return z.NEVER;
      }
      const value = Number(m[1]);
      if (value > max) {
        ctx.addIssue(`${text} is over ${max}%`);
        return z.NEVER;
      }
      return value / 100;
    })
    .meta({ unit: 'percent' });
}

/** An IPv4 or IPv6 address, kept as text. */
export const address = z
  .string('expected an IPv4 or IPv6 address')
  .refine(text => parseIp(text) !== undefined, {
    error: issue => `«${issue.input}» is not an IPv4 or IPv6 address`,
  });

/** `127.0.0.1:5300`, `[::1]:5300`: address and port. */
export const endpoint = z.string('expected ADDRESS:PORT').transform((text, ctx) => {
  const e = parseEndpoint(text);
  if (e === undefined) {
    ctx.addIssue(`«${text}» is not ADDRESS:PORT (IPv6 in brackets: [::1]:5300)`);
    return z.NEVER;
  }
  return e;
});

const PORT = 'expected a port, 1 to 65535';
export const port = z.int(PORT).min(1, PORT).max(65535, PORT);

/** LVS takes weights up to 65535 (16 bits); 0 takes no new connections. */
export const weight = z.int().min(0).max(65535);

/** The name of a site, node, VIP, pool or schedule. */
export const name = z
  .string()
  .regex(
    /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/,
    'names are lower-case letters, digits and inner hyphens, up to 63',
  );

/** A domain name as text, with or without its final dot: labels of 1 to 63 octets, 255 in all on the wire; `.` is the root. */
export const domain = z.string('expected a domain name').refine(text => text === '.' || isDomain(text), {
  error: issue => `«${issue.input}» is not a domain name`,
});

function isDomain(text: string): boolean {
  const labels = text.replace(/\.$/, '').split('.');
  return text.length <= 254 && labels.every(l => /^[\x21-\x7e]{1,63}$/.test(l));
}
