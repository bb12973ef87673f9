// What went wrong with a request, as RFC 9457 problem details. One table: the code of an error → its HTTP status.
import type { Diagnostic } from '../kit/diag.ts';
import { GtmError } from '../kit/errors.ts';

/** Status, and the title that stands beside it, by the code of a GtmError. A code that is not here is 422: refused as it stands. */
const STATUS: Record<string, [number, string]> = {
  GTM_REQUEST: [400, 'Bad Request'],
  GTM_FORBIDDEN: [403, 'Forbidden'],
  GTM_NOT_FOUND: [404, 'Not Found'],
  GTM_METHOD: [405, 'Method Not Allowed'],
  GTM_TOO_LARGE: [413, 'Content Too Large'],
  GTM_MEDIA_TYPE: [415, 'Unsupported Media Type'],
  GTM_MISDIRECTED: [421, 'Misdirected Request'],
  GTM_BUSY: [503, 'Service Unavailable'],
};
const REFUSED: [number, string] = [422, 'Unprocessable Content'];

/** The body of a problem. `type` stays about:blank: `code` is the stable part. */
export interface Problem {
  type: 'about:blank';
  title: string;
  status: number;
  detail: string;
  code: string;
  diagnostics?: Diagnostic[];
}

/** A refusal that carries diagnostics: a body or a configuration with faults. */
export class FaultyError extends GtmError {
  readonly diagnostics: Diagnostic[];

  constructor(code: string, message: string, diagnostics: Diagnostic[]) {
    super(code, message);
    this.diagnostics = diagnostics;
  }
}

/** The problem for whatever was thrown. A fault of our own is 500 and tells nothing of its inside. */
export function problemOf(thrown: unknown): Problem {
  if (!(thrown instanceof GtmError)) {
    const detail = 'the node could not do this; its log says why';
    return { type: 'about:blank', title: 'Internal Server Error', status: 500, detail, code: 'GTM_INTERNAL' };
  }
  const [status, title] = STATUS[thrown.code] ?? REFUSED;
  const problem: Problem = {
    type: 'about:blank',
    title,
    status,
    detail: thrown.message,
    code: thrown.code,
  };
  if (thrown instanceof FaultyError) problem.diagnostics = thrown.diagnostics;
  return problem;
}

/** The problem as a response. */
export function problemResponse(problem: Problem, headers: Record<string, string> = {}): Response {
  return new Response(`${JSON.stringify(problem)}\n`, {
    status: problem.status,
    headers: { 'content-type': 'application/problem+json', ...headers },
  });
}
