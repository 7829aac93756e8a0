/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/dns/hostile.h"

#include "io/clock.h"
#include "tests/dns/reply.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FROM_MAX  16 /* sockets at other addresses */
#define QUERY_MAX 4096
#define BATCH	  256 /* queries of one socket in a row */
#define RCVBUF	  (8 << 20)
#define FULL_MS	  2 /* until the next try when a peer takes no more */

struct socket { /* UDP */
	int fd;
	struct packet_addr addr;
	uint16_t port;
};

struct conn {
	int fd; /* -1 = free */
	unsigned generation;
	struct packet_addr to;
	struct sockaddr_storage from;
	size_t len;
	uint8_t in[QUERY_MAX];
};

/* Octets that wait: for their time, or for the peer of a stream. */
struct later {
	struct later *next;
	int64_t due;
	int fd; /* UDP */
	struct sockaddr_storage to;
	struct conn *conn; /* TCP */
	unsigned generation;
	int64_t drip_ms;
	int stream; /* of struct reply */
	size_t at, len;
	uint8_t bytes[];
};

struct hostile {
	struct hostile_conf conf;
	struct hostile_counts counts;
	struct rng rng;
	int64_t begun, next_due;
	size_t later_n;
	struct later *later;
	int tcp[HOSTILE_ADDRS_MAX];
	struct socket udp[HOSTILE_ADDRS_MAX];
	size_t from_n;
	struct socket from[FROM_MAX];
	struct conn conns[HOSTILE_CONNS_MAX];
	struct pollfd polled[2 * HOSTILE_ADDRS_MAX + HOSTILE_CONNS_MAX];
	struct reply reply;
};

/* --- addresses ------------------------------------------------------------ */

static socklen_t
sockaddr_of(
    struct sockaddr_storage *out, const struct packet_addr *addr, uint16_t port)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof(*out));
	if (addr->family == 4) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		memcpy(&v4->sin_addr, addr->octets, 4);
		return sizeof(*v4);
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	memcpy(&v6->sin6_addr, addr->octets, 16);
	return sizeof(*v6);
}

static socklen_t
sockaddr_len(const struct sockaddr_storage *a)
{
	return a->ss_family == AF_INET ? sizeof(struct sockaddr_in)
				       : sizeof(struct sockaddr_in6);
}

static bool
same_addr(const struct packet_addr *a, const struct packet_addr *b)
{
	return a->family == b->family &&
	       memcmp(a->octets, b->octets, a->family == 4 ? 4 : 16) == 0;
}

static int
bound(const struct packet_addr *addr, uint16_t port, int type)
{
	struct sockaddr_storage at;
	socklen_t len = sockaddr_of(&at, addr, port);
	int on = 1, big = RCVBUF;
	int fd = socket(at.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	if (type == SOCK_STREAM)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	else if (setsockopt(
		     fd, SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof(big)) != 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &big, sizeof(big));
	if (bind(fd, (struct sockaddr *)&at, len) == 0)
		return fd;
	close(fd);
	return -1;
}

/* The socket that sends from there; -1 = there is no such address. */
static int
socket_from(struct hostile *h, const struct reply *r, const struct socket *ours)
{
	struct socket want = {.fd = -1,
	    .addr = r->from,
	    .port = r->from_port ? r->from_port : h->conf.port};

	if (r->from.family == 0)
		return ours->fd;
	for (size_t i = 0; i < h->conf.addrs_n; i++)
		if (same_addr(&h->udp[i].addr, &want.addr) &&
		    h->udp[i].port == want.port)
			return h->udp[i].fd;
	for (size_t i = 0; i < h->from_n; i++)
		if (same_addr(&h->from[i].addr, &want.addr) &&
		    h->from[i].port == want.port)
			return h->from[i].fd;
	if (h->from_n == FROM_MAX)
		return -1;
	want.fd = bound(&want.addr, want.port, SOCK_DGRAM);
	if (want.fd >= 0)
		h->from[h->from_n++] = want;
	return want.fd;
}

/* --- history -------------------------------------------------------------- */

static void
addr_put(FILE *f, const struct sockaddr_storage *a)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)a;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)a;
	char text[INET6_ADDRSTRLEN];

	if (a->ss_family == AF_INET)
		fprintf(f, "%s#%u",
		    inet_ntop(AF_INET, &v4->sin_addr, text, sizeof(text)),
		    ntohs(v4->sin_port));
	else
		fprintf(f, "%s#%u",
		    inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof(text)),
		    ntohs(v6->sin6_port));
}

