/* SPDX-License-Identifier: Apache-2.0 */
/* A name server of a test's own: a thread on 127.0.0.1 and a port of its own,
 * UDP and TCP, whose answers a function of the test writes, rightly or
 * wrongly. Included by the tests of the DNS door and of looks. */
#pragma once
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/packet.h"

#define NS_CONNS 32

enum ns_via { NS_UDP, NS_TCP };
enum ns_stream {
	NS_WHOLE,
	NS_DRIP,  /* one octet at a time */
	NS_RESET, /* half of a message, then a reset */
	NS_STALL, /* half of a message, then nothing */
};

struct ns {
	/* Writes the answer to query into out[65535]; 0 = none. */
	size_t (*reply)(struct ns *s, enum ns_via via, const uint8_t *query,
	    size_t len, uint8_t *out);
	enum ns_stream stream;
	unsigned flood; /* packets with wrong ids ahead of each UDP answer */
	atomic_uint asked[2]; /* by enum ns_via */
	atomic_uint asked_type[256];
	atomic_uint asked_root; /* for the root's name */
	uint16_t port;
	int udp, tcp, quit[2];
	pthread_t thread;
	struct {
		int fd;
		size_t len;
		uint8_t in[2048];
	} conn[NS_CONNS];
	uint8_t out[2 + 65535];
};

/* --- what a reply is made of ---------------------------------------------- */

struct ns_reply {
	uint8_t *out;
	size_t len;
};

static inline size_t
ns_question_end(const uint8_t *query, size_t len)
{
	size_t at = 12;

	while (at < len && query[at])
		at += query[at] + 1u;
	return at + 5;
}

static inline uint16_t
ns_type(const uint8_t *query, size_t len)
{
	size_t end = ns_question_end(query, len);

	return (uint16_t)(query[end - 4] << 8 | query[end - 3]);
}

static inline bool
ns_recursive(const uint8_t *query)
{
	return query[2] & 1;
}

static inline bool
ns_has_opt(const uint8_t *query)
{
	return query[11] != 0;
}

/* Is the first label of the question this one? */
static inline bool
ns_label_is(const uint8_t *query, const char *label)
{
	return query[12] == strlen(label) &&
	       memcmp(query + 13, label, query[12]) == 0;
}

/* Header and question of the query, as an answer without records. */
static inline struct ns_reply
ns_begin(uint8_t *out, const uint8_t *query, size_t len, unsigned flags)
{
	struct ns_reply r = {.out = out, .len = ns_question_end(query, len)};

	memcpy(out, query, r.len);
	out[2] = (uint8_t)(flags >> 8) | (query[2] & 1);
	out[3] = (uint8_t)flags;
	memset(out + 6, 0, 6);
	return r;
}

/* One record more in section 0..2, owned by the question's name. */
static inline void
ns_record(struct ns_reply *r, unsigned section, uint16_t type,
    const uint8_t *owner, size_t owner_len, const void *data, size_t len)
{
	uint8_t *p = r->out + r->len;

	memcpy(p, owner, owner_len);
	p += owner_len;
	*p++ = (uint8_t)(type >> 8);
	*p++ = (uint8_t)type;
	*p++ = 0;
	*p++ = 1;
	memcpy(p, "\0\0\0\5", 4); /* TTL 5 s */
	p += 4;
	*p++ = (uint8_t)(len >> 8);
	*p++ = (uint8_t)len;
	memcpy(p, data, len);
	r->len = (size_t)(p + len - r->out);
	r->out[6 + 2 * section + 1]++;
}

#define NS_OWNER ((const uint8_t *)"\xc0\x0c")

static inline void
ns_txt(struct ns_reply *r, const char *text)
{
	uint8_t data[256];
	size_t len = strlen(text);

	data[0] = (uint8_t)len;
	memcpy(data + 1, text, len);
	ns_record(r, 0, RRTYPE_TXT, NS_OWNER, 2, data, len + 1);
}

/* The SOA of a negative answer, minimum 5 s. */
static inline void
ns_soa(struct ns_reply *r, const struct dname *zone)
{
	ns_record(r, 1, RRTYPE_SOA, zone->wire, zone->len,
	    "\0\0\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\5", 22);
}

/* --- the server ----------------------------------------------------------- */

static inline size_t
ns_answer(struct ns *s, enum ns_via via, const uint8_t *query, size_t len)
{
	if (len < 17)
		return 0;
	s->asked[via]++;
	s->asked_type[ns_type(query, len) & 255]++;
	s->asked_root += query[12] == 0;
	return s->reply(s, via, query, len, s->out + 2);
}

static inline void
ns_on_udp(struct ns *s)
{
	struct sockaddr_in from;
	socklen_t from_len = sizeof(from);
	uint8_t query[2048];
	ssize_t len = recvfrom(s->udp, query, sizeof(query), 0,
	    (struct sockaddr *)&from, &from_len);
	size_t n = len > 0 ? ns_answer(s, NS_UDP, query, (size_t)len) : 0;

	for (unsigned i = 1; n && i <= s->flood; i++) {
		s->out[3] = (uint8_t)(query[1] + i);
		s->out[2] = (uint8_t)(query[0] + (i >> 8) + 1);
		sendto(s->udp, s->out + 2, n, 0, (struct sockaddr *)&from,
		    from_len);
	}
	if (n) {
		s->out[2] = query[0];
		s->out[3] = query[1];
		sendto(s->udp, s->out + 2, n, 0, (struct sockaddr *)&from,
		    from_len);
	}
}

