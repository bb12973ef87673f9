// The import law, the purity of the rooms and the length of their files, read from the sources themselves.
// The law is the table ROOMS; src/README.md tells it in words.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, it } from 'node:test';
import { bare } from './source.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const SRC = join(ROOT, 'src');

interface Room {
  /** Rooms that it may import besides kit and model. */
  rooms?: readonly string[];
  /** Rooms that it may load at run time with `import()` or take types from. */
  lazy?: readonly string[];
  packages?: readonly string[];
  /** No npm package but those, no `node:` but those, no clock, no dice, no timer, no process. */
  pure?: boolean;
  nodes?: readonly string[];
}

const EVERY = [
  'dns',
  'steer',
  'lvs',
  'health',
  'metrics',
  'net',
  'nic',
  'plane',
  'probe',
  'cluster',
  'admin',
  'web',
] as const;

const ROOMS: Record<string, Room> = {
  kit: { pure: true },
  model: { pure: true, packages: ['zod', 'yaml'] },
  dns: { pure: true, nodes: ['node:crypto'] },
  steer: { pure: true },
  lvs: { pure: true },
  health: { pure: true },
  metrics: { pure: true },
  net: { rooms: ['dns', 'nic'], packages: ['dns2'] },
  nic: { packages: ['koffi'] },
  plane: { rooms: ['lvs', 'nic'] },
  realserver: { rooms: ['nic'] },
  probe: { rooms: ['health'], packages: ['undici'] },
  cluster: { packages: ['ioredis'] },
  admin: { rooms: ['metrics', 'web', 'dns'], packages: ['hono', '@hono/node-server'] },
  web: {},
  cli: { rooms: ['dns', 'lvs', 'net'], lazy: ['daemon', 'admin', 'realserver'] },
  daemon: { rooms: EVERY, packages: ['pino', 'node-cron'] },
  main: { rooms: ['cli'], lazy: ['daemon'] },
};

/** Packages that a whole room is the door of; every other one has a single file. */
const ROOM_DOORS: Record<string, string> = { zod: 'model' };

/** Lines a file may have; tables may be longer. */
const LONGEST = 350;
const TABLES = new Set(['dns/rr.ts', 'web/page.ts', 'web/style.ts', 'web/script.ts']);

const FORBIDDEN =
  /\b(Date\.now|new Date\(\)|Math\.random|performance\.now|setTimeout|setInterval|setImmediate|queueMicrotask|process\.|globalThis\.process)/g;

interface Import {
  file: string;
  room: string;
  target: string;
  /** The room, package or `node:` module that it leads to. */
  to: string;
  kind: 'room' | 'package' | 'node' | 'data';
  /** Types only, or loaded at run time. */
  light: boolean;
}

const FILES = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter(f => f.endsWith('.ts'))
  .sort();
const TEXTS = new Map(FILES.map(f => [f, readFileSync(join(SRC, f), 'utf8')]));

function roomOf(file: string): string {
  return file.includes('/') ? file.slice(0, file.indexOf('/')) : file.replace(/\.ts$/, '');
}

