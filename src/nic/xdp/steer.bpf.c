// SPDX-License-Identifier: MIT OR GPL-2.0
// Which frames are a service's: those go to the AF_XDP socket of their queue, all others on to the kernel.
//   Ethernet (two VLAN tags) -> IPv4 | IPv6 + extension headers -> addresses -> endpoints -> redirect | drop | pass
// Invariant: what is a service's never reaches the kernel: with no live worker it is dropped (but for a time after a clean stop
// only). What is not is never touched.
// Built by `npm run build:xdp`; needs no header of the system. Structures shared with src/nic/steer.ts.

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#define SEC(name) __attribute__((section(name), used))
#define INLINE static inline __attribute__((always_inline))

enum { XDP_DROP = 1, XDP_PASS = 2 };
enum { HASH = 1, ARRAY = 2, PERCPU_ARRAY = 6, XSKMAP = 17 };
enum { NO_PREALLOC = 1, MMAPABLE = 1024 };

struct xdp_md { u32 data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress_ifindex; };

static void *(*const lookup)(void *map, const void *key) = (void *)1;
static u64 (*const ktime_get_ns)(void) = (void *)5;
static long (*const redirect_map)(void *map, u32 key, u64 flags) = (void *)51;

// ---- what user space tells us ----

struct map_def { u32 type, key_size, value_size, max_entries, flags; };

// IPv4 as ::ffff:a.b.c.d; octets as on the wire.
struct address { u32 w[4]; };
struct endpoint { struct address address; u16 port; u8 protocol, kind; };
struct interface { u32 base, queues; u32 mac_low; u16 mac_high, spare; };

enum { SERVICE = 1, SERVER = 2, TUNNEL = 3 };                   // kinds of endpoints
enum {                                                          // flags of addresses; UDP's are TCP's << 1
	VIP_TCP = 1, VIP_UDP = 2, SERVER_TCP = 4, SERVER_UDP = 8,
	LOCAL = 16, HOST = 32, TUNNELLED = 64,
};
enum { OTHER, AS_SERVICE, AS_ANSWER, AS_LOCAL, AS_ICMP, AS_FRAGMENT, NO_WORKER, OTHER_HOST, COUNTERS };

// Milliseconds (1.05 each) after which a worker that does not write its word counts as gone.
#define DEAD 1000
#define QUEUES 64

struct map_def SEC("maps") addresses = { HASH, sizeof(struct address), sizeof(u32), 131072, NO_PREALLOC };
struct map_def SEC("maps") endpoints = { HASH, sizeof(struct endpoint), sizeof(u32), 262144, NO_PREALLOC };
struct map_def SEC("maps") interfaces = { HASH, sizeof(u32), sizeof(struct interface), 64, NO_PREALLOC };
struct map_def SEC("maps") sockets = { XSKMAP, sizeof(u32), sizeof(u32), 16 * QUEUES, 0 };
struct map_def SEC("maps") alive = { ARRAY, sizeof(u32), sizeof(u64), QUEUES, MMAPABLE };
struct map_def SEC("maps") stopped = { ARRAY, sizeof(u32), sizeof(u64), 1, 0 };
struct map_def SEC("maps") counters = { PERCPU_ARRAY, sizeof(u32), sizeof(u64), COUNTERS, 0 };

// ---- reading a packet ----

enum { TCP = 6, UDP = 17, ICMP = 1, ICMP6 = 58, WHOLE = 0, FIRST = 1, LATER = 2 };

struct packet {
	struct address s, d;
	u16 sport, dport;
	u8 protocol, fragment;
};

INLINE u16 half(const u8 *p) { return *(const u16 *)p; }
INLINE u32 word(const u8 *p) { return *(const u32 *)p; }

INLINE void mapped(struct address *a, u32 four)
{
	a->w[0] = 0;
	a->w[1] = 0;
	a->w[2] = 0xffff0000;
	a->w[3] = four;
}

