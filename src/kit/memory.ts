// Where large tables get their memory: from the heap, or from who has better.

/** So many zeroed bytes, for as long as their owner lives. */
export type Memory = (bytes: number) => ArrayBuffer;

/** Node's own. */
export const plain: Memory = bytes => new ArrayBuffer(bytes);
