/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of c-ares, and done about it:
 * - ares_send takes our own query. Before 1.27 it keeps our id; later versions
 *   give one of their own, so there the answer's id is the question's.
 * - Without ARES_FLAG_EDNS, 1.18 takes any UDP answer over 512 octets for a
 *   truncated one, although the query carried an OPT of ours. With the flag it
 *   also answers FORMERR by a second try without OPT, but only once a channel:
 *   the later ones are ours.
 * - Without ARES_FLAG_NOCHECKRESP it hides rcodes.
 * - ares_destroy and ares_cancel inside a callback are fatal: callbacks copy
 *   the answer to a list, which is handed over outside of c-ares.
 * - Opening a channel reads resolv.conf and more unless every option is given.
 * - Of a stream each call reads a length, or the message behind it: two calls
 *   for an answer, so a turn goes on while there is something to read.
 * - ares_timeout and each wait walk all questions of a channel: it is asked
 *   only when the earliest moment that may matter has come. */
#include "io/dns.h"

#include "core/mem.h"
#include "io/clock.h"
#include "io/entropy.h"

#define CARES_NO_DEPRECATED
#include <ares.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define CHAINS		512 /* a power of two, twice DNS_CHANNELS_MAX */
#define IDS		65536
#define RANDOM_N	256
#define EVENTS_N	128
#define ROUNDS_N	512
#define RCVBUF_RESOLVER (4 << 20)
#define RCVBUF_SERVER	(256 << 10)
#define OTHER		UINT32_MAX
#define OPT_LEN		11 /* of packet_query: no options in it */
#define RCODE_FORMERR	1
/* The first version that draws ids of its own. */
#define ARES_OWN_IDS 0x011b00
/* No version of c-ares waits less than this for an answer, whatever it has
 * learnt of its server. */
#define SOONEST_MS 250

enum kind { KIND_TCP = 1 << 0, KIND_RECURSIVE = 1 << 1 };

struct channel {
	struct dns *dns;
	ares_channel ares;
	struct packet_addr addr;
	uint16_t port;
	uint8_t kind;
	uint32_t at; /* its place in dns.channels and dns.due */
	size_t inflight;
	uint64_t used; /* dns.asked of its last question */
	struct channel *chain;
	uint64_t ids[IDS / 64]; /* one bit an id that is in flight */
};

struct sent { /* a question under way */
	struct sent *next;
	struct channel *ch;
	uint64_t tag;
	uint16_t id;
	bool plain;	/* without EDNS */
	uint8_t *bytes; /* of the answer */
	size_t len;
	size_t query_len;
	uint8_t query[PACKET_QUERY_MAX];
};

struct dns {
	struct dns_conf conf;
	dns_answer_fn *answer;
	void *arg;
	int ep;
	int other_fd;
	bool closing;
	size_t outstanding;
	uint64_t asked;
	int64_t turn_us; /* when the last dns_serve had something */
	struct sent *done, **done_end;
	struct sent *spare;
	struct channel *channels[DNS_CHANNELS_MAX];
	int64_t due[DNS_CHANNELS_MAX]; /* ms, when c-ares wants to be called */
	struct channel *chains[CHAINS];
	size_t random_left;
	uint16_t random[RANDOM_N];
};

static int64_t
mono_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* --- channels ------------------------------------------------------------- */

static bool
same_server(const struct channel *ch, const struct packet_addr *addr,
    uint16_t port, uint8_t kind)
{
	return ch->port == port && ch->kind == kind &&
	       ch->addr.family == addr->family &&
	       memcmp(ch->addr.octets, addr->octets,
		   addr->family == 4 ? 4 : 16) == 0;
}

static struct channel **
chain_of(
    struct dns *d, const struct packet_addr *addr, uint16_t port, uint8_t kind)
{
	uint32_t h = 2166136261u ^ port ^ (uint32_t)kind << 16;
	size_t n = addr->family == 4 ? 4 : 16;

	for (size_t i = 0; i < n; i++)
		h = (h ^ addr->octets[i]) * 16777619u;
	return &d->chains[(h ^ h >> 16) & (CHAINS - 1)];
}

