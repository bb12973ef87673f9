// A plane that dies: applies the services of stdin, and is killed before its Nth command reaches the kernel.
//   plane-crash.js STATE_DIR N
import { readFileSync } from 'node:fs';
import type { ServiceSpec } from '../../src/model/service.ts';
import { countingLibc, openPlane } from './plane-kit.ts';

const [stateDir, die] = process.argv.slice(2);
const { libc } = await countingLibc(Number(die));
const plane = await openPlane({ stateDir, drain: 0, libc });
await plane.apply(JSON.parse(readFileSync(0, 'utf8')) as ServiceSpec[]);
