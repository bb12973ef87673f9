// The kernel of the lab's emulated machine: Debian's newest for its stable release, from its backports. Virtio's driver has zero-copy
// from Linux 6.13 on, which older releases do not hold.
//   apt-get with lists of its own (this machine's stay as they are) → packages → a folder, kept for the next time
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SUITE = 'trixie-backports';
const SOURCE = `deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian ${SUITE} main\n`;
const FOLDER = join(tmpdir(), 'gtm-lab-kernel');
/** Packages that hold parts of a kernel; the first asks for the others. */
const FIRST = 'linux-image-amd64';
const PART = /^linux-(image|binary|modules|base)-\d\S*/;

export interface Kernel {
  version: string;
  /** Path of the image. */
  image: string;
  /** The folder that holds the modules of `version`. */
  modules: string;
}

/** The kernel, fetched if it is not here yet. Throws with what apt-get says. */
export function fetchKernel(): Kernel {
  if (!existsSync(FOLDER)) {
    const making = `${FOLDER}.${process.pid}`;
    try {
      make(making);
      renameSync(making, FOLDER);
    } finally {
      rmSync(making, { recursive: true, force: true });
    }
  }
  const modules = join(FOLDER, 'usr', 'lib', 'modules');
  const [version] = readdirSync(modules);
  const image = [join(modules, version, 'vmlinuz'), join(FOLDER, 'boot', `vmlinuz-${version}`)].find(
    existsSync,
  );
  if (image === undefined) throw new Error(`no image of kernel ${version} in ${FOLDER}`);
  return { version, image, modules };
}

/** A module's octets as insmod takes them. Throws if the kernel has none of that name. */
export function unpacked({ modules, version }: Kernel, name: string): Buffer {
  const path = readdirSync(join(modules, version), { recursive: true, encoding: 'utf8' }).find(p =>
    p.endsWith(`/${name}.ko.xz`),
  );
  if (path === undefined) throw new Error(`kernel ${version} has no module ${name}`);
  return execFileSync('xz', ['-dc', join(modules, version, path)], { maxBuffer: 64 << 20 });
}

function make(folder: string): void {
  const packages = join(folder, 'packages');
  for (const dir of ['lists/partial', 'cache/archives/partial', 'packages'])
    mkdirSync(join(folder, dir), { recursive: true });
  writeFileSync(join(folder, 'sources.list'), SOURCE);
  const settings = [
    `Dir::Etc::SourceList=${folder}/sources.list`,
    'Dir::Etc::SourceParts=-',
    `Dir::State::Lists=${folder}/lists`,
    `Dir::Cache=${folder}/cache`,
    'APT::Sandbox::User=root',
  ].flatMap(s => ['-o', s]);
  const apt = (...args: string[]) =>
    execFileSync('apt-get', ['-qq', ...settings, '-t', SUITE, ...args], {
      cwd: packages,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  apt('update');
  const have = new Set<string>();
  for (let wanted = [FIRST]; wanted.length > 0; ) {
    apt('download', ...wanted);
    for (const name of wanted) have.add(name);
    wanted = readdirSync(packages)
      .flatMap(file => fields(join(packages, file)))
      .filter(name => PART.test(name) && !have.has(name));
  }
  for (const file of readdirSync(packages)) execFileSync('dpkg-deb', ['-x', join(packages, file), folder]);
  for (const dir of ['lists', 'cache', 'packages']) rmSync(join(folder, dir), { recursive: true });
  if (!existsSync(join(folder, 'lib'))) symlinkSync('usr/lib', join(folder, 'lib'));
  const [version] = readdirSync(join(folder, 'usr', 'lib', 'modules'));
  execFileSync('depmod', ['-b', folder, version]);
}

// The names of the packages that one depends on.
function fields(file: string): string[] {
  const text = execFileSync('dpkg-deb', ['-f', file, 'Depends'], { encoding: 'utf8' });
  return text.split(/[,|]/).map(word => word.trim().split(/[ (]/)[0]);
}