static void
socket_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct channel *ch = arg;
	struct epoll_event ev = {
	    .events = (readable ? (uint32_t)EPOLLIN : 0) |
		      (writable ? (uint32_t)EPOLLOUT : 0),
	    .data.u64 = (uint64_t)ch->at << 32 | (uint32_t)fd,
	};

	if (!ev.events)
		epoll_ctl(ch->dns->ep, EPOLL_CTL_DEL, fd, NULL);
	else if (epoll_ctl(ch->dns->ep, EPOLL_CTL_MOD, fd, &ev) != 0)
		epoll_ctl(ch->dns->ep, EPOLL_CTL_ADD, fd, &ev);
}

static int
channel_init(struct channel *ch, const struct dns_conf *conf)
{
	struct ares_options opt = {
	    .flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES |
		     ARES_FLAG_NOCHECKRESP | ARES_FLAG_EDNS |
		     (ch->kind & KIND_TCP ? ARES_FLAG_USEVC : 0),
	    .timeout = (int)conf->timeout_ms,
	    .tries = (int)conf->tries,
	    .ndots = 1,
	    .lookups = (char[]){"b"},
	    .ednspsz = PACKET_UDP_SIZE,
	    .socket_receive_buffer_size =
		ch->kind & KIND_RECURSIVE ? RCVBUF_RESOLVER : RCVBUF_SERVER,
	    .sock_state_cb = socket_state,
	    .sock_state_cb_data = ch,
	    .servers = &(struct in_addr){.s_addr = htonl(INADDR_LOOPBACK)},
	    .nservers = 1,
	};
	int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
		   ARES_OPT_NDOTS | ARES_OPT_LOOKUPS | ARES_OPT_EDNSPSZ |
		   ARES_OPT_SOCK_RCVBUF | ARES_OPT_SOCK_STATE_CB |
		   ARES_OPT_SERVERS | ARES_OPT_DOMAINS | ARES_OPT_SORTLIST |
		   ARES_OPT_NOROTATE;

#ifdef ARES_OPT_QUERY_CACHE
	opt.qcache_max_ttl = 0;
	mask |= ARES_OPT_QUERY_CACHE;
#endif
	return ares_init_options(&ch->ares, &opt, mask);
}

static int
channel_server(struct channel *ch)
{
	struct ares_addr_port_node server = {
	    .family = ch->addr.family == 4 ? AF_INET : AF_INET6,
	    .udp_port = ch->port,
	    .tcp_port = ch->port,
	};

	memcpy(&server.addr, ch->addr.octets, ch->addr.family == 4 ? 4 : 16);
	return ares_set_servers_ports(ch->ares, &server);
}

static void
channel_close(struct dns *d, struct channel *ch)
{
	struct channel **at = chain_of(d, &ch->addr, ch->port, ch->kind);

	while (*at != ch)
		at = &(*at)->chain;
	*at = ch->chain;
	ares_destroy(ch->ares);
	d->channels[ch->at] = NULL;
	mem_free(ch);
}

/* A free place; the least used idle channel makes one. */
static bool
free_place(struct dns *d, uint32_t *at)
{
	struct channel *least = NULL;

	for (uint32_t i = 0; i < DNS_CHANNELS_MAX; i++) {
		struct channel *ch = d->channels[i];
		if (!ch) {
			*at = i;
			return true;
		}
		if (ch->inflight == 0 && (!least || ch->used < least->used))
			least = ch;
	}
	if (!least)
		return false;
	*at = least->at;
	channel_close(d, least);
	return true;
}

static struct channel *
channel_open(struct dns *d, const struct packet_addr *addr, uint16_t port,
    uint8_t kind, struct err *e)
{
	struct channel *ch, **chain;
	uint32_t at;
	int rc;

	if (!free_place(d, &at)) {
		err_set(e, "all %d channels to name servers are busy",
		    DNS_CHANNELS_MAX);
		return NULL;
	}
	ch = mem_alloc(sizeof(*ch));
	if (!ch) {
		err_set(e, "no memory for a channel to a name server");
		return NULL;
	}
	ch->dns = d;
	ch->addr = *addr;
	ch->port = port;
	ch->kind = kind;
	ch->at = at;
	rc = channel_init(ch, &d->conf);
	if (rc == ARES_SUCCESS && (rc = channel_server(ch)) != ARES_SUCCESS)
		ares_destroy(ch->ares);
	if (rc != ARES_SUCCESS) {
		err_set(
		    e, "no channel to a name server: %s", ares_strerror(rc));
		mem_free(ch);
		return NULL;
	}
	chain = chain_of(d, addr, port, kind);
	ch->chain = *chain;
	*chain = ch;
	d->channels[at] = ch;
	d->due[at] = INT64_MAX;
	return ch;
}