// Where the transport header begins, or 0: not to be read.
INLINE const u8 *read4(const u8 *p, const u8 *end, struct packet *k)
{
	if (p + 20 > end || (p[0] >> 4) != 4)
		return 0;
	u32 size = (p[0] & 15) << 2;
	if (size < 20)
		return 0;
	k->protocol = p[9];
	mapped(&k->s, word(p + 12));
	mapped(&k->d, word(p + 16));
	u16 cut = half(p + 6);
	k->fragment = (cut & 0xff1f) ? LATER : (cut & 0x20) ? FIRST : WHOLE;
	return p + size;
}

INLINE const u8 *read6(const u8 *p, const u8 *end, struct packet *k, int extensions)
{
	if (p + 40 > end || (p[0] >> 4) != 6)
		return 0;
	for (int i = 0; i < 4; i++) {
		k->s.w[i] = word(p + 8 + 4 * i);
		k->d.w[i] = word(p + 24 + 4 * i);
	}
	k->fragment = WHOLE;
	u8 next = p[6];
	p += 40;
#pragma clang loop unroll(full)
	for (int i = 0; i < extensions; i++) {
		if (next != 0 && next != 43 && next != 44 && next != 51 && next != 60)
			break;
		if (p + 8 > end)
			return 0;
		u32 size = next == 44 ? 8 : next == 51 ? (p[1] + 2) << 2 : (p[1] + 1) << 3;
		u16 cut = next == 44 ? half(p + 2) : 0;
		next = p[0];
		p += size;
		if (!cut)
			continue;
		// What stands behind the header of a fragment is not looked through: its director puts it together first.
		k->fragment = (cut & 0xf8ff) ? LATER : (cut & 0x0100) ? FIRST : WHOLE;
		break;
	}
	k->protocol = next;
	return p;
}

INLINE int ported(const struct packet *k) { return k->protocol == TCP || k->protocol == UDP; }

INLINE int read_ports(const u8 *l4, const u8 *end, struct packet *k)
{
	if (l4 + 4 > end)
		return 0;
	k->sport = half(l4);
	k->dport = half(l4 + 2);
	return 1;
}

// ---- whose it is ----

INLINE u32 flags_of(const struct address *a)
{
	u32 *flags = lookup(&addresses, a);
	return flags ? *flags : 0;
}

// An endpoint with this port, or with all ports (0).
INLINE int known(const struct address *a, u16 port, u8 protocol, u8 kind)
{
	struct endpoint e = { .address = *a, .port = port, .protocol = protocol, .kind = kind };
	if (lookup(&endpoints, &e))
		return 1;
	e.port = 0;
	return lookup(&endpoints, &e) != 0;
}

// What it comes from is looked up only if it is not decided by what it goes to.
INLINE int of_packet(const struct packet *k, u32 to)
{
	u32 shift = k->protocol == UDP;
	if (to & LOCAL)
		return k->fragment ? AS_FRAGMENT : AS_LOCAL;
	if (to & (VIP_TCP << shift)) {
		if (k->fragment)
			return AS_FRAGMENT;
		if (known(&k->d, k->dport, k->protocol, SERVICE))
			return AS_SERVICE;
	}
	if (!(to & HOST) && flags_of(&k->s) & (SERVER_TCP << shift)) {
		if (k->fragment)
			return AS_FRAGMENT;
		if (known(&k->s, k->sport, k->protocol, SERVER))
			return AS_ANSWER;
	}
	return OTHER;
}

// An ICMP error to `to` that quotes `q`, whose ports are read if it has any.
INLINE int of_error(const struct packet *q, u32 to)
{
	if (to & LOCAL)
		return AS_ICMP;
	u32 about = flags_of(&q->d);
	if (about & TUNNELLED) {
		if (q->protocol == 4 || q->protocol == 41 || q->protocol == 47)
			return AS_ICMP;
		if (q->protocol == UDP && known(&q->d, q->dport, UDP, TUNNEL))
			return AS_ICMP;
	}
	if (!ported(q))
		return OTHER;
	u32 shift = q->protocol == UDP;
	if (about & (VIP_TCP << shift) && known(&q->d, q->dport, q->protocol, SERVICE))
		return AS_ICMP;
	if (about & (SERVER_TCP << shift) && !(to & HOST) && known(&q->d, q->dport, q->protocol, SERVER))
		return AS_ICMP;
	if (flags_of(&q->s) & (VIP_TCP << shift) && known(&q->s, q->sport, q->protocol, SERVICE))
		return AS_ICMP;
	return OTHER;
}

