// Stories of votes: what nodes see and say, what is cut off, what is silent.
export const VOTES = `
# all is well: both nodes see both VIPs up at 100 %
0s all well
1s fra-1: web-fra up 100% «capacity 100% by fra-1 (10 of 10 real servers)»
1s fra-1: web-nyc up 100% «capacity 100% by nyc-1»
1s nyc-1: web-fra up 100%

# before anything is known a VIP is unknown, on every node
0s fra-1 sees web-nyc unknown
1s fra-1: web-fra unknown «first round of probes is not through»
1s fra-1: web-nyc unknown «no result yet»

# half of the real servers die: half the weight, at both sites
0s all well
2s fra-1 has web-fra at 50%
2s fra-1: web-fra up 50% «5 of 10 real servers»
2s nyc-1: web-fra up 50% «capacity 50% by fra-1»

# all real servers die: the VIP is down at both sites though its address still answers
0s all well
2s fra-1 has web-fra at 0%
2s fra-1: web-fra down «below the floor of 1%»
2s nyc-1: web-fra down «capacity 0% by fra-1, below the floor of 1%»

# the real servers come back: up again at once
0s all well
2s fra-1 has web-fra at 0%
5s fra-1 has web-fra at 100%
5s nyc-1: web-fra up 100%

# the floor is a matter of the VIP: 29 % is down where it stands at 30 %, 30 % is up
floor 30%
0s all well
1s fra-1 has web-fra at 29%
1s nyc-1: web-fra down «below the floor of 30%»
2s fra-1 has web-fra at 30%
2s nyc-1: web-fra up 30%

# one of two sites sees the other's VIP down: a tie is up, on both nodes
0s all well
1s nyc-1 sees web-fra down
1s nyc-1: web-fra up 100% «1 of 2 sites (nyc): not more than half»
1s fra-1: web-fra up 100%

# two of three sites see it down: those go without it, its own site goes on with it
sites fra nyc sin
0s all well
1s nyc-1 sees web-fra down
1s sin-1 sees web-fra down
1s nyc-1: web-fra down «seen down by 2 of 3 sites (nyc, sin) and not reached from here»
1s sin-1: web-fra down
1s fra-1: web-fra up 100% «but reached from here»

# two of four sites see it down: a tie, so it is up everywhere
sites fra nyc sin syd
0s all well
1s nyc-1 sees web-fra down
1s sin-1 sees web-fra down
1s nyc-1: web-fra up 100%
1s syd-1: web-fra up 100%

# a majority sees it down, but who reaches it keeps answering with it
sites fra nyc sin syd
0s all well
1s nyc-1 sees web-fra down
1s sin-1 sees web-fra down
1s syd-1 sees web-fra down
2s syd-1 sees web-fra up
2s fra-1 has web-fra at 50%
2s syd-1: web-fra up 50%
3s syd-1 sees web-fra down
3s syd-1: web-fra down «3 of 4 sites»

# all observers see it down while its director says 100 %: down from afar, up at home
sites fra nyc sin
0s all well
1s nyc-1 sees web-fra down
1s sin-1 sees web-fra down
1s nyc-1: web-fra down «though fra-1 has 100%»
1s fra-1: web-fra up 100% «seen down by 2 of 3 sites (nyc, sin), but reached from here»

# all observers see it up while its director has no capacity: down for all
sites fra nyc sin
0s all well
1s fra-1 has web-fra at 0%
1s nyc-1: web-fra down
1s sin-1: web-fra down
1s fra-1: web-fra down

# one vote a site: three nodes in one site that see it down are one vote
sites fra nyc sin
also nyc-2
also nyc-3
0s all well
1s nyc-1 sees web-fra down
1s nyc-2 sees web-fra down
1s nyc-3 sees web-fra down
1s nyc-1: web-fra up 100% «1 of 3 sites (nyc)»

# within a site the majority speaks: one of three that sees it down is not heard
sites fra nyc sin
also nyc-2
also nyc-3
0s all well
1s nyc-1 sees web-fra down
1s sin-1 sees web-fra down
1s sin-1: web-fra up 100% «1 of 3 sites (sin)»
2s nyc-2 sees web-fra down
2s sin-1: web-fra down «2 of 3 sites (nyc, sin)»

# within a site a tie is up too
sites fra nyc sin
also nyc-2
0s all well
1s nyc-1 sees web-fra down
1s sin-1 sees web-fra down
1s sin-1: web-fra up 100% «1 of 3 sites (sin)»

# a node whose sight is not known yet has no vote, and goes with the majority
sites fra nyc sin
0s all well
1s nyc-1 sees web-fra down
1s sin-1 sees web-fra unknown
1s sin-1: web-fra up 100% «1 of 2 sites (nyc)»

# the director falls silent: its last capacity is kept, marked stale, while the VIP is seen up
0s all well
1s fra-1 has web-fra at 50%
2s fra-1 stops
4s nyc-1: web-fra up 50%
8s nyc-1: web-fra up 50% stale «no fresh record of fra-1: capacity 50% kept»

# the director falls silent and the VIP with it: down for the other site as soon as its record is no more
0s all well
1s fra-1 stops
2s nyc-1 sees web-fra down
3s nyc-1: web-fra up 100% «not more than half»
8s nyc-1: web-fra down stale «1 of 1 sites (nyc) and not reached from here»

# the director is back: its fresh record counts at once
0s all well
1s fra-1 stops
9s nyc-1: web-fra up 100% stale
10s fra-1 starts
10s fra-1 has web-fra at 50%
11s nyc-1: web-fra up 50%

# a director that starts anew says nothing before its first round: the others keep what they knew
0s all well
1s fra-1 has web-fra at 50%
2s fra-1 starts
3s nyc-1: web-fra up 50% stale
3s fra-1: web-fra unknown «first round»
4s fra-1 has web-fra at 60%
4s nyc-1: web-fra up 60%
4s fra-1: web-fra up 60%

# a director of which nothing was ever heard: the VIP that is seen up counts in full, stale
0s nyc-1 sees web-fra up
1s nyc-1: web-fra up 100% stale «capacity not known, taken as whole»

# a last record below the floor is out of date once the VIP is seen up again
0s all well
1s fra-1 has web-fra at 0%
2s fra-1 stops
3s nyc-1: web-fra down
9s nyc-1: web-fra up 100% stale «capacity not known, taken as whole»

# its director silent and never seen by anyone: it stays as it was, stale
0s all well
1s nyc-1 sees web-fra unknown
2s fra-1 stops
9s nyc-1: web-fra up 100% stale «seen by nobody now»

# its director silent with no capacity and nobody to see it: it stays down
0s all well
1s fra-1 has web-fra at 0%
1s nyc-1 sees web-fra unknown
2s fra-1 stops
9s nyc-1: web-fra down stale

# a cut between two sites: each goes by what it sees itself
0s all well
1s cut fra nyc
1s fra-1 sees web-nyc down
1s nyc-1 sees web-fra down
7s fra-1: web-fra up 100%
7s fra-1: web-nyc down stale
7s nyc-1: web-nyc up 100%
7s nyc-1: web-fra down stale

# only the coordinator is cut between two sites: what is seen up stays, with the capacity last known
0s all well
1s nyc-1 has web-nyc at 70%
2s cut fra nyc
8s fra-1: web-nyc up 70% stale
8s fra-1: web-fra up 100%

# a cut that heals: fresh records again, without a restart
0s all well
1s cut fra nyc
1s fra-1 sees web-nyc down
7s fra-1: web-nyc down stale
8s join fra nyc
8s fra-1: web-nyc up 100% «not more than half»
9s fra-1 sees web-nyc up
9s fra-1: web-nyc up 100%

# one of three sites is cut off: the two others agree that it is down, it thinks the same of them
sites fra nyc sin
0s all well
1s cut fra nyc
1s cut fra sin
1s nyc-1 sees web-fra down
1s sin-1 sees web-fra down
1s fra-1 sees web-nyc down
1s fra-1 sees web-sin down
7s nyc-1: web-fra down stale «2 of 2 sites (nyc, sin)»
7s sin-1: web-fra down stale
7s nyc-1: web-sin up 100%
7s fra-1: web-fra up 100%
7s fra-1: web-nyc down stale
7s fra-1: web-sin down stale

# a site that only one other cannot reach stays in that one's answers, since a third does reach it
sites fra nyc sin
0s all well
1s cut fra nyc
1s nyc-1 sees web-fra down
7s nyc-1: web-fra up 100% stale «seen up by 1 of 2 sites (sin)»
7s sin-1: web-fra up 100%

# two directors: the better one counts
director fra-2
0s all well
1s fra-1 has web-fra at 0%
1s nyc-1: web-fra up 100% «capacity 100% by fra-2»
1s fra-1: web-fra up 100%
2s fra-2 has web-fra at 40%
2s nyc-1: web-fra up 40%
3s fra-2 has web-fra at 0%
3s nyc-1: web-fra down

# two directors, one silent: the other's record is enough, nothing is stale
director fra-2
0s all well
1s fra-1 stops
8s nyc-1: web-fra up 100% «by fra-2»

# a director that starts goes by its fellow director until its own first round
director fra-2
0s all well
1s fra-1 starts
1s fra-1: web-fra up 100% «by fra-2»

# the director is silent: the other node of its site speaks for the site
sites fra nyc sin
also fra-2
0s all well
1s fra-1 stops
1s nyc-1 sees web-fra down
8s nyc-1: web-fra up 100% stale «2 of 3 sites (fra, sin)»
9s fra-2 sees web-fra down
9s nyc-1: web-fra down stale «2 of 3 sites»
9s sin-1: web-fra up 100% stale «but reached from here»

# while the director speaks, the other node of its site has no vote: the record is the site's vote
sites fra nyc sin
also fra-2
0s all well
1s fra-2 sees web-fra down
1s fra-2: web-fra up 100%
1s nyc-1 sees web-fra down
1s nyc-1: web-fra up 100% «1 of 3 sites (nyc)»

# alone: a node goes by its own probes, and nothing is stale
alone
0s fra-1 has web-fra at 50%
0s fra-1 sees web-nyc up
1s fra-1: web-fra up 50%
1s fra-1: web-nyc up 100% «seen up from here, alone»
2s fra-1 sees web-nyc down
2s fra-1: web-nyc down «alone»

# alone and not yet probed: unknown
alone
0s fra-1 has web-fra at 100%
1s fra-1: web-nyc unknown «no result yet»
`;
