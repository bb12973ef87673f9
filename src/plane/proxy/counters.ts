// Counters as the worker writes them and the main thread reads them: doubles in shared memory, one small block for each
// service and for each real server in it. The main thread makes the blocks, so the numbers outlive a reload and a worker.

/** Slots of a service's block. */
export const SERVICE = {
  connections: 0,
  inBytes: 1,
  outBytes: 2,
  refused: 3,
  inPackets: 4,
  outPackets: 5,
} as const;
/** Slots of a real server's block; `active` and `inactive` are levels, the others only grow. Packets are datagrams: of TCP a socket tells none. */
export const SERVER = {
  active: 0,
  inactive: 1,
  connections: 2,
  inBytes: 3,
  outBytes: 4,
  failed: 5,
  inPackets: 6,
  outPackets: 7,
} as const;

/** A block of zeros with one double for each name in `slots`. */
export function newBlock(slots: typeof SERVICE | typeof SERVER): Float64Array {
  return new Float64Array(new SharedArrayBuffer(Object.keys(slots).length * 8));
}
