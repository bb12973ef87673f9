// The dns probe: a question to the target, the wanted rcode, and an answer where one is wanted. The DNS client is
// handed in, since rooms that do I/O do not know each other.
import { formatIp, parseIp } from '../kit/ip.ts';
import { rcodeText } from '../model/rcode.ts';
import { type Probe, ProbeFault } from './probe.ts';

/** The client that the probe needs; net/ask.ts is one. */
export type Ask = (question: {
  server: string;
  port: number;
  name: string;
  type: string;
  timeout: number;
  signal: AbortSignal;
}) => Promise<{ rcode: number; answers: readonly { type: string; text: string }[] }>;

/** The probe over a DNS client. */
export function dnsProbe(ask: Ask): Probe {
  return async ({ address, port, check }, signal) => {
    const want = check.dns;
    if (want === undefined) throw new TypeError('not a dns check');
    const { name, type, answer } = want;
    // The deadline is the signal's: a second clock would only blur it.
    const timeout = check.timeout + 1000;
    const reply = await ask({ server: address, port: want.port ?? port, name, type, timeout, signal });
    const rcode = rcodeText(reply.rcode);
    if (rcode !== want.rcode) throw new ProbeFault(`dns ${rcode}, wanted ${want.rcode}`);
    if (answer === undefined) return `dns ${rcode}`;
    const texts = reply.answers.filter(a => a.type === type).map(a => a.text);
    const wanted = plain(answer, type);
    if (texts.some(t => plain(t, type) === wanted)) return `dns ${rcode}, ${type} ${answer}`;
    const got = texts.length === 0 ? `no ${type}` : `${type} ${short(texts.join(' '))}`;
    throw new ProbeFault(`dns ${got}, wanted «${answer}»`);
  };
}

// The same value may be written in several ways: addresses, the case of names and their final dot. TXT is what it is.
function plain(text: string, type: string): string {
  if (type === 'TXT') return text;
  const ip = parseIp(text);
  return ip === undefined ? text.toLowerCase().replace(/\.(?=\s|$)/g, '') : formatIp(ip);
}

function short(text: string): string {
  return text.length <= 80 ? text : `${text.slice(0, 80)}…`;
}
