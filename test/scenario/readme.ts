// The README shows what the program prints. Blocks between `<!-- name -->` and `<!-- /name -->` are held to it;
// `UPDATE_GOLDEN=1 npm test -- scenario` writes them anew.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './harness.ts';

const README = join(ROOT, 'README.md');

/** Times, ports and the folder differ from run to run; all else is compared to the letter. */
function settled(text: string): string {
  return text
    .replace(/\b(\d+(ms|s|m|h|d))+\b/g, 'T')
    .replace(/\bin \d+ ms\b/g, 'in N ms')
    .replace(/queries \d+/g, 'queries N')
    .replace(/ +/g, ' ')
    .trim();
}

/** Holds the README's block of that name to `printed`; the folder `dir` is shown as `zones`. */
export function holdReadme(name: string, printed: string, dir: string): void {
  const shown = printed
    .replaceAll(dir, 'zones')
    .replace(/[ \t]+$/gm, '')
    .trim();
  const text = readFileSync(README, 'utf8');
  const block = new RegExp(`(<!-- ${name} -->\n\`\`\`\\w*\n)([\\s\\S]*?)(\`\`\`\n<!-- /${name} -->)`);
  const found = block.exec(text);
  assert.ok(found, `the README has no block ${name}`);
  if (process.env['UPDATE_GOLDEN'])
    writeFileSync(
      README,
      text.replace(block, () => `${found[1]}${shown}\n${found[3]}`),
    );
  else
    assert.equal(
      settled(found[2]),
      settled(shown),
      `README.md, block ${name}: UPDATE_GOLDEN=1 npm test -- scenario`,
    );
}
