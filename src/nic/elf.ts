// A BPF object file (ELF64, little-endian, relocatable) as far as clang writes it for our programs: instructions, maps,
// and where an instruction names a map (R_BPF_64_64). Maps are `struct map_def` in the section `maps`.
// Invariant: what is read comes with the project, yet nothing is read outside of the file's bounds.
import { GtmError } from '../kit/errors.ts';

/** What a map is made with: numbers of the kernel's bpf.h. */
export interface MapShape {
  type: number;
  keySize: number;
  valueSize: number;
  entries: number;
  flags: number;
}

export interface BpfObject {
  /** By name. */
  maps: Map<string, MapShape>;
  /** The program's instructions, 8 octets each, map references still open. */
  code: Uint8Array;
  /** Octet offsets of the instructions in `code` that load a map, and its name. */
  references: { at: number; map: string }[];
  license: string;
  /** Sections by name: what two builds are compared by. */
  sections: Map<string, Uint8Array>;
}

interface Section {
  name: string;
  type: number;
  bytes: Uint8Array;
  link: number;
  info: number;
}

const MAGIC = 0x464c457f;
const EM_BPF = 247;
const SECTION = { size: 64, name: 0, type: 4, offset: 24, length: 32, link: 40, info: 44 } as const;
const SYMBOL = { size: 24, name: 0, section: 6, value: 8 } as const;
const REL = { size: 16, offset: 0, type: 8, symbol: 12 } as const;
const R_BPF_64_64 = 1;
const SHT_REL = 9;
const MAP_DEF = 20;

/** Reads an object; `program` is the section of its one program. Throws GTM_BPF for a file that is none or holds more than we take. */
export function readObject(file: Uint8Array, program: string): BpfObject {
  try {
    return read(file, program);
  } catch (e) {
    if (e instanceof RangeError) throw new GtmError('GTM_BPF', 'the object file is cut', e);
    throw e;
  }
}

function read(file: Uint8Array, program: string): BpfObject {
  const view = viewOf(file);
  if (view.getUint32(0, true) !== MAGIC || view.getUint16(18, true) !== EM_BPF)
    throw new GtmError('GTM_BPF', 'no BPF object file');
  const sections = readSections(file, view);
  const find = (name: string): Section => {
    const found = sections.find(s => s.name === name);
    if (found === undefined) throw new GtmError('GTM_BPF', `the object file has no section ${name}`);
    return found;
  };
  const code = find(program);
  const symbols = readSymbols(find('.symtab'), sections);
  const mapSection = sections.indexOf(find('maps'));
  const defs = viewOf(find('maps').bytes);
  const maps = new Map<string, MapShape>();
  for (const s of symbols) {
    if (s.section !== mapSection || s.name === '') continue;
    const at = s.value;
    if (at % MAP_DEF !== 0) throw new GtmError('GTM_BPF', `map ${s.name} is not laid out as ours are`);
    const word = (i: number) => defs.getUint32(at + 4 * i, true);
    maps.set(s.name, {
      type: word(0),
      keySize: word(1),
      valueSize: word(2),
      entries: word(3),
      flags: word(4),
    });
  }
  const references: BpfObject['references'] = [];
  const rel = sections.find(s => s.type === SHT_REL && s.info === sections.indexOf(code));
  if (rel !== undefined) {
    const r = viewOf(rel.bytes);
    for (let at = 0; at < rel.bytes.length; at += REL.size) {
      const symbol = symbols[r.getUint32(at + REL.symbol, true)];
      if (
        r.getUint32(at + REL.type, true) !== R_BPF_64_64 ||
        symbol?.section !== mapSection ||
        !maps.has(symbol.name)
      )
        throw new GtmError('GTM_BPF', 'the object file refers to something else than a map');
      references.push({ at: r.getUint32(at + REL.offset, true), map: symbol.name });
    }
  }
  return {
    maps,
    code: code.bytes,
    references,
    license: text(find('license').bytes, 0),
    sections: new Map(sections.map(s => [s.name, s.bytes])),
  };
}

function readSections(file: Uint8Array, view: DataView): Section[] {
  const table = Number(view.getBigUint64(40, true));
  const count = view.getUint16(60, true);
  const names = view.getUint16(62, true);
  const raw = Array.from({ length: count }, (_, i) => {
    const at = table + i * SECTION.size;
    const type = view.getUint32(at + SECTION.type, true);
    const offset = Number(view.getBigUint64(at + SECTION.offset, true));
    const length = Number(view.getBigUint64(at + SECTION.length, true));
    if (offset + length > file.length) throw new RangeError('section');
    return {
      nameAt: view.getUint32(at + SECTION.name, true),
      type,
      bytes: file.subarray(offset, offset + length),
      link: view.getUint32(at + SECTION.link, true),
      info: view.getUint32(at + SECTION.info, true),
    };
  });
  const strings = raw[names]?.bytes ?? new Uint8Array(0);
  return raw.map(({ nameAt, ...s }) => ({ ...s, name: text(strings, nameAt) }));
}

function readSymbols(
  table: Section,
  sections: Section[],
): { name: string; section: number; value: number }[] {
  const view = viewOf(table.bytes);
  const strings = sections[table.link]?.bytes ?? new Uint8Array(0);
  return Array.from({ length: table.bytes.length / SYMBOL.size }, (_, i) => {
    const at = i * SYMBOL.size;
    return {
      name: text(strings, view.getUint32(at + SYMBOL.name, true)),
      section: view.getUint16(at + SYMBOL.section, true),
      value: Number(view.getBigUint64(at + SYMBOL.value, true)),
    };
  });
}

function text(bytes: Uint8Array, at: number): string {
  const end = bytes.indexOf(0, at);
  return new TextDecoder('latin1').decode(bytes.subarray(at, end < 0 ? bytes.length : end));
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