INLINE int judge4(const u8 *p, const u8 *end)
{
	struct packet k = {}, q = {};
	const u8 *l4 = read4(p, end, &k);
	if (!l4)
		return OTHER;
	if (ported(&k)) {
		if (!k.fragment && !read_ports(l4, end, &k))
			return OTHER;
		return of_packet(&k, flags_of(&k.d));
	}
	if (k.protocol != ICMP || k.fragment || l4 + 8 > end)
		return OTHER;
	u8 type = l4[0];
	if (type != 3 && type != 4 && type != 11)
		return OTHER;
	const u8 *inner = read4(l4 + 8, end, &q);
	if (!inner || q.fragment == LATER || (ported(&q) && !read_ports(inner, end, &q)))
		return OTHER;
	return of_error(&q, flags_of(&k.d));
}

INLINE int judge6(const u8 *p, const u8 *end)
{
	struct packet k = {}, q = {};
	const u8 *l4 = read6(p, end, &k, 4);
	if (!l4)
		return OTHER;
	if (ported(&k)) {
		if (!k.fragment && !read_ports(l4, end, &k))
			return OTHER;
		return of_packet(&k, flags_of(&k.d));
	}
	if (k.protocol != ICMP6 || k.fragment || l4 + 8 > end)
		return OTHER;
	u8 type = l4[0];
	if (type < 1 || type > 4)
		return OTHER;
	const u8 *inner = read6(l4 + 8, end, &q, 1);
	if (!inner || q.fragment == LATER || (ported(&q) && !read_ports(inner, end, &q)))
		return OTHER;
	return of_error(&q, flags_of(&k.d));
}

INLINE void count(u32 reason)
{
	u64 *n = lookup(&counters, &reason);
	if (n)
		(*n)++;
}

INLINE int take(struct xdp_md *ctx, const u8 *eth, u32 as)
{
	u32 index = ctx->ingress_ifindex, queue = ctx->rx_queue_index;
	struct interface *in = lookup(&interfaces, &index);
	if (in && (word(eth) != in->mac_low || half(eth + 4) != in->mac_high)) {
		count(OTHER_HOST);
		return XDP_PASS;
	}
	u64 *beat = lookup(&alive, &queue);
	u32 now = ktime_get_ns() >> 20;
	if (!in || queue >= in->queues || !beat || now - (u32)*beat > DEAD) {
		// After a clean stop we stand for as long as a restart may take, then not at all.
		u32 zero = 0;
		u64 *until = lookup(&stopped, &zero);
		if (until && *until && (int)(now - (u32)*until) > 0) {
			count(OTHER);
			return XDP_PASS;
		}
		count(NO_WORKER);
		return XDP_DROP;
	}
	count(as);
	return redirect_map(&sockets, in->base + queue, XDP_DROP);
}

SEC("xdp") int steer(struct xdp_md *ctx)
{
	const u8 *eth = (const u8 *)(long)ctx->data, *end = (const u8 *)(long)ctx->data_end, *p = eth + 14;
	if (p > end)
		return XDP_PASS;
	u16 type = half(eth + 12);
#pragma clang loop unroll(full)
	for (int i = 0; i < 2; i++) {
		if (type != 0x0081 && type != 0xa888)
			break;
		if (p + 4 > end)
			return XDP_PASS;
		type = half(p + 2);
		p += 4;
	}
	int as = type == 0x0008 ? judge4(p, end) : type == 0xdd86 ? judge6(p, end) : OTHER;
	if (as == OTHER) {
		count(OTHER);
		return XDP_PASS;
	}
	return take(ctx, eth, as);
}

SEC("license") char terms[] = "Dual MIT/GPL";
