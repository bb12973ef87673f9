#!/usr/bin/env node
// The command `gtm`: hands the process to cli/main.ts and ends with its exit code.
// Clients of a director that is started again wait for it, not for its command line to be read: it goes on before that.
const argv = process.argv.slice(2);
const ahead = argv.includes('serve') ? await (await import('./daemon/resume.ts')).resume() : undefined;
const { main } = await import('./cli/main.ts');

// `gtm status | head -1`: whoever reads has had enough.
process.stdout.on('error', (e: NodeJS.ErrnoException) => {
  if (e.code === 'EPIPE') process.exit(0);
  throw e;
});
process.exitCode = await main(argv, {
  out: text => void process.stdout.write(text),
  err: text => void process.stderr.write(text),
  outTty: process.stdout.isTTY === true,
  errTty: process.stderr.isTTY === true,
  env: process.env,
  ...(ahead && { ahead }),
});
await ahead?.close();
