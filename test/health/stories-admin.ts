// Stories of operators' words, schedules, slow start and the last known.
export const ADMIN = `
# drain: out of the answers at once and everywhere, whatever the probes say
0s all well
1s anna says vip/web-fra drain
1s fra-1: web-fra drain real-up «drain by anna: test»
1s nyc-1: web-fra drain real-up
2s fra-1 has web-fra at 0%
2s nyc-1: web-fra drain real-down

# ready ends a drain
0s all well
1s anna says vip/web-fra drain
2s anna says vip/web-fra ready
2s nyc-1: web-fra up 100% real-up

# a drain that has an end is over by itself
0s all well
1s anna says vip/web-fra drain for 10s
5s nyc-1: web-fra drain «(6s left)»
11s nyc-1: web-fra up 100%

# maint stands above everything seen
0s all well
1s ben says vip/web-fra maint
1s nyc-1: web-fra maint real-up

# a forced state shows even when nothing else is known
0s ben says vip/web-fra maint
1s fra-1: web-fra maint real-unknown

# the site's word and the VIP's: the stricter state counts
0s all well
1s anna says site/fra drain
1s nyc-1: web-fra drain «drain of site fra by anna»
1s nyc-1: web-nyc up 100%
2s ben says vip/web-fra maint
2s nyc-1: web-fra maint
3s ben says vip/web-fra ready
3s nyc-1: web-fra drain

# the site's weight and the VIP's are multiplied, with the capacity
0s all well
1s fra-1 has web-fra at 50%
1s anna says vip/web-fra ready weight 50%
1s nyc-1: web-fra up 25% «weight 50% by anna»
2s ben says site/fra ready weight 40%
2s nyc-1: web-fra up 10%

# weight 0 takes a VIP out without forcing its state
0s all well
1s anna says vip/web-fra ready weight 0%
1s nyc-1: web-fra up 0% real-up

# a schedule over a site multiplies the weight while it is active
0s all well
1s schedule night begins
1s fra-1: web-nyc up 0% «schedule night: weight 0%»
1s fra-1: web-fra up 100%
2s schedule night ends
2s fra-1: web-nyc up 100%

# a schedule over a VIP may give more than the whole
0s all well
1s schedule peak begins
1s nyc-1: web-fra up 150%
2s fra-1 has web-fra at 50%
2s nyc-1: web-fra up 75%

# slow start: a VIP that comes back begins with a tenth and has its whole weight after the time
slow-start 10s
0s all well
2s fra-1 has web-fra at 0%
5s fra-1 has web-fra at 100%
5s fra-1: web-fra up 10% «slow start at 10%»
10s fra-1: web-fra up 55%
10s nyc-1: web-fra up 55%
15s fra-1: web-fra up 100%

# slow start: none at the first start of the node
slow-start 10s
0s all well
0s fra-1: web-fra up 100%

# slow start: a VIP that was down when the node started begins slowly
slow-start 10s
0s fra-1 has web-fra at 0%
3s fra-1 has web-fra at 100%
3s fra-1: web-fra up 10%

# slow start: begins anew when the VIP goes down in the middle
slow-start 10s
0s all well
1s fra-1 has web-fra at 0%
2s fra-1 has web-fra at 100%
7s fra-1: web-fra up 55%
8s fra-1 has web-fra at 0%
9s fra-1 has web-fra at 100%
9s fra-1: web-fra up 10%

# slow start: after maint, but not after drain, whose connections kept the site warm
slow-start 10s
0s all well
1s anna says vip/web-fra drain
2s anna says vip/web-fra ready
2s nyc-1: web-fra up 100%
3s anna says vip/web-fra maint
4s anna says vip/web-fra ready
4s nyc-1: web-fra up 10%

# slow start: a moment of not knowing does not begin it
slow-start 10s
0s all well
1s nyc-1 sees web-fra unknown
2s fra-1 starts
2s nyc-1: web-fra up 100% stale
3s fra-1 has web-fra at 100%
3s nyc-1: web-fra up 100%

# slow start: a director whose probes begin anew does not begin it either
slow-start 10s
0s all well
1s fra-1 probes web-fra anew
1s fra-1: web-fra unknown
2s fra-1 has web-fra at 100%
2s fra-1: web-fra up 100%

# slow start: a VIP that went from down over not knowing to up begins slowly
slow-start 10s
0s all well
1s fra-1 has web-fra at 0%
2s fra-1 probes web-fra anew
3s fra-1 has web-fra at 100%
3s fra-1: web-fra up 10%

# last known: who was up last is remembered when all are down
0s all well
1s fra-1 has web-fra at 0%
1s fra-1: web-fra down not-last-known
1s fra-1: web-nyc up last-known
2s nyc-1 has web-nyc at 0%
3s fra-1: web-nyc down last-known
3s fra-1: web-fra down not-last-known

# last known: all at once down, all remembered; who comes back is the new last known
0s all well
1s cut fra nyc
2s fra-1 has web-fra at 0%
2s fra-1 sees web-nyc down
8s fra-1: web-nyc down stale last-known
9s fra-1 has web-fra at 100%
9s fra-1: web-fra up last-known
9s fra-1: web-nyc down stale not-last-known

# last known: a drained member is not among them
0s all well
1s anna says vip/web-fra drain
1s fra-1: web-fra drain not-last-known
1s fra-1: web-nyc up last-known
`;
