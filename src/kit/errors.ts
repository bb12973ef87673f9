// The one error class of the project: a stable code, a subject, a cause. Hot paths return codes instead.

/** An error that a person or a program acts on: `code` is stable (`GTM_…`), `message` says what and what to do. */
export class GtmError extends Error {
  readonly code: string;

  constructor(code: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'GtmError';
    this.code = code;
  }
}

/** The text of whatever was thrown, with its causes, on one line. */
export function reason(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const inner = thrown.cause === undefined ? '' : `: ${reason(thrown.cause)}`;
  const code = (thrown as { code?: unknown }).code;
  const text = thrown.message || (typeof code === 'string' ? code : thrown.name);
  return `${text}${inner}`.replaceAll('\n', ' ');
}