const STATIC = /^(?:import|export)\s+(type\s+)?(?:[\w$*{},\s]+?\sfrom\s+)?'([^']+)'/gm;
const DYNAMIC = /\bimport\(\s*'([^']+)'\s*\)|new URL\(\s*'(\.[^']+)'\s*,\s*import\.meta\.url/g;

function importsOf(file: string): Import[] {
  const text = bare(TEXTS.get(file) as string, 'comments');
  const found = [
    ...[...text.matchAll(STATIC)].map(m => ({ target: m[2], light: m[1] !== undefined })),
    ...[...text.matchAll(DYNAMIC)].map(m => ({ target: m[1] ?? m[2], light: true })),
  ];
  return found.map(({ target, light }) => {
    const room = roomOf(file);
    if (target.startsWith('node:')) return { file, room, target, to: target, kind: 'node', light };
    if (!target.startsWith('.')) {
      const to = target.split('/', target.startsWith('@') ? 2 : 1).join('/');
      return { file, room, target, to, kind: 'package', light };
    }
    const path = relative(SRC, join(SRC, dirname(file), target));
    return { file, room, target, to: roomOf(path), kind: path.startsWith('..') ? 'data' : 'room', light };
  });
}

const IMPORTS = FILES.flatMap(importsOf);

function told(imports: readonly Import[]): string[] {
  return imports.map(i => `${i.file} imports ${i.target}`);
}

describe('the import law', () => {
  it('the sources are read: every room that has files is in the table', () => {
    assert.ok(IMPORTS.length > 50);
    assert.deepEqual(
      [...new Set(FILES.map(roomOf))].filter(r => !(r in ROOMS)),
      [],
    );
  });

  it('a room imports the rooms that it may', () => {
    const broken = IMPORTS.filter(i => {
      if (i.kind !== 'room' || i.to === i.room) return false;
      const law = ROOMS[i.room];
      const basic = i.room === 'kit' ? [] : i.room === 'model' ? ['kit'] : ['kit', 'model'];
      return ![...basic, ...(law?.rooms ?? []), ...(i.light ? (law?.lazy ?? []) : [])].includes(i.to);
    });
    assert.deepEqual(told(broken), []);
  });

  it('every relative import leads to a file', () => {
    const lost = IMPORTS.filter(
      i =>
        i.kind === 'room' &&
        !TEXTS.has(relative(SRC, join(SRC, dirname(i.file), i.target)).replace(/\.js$/, '.ts')),
    );
    assert.deepEqual(told(lost), []);
    // Outside of src only the version is read.
    const data = IMPORTS.filter(i => i.kind === 'data' && !i.target.endsWith('/package.json'));
    assert.deepEqual(told(data), []);
  });

  it('an npm package is imported by the room that it belongs to, through one door', () => {
    const packages = IMPORTS.filter(i => i.kind === 'package');
    assert.deepEqual(told(packages.filter(i => !(ROOMS[i.room]?.packages ?? []).includes(i.to))), []);
    const doors = new Map<string, Set<string>>();
    for (const i of packages)
      doors.set(i.to, (doors.get(i.to) ?? new Set()).add(i.to in ROOM_DOORS ? i.room : i.file));
    for (const [name, files] of doors) assert.equal(files.size, 1, `${name}: ${[...files].join(', ')}`);
  });

  it('pure rooms import no part of Node but what the table says', () => {
    const broken = IMPORTS.filter(i => {
      const law = ROOMS[i.room];
      return i.kind === 'node' && law?.pure === true && !(law.nodes ?? []).includes(i.to);
    });
    assert.deepEqual(told(broken), []);
  });

  it('pure rooms have no clock, no dice, no timer and no process of their own', () => {
    const broken = FILES.filter(f => ROOMS[roomOf(f)]?.pure).flatMap(f =>
      [...bare(TEXTS.get(f) as string, 'comments and texts').matchAll(FORBIDDEN)].map(m => `${f}: ${m[1]}`),
    );
    assert.deepEqual(broken, []);
  });

  it('no room is reached from itself', () => {
    const next = new Map<string, Set<string>>();
    for (const i of IMPORTS)
      if (i.kind === 'room' && i.to !== i.room) next.set(i.room, (next.get(i.room) ?? new Set()).add(i.to));
    const walk = (room: string, path: readonly string[]): void => {
      assert.ok(!path.includes(room), [...path, room].join(' → '));
      for (const to of next.get(room) ?? []) walk(to, [...path, room]);
    };
    for (const room of next.keys()) walk(room, []);
  });
});

describe('a restart', () => {
  // Clients wait until all of this is loaded: a parser, a web framework or a database's client has no place in it.
  for (const [what, files, packages] of [
    [
      'the main thread forwards',
      ['daemon/serve.ts', 'plane/xdp.ts', 'plane/xdp/ahead.ts'],
      ['node-cron', 'pino'],
    ],
    ['a restart resumes', ['main.ts', 'daemon/resume.ts'], []],
    ['a worker forwards', ['plane/xdp/worker.ts'], []],
  ] as const)
    it(`${what} before more is loaded than it needs`, () => {
      const seen = new Set<string>(files);
      const found = new Set<string>();
      for (const file of seen)
        for (const i of IMPORTS) {
          if (i.file !== file || i.light) continue;
          if (i.kind === 'package') found.add(i.to);
          else if (i.kind === 'room') seen.add(relative(SRC, join(SRC, dirname(file), i.target)));
        }
      assert.deepEqual([...found].sort(), packages);
      assert.ok(seen.size > 4 && seen.size < 160, `${seen.size} files`);
    });
});

describe('house rules that a reader feels', () => {
  it(`a file has at most ${LONGEST} lines`, () => {
    const long = FILES.filter(
      f => !TABLES.has(f) && (TEXTS.get(f) as string).split('\n').length - 1 > LONGEST,
    );
    assert.deepEqual(long, []);
  });

  it('a file begins with a few lines on what it is', () => {
    const mute = FILES.filter(f => !/^(#!.*\n)?(\/\/ |\/\*\*? )/.test(TEXTS.get(f) as string));
    assert.deepEqual(mute, []);
  });

  it('no default export, no module state shared by the nodes of one process', () => {
    // A worker's entry has its module to itself.
    const shared = FILES.filter(f => !/worker\.ts$/.test(f));
    const code = (f: string) => bare(TEXTS.get(f) as string, 'comments and texts');
    assert.deepEqual(
      FILES.filter(f => /^export default\b/m.test(code(f))),
      [],
    );
    assert.deepEqual(
      shared.filter(f => /^(export )?let\s/m.test(code(f))),
      [],
    );
  });
});

describe('what the law reads', () => {
  it('comments and texts are told from code', () => {
    // «§» stands for the opening of a placeholder.
    const given = "a('// no'); // Date.now\n/* b */ c(`x §d('}')} y`); e = /[/'\"]/.test(f) / 2 / g;";
    const code = "a('// no');            \n        c(`x §d('}')} y`); e = /[/'\"]/.test(f) / 2 / g;";
    const skeleton = "a('     ');            \n        c(`  §d(' ')}  `); e = /     /.test(f) / 2 / g;";
    const open = (text: string) => text.replace('§', '$'.concat('{'));
    assert.equal(bare(open(given), 'comments'), open(code));
    assert.equal(bare(open(given), 'comments and texts'), open(skeleton));
  });
});
