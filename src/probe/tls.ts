// The tls probe: a handshake comes about; the certificate holds, is for the name, and goes on for long enough; a protocol
// is agreed on where some are offered (RFC 7301). Nothing is sent after it.
import { formatDuration } from '../kit/duration.ts';
import { type Probe, ProbeFault } from './probe.ts';
import { hostOnly, openSecure, secureFault } from './secure.ts';

const DAY_MS = 86_400_000;

export const tls: Probe = (target, signal) =>
  new Promise((resolve, reject) => {
    const want = target.check.tls;
    if (want === undefined) throw new TypeError('not a tls check');
    const { verify, alpn = [], min_days } = want;
    const name = want.host === undefined ? target.address : hostOnly(want.host);
    const socket = openSecure({
      host: target.address,
      port: want.port ?? target.port,
      name,
      verify,
      alpn,
    });
    const stop = () => {
      socket.destroy();
      reject(signal.reason);
    };
    signal.addEventListener('abort', stop, { once: true });
    socket.on('close', () => signal.removeEventListener('abort', stop));
    socket.on('error', e => reject(new ProbeFault(secureFault(e, name))));
    socket.once('secureConnect', () => {
      const left = Date.parse(socket.getPeerCertificate().valid_to) - Date.now();
      const { alpnProtocol } = socket;
      const version = socket.getProtocol() ?? 'TLS';
      socket.destroy();
      if (left < min_days * DAY_MS)
        reject(new ProbeFault(`certificate ${remaining(left)}, wanted ${min_days} days`));
      else if (alpn.length > 0 && !alpn.includes(String(alpnProtocol)))
        reject(new ProbeFault(`tls: no protocol agreed on, wanted ${alpn.join(' or ')}`));
      else {
        const agreed = alpn.length > 0 ? `, ${alpnProtocol}` : '';
        resolve(`tls ${version}${agreed}, certificate ${remaining(left)}`);
      }
    });
  });

// Whole days; what is nearer its end is told to the minute.
function remaining(ms: number): string {
  if (Number.isNaN(ms)) return 'without an end';
  if (ms < 0) return 'has expired';
  return ms >= 2 * DAY_MS
    ? `for ${Math.floor(ms / DAY_MS)} days`
    : `for ${formatDuration(Math.floor(ms / 60_000) * 60_000)}`;
}
