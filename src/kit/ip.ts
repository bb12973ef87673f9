// IPv4 and IPv6 addresses between text and bytes (RFC 4291 §2.2, RFC 5952 for printing).

/** 4 bytes of a dotted quad; undefined if it is none. Leading zeros are refused: some read them as octal. */
export function parseIPv4(text: string): Uint8Array | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  const out = new Uint8Array(4);
  for (let i = 0; i < 4; i++) {
    if (!/^(0|[1-9]\d{0,2})$/.test(parts[i]) || Number(parts[i]) > 255) return undefined;
    out[i] = Number(parts[i]);
  }
  return out;
}

/** 16 bytes of an IPv6 address (`::` and a dotted tail as they may come, no zone); undefined if it is none. */
export function parseIPv6(text: string): Uint8Array | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = groups(halves[0], halves.length === 1);
  const tail = halves.length === 2 ? groups(halves[1], true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 16 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 2) return undefined;
  const out = new Uint8Array(16);
  out.set(head, 0);
  out.set(tail, 16 - tail.length);
  return out;
}

function groups(text: string, last: boolean): number[] | undefined {
  if (text === '') return [];
  const out: number[] = [];
  const parts = text.split(':');
  for (let i = 0; i < parts.length; i++) {
    if (last && i === parts.length - 1 && parts[i].includes('.')) {
      const v4 = parseIPv4(parts[i]);
      if (v4 === undefined) return undefined;
      out.push(...v4);
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(parts[i])) return undefined;
      const n = Number.parseInt(parts[i], 16);
      out.push(n >> 8, n & 255);
    }
  }
  return out.length > 16 ? undefined : out;
}

/** 4 or 16 bytes; undefined if the text is no address. */
export function parseIp(text: string): Uint8Array | undefined {
  return text.includes(':') ? parseIPv6(text) : parseIPv4(text);
}

/** The text of 4 or 16 bytes at `offset`; IPv6 as RFC 5952 wants it (lower case, longest run of zeros cut). */
export function formatIp(bytes: Uint8Array, offset = 0, length = bytes.length - offset): string {
  if (length === 4) return `${bytes[offset]}.${bytes[offset + 1]}.${bytes[offset + 2]}.${bytes[offset + 3]}`;
  const words: number[] = [];
  for (let i = 0; i < 8; i++) words.push((bytes[offset + 2 * i] << 8) | bytes[offset + 2 * i + 1]);
  const mapped = words.slice(0, 5).every(w => w === 0) && words[5] === 0xffff;
  if (mapped) return `::ffff:${formatIp(bytes, offset + 12, 4)}`;
  let best = -1;
  let bestLength = 1;
  for (let i = 0; i < 8; i++) {
    let n = 0;
    while (i + n < 8 && words[i + n] === 0) n++;
    if (n > bestLength) {
      best = i;
      bestLength = n;
    }
  }
  const hex = words.map(w => w.toString(16));
  if (best < 0) return hex.join(':');
  return `${hex.slice(0, best).join(':')}::${hex.slice(best + bestLength).join(':')}`;
}

/** `address:port` or `[address]:port`; undefined if the text is not of that form. */
export function parseEndpoint(text: string): { address: string; port: number } | undefined {
  const m = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  if (m === null) return undefined;
  const address = m[1] ?? m[2];
  const port = Number(m[3]);
  if (parseIp(address) === undefined || (m[1] !== undefined) !== address.includes(':') || port > 65535)
    return undefined;
  return { address, port };
}

/** `address:port`, with brackets around IPv6. */
export function formatEndpoint(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