/* MS FROM TO VIA NAME TYPE FLAGS RULE */
static void
remember(struct hostile *h, const struct query *q,
    const struct sockaddr_storage *from, const struct rule *rule)
{
	char name[DNAME_SHOWN_MAX + 1], type[16], to[46];
	FILE *f = h->conf.history;

	h->counts.queries++;
	if (!f)
		return;
	dname_show(&q->name, name);
	script_type_show(q->type, type);
	packet_addr_show(&q->to, to);
	fprintf(f, "%lld ", (long long)(clock_mono_ms() - h->begun));
	addr_put(f, from);
	fprintf(f, " %s %s %s %s ", to, q->via == VIA_TCP ? "tcp" : "udp", name,
	    type);
	fprintf(f, "%s%s%s%s%s %u\n", q->flags & 0x100 ? "rd," : "",
	    q->flags & 0x10 ? "cd," : "", q->flags & 0x20 ? "ad," : "",
	    q->dnssec_ok ? "do," : "", q->edns_size ? "edns" : "plain",
	    rule ? rule->line : 0);
}

/* --- out ------------------------------------------------------------------ */

static void
send_udp(struct hostile *h, int fd, const uint8_t *bytes, size_t len,
    const struct sockaddr_storage *to)
{
	if (fd >= 0 && sendto(fd, bytes, len, 0, (const struct sockaddr *)to,
			   sockaddr_len(to)) == (ssize_t)len)
		h->counts.packets++;
	else
		h->counts.unsent++;
}

/* Any ids but the right one, in an order of their own. */
static void
flood(struct hostile *h, int fd, const struct reply *r,
    const struct sockaddr_storage *to)
{
	static uint8_t copy[REPLY_MAX];
	unsigned step = rng_below(&h->rng, 32768) * 2 + 1;
	unsigned id;

	if (r->flood == 0 || r->len < 2)
		return;
	memcpy(copy, r->bytes, r->len);
	id = (unsigned)(copy[0] << 8 | copy[1]);
	for (unsigned i = 1; i <= r->flood; i++) {
		id += step;
		if ((uint16_t)id == r->right_id)
			id += step;
		copy[0] = (uint8_t)(id >> 8);
		copy[1] = (uint8_t)id;
		send_udp(h, fd, copy, r->len, to);
	}
	h->counts.forged += r->flood;
}

static struct later *
later_new(struct hostile *h, size_t len)
{
	struct later *l = NULL;

	if (h->later_n < HOSTILE_LATER_MAX)
		l = mem_alloc(sizeof(*l) + len);
	if (!l) {
		h->counts.unsent++;
		return NULL;
	}
	l->len = len;
	return l;
}

/* Of the same time in the order they came. */
static void
later_add(struct hostile *h, struct later *l)
{
	struct later **at = &h->later;

	while (*at)
		at = &(*at)->next;
	*at = l;
	l->next = NULL;
	h->later_n++;
	if (l->due < h->next_due)
		h->next_due = l->due;
}

static void
answer_udp(struct hostile *h, const struct socket *s,
    const struct sockaddr_storage *to)
{
	const struct reply *r = &h->reply;
	int fd = socket_from(h, r, s);
	struct later *l;

	if (r->silent)
		return;
	h->counts.forged += r->forged;
	flood(h, fd, r, to);
	if (r->delay_ms == 0) {
		send_udp(h, fd, r->bytes, r->len, to);
		return;
	}
	l = later_new(h, r->len);
	if (!l)
		return;
	l->due = clock_mono_ms() + r->delay_ms;
	l->fd = fd;
	l->to = *to;
	memcpy(l->bytes, r->bytes, r->len);
	later_add(h, l);
}

static void
answer_tcp(struct hostile *h, struct conn *c)
{
	const struct reply *r = &h->reply;
	struct later *l;

	if (r->silent)
		return;
	h->counts.forged += r->forged;
	l = later_new(h, r->len + 2);
	if (!l)
		return;
	l->due = clock_mono_ms() + r->delay_ms;
	l->conn = c;
	l->generation = c->generation;
	l->drip_ms = r->drip_ms;
	l->stream = (int)r->stream;
	l->bytes[0] = (uint8_t)(r->len >> 8);
	l->bytes[1] = (uint8_t)r->len;
	memcpy(l->bytes + 2, r->bytes, r->len);
	if (r->stream != STREAM_WHOLE)
		l->len /= 2;
	later_add(h, l);
}

