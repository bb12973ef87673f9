// The object file of the XDP program: read as it is, and refused in words when it is cut or another's.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { readObject } from '../../src/nic/elf.ts';
import { OBJECT } from '../../src/nic/steer.ts';

const file = new Uint8Array(readFileSync(OBJECT));

describe('a BPF object', () => {
  it('has code, maps, and where the code names them', () => {
    const object = readObject(file, 'xdp');
    assert.deepEqual([...object.maps.keys()].sort(), [
      ...['addresses', 'alive', 'counters', 'endpoints', 'interfaces', 'sockets', 'stopped'],
    ]);
    assert.deepEqual(object.maps.get('alive'), {
      type: 2,
      keySize: 4,
      valueSize: 8,
      entries: 64,
      flags: 1024,
    });
    assert.equal(object.code.length % 8, 0);
    assert.equal(object.license, 'Dual MIT/GPL');
    assert.ok(object.references.length > 10);
    // Each is a load of 64 bits, to be filled in.
    for (const { at } of object.references) assert.equal(object.code[at], 0x18);
  });

  it('is refused in words when it is none, cut anywhere, or has no such program', () => {
    assert.throws(() => readObject(new Uint8Array(100), 'xdp'), {
      code: 'GTM_BPF',
      message: 'no BPF object file',
    });
    assert.throws(() => readObject(file, 'tc'), { code: 'GTM_BPF', message: /no section tc/ });
    for (let length = 0; length < file.length; length += 997)
      assert.throws(() => readObject(file.subarray(0, length), 'xdp'), { code: 'GTM_BPF' });
  });
});