static struct channel *
channel_get(struct dns *d, const struct packet_addr *addr, uint16_t port,
    uint8_t kind, struct err *e)
{
	struct channel *ch = *chain_of(d, addr, port, kind);

	while (ch && !same_server(ch, addr, port, kind))
		ch = ch->chain;
	if (!ch)
		ch = channel_open(d, addr, port, kind, e);
	if (ch && ch->inflight >= DNS_INFLIGHT_MAX) {
		err_set(e, "%d questions to one name server are under way",
		    DNS_INFLIGHT_MAX);
		return NULL;
	}
	return ch;
}

/* --- questions ------------------------------------------------------------ */

/* A random id that is not in flight on this channel. At most a quarter of
 * them are, so that a few draws do. */
static enum next
id_take(struct dns *d, struct channel *ch, uint16_t *id, struct err *e)
{
	do {
		if (d->random_left == 0) {
			enum next n =
			    entropy_get(d->random, sizeof(d->random), e);
			if (n != OK)
				return n;
			d->random_left = RANDOM_N;
		}
		*id = d->random[--d->random_left];
	} while (ch->ids[*id / 64] >> *id % 64 & 1);
	ch->ids[*id / 64] |= 1ull << *id % 64;
	return OK;
}

static void
id_free(struct channel *ch, uint16_t id)
{
	ch->ids[id / 64] &= ~(1ull << id % 64);
}

static struct sent *
sent_new(struct dns *d)
{
	struct sent *s = d->spare;

	if (!s)
		return mem_alloc(sizeof(*s));
	d->spare = s->next;
	*s = (struct sent){0};
	return s;
}

static void
sent_free(struct dns *d, struct sent *s)
{
	mem_free(s->bytes);
	s->next = d->spare;
	d->spare = s;
}

/* The answer waits in a list until c-ares is left; see the head. */
static void
on_answer(void *arg, int status, int timeouts, unsigned char *abuf, int alen)
{
	struct sent *s = arg;
	struct dns *d = s->ch->dns;

	(void)timeouts;
	if (status == ARES_SUCCESS && abuf && alen >= 2 &&
	    alen <= DNS_ANSWER_MAX && !d->closing) {
		s->bytes = mem_alloc((size_t)alen);
		if (s->bytes) {
			s->len = (size_t)alen;
			memcpy(s->bytes, abuf, s->len);
		}
	}
	s->next = NULL;
	*d->done_end = s;
	d->done_end = &s->next;
}

static void
send_query(struct dns *d, struct sent *s)
{
	struct channel *ch = s->ch;
	int64_t first = d->conf.timeout_ms;
	int64_t due;

	if (first > SOONEST_MS)
		first = SOONEST_MS;
	due = clock_mono_ms() + first;
	if (due < d->due[ch->at])
		d->due[ch->at] = due;
	ares_send(ch->ares, s->query, (int)s->query_len, on_answer, s);
}

static enum next
ask(struct dns *d, const struct packet_addr *addr, uint16_t port, uint8_t kind,
    const struct question *q, uint64_t tag, struct err *e)
{
	struct channel *ch;
	struct sent *s;

	if (q->flags & QUESTION_RD)
		kind |= KIND_RECURSIVE;
	ch = channel_get(d, addr, port, kind, e);
	if (!ch)
		return RETRY;
	s = sent_new(d);
	if (!s) {
		err_set(e, "no memory for a question");
		return RETRY;
	}
	if (id_take(d, ch, &s->id, e) != OK) {
		sent_free(d, s);
		return RETRY;
	}
	s->ch = ch;
	s->tag = tag;
	s->query_len = packet_query(s->query, s->id, q);
	ch->inflight++;
	ch->used = ++d->asked;
	d->outstanding++;
	send_query(d, s);
	return OK;
}

enum next
dns_ask(struct dns *d, const struct packet_addr *addr, uint16_t port,
    const struct question *q, uint64_t tag, struct err *e)
{
	return ask(d, addr, port, 0, q, tag, e);
}

