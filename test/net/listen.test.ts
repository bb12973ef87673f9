// The words for a socket that could not be opened.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listenFault } from '../../src/net/listen.ts';

const CASES: [string, 'udp' | 'tcp', string, number, string, RegExp][] = [
  ['EACCES', 'udp', '127.0.0.1', 53, 'GTM_LISTEN_DENIED', /AmbientCapabilities=CAP_NET_BIND_SERVICE.*setcap/],
  [
    'EACCES',
    'udp',
    '127.0.0.1',
    5300,
    'GTM_LISTEN_DENIED',
    /127\.0\.0\.1:5300: not permitted: the system forbids it/,
  ],
  ['EADDRINUSE', 'tcp', '::1', 53, 'GTM_LISTEN_IN_USE', /tcp \[::1\]:53: already in use.*DNSStubListener=no/],
  [
    'EADDRNOTAVAIL',
    'tcp',
    '192.0.2.1',
    53,
    'GTM_LISTEN_ADDRESS',
    /no interface of this host has the address/,
  ],
  ['EMFILE', 'udp', '127.0.0.1', 53, 'GTM_LISTEN', /cannot listen on udp 127\.0\.0\.1:53/],
];

for (const [errno, transport, address, port, code, words] of CASES)
  test(`${errno} on ${transport} port ${port}`, () => {
    const fault = listenFault(Object.assign(new Error(errno), { code: errno }), transport, address, port);
    assert.equal(fault.code, code);
    assert.match(fault.message, words);
  });
