// Zones whose lines are well-formed and which are wrong nevertheless.

export const SHA256 = 'ab'.repeat(32);

// Lines 1 to 4 of every zone below.
export const BASE = `$TTL 60
@ SOA ns.other. host 1 2 3 4 5
  NS ns.other.
  NS ns2.other.
`;

// what follows BASE, from line 5 -> lines and codes
export const MEANING: readonly (readonly [string, readonly string[]])[] = [
  ['@ SOA a. b. 1 2 3 4 5', ['5 GTM-Z031']],
  ['@ SOA ns.other. host 1 2 3 4 5', ['5 GTM-Z042']],
  ['a SOA a. b. 1 2 3 4 5', ['5 GTM-Z032']],
  ['www.example.net. A 192.0.2.1\n A 192.0.2.2', ['5 GTM-Z034']],
  ['com. A 192.0.2.1', ['5 GTM-Z034']],
  ['wwwexample.com. A 192.0.2.1', ['5 GTM-Z034']],
  ['a CNAME b.x.\na A 192.0.2.1', ['6 GTM-Z035']],
  ['a A 192.0.2.1\nb A 192.0.2.1\nA CNAME b.x.', ['7 GTM-Z035']],
  ['a CNAME b.x.\na CNAME c.x.', ['6 GTM-Z035']],
  ['a CNAME b.x.\na CNAME B.x.', ['6 GTM-Z042']],
  ['a CNAME b.x.\na NSEC c CNAME\n RRSIG CNAME 8 3 60 20300101000000 20260101000000 1 @ AwEA', []],
  ['a DNAME b.x.\na DNAME c.x.', ['6 GTM-Z036']],
  ['a DNAME b.x.\na.a.a A 192.0.2.1', ['6 GTM-Z037']],
  ['@ DNAME b.x.\nwww A 192.0.2.1', ['6 GTM-Z037']],
  ['a DNAME b.x.\nba A 192.0.2.1', []],
  ['a DNAME b.x.\n NS ns.x.', ['5 GTM-Z04C']],
  ['@ DNAME b.x.', []],
  ['a POOL web\n A 192.0.2.1\n AAAA ::1', ['6 GTM-Z038', '7 GTM-Z038']],
  ['a CNAME b.x.\n POOL web', ['5 GTM-Z038']],
  ['a POOL web\n POOL api', ['6 GTM-Z038']],
  ['a POOL web\n POOL web', ['6 GTM-Z042']],
  ['a POOL wbe', ['5 GTM-Z039']],
  ['a NS ns.x.\n POOL web', ['6 GTM-Z040']],
  ['a NS ns.x.\nb.a POOL web', ['6 GTM-Z046']],
  ['a 5 A 192.0.2.1\na 7 A 192.0.2.2\n 3 A 192.0.2.3\n 9 TXT x', ['6 GTM-Z041']],
  ['a A 192.0.2.1\n TXT x\nA A 192.0.2.1\n TXT X', ['7 GTM-Z042']],
  ['a MX 10 Mail.x.\n MX 10 mail.x.', ['6 GTM-Z042']],
  ['a TXT A\n TXT a\n TXT A', ['7 GTM-Z042']],
  ['a MX 10 b\nb CNAME c.x.\nc NS b\nd SRV 1 2 3 B', ['5 GTM-Z043', '7 GTM-Z043', '8 GTM-Z043']],
  ['@ NS ns1', ['5 GTM-Z044']],
  ['@ NS a.sub\nsub NS x.y.', ['5 GTM-Z045']],
  ['sub NS ns.sub\n NS sub', ['5 GTM-Z044', '6 GTM-Z044']],
  ['sub NS ns1', ['5 GTM-Z045']],
  ['a NS ns.b\nb NS ns.x.', ['5 GTM-Z045']],
  ['a MX 10 b\n SRV 1 2 3 c\nb TXT x', ['5 GTM-Z045', '6 GTM-Z045']],
  ['*.w A 192.0.2.1\nx.w TXT x\na MX 10 y.x.w', ['7 GTM-Z045']],
  ['*.w CNAME a.b.\na MX 10 y.z.w', []],
  ['a NS ns.x.\na TXT x\nb.a A 192.0.2.1\nc.b.a NS d.x.', ['6 GTM-Z046', '7 GTM-Z046', '8 GTM-Z046']],
  ['*.w NS ns.x.', ['5 GTM-Z047']],
  [`a DS 1 8 2 ${SHA256}`, ['5 GTM-Z048']],
  [`@ DS 1 8 2 ${SHA256}`, ['5 GTM-Z048']],
  ['a CDS 1 8 2 abcd\n CDS 0 0 0 00\n DLV 1 8 4 ab', ['5 GTM-Z049', '7 GTM-Z049']],
  ['a SSHFP 1 1 abcd\n SSHFP 1 9 abcd', ['5 GTM-Z049']],
  ['a TLSA 3 1 1 abcd\n TLSA 3 1 0 abcd', ['5 GTM-Z049']],
  ['a SMIMEA 3 1 2 abcd', ['5 GTM-Z049']],
  ['@ ZONEMD 1 1 1 abcd', ['5 GTM-Z049']],
  ['@ DNSKEY 257 2 8 AwEA', ['5 GTM-Z04A']],
  ['a HTTPS 0 b.x. alpn=h2\n HTTPS 0 c.x.', ['5 GTM-Z04A']],
  ['a HTTPS 1 . no-default-alpn\n SVCB 1 . alpn=h2 no-default-alpn', ['5 GTM-Z04A']],
  ['a_b A 192.0.2.1\n AAAA ::1\n-c AAAA ::1\n*.d A 192.0.2.1\ne_ TXT x', ['5 GTM-Z04B', '7 GTM-Z04B']],
  ['a MX 10 b_.x.\n NS c-.x.', ['5 GTM-Z046', '5 GTM-Z04B', '6 GTM-Z04B']],
  [
    'a HTTPS 1 b\n KX 1 b\n AFSDB 1 b\n RT 1 b\nb TXT x',
    ['5 GTM-Z045', '6 GTM-Z045', '7 GTM-Z045', '8 GTM-Z045'],
  ],
  ['a HTTPS 1 b\n SVCB 0 c\nb CNAME c.x.', []],
  ['a KX 10 b\nb CNAME c.x.', ['5 GTM-Z043']],
];