enum next
dns_ask_tcp(struct dns *d, const struct packet_addr *addr, uint16_t port,
    const struct question *q, uint64_t tag, struct err *e)
{
	return ask(d, addr, port, KIND_TCP, q, tag, e);
}

/* --- answers -------------------------------------------------------------- */

/* A server that knows no EDNS says FORMERR; asked once more without. */
static bool
again_without_edns(struct dns *d, struct sent *s)
{
	if (s->plain || !s->bytes || s->len < 4 ||
	    (s->bytes[3] & 15) != RCODE_FORMERR || s->query_len < 12 + OPT_LEN)
		return false;
	mem_free(s->bytes);
	s->bytes = NULL;
	s->plain = true;
	s->query_len -= OPT_LEN;
	s->query[10] = s->query[11] = 0; /* ARCOUNT */
	send_query(d, s);
	return true;
}

static uint16_t
id_of(const struct sent *s)
{
#if ARES_VERSION >= ARES_OWN_IDS
	if (s->bytes)
		return (uint16_t)(s->bytes[0] << 8 | s->bytes[1]);
#endif
	return s->id;
}

static void
hand_over(struct dns *d)
{
	while (d->done) {
		struct sent *s = d->done;

		d->done = s->next;
		if (!d->done)
			d->done_end = &d->done;
		if (again_without_edns(d, s))
			continue;
		id_free(s->ch, s->id);
		s->ch->inflight--;
		d->outstanding--;
		d->answer(d->arg, s->tag, id_of(s), s->bytes, s->len);
		sent_free(d, s);
	}
}

/* --- the loop ------------------------------------------------------------- */

static void
watch_other(struct dns *d, int fd)
{
	struct epoll_event ev = {
	    .events = EPOLLIN, .data.u64 = (uint64_t)OTHER << 32};

	if (fd == d->other_fd)
		return;
	if (d->other_fd >= 0)
		epoll_ctl(d->ep, EPOLL_CTL_DEL, d->other_fd, NULL);
	if (fd >= 0)
		epoll_ctl(d->ep, EPOLL_CTL_ADD, fd, &ev);
	d->other_fd = fd;
}

/* Answers that trickle in must not wake us one by one. */
static void
pace(const struct dns *d)
{
	int64_t left_us = d->turn_us + DNS_TURN_US - mono_us();
	struct timespec t = {.tv_nsec = (long)(left_us * 1000)};

	if (left_us > 0 && left_us <= DNS_TURN_US && !d->done)
		nanosleep(&t, NULL);
}

static int
wait_of(const struct dns *d, int64_t wait_ms)
{
	int64_t now = clock_mono_ms();

	if (d->done)
		return 0;
	for (size_t i = 0; d->outstanding && i < DNS_CHANNELS_MAX; i++)
		if (d->channels[i] && d->due[i] - now < wait_ms)
			wait_ms = d->due[i] - now;
	return wait_ms < 0 ? 0 : wait_ms > 60000 ? 60000 : (int)wait_ms;
}

static void
on_event(struct dns *d, const struct epoll_event *ev)
{
	struct channel *ch = d->channels[ev->data.u64 >> 32];
	ares_socket_t fd = (ares_socket_t)(uint32_t)ev->data.u64;

	if (!ch)
		return;
	ares_process_fd(ch->ares,
	    ev->events & ~(uint32_t)EPOLLOUT ? fd : ARES_SOCKET_BAD,
	    ev->events & ~(uint32_t)EPOLLIN ? fd : ARES_SOCKET_BAD);
	hand_over(d);
}

