// The parameters of SVCB and HTTPS (RFC 9460 §2.1, §2.2): `mandatory=alpn alpn=h2,h3 port=443 key667="…"`.
//   wire: key, length, value; keys ascending, each once; what `mandatory` names must be there (§8)
import { nearest } from '../../kit/suggest.ts';
import { show } from '../zonefile/faults.ts';
import type { Kind, Words } from './kind.ts';
import { number, quote } from './octets.ts';
import { keyNumber, keyText, MANDATORY, PARAMS } from './service-params.ts';

interface Param {
  key: number;
  value: Uint8Array;
  /** Of its word. */
  at: number;
}

export const service: Kind = {
  end(bytes, start, end) {
    let last = -1;
    let mandatory: Uint8Array | undefined;
    const keys = new Set<number>();
    for (let at = start; at < end; ) {
      if (at + 4 > end) return -1;
      const key = number(bytes, at, at + 2);
      const stop = at + 4 + number(bytes, at + 2, at + 4);
      if (key <= last || stop > end || PARAMS.get(key)?.valid(bytes, at + 4, stop) === false) return -1;
      if (key === MANDATORY) mandatory = bytes.subarray(at + 4, stop);
      keys.add(key);
      last = key;
      at = stop;
    }
    return mandatory === undefined || missing(mandatory, keys) === undefined ? end : -1;
  },
  print(bytes, start, end) {
    const texts: string[] = [];
    for (let at = start; at < end; ) {
      const key = number(bytes, at, at + 2);
      const stop = at + 4 + number(bytes, at + 2, at + 4);
      const print = PARAMS.get(key)?.print ?? quote;
      const value = stop === at + 4 ? '' : `=${print(bytes, at + 4, stop)}`;
      texts.push(keyText(key) + value);
      at = stop;
    }
    return texts.join(' ');
  },
  scan(words) {
    const params: Param[] = [];
    while (words.more) {
      const param = scanParam(words);
      if (param === undefined) return false;
      if (params.some(p => p.key === param.key))
        return words.fail('service', `${keyText(param.key)} stands twice`, param.at);
      params.push(param);
    }
    params.sort((a, b) => a.key - b.key);
    if (params[0]?.key === MANDATORY) {
      const lost = missing(params[0].value, new Set(params.map(p => p.key)));
      if (lost !== undefined)
        return words.fail('service', `mandatory names ${keyText(lost)}, which is not there`, params[0].at);
    }
    for (const { key, value } of params) {
      words.put(key, 2);
      words.put(value.length, 2);
      if (!words.putOctets(value)) return false;
    }
    return true;
  },
};

function missing(mandatory: Uint8Array, keys: ReadonlySet<number>): number | undefined {
  for (let i = 0; i < mandatory.length; i += 2) {
    const key = number(mandatory, i, i + 2);
    if (!keys.has(key)) return key;
  }
  return undefined;
}

// `key`, `key=value`, or `key="value"`, of which the lexer makes two words. Undefined after a fault.
function scanParam(words: Words): Param | undefined {
  const at = words.at;
  const text = words.word;
  const equals = text.indexOf('=');
  const name = equals < 0 ? text : text.slice(0, equals);
  const fail = (message: string, help?: string) => void words.fail('service', message, at, help);
  if (words.isQuoted) return fail('a parameter is not written in quotes, but its value may be: key="value"');
  const key = keyNumber(name);
  if (key === undefined) {
    const near = nearest(
      name,
      [...PARAMS.values()].map(p => p.name),
    );
    return fail(
      `${show(name)} is no service parameter`,
      near === undefined ? undefined : `did you mean ${near}?`,
    );
  }
  let octets: Uint8Array | undefined = new Uint8Array(0);
  if (equals >= 0 && equals === text.length - 1 && words.joined) {
    words.next();
    octets = words.octets();
  } else if (equals >= 0) octets = words.octets(equals + 1);
  if (octets === undefined) return undefined;
  const glued = words.joined;
  words.next();
  if (glued) return fail(`the value of ${name} goes on behind a quote: put all of it in one pair of quotes`);
  const rule = PARAMS.get(key);
  // key1=\002h2 is the value as it stands on the wire (RFC 9460 §2.1).
  const plain = rule === undefined || /^key/i.test(name);
  const value = plain ? octets : rule.parse(octets);
  if (value !== undefined && (rule === undefined || rule.valid(value, 0, value.length)))
    return { key, value, at };
  const written = octets.length === 0 ? 'no value' : show(Buffer.from(octets).toString('latin1'));
  return fail(`${written} for ${name}: ${rule?.wants}`);
}
