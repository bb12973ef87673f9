// What a server says of itself in class CH (RFC 4892): version.bind and version.server, hostname.bind and id.server.
// Only what the operator set is told; all else of the class is REFUSED.

import type { Exchange } from './exchange.ts';
import { RCODE } from './message.ts';
import { parseName } from './name.ts';
import { CLASS, TYPE } from './rr.ts';

const wire = (text: string) => parseName(text) as Uint8Array;
const VERSION = ['version.bind.', 'version.server.'].map(wire);
const HOST = ['hostname.bind.', 'id.server.'].map(wire);

interface Text {
  name: Uint8Array;
  /** One character-string. */
  rdata: Uint8Array;
}

export class Chaos {
  readonly #texts: readonly Text[];

  /** Texts of at most 255 ASCII characters. */
  constructor(version?: string, hostname?: string) {
    this.#texts = [...of(VERSION, version), ...of(HOST, hostname)];
  }

  /** Answers a question of class CH into x.reply. */
  answer(x: Exchange): void {
    const { query, reply } = x;
    reply.rcode = RCODE.REFUSED;
    for (let i = 0; i < this.#texts.length; i++) {
      const { name, rdata } = this.#texts[i];
      if (!equal(name, query.name.folded, query.name.length)) continue;
      reply.rcode = RCODE.NOERROR;
      if (query.type !== TYPE.TXT && query.type !== TYPE.ANY) return;
      if (!reply.text(CLASS.CH, rdata)) reply.truncate();
      return;
    }
  }
}

function of(names: readonly Uint8Array[], text: string | undefined): Text[] {
  if (text === undefined) return [];
  const rdata = Uint8Array.from([text.length, ...Array.from(text, c => c.charCodeAt(0))]);
  return names.map(name => ({ name, rdata }));
}

function equal(name: Uint8Array, folded: Uint8Array, length: number): boolean {
  if (name.length !== length) return false;
  for (let i = 0; i < length; i++) if (name[i] !== folded[i]) return false;
  return true;
}