static void
timeouts(struct dns *d)
{
	int64_t now = clock_mono_ms();

	for (size_t i = 0; i < DNS_CHANNELS_MAX; i++) {
		struct channel *ch = d->channels[i];
		struct timeval tv, *left;

		if (!ch || now < d->due[i])
			continue;
		ares_process_fd(ch->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
		left = ares_timeout(ch->ares, NULL, &tv);
		d->due[i] = left ? now + (int64_t)left->tv_sec * 1000 +
				       left->tv_usec / 1000 + 1
				 : INT64_MAX;
		hand_over(d);
	}
}

bool
dns_serve(struct dns *d, int64_t wait_ms, int other_fd)
{
	struct epoll_event ev[EVENTS_N];
	bool other = false, more;
	int n, wait, rounds = 0;

	watch_other(d, other_fd);
	pace(d);
	hand_over(d);
	wait = wait_of(d, wait_ms);
	do {
		more = false;
		n = epoll_wait(d->ep, ev, EVENTS_N, wait);
		if (n > 0)
			d->turn_us = mono_us();
		for (int i = 0; i < n; i++)
			if (ev[i].data.u64 >> 32 == OTHER) {
				other = true;
			} else {
				more = true;
				on_event(d, &ev[i]);
			}
		wait = 0;
	} while (more && ++rounds < ROUNDS_N);
	timeouts(d);
	return other;
}

size_t
dns_outstanding(const struct dns *d)
{
	return d->outstanding;
}

/* --- life ----------------------------------------------------------------- */

/* Of one shared library, but what was compiled in fits one kind only. */
static enum next
check_version(struct err *e)
{
	int version = 0;
	const char *text = ares_version(&version);

	if ((version >= ARES_OWN_IDS) == (ARES_VERSION >= ARES_OWN_IDS))
		return OK;
	err_set(e,
	    "this was built for c-ares %s and finds c-ares %s: build it "
	    "again on this system",
	    ARES_VERSION_STR, text);
	return STOP;
}

enum next
dns_open(struct dns **out, const struct dns_conf *conf, dns_answer_fn *answer,
    void *arg, struct err *e)
{
	struct dns *d;
	int rc = ARES_ENOMEM;

	if (check_version(e) != OK)
		return STOP;
	d = mem_alloc(sizeof(*d));
	if (d)
		rc = ares_library_init(ARES_LIB_INIT_ALL);
	if (rc != ARES_SUCCESS) {
		err_set(e, "c-ares does not start: %s", ares_strerror(rc));
		mem_free(d);
		return RETRY;
	}
	d->conf = *conf;
	d->answer = answer;
	d->arg = arg;
	d->other_fd = -1;
	d->done_end = &d->done;
	d->ep = epoll_create1(EPOLL_CLOEXEC);
	if (d->ep < 0) {
		err_set(e, "epoll: %s", strerror(errno));
		ares_library_cleanup();
		mem_free(d);
		return RETRY;
	}
	*out = d;
	return OK;
}

void
dns_close(struct dns *d)
{
	struct sent *s;

	if (!d)
		return;
	d->closing = true; /* ares_destroy calls back */
	for (size_t i = 0; i < DNS_CHANNELS_MAX; i++)
		if (d->channels[i])
			channel_close(d, d->channels[i]);
	while ((s = d->done)) {
		d->done = s->next;
		sent_free(d, s);
	}
	while ((s = d->spare)) {
		d->spare = s->next;
		mem_free(s);
	}
	close(d->ep);
	ares_library_cleanup();
	mem_free(d);
}

/* --- addresses ------------------------------------------------------------ */

static bool
port_parse(const char *text, uint16_t *port)
{
	unsigned v = 0;

	for (size_t i = 0; text[i]; i++) {
		if (text[i] < '0' || text[i] > '9' || i >= 5)
			return false;
		v = v * 10 + (unsigned)(text[i] - '0');
	}
	if (v == 0 || v > 65535)
		return false;
	*port = (uint16_t)v;
	return true;
}

bool
dns_addr_parse(const char *text, struct packet_addr *addr, uint16_t *port)
{
	char host[INET6_ADDRSTRLEN];
	const char *colon = strchr(text, ':');
	const char *end = text + strlen(text);

	*addr = (struct packet_addr){.family = 6};
	if (inet_pton(AF_INET6, text, addr->octets) == 1)
		return true;
	if (*text == '[') {
		text++;
		end = strchr(text, ']');
		if (!end || (end[1] && end[1] != ':') ||
		    (end[1] && !port_parse(end + 2, port)))
			return false;
	} else {
		addr->family = 4;
		if (colon) {
			end = colon;
			if (!port_parse(colon + 1, port))
				return false;
		}
	}
	if ((size_t)(end - text) >= sizeof(host))
		return false;
	memcpy(host, text, (size_t)(end - text));
	host[end - text] = '\0';
	return inet_pton(addr->family == 4 ? AF_INET : AF_INET6, host,
		   addr->octets) == 1;
}
