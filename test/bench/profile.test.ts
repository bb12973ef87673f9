// What the l4 bench reads from perf's samples.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { busiest } from '../../bench/l4-profile.ts';

const SAMPLES = `
 6014     200000  ffffffff81e96695 sk_filter_trim_cap ([kernel.kallsyms])
 6014     200000  ffffffffc0201234 nft_do_chain ([nf_tables])
 6014     200000  ffffffffc0300010 bpf_prog_2b1f3_steer (bpf_prog_2b1f3_steer)
 6014     200000      7f40dc083daa [unknown] (/tmp/perf-6002.map)
 6014     200000      7f40dc083daa [unknown] ([JIT] tid 6002)
 6014     200000      7f40dc083daa JS:*run file:///gtm/dist/src/plane/xdp/worker.js:86:13 (/tmp/perf-6002.map)
 6014     200000           11f4d20 Builtins_AtomicsStore (/usr/bin/node)
 6014     200000            c45da2 v8::internal::Scavenger::Process() (/usr/bin/node)
 6014     200000            c45d68 napi_get_value_int64 (/usr/bin/node)
 6014     200000            efa997 v8::Value::IsInt32() const (/usr/bin/node)
 6014     200000      7f423ea4ca87 [unknown] (/gtm/node_modules/@koromix/koffi-linux-x64/linux_x64/koffi.node)
 6014     200000      7f4267928ba4 __poll (/usr/lib/x86_64-linux-gnu/libc.so.6)
 6002     500000      7f40dc083daa [unknown] ([JIT] tid 6002)
not a sample
`;

test('of the busiest thread: all of user space, and of that what V8 made or is', () => {
  assert.deepEqual(busiest(SAMPLES), { all: 2_400_000, user: 1_800_000, script: 1_000_000 });
});

test('no samples are no figures', () => {
  assert.deepEqual(busiest(''), { user: Number.NaN, script: Number.NaN });
});