static inline void
ns_stream_out(struct ns *s, int fd, size_t n)
{
	struct linger hard = {.l_onoff = 1};
	size_t at = 0;

	s->out[0] = (uint8_t)(n >> 8);
	s->out[1] = (uint8_t)n;
	n += 2;
	if (s->stream == NS_RESET || s->stream == NS_STALL)
		n /= 2;
	while (at < n) {
		size_t some = s->stream == NS_DRIP ? 1 : n - at;
		ssize_t did = send(fd, s->out + at, some, MSG_NOSIGNAL);
		if (did <= 0)
			break;
		at += (size_t)did;
	}
	if (s->stream == NS_RESET)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
}

/* False: the connection is over. */
static inline bool
ns_on_conn(struct ns *s, size_t i)
{
	uint8_t *in = s->conn[i].in;
	ssize_t got = recv(s->conn[i].fd, in + s->conn[i].len,
	    sizeof(s->conn[i].in) - s->conn[i].len, 0);
	size_t want, n;

	if (got <= 0)
		return false;
	s->conn[i].len += (size_t)got;
	while (s->conn[i].len >= 2) {
		want = 2 + ((size_t)in[0] << 8 | in[1]);
		if (s->conn[i].len < want)
			break;
		n = ns_answer(s, NS_TCP, in + 2, want - 2);
		if (n)
			ns_stream_out(s, s->conn[i].fd, n);
		memmove(in, in + want, s->conn[i].len - want);
		s->conn[i].len -= want;
		if (s->stream == NS_RESET)
			return false;
	}
	return true;
}

static inline void
ns_accept(struct ns *s)
{
	int one = 1, fd = accept(s->tcp, NULL, NULL);

	for (size_t i = 0; fd >= 0 && i < NS_CONNS; i++)
		if (s->conn[i].fd < 0) {
			setsockopt(fd, IPPROTO_TCP, 1, &one,
			    sizeof(one)); /* NODELAY */
			s->conn[i].fd = fd;
			s->conn[i].len = 0;
			return;
		}
	close(fd);
}

static inline void *
ns_run(void *arg)
{
	struct ns *s = arg;
	struct pollfd p[3 + NS_CONNS];

	for (;;) {
		p[0] = (struct pollfd){.fd = s->quit[0], .events = POLLIN};
		p[1] = (struct pollfd){.fd = s->udp, .events = POLLIN};
		p[2] = (struct pollfd){.fd = s->tcp, .events = POLLIN};
		for (size_t i = 0; i < NS_CONNS; i++)
			p[3 + i] = (struct pollfd){
			    .fd = s->conn[i].fd, .events = POLLIN};
		poll(p, 3 + NS_CONNS, -1);
		if (p[0].revents)
			return NULL;
		if (p[1].revents)
			ns_on_udp(s);
		for (size_t i = 0; i < NS_CONNS; i++)
			if (p[3 + i].revents && !ns_on_conn(s, i)) {
				close(s->conn[i].fd);
				s->conn[i].fd = -1;
			}
		if (p[2].revents)
			ns_accept(s);
	}
}

/* Sockets on the same port for both; the first free one that both get. */
static inline void
ns_bind(struct ns *s)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	socklen_t len = sizeof(a);
	int big = 4 << 20;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (;;) {
		a.sin_port = 0;
		s->udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		s->tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		bind(s->udp, (struct sockaddr *)&a, sizeof(a));
		getsockname(s->udp, (struct sockaddr *)&a, &len);
		s->port = ntohs(a.sin_port);
		if (bind(s->tcp, (struct sockaddr *)&a, sizeof(a)) == 0 &&
		    listen(s->tcp, 64) == 0)
			break;
		close(s->udp);
		close(s->tcp);
	}
	setsockopt(s->udp, SOL_SOCKET, SO_RCVBUF, &big, sizeof(big));
}

/* reply, stream and flood are set. */
static inline void
ns_start(struct ns *s)
{
	for (size_t i = 0; i < NS_CONNS; i++)
		s->conn[i].fd = -1;
	ns_bind(s);
	if (pipe(s->quit) != 0 ||
	    pthread_create(&s->thread, NULL, ns_run, s) != 0)
		abort();
}

static inline void
ns_stop(struct ns *s)
{
	if (write(s->quit[1], "", 1) != 1)
		abort();
	pthread_join(s->thread, NULL);
	for (size_t i = 0; i < NS_CONNS; i++)
		if (s->conn[i].fd >= 0)
			close(s->conn[i].fd);
	close(s->udp);
	close(s->tcp);
	close(s->quit[0]);
	close(s->quit[1]);
}

static inline struct packet_addr
ns_addr(void)
{
	return (struct packet_addr){.family = 4, .octets = {127, 0, 0, 1}};
}
