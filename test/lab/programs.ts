/** What the lab runs, and the Debian packages that hold it. */
export const LAB_PROGRAMS = {
  nginx: 'nginx',
  nsd: 'nsd',
  curl: 'curl',
  dig: 'bind9-dnsutils',
  ping: 'iputils-ping',
  iperf3: 'iperf3',
  tcpdump: 'tcpdump',
  ethtool: 'ethtool',
  wrk: 'wrk',
  ip: 'iproute2',
  nsenter: 'util-linux',
};
