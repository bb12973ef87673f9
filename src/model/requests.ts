// The bodies that the admin API takes, as zod schemas: texts as in the cluster file (`30m`, `50%`), plain values inside.
import { z } from 'zod';
import type { Diagnostic } from '../kit/diag.ts';
import { address, duration, percent } from './fields.ts';

/** One line of text for people: bounded, and without the characters that could forge a log or a table. */
function line(max: number) {
  return z
    .string('expected a text')
    .trim()
    .min(1, 'must not be empty')
    .max(max, `at most ${max} characters`)
    .regex(/^[^\p{Cc}\p{Zl}\p{Zp}]*$/u, 'one line, without control characters');
}

const who = line(64);
const reason = line(200);
/** How long it stands before it ends by itself; absent: until it is taken back. */
const lasts = duration('1s', '31d').optional();

export const requests = {
  /** `drain` and `maint`. */
  hold: z.strictObject({ reason, who, for: lasts }),
  /** `ready`: takes back what was said before; no reason is asked for that. */
  release: z.strictObject({ reason: reason.default('back in service'), who, for: lasts }),
  weight: z.strictObject({ reason, who, for: lasts, weight: percent(1000) }),
  explain: z.strictObject({
    name: z.string('expected a domain name').min(1, 'must not be empty').max(1024),
    type: z
      .string()
      .regex(/^[A-Za-z][A-Za-z0-9-]{0,15}$/, 'expected an RR type such as A or MX')
      .default('A'),
    from: address.optional(),
  }),
  none: z.strictObject({}),
};

export type RequestName = keyof typeof requests;
export type RequestBody<N extends RequestName> = z.output<(typeof requests)[N]>;

/** A body as the schema of that name wants it, or its faults: the file is `body`, and the message begins with the key. */
export function parseRequest<N extends RequestName>(
  name: N,
  body: unknown,
): { value: RequestBody<N> } | { diagnostics: Diagnostic[] } {
  const result = requests[name].safeParse(body);
  if (result.success) return { value: result.data as RequestBody<N> };
  const diagnostics = result.error.issues.map(
    (issue): Diagnostic => ({
      file: 'body',
      line: 0,
      col: 0,
      severity: 'error',
      code: 'GTM_REQUEST',
      message: issue.path.length === 0 ? issue.message : `${issue.path.join('.')}: ${issue.message}`,
    }),
  );
  return { diagnostics };
}
