// The records of one zone in columns: what the zone-file parser fills and what the zone compiler, the printer and the
// checks read. Columns and one byte arena, not an object a record: a million names must fit.

/** Records that have room at first: as many as most zones have. */
const ROOM = 16;

/** Growable columns of records. Owner and rdata are uncompressed wire bytes in the arena, their case as written. */
export class RecordList {
  count = 0;
  bytes = new Uint8Array(1024);
  /** Arena offsets. */
  owner = new Uint32Array(ROOM);
  rdata = new Uint32Array(ROOM);
  rdlength = new Uint16Array(ROOM);
  type = new Uint16Array(ROOM);
  /** Seconds. */
  ttl = new Uint32Array(ROOM);
  /** Where the record stands: index into `files`, line, column of its type field. */
  file = new Uint16Array(ROOM);
  line = new Uint32Array(ROOM);
  col = new Uint16Array(ROOM);
  readonly files: string[] = [];
  #used = 0;
  #lastOwner = -1;

  /** The index of a file's name in `files`, where it is added if need be. */
  fileIndex(file: string): number {
    const known = this.files.indexOf(file);
    return known >= 0 ? known : this.files.push(file) - 1;
  }

  /** Makes it empty; the room that it has stays. */
  clear(): void {
    this.count = 0;
    this.files.length = 0;
    this.#used = 0;
    this.#lastOwner = -1;
  }

  /** Appends a record; `owner` and `rdata` are copied. Consecutive records of one owner share its bytes. */
  add(owner: Uint8Array, type: number, ttl: number, rdata: Uint8Array, file = 0, line = 0, col = 0): void {
    const i = this.count;
    if (i === this.type.length) this.#grow();
    this.owner[i] = this.#sameAsLast(owner) ? this.#lastOwner : this.#put(owner);
    this.#lastOwner = this.owner[i];
    this.rdata[i] = this.#put(rdata);
    this.rdlength[i] = rdata.length;
    this.type[i] = type;
    this.ttl[i] = ttl;
    this.file[i] = file;
    this.line[i] = line;
    this.col[i] = Math.min(col, 0xffff);
    this.count = i + 1;
  }

  /** The owner of record `i` as a view from its first byte; it ends at its root label (see name.ts, nameLength). */
  ownerBytes(i: number): Uint8Array {
    let end = this.owner[i];
    while (this.bytes[end] !== 0) end += 1 + this.bytes[end];
    return this.bytes.subarray(this.owner[i], end + 1);
  }

  /** The rdata of record `i`, a view. */
  rdataBytes(i: number): Uint8Array {
    return this.bytes.subarray(this.rdata[i], this.rdata[i] + this.rdlength[i]);
  }

  #sameAsLast(owner: Uint8Array): boolean {
    if (this.#lastOwner < 0) return false;
    for (let i = 0; i < owner.length; i++) if (this.bytes[this.#lastOwner + i] !== owner[i]) return false;
    return true;
  }

  #put(data: Uint8Array): number {
    const at = this.#used;
    if (at + data.length > this.bytes.length) {
      const bigger = new Uint8Array(Math.max(this.bytes.length * 2, at + data.length));
      bigger.set(this.bytes.subarray(0, at));
      this.bytes = bigger;
    }
    this.bytes.set(data, at);
    this.#used = at + data.length;
    return at;
  }

  #grow(): void {
    const size = this.type.length * 2;
    const wider = <T extends Uint16Array | Uint32Array>(old: T, fresh: T): T => {
      fresh.set(old);
      return fresh;
    };
    this.owner = wider(this.owner, new Uint32Array(size));
    this.rdata = wider(this.rdata, new Uint32Array(size));
    this.rdlength = wider(this.rdlength, new Uint16Array(size));
    this.type = wider(this.type, new Uint16Array(size));
    this.ttl = wider(this.ttl, new Uint32Array(size));
    this.file = wider(this.file, new Uint16Array(size));
    this.line = wider(this.line, new Uint32Array(size));
    this.col = wider(this.col, new Uint16Array(size));
  }
}
