// The benches: `npm run bench -- NAME [flags]`. Each is one file bench/NAME.ts whose run() takes the flags and resolves to
// the exit code; files with a dash in their names are parts of one. Every figure that the documents quote is printed here.
import { readdirSync } from 'node:fs';

interface Bench {
  run(argv: string[]): Promise<number>;
}

const names = readdirSync(import.meta.dirname)
  .map(file => /^([a-z0-9]+)\.js$/.exec(file)?.[1])
  .filter(name => name !== undefined && name !== 'main');
const [name, ...argv] = process.argv.slice(2);
if (name === undefined || !names.includes(name)) {
  process.stderr.write(`usage: npm run bench -- ${names.join('|')} [--json]\n`);
  process.exitCode = 2;
} else {
  const bench = (await import(`./${name}.js`)) as Bench;
  process.exitCode = await bench.run(argv);
}
