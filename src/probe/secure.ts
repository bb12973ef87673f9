// TLS connections of probes, and what went wrong with one in words. SNI holds names only (RFC 6066 §3); the certificate is
// held against the name, or the address where there is none.
import { isIP } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { certificateFault } from './certificate.ts';
import { socketFault } from './probe.ts';

export interface SecureOptions {
  host: string;
  port: number;
  /** What the certificate should be for: a name or an address. */
  name: string;
  verify: boolean;
  /** Protocols to offer (RFC 7301). */
  alpn: readonly string[];
}

/** Begins a TLS connection; it tells by its events how it went. */
export function openSecure({ host, port, name, verify, alpn }: SecureOptions): TLSSocket {
  const sni = isIP(name) === 0 ? { servername: name } : {};
  const offer = alpn.length === 0 ? {} : { ALPNProtocols: [...alpn] };
  return connect({ host, port, ...sni, ...offer, rejectUnauthorized: verify });
}

/** Words for an error of such a connection: about the certificate, the handshake or the socket. */
export function secureFault(error: unknown, name: string): string {
  const e = error as NodeJS.ErrnoException & { reason?: string };
  const certificate = certificateFault(e, name);
  if (certificate !== undefined) return certificate;
  // Node's own words for a server that closes before the handshake is through.
  if (e.code === 'ECONNRESET' && e.syscall === undefined) return 'tls: closed during the handshake';
  // OpenSSL's own words (`wrong version number`) without its file and line.
  if (e.code === 'EPROTO' || e.code?.startsWith('ERR_SSL_')) return `tls: ${e.reason ?? e.message}`;
  return socketFault(e);
}

/** The name in a Host header or SNI without its port: `example.com:8443`, `[::1]:8443`. */
export function hostOnly(host: string): string {
  return /^\[([^\]]+)\]/.exec(host)?.[1] ?? (isIP(host) === 6 ? host : host.replace(/:\d+$/, ''));
}
