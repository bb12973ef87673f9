// A page of docs/ as a test plays it: its cluster file, what is typed on which host, and what the client sees.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Block {
  hosts: readonly string[];
  lines: readonly string[];
  /** What is told to come of it; for what is typed with a prompt. */
  answers: readonly string[];
  /** Goes on while the page is played. */
  stays: boolean;
}

export interface Page {
  cluster: string;
  /** In the page's order. */
  blocks: Block[];
}

/** ```yaml is the cluster file, ```sh HOST … and ```console HOST are played there (`&` behind: it stays); other blocks are not. */
export function readPage(name: string): Page {
  const text = readFileSync(join(import.meta.dirname, '..', '..', 'docs', name), 'utf8');
  const page: Page = { cluster: '', blocks: [] };
  for (const [, language, words, body] of text.matchAll(/^```(\w+)([^\n]*)\n(.*?)^```$/gms)) {
    const all = words.split(' ').filter(w => w !== '');
    const hosts = all.filter(w => w !== '&');
    const stays = all.length > hosts.length;
    const lines = body.split('\n').filter(l => l !== '');
    if (language === 'yaml') page.cluster = body;
    else if (language === 'sh' && hosts.length > 0) page.blocks.push({ hosts, lines, answers: [], stays });
    else if (language === 'console')
      page.blocks.push({
        hosts,
        lines: lines.filter(l => l.startsWith('$ ')).map(l => l.slice(2)),
        answers: lines.filter(l => !l.startsWith('$ ')),
        stays,
      });
  }
  return page;
}
