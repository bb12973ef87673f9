// Memory on huge pages: pieces that lie apart, begin at lines of the cache, hold what is written, and are the heap's where there is no more room.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { carve, mapHuge, unmapHuge } from '../../src/nic/huge.ts';
import { openLibc } from '../../src/nic/libc.ts';

const libc = await openLibc();
const MIB = 1 << 20;

test('pieces of a mapped place are zeroed, apart, at lines of the cache', () => {
  const place = mapHuge(libc, 5 * MIB);
  const memory = carve(libc, place);
  const pieces = [3 * MIB, 100, 1, 64, 4].map(bytes => memory(bytes));
  for (const [i, piece] of pieces.entries()) {
    const bytes = new Uint8Array(piece);
    assert.ok(bytes.every(b => b === 0));
    bytes.fill(i + 1);
    const at = libc.address(piece);
    assert.equal(at % 64, 0);
    assert.ok(at >= place.address && at + piece.byteLength <= place.address + place.length);
  }
  for (const [i, piece] of pieces.entries()) assert.ok(new Uint8Array(piece).every(b => b === i + 1));
  unmapHuge(libc, place);
});

test('what does not fit comes from the heap', () => {
  const place = mapHuge(libc, 64);
  const memory = carve(libc, place);
  const inside = (piece: ArrayBuffer) => {
    const at = libc.address(piece);
    return at >= place.address && at < place.address + place.length;
  };
  assert.ok(inside(memory(64)));
  const large = memory(16 * MIB);
  assert.equal(large.byteLength, 16 * MIB);
  assert.ok(!inside(large));
  assert.ok(inside(memory(64)));
  unmapHuge(libc, place);
});

test('the place says whether the kernel gives huge pages', () => {
  let mode = '';
  try {
    mode = readFileSync('/sys/kernel/mm/transparent_hugepage/enabled', 'utf8');
  } catch {
    // A kernel without them.
  }
  const place = mapHuge(libc, MIB);
  assert.equal(place.huge, mode !== '' && !mode.includes('[never]'));
  unmapHuge(libc, place);
});
