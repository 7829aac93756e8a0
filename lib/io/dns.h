/* SPDX-License-Identifier: Apache-2.0 */
/* The door to the DNS (c-ares as transport only): questions to addresses, raw
 * answers back. UDP with EDNS; TCP when an answer is truncated; once more
 * without EDNS when a server calls that a format error. Retries and timeouts
 * by the settings; each try waits twice as long as the one before. Channels
 * are kept per address and port, the least used idle one is closed. One
 * thread.
 *
 * The first packet with the id and the question ends the wait, whatever else
 * is in it: who finds it unreadable asks again by dns_ask_tcp. */
#pragma once
#include "core/packet.h"

#define DNS_CHANNELS_MAX 256
#define DNS_ANSWER_MAX	 65535
#define DNS_INFLIGHT_MAX 16384 /* questions of one channel; 65536 ids exist */
#define DNS_TURN_US	 1000  /* dns_serve returns no more often than this */

struct dns_conf {
	int64_t timeout_ms; /* of the first try */
	unsigned tries;
};

struct dns;

/* bytes NULL: no answer came (timeout, refused connection). They are valid
 * during the call only. */
typedef void dns_answer_fn(
    void *arg, uint64_t tag, uint16_t id, const uint8_t *bytes, size_t len);

/* answer is called from within dns_serve only; it may call dns_ask. */
enum next dns_open(struct dns **out, const struct dns_conf *conf,
    dns_answer_fn *answer, void *arg, struct err *e) MUST_USE;
/* RETRY: no channel or memory; there will be no answer. tag comes back. */
enum next dns_ask(struct dns *d, const struct packet_addr *addr, uint16_t port,
    const struct question *q, uint64_t tag, struct err *e) MUST_USE;
/* The same over TCP from the start. */
enum next dns_ask_tcp(struct dns *d, const struct packet_addr *addr,
    uint16_t port, const struct question *q, uint64_t tag,
    struct err *e) MUST_USE;
/* Waits up to wait_ms for the network or for other_fd (-1 = none) to become
 * readable, and hands over every answer that is there. True when other_fd is
 * readable. */
bool dns_serve(struct dns *d, int64_t wait_ms, int other_fd);
size_t dns_outstanding(const struct dns *d);
/* Questions under way are forgotten, without a call. */
void dns_close(struct dns *d);

/* "127.0.0.1", "127.0.0.1:53", "::1", "[::1]:53"; *port keeps its value when
 * the text names none. Pure. */
bool dns_addr_parse(
    const char *text, struct packet_addr *addr, uint16_t *port) MUST_USE;
