// Who asks, from the text that node gives of an address into the bytes that the answer path reads: no garbage, since
// it runs once a datagram. The text is the kernel's (inet_ntop), so it is trusted to be well formed.
import type { Client } from '../model/steering.ts';

/** Fills `family` and `address` from an IPv4 or IPv6 text; a zone (`%eth0`) is left out. */
export function fillAddress(client: Client, text: string): void {
  if (text.indexOf(':') < 0) {
    client.family = 4;
    dotted(text, 0, client.address, 0);
    return;
  }
  client.family = 6;
  const out = client.address;
  let at = 0;
  let gap = -1;
  let value = 0;
  let start = 0;
  let i = 0;
  for (; i < text.length && at < 16; i++) {
    const c = text.charCodeAt(i);
    if (c === 0x3a) {
      if (i > start) at = word(out, at, value);
      if (text.charCodeAt(i + 1) === 0x3a) {
        gap = at;
        i++;
      }
      value = 0;
      start = i + 1;
    } else if (c === 0x2e) {
      dotted(text, start, out, at);
      at += 4;
      start = text.length;
      break;
    } else if (c === 0x25) break;
    else value = (value << 4) | (c <= 0x39 ? c - 0x30 : (c | 0x20) - 0x57);
  }
  if (i > start) at = word(out, at, value);
  if (gap < 0) return;
  const tail = at - gap;
  out.copyWithin(16 - tail, gap, at);
  out.fill(0, gap, 16 - tail);
}

function word(out: Uint8Array, at: number, value: number): number {
  out[at] = value >> 8;
  out[at + 1] = value & 255;
  return at + 2;
}

function dotted(text: string, from: number, out: Uint8Array, at: number): void {
  let value = 0;
  for (let i = from; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 0x2e) {
      out[at++] = value;
      value = 0;
    } else value = value * 10 + c - 0x30;
  }
  out[at] = value;
}
