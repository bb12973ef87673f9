// The tunnel's end on the server of the l4 bench: takes the outer header of IPIP packets off, in the kernel, as an ipip device would
// that not every kernel has. Runs on the server's host until it is told to end.   l4-unpack.js INTERFACE
import { reason } from '../src/kit/errors.ts';
import { Bpf } from '../src/nic/bpf.ts';
import { openLibc } from '../src/nic/libc.ts';
import { openRtnetlink } from '../src/nic/rtnetlink.ts';

const ETHERNET = 14;
const OUTER = 20;
const IPIP = 4;
const ADJUST_HEAD = 44;
const XDP_PASS = 2;
/** Codes of instructions (linux/bpf.h): class, size or source, operation. */
const OP = { move: 0xbf, set: 0xb7, add: 0x07, isAfter: 0x2d, isNot: 0x55, call: 0x85, exit: 0x95 } as const;
const LOAD = { u8: 0x71, u16: 0x69, u32: 0x61, u64: 0x79 } as const;
const STORE = { u16: 0x6b, u32: 0x63, u64: 0x7b } as const;
const [RESULT, CONTEXT, DATA, END, REACH, WORD, KEPT] = [0, 1, 2, 3, 4, 5, 6];

/** Code, destination and source register, offset, and constant. A jump to `pass` has the offset 0 here. */
type Instruction = readonly [code: number, to: number, from: number, offset: number, constant: number];

const moved = (size: 'u16' | 'u32' | 'u64', at: number): Instruction[] => [
  [LOAD[size], WORD, DATA, at, 0],
  [STORE[size], DATA, WORD, at + OUTER, 0],
];
const PROGRAM: readonly Instruction[] = [
  [OP.move, KEPT, CONTEXT, 0, 0],
  [LOAD.u32, DATA, CONTEXT, 0, 0],
  [LOAD.u32, END, CONTEXT, 4, 0],
  [OP.move, REACH, DATA, 0, 0],
  [OP.add, REACH, 0, 0, ETHERNET + 2 * OUTER],
  [OP.isAfter, REACH, END, 0, 0],
  [LOAD.u16, WORD, DATA, 12, 0],
  [OP.isNot, WORD, 0, 0, 0x0008],
  [LOAD.u8, WORD, DATA, ETHERNET, 0],
  [OP.isNot, WORD, 0, 0, 0x45],
  [LOAD.u8, WORD, DATA, ETHERNET + 9, 0],
  [OP.isNot, WORD, 0, 0, IPIP],
  // The link header goes in front of the inner packet.
  ...moved('u64', 0),
  ...moved('u32', 8),
  ...moved('u16', 12),
  [OP.move, CONTEXT, KEPT, 0, 0],
  [OP.set, DATA, 0, 0, OUTER],
  [OP.call, 0, 0, 0, ADJUST_HEAD],
];
const PASS: readonly Instruction[] = [
  [OP.set, RESULT, 0, 0, XDP_PASS],
  [OP.exit, 0, 0, 0, 0],
];

function assemble(): Uint8Array {
  const all = [...PROGRAM, ...PASS];
  const code = new DataView(new ArrayBuffer(all.length * 8));
  all.forEach(([op, to, from, offset, constant], i) => {
    const jumps = op === OP.isAfter || op === OP.isNot;
    code.setUint8(i * 8, op);
    code.setUint8(i * 8 + 1, to | (from << 4));
    code.setInt16(i * 8 + 2, jumps ? PROGRAM.length - i - 1 : offset, true);
    code.setInt32(i * 8 + 4, constant, true);
  });
  return new Uint8Array(code.buffer);
}

try {
  const [, , name] = process.argv;
  const libc = await openLibc();
  const link = openRtnetlink(libc)
    .links()
    .find(l => l.name === name);
  if (link === undefined) throw new Error(`there is no interface ${name}`);
  const bpf = new Bpf(libc);
  // The link goes with the process.
  bpf.attach(bpf.load('unpack', assemble(), 'GPL'), link.index, 'native');
  console.log('ready');
  setInterval(() => {}, 1 << 30);
} catch (e) {
  console.error(reason(e));
  process.exitCode = 1;
}
