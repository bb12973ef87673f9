// Runs inside a host of the lab: guards what is named («in 6 ADDRESS PORT»), or removes the guard when nothing is.
import { parseIp } from '../../src/kit/ip.ts';
import { openLibc } from '../../src/nic/libc.ts';
import { openNft } from '../../src/nic/nft.ts';
import { Guard } from '../../src/plane/xdp/guard.ts';

const guard = new Guard(openNft(await openLibc()), 'switchyard');
const entries = process.argv.slice(2).map(text => {
  const [direction, protocol, address, port] = text.split(' ');
  return {
    direction: direction as 'in' | 'out',
    protocol: Number(protocol),
    address: parseIp(address) as Uint8Array,
    port: Number(port),
  };
});
if (entries.length > 0) guard.set(entries);
else {
  guard.remove();
  // Once more: there is none any longer, and that is no fault.
  guard.remove();
  console.log('removed');
}
guard.close();
