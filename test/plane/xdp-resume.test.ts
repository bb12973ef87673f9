// What a clean stop leaves for the next run to begin with: read once, and only when nothing about it is in doubt. And a plane that
// forwards already: taken by whoever wants it as it is, ended otherwise.
import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { silent } from '../../src/kit/log.ts';
import type { DirectorConfig } from '../../src/model/schema.ts';
import type { Plane } from '../../src/model/service.ts';
import { Ahead } from '../../src/plane/xdp/ahead.ts';
import { readIsnKey } from '../../src/plane/xdp/isn-key.ts';
import { type Resume, readResume, writeResume } from '../../src/plane/xdp/resume-file.ts';
import { spec } from './xdp-specs.ts';

const NOW = 1_800_000_000_000;
const DIRECTOR: DirectorConfig = {
  plane: 'xdp',
  interfaces: ['eth0'],
  connections: 65_536,
  attach: 'auto',
  moderation: 'adaptive',
  links: [],
  own_all: false,
  drain: 0,
};
const LEFT: Resume = {
  saved: NOW,
  mark: { run: 'r', file: '/etc/gtm.yaml', print: 'p' },
  workers: 2,
  director: DIRECTOR,
  services: [spec('tcp 192.0.2.10:80', 'nat', ['10.0.0.1:80', '10.0.0.2:80'])],
};

describe('what a clean stop leaves', () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'gtm-resume-'));
    path = writeResume(folder, LEFT, silent) as string;
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('comes back as it was, nobody else may read it, and it is there once', () => {
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.deepEqual(readResume(path, NOW + 900), LEFT);
    assert.equal(existsSync(path), false);
    assert.equal(readResume(path, NOW + 900), undefined);
  });

  for (const [what, spoil] of [
    ['cut short', () => truncateSync(path, statSync(path).size - 1)],
    ['changed in one place', () => write(readFileSync(path, 'utf8').replace('10.0.0.1', '10.0.0.9'))],
    ['of another form', () => write(readFileSync(path, 'utf8').replace('resume 1', 'resume 0'))],
    ['empty', () => truncateSync(path, 0)],
    ['open to others', () => chmodSync(path, 0o644)],
    ['larger than anything that was written', () => truncateSync(path, 80 << 20)],
    ['of a director that forwards otherwise', () => left({ director: { ...DIRECTOR, plane: 'proxy' } })],
    [
      'of a version that knew no moderation',
      () => left({ director: { ...DIRECTOR, moderation: undefined } as never }),
    ],
    ['without workers', () => left({ workers: 0 })],
  ] as const)
    it(`is not taken up when it is ${what}, and goes`, () => {
      spoil();
      assert.equal(readResume(path, NOW + 900), undefined);
      assert.equal(existsSync(path), false);
    });

  it('is not taken up a minute later, nor before it was written', () => {
    assert.equal(readResume(path, NOW + 60_000), undefined);
    left({});
    assert.equal(readResume(path, NOW - 1), undefined);
  });

  it('cannot be written: that is told, and nothing else', () => {
    const said: string[] = [];
    const log = { ...silent, info: (_: object, message: string) => void said.push(message) };
    writeFileSync(join(folder, 'file'), '');
    assert.equal(writeResume(join(folder, 'file'), LEFT, log), undefined);
    assert.match(said.join(), /the next start is a slower one/);
  });

  function write(text: string): void {
    writeFileSync(path, text);
  }

  function left(change: Partial<Resume>): void {
    writeResume(folder, { ...LEFT, ...change }, silent);
  }
});

describe('a plane that forwards already', () => {
  const owner = { log: silent, onFault: () => {}, mark: () => LEFT.mark };
  let closed = 0;
  let adopted = 0;
  const ahead = () => {
    closed = 0;
    adopted = 0;
    const made = new Ahead(undefined, []);
    const plane = { name: 'xdp', close: async () => void closed++ } as unknown as Plane;
    made.hold({ plane, director: DIRECTOR, stateDir: '/state', adopt: () => void adopted++ });
    return { made, plane };
  };

  it('goes to who wants it as it is, once', async () => {
    const { made, plane } = ahead();
    assert.equal(await made.takePlane(structuredClone(DIRECTOR), '/state', owner), plane);
    assert.equal(await made.takePlane(DIRECTOR, '/state', owner), undefined);
    await made.close();
    assert.deepEqual([adopted, closed], [1, 0]);
  });

  for (const [what, director, stateDir] of [
    ['other interfaces', { ...DIRECTOR, interfaces: ['eth1'] }, '/state'],
    ['another state folder', DIRECTOR, '/elsewhere'],
  ] as const)
    it(`ends before one with ${what} is opened`, async () => {
      const { made } = ahead();
      assert.equal(await made.takePlane(director as DirectorConfig, stateDir, owner), undefined);
      assert.equal(closed, 1);
    });

  it('ends when nobody takes it', async () => {
    const { made } = ahead();
    await made.close();
    await made.close();
    assert.equal(closed, 1);
  });
});

describe("the key of FullNAT's sequence numbers", () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = join(mkdtempSync(join(tmpdir(), 'gtm-isn-')), 'state');
    path = join(folder, 'xdp-isn-key');
  });
  afterEach(() => rmSync(join(folder, '..'), { recursive: true, force: true }));

  it('is made once, and nobody else may read it', () => {
    const key = readIsnKey(folder, silent);
    assert.equal(key.length, 4);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.deepEqual(readIsnKey(folder, silent), key);
    assert.notDeepEqual(readIsnKey(join(folder, 'another'), silent), key);
  });

  for (const [what, spoil] of [
    ['cut short', () => truncateSync(path, 20)],
    ['no key', () => writeFileSync(path, `${'z'.repeat(32)}\n`)],
    ['open to others', () => chmodSync(path, 0o644)],
    [
      "somebody else's file",
      () => {
        rmSync(path);
        symlinkSync(join(folder, '..', 'elsewhere'), path);
        writeFileSync(join(folder, '..', 'elsewhere'), `${'0'.repeat(32)}\n`, { mode: 0o600 });
      },
    ],
    [
      'a folder',
      () => {
        rmSync(path);
        mkdirSync(path);
      },
    ],
  ] as const)
    it(`${what}: another one is made, and kept`, () => {
      const key = readIsnKey(folder, silent);
      spoil();
      const made = readIsnKey(folder, silent);
      assert.notDeepEqual(made, key);
      assert.notDeepEqual(made, new Int32Array(4));
      assert.equal(statSync(path).mode & 0o777, 0o600);
      assert.deepEqual(readIsnKey(folder, silent), made);
    });

  it('without a folder that can be written there is one for this run', () => {
    writeFileSync(join(folder, '..', 'file'), '');
    assert.equal(readIsnKey(join(folder, '..', 'file', 'state'), silent).length, 4);
  });
});