static void
conn_close(struct conn *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->generation++;
}

static void
stream_end(struct hostile *h, struct later *l)
{
	struct linger hard = {.l_onoff = 1};

	h->counts.packets += l->stream == STREAM_WHOLE;
	if (l->stream == STREAM_RESET)
		setsockopt(
		    l->conn->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	if (l->stream == STREAM_RESET || l->stream == STREAM_CLOSE)
		conn_close(l->conn);
}

/* True when nothing of it is left to do. */
static bool
stream_on(struct hostile *h, struct later *l, int64_t now)
{
	size_t some = l->drip_ms ? 1 : l->len - l->at;
	ssize_t did;

	if (l->conn->generation != l->generation)
		return true;
	did = send(l->conn->fd, l->bytes + l->at, some, MSG_NOSIGNAL);
	if (did < 0 && errno != EAGAIN) {
		conn_close(l->conn);
		return true;
	}
	l->due = now + (did < 0 ? FULL_MS : l->drip_ms);
	l->at += did > 0 ? (size_t)did : 0;
	if (l->at < l->len)
		return false;
	stream_end(h, l);
	return true;
}

static bool
later_on(struct hostile *h, struct later *l, int64_t now)
{
	if (l->conn)
		return stream_on(h, l, now);
	send_udp(h, l->fd, l->bytes, l->len, &l->to);
	return true;
}

static void
send_due(struct hostile *h)
{
	int64_t now = clock_mono_ms();
	struct later **at = &h->later;

	if (now < h->next_due)
		return;
	h->next_due = INT64_MAX;
	while (*at) {
		struct later *l = *at;

		if (l->due <= now && later_on(h, l, now)) {
			*at = l->next;
			h->later_n--;
			mem_free(l);
			continue;
		}
		if (l->due < h->next_due)
			h->next_due = l->due;
		at = &l->next;
	}
}

/* --- in ------------------------------------------------------------------- */

static void
answer(struct hostile *h, struct query *q, const struct sockaddr_storage *from,
    const struct socket *s, struct conn *c)
{
	const struct rule *rule = script_match(h->conf.script, q);
	size_t packets_n = rule ? rule->packets_n : 1;

	remember(h, q, from, rule);
	for (size_t i = 0; i < packets_n; i++) {
		if (rule)
			reply_make(&h->reply, &rule->packets[i], q, &h->rng);
		else
			reply_refused(&h->reply, q);
		if (c)
			answer_tcp(h, c);
		else
			answer_udp(h, s, from);
	}
}

static void
on_udp(struct hostile *h, const struct socket *s)
{
	struct sockaddr_storage from;
	uint8_t bytes[QUERY_MAX];
	struct query q;

	for (int i = 0; i < BATCH; i++) {
		socklen_t from_len = sizeof(from);
		ssize_t len = recvfrom(s->fd, bytes, sizeof(bytes), 0,
		    (struct sockaddr *)&from, &from_len);

		if (len < 0)
			return;
		if (!query_read(&q, bytes, (size_t)len))
			continue;
		q.via = VIA_UDP;
		q.to = s->addr;
		answer(h, &q, &from, s, NULL);
	}
}

static void
on_message(struct hostile *h, struct conn *c, size_t len)
{
	struct query q;

	if (!query_read(&q, c->in + 2, len))
		return;
	q.via = VIA_TCP;
	q.to = c->to;
	answer(h, &q, &c->from, NULL, c);
}

static void
on_conn(struct hostile *h, struct conn *c)
{
	ssize_t got = recv(c->fd, c->in + c->len, sizeof(c->in) - c->len, 0);
	size_t want;

	if (got < 0 && errno == EAGAIN)
		return;
	if (got <= 0) {
		conn_close(c);
		return;
	}
	c->len += (size_t)got;
	while (c->len >= 2) {
		want = 2 + ((size_t)c->in[0] << 8 | c->in[1]);
		if (want > sizeof(c->in)) {
			conn_close(c);
			return;
		}
		if (c->len < want)
			return;
		on_message(h, c, want - 2);
		c->len -= want;
		memmove(c->in, c->in + want, c->len);
	}
}

static void
on_accept(struct hostile *h, size_t at)
{
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	int one = 1, fd;

	fd = accept4(h->tcp[at], (struct sockaddr *)&from, &len,
	    SOCK_CLOEXEC | SOCK_NONBLOCK);
	for (size_t i = 0; fd >= 0 && i < HOSTILE_CONNS_MAX; i++) {
		struct conn *c = &h->conns[i];

		if (c->fd >= 0)
			continue;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		c->fd = fd;
		c->from = from;
		c->to = h->conf.addrs[at];
		c->len = 0;
		return;
	}
	if (fd >= 0)
		close(fd);
}

/* --- the loop ------------------------------------------------------------- */

static int
wait_of(const struct hostile *h, int wait_ms)
{
	int64_t left = h->next_due - clock_mono_ms();

	if (h->later == NULL || left > wait_ms)
		return wait_ms;
	return left < 0 ? 0 : (int)left;
}

void
hostile_serve(struct hostile *h, int wait_ms)
{
	size_t n = h->conf.addrs_n;
	struct pollfd *p = h->polled;

	for (size_t i = 0; i < n; i++) {
		p[i] = (struct pollfd){.fd = h->udp[i].fd, .events = POLLIN};
		p[n + i] = (struct pollfd){.fd = h->tcp[i], .events = POLLIN};
	}
	for (size_t i = 0; i < HOSTILE_CONNS_MAX; i++)
		p[2 * n + i] =
		    (struct pollfd){.fd = h->conns[i].fd, .events = POLLIN};
	wait_ms = wait_of(h, wait_ms);
	if (wait_ms != 0 && h->conf.history)
		fflush(h->conf.history);
	if (poll(p, 2 * n + HOSTILE_CONNS_MAX, wait_ms) > 0) {
		for (size_t i = 0; i < n; i++)
			if (p[i].revents)
				on_udp(h, &h->udp[i]);
		for (size_t i = 0; i < HOSTILE_CONNS_MAX; i++)
			if (p[2 * n + i].revents && h->conns[i].fd >= 0)
				on_conn(h, &h->conns[i]);
		for (size_t i = 0; i < n; i++)
			if (p[n + i].revents)
				on_accept(h, i);
	}
	send_due(h);
}

const struct hostile_counts *
hostile_counts(const struct hostile *h)
{
	return &h->counts;
}

/* --- life ----------------------------------------------------------------- */

static enum next
listen_at(struct hostile *h, size_t i, struct err *e)
{
	const struct packet_addr *addr = &h->conf.addrs[i];
	char text[46];

	h->udp[i] = (struct socket){.addr = *addr, .port = h->conf.port};
	h->udp[i].fd = bound(addr, h->conf.port, SOCK_DGRAM);
	h->tcp[i] = bound(addr, h->conf.port, SOCK_STREAM);
	if (h->udp[i].fd >= 0 && h->tcp[i] >= 0 && listen(h->tcp[i], 64) == 0)
		return OK;
	packet_addr_show(addr, text);
	err_set(e, "%s port %u: %s", text, h->conf.port, strerror(errno));
	return RETRY;
}

enum next
hostile_open(
    struct hostile **out, const struct hostile_conf *conf, struct err *e)
{
	struct hostile *h = mem_alloc(sizeof(*h));
	enum next n = OK;

	if (!h) {
		err_set(e, "no memory");
		return RETRY;
	}
	h->conf = *conf;
	h->rng.state = conf->seed;
	h->begun = clock_mono_ms();
	h->next_due = INT64_MAX;
	for (size_t i = 0; i < HOSTILE_CONNS_MAX; i++)
		h->conns[i].fd = -1;
	for (size_t i = 0; i < HOSTILE_ADDRS_MAX; i++)
		h->udp[i].fd = h->tcp[i] = -1;
	for (size_t i = 0; i < conf->addrs_n && n == OK; i++)
		n = listen_at(h, i, e);
	if (n != OK) {
		hostile_close(h);
		return n;
	}
	*out = h;
	return OK;
}

void
hostile_close(struct hostile *h)
{
	for (size_t i = 0; i < HOSTILE_CONNS_MAX; i++)
		conn_close(&h->conns[i]);
	for (size_t i = 0; i < HOSTILE_ADDRS_MAX; i++) {
		if (h->udp[i].fd >= 0)
			close(h->udp[i].fd);
		if (h->tcp[i] >= 0)
			close(h->tcp[i]);
	}
	for (size_t i = 0; i < h->from_n; i++)
		close(h->from[i].fd);
	while (h->later) {
		struct later *l = h->later;
		h->later = l->next;
		mem_free(l);
	}
	mem_free(h);
}
