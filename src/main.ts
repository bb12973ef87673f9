#!/usr/bin/env node
// The command `gtm`: hands the process to cli/main.ts and ends with its exit code.
import { main } from './cli/main.ts';

// `gtm status | head -1`: whoever reads has had enough.
process.stdout.on('error', (e: NodeJS.ErrnoException) => {
  if (e.code === 'EPIPE') process.exit(0);
  throw e;
});
process.exitCode = await main(process.argv.slice(2), {
  out: text => void process.stdout.write(text),
  err: text => void process.stderr.write(text),
  outTty: process.stdout.isTTY === true,
  errTty: process.stderr.isTTY === true,
  env: process.env,
});
