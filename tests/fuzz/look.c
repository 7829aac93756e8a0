/* SPDX-License-Identifier: Apache-2.0 */
/* Arbitrary servers: the input chooses a wish, then every answer. Whatever
 * they say, a look ends, stays within its bounds, and passes only on a record
 * that the public view has shown and, where servers are asked, one of them by
 * its own authority. */
#include "core/diagnosis.h"
#include "core/look.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define TOKEN "abcdefghijklmnopqrstuvwxyz234567"
#define NEED(what)                                                             \
	do {                                                                   \
		if (!(what))                                                   \
			abort();                                               \
	} while (0)

static const char *const names[] = {"_x-challenge.a.test", "a.test", "test",
    ".", "ns1.a.test", "ns2.host.test", "c.vendor.test", "vendor.test",
    "d.vendor.test", "y.a.test", "z._x-challenge.a.test", "host.test",
    "_x-challenge.a.test.a.test", "b.a.test", "_x-challenge.b.a.test",
    "nowhere"};

#define TEXT(t)                                                                \
	{                                                                      \
		t, sizeof(t) - 1                                               \
	}
static const struct {
	const char *bytes;
	size_t len;
} texts[] = {TEXT("token=" TOKEN " expiry=never"), TEXT(TOKEN),
    TEXT("token=" TOKEN " expiry=never\0"), TEXT("token=" TOKEN "\0 a=b"),
    TEXT("token=zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"), TEXT("v=spf1 -all"),
    TEXT(""), TEXT("\x1b[2J\"\\\xff")};
#define TEXTS_RIGHT 2 /* the first of them match */

struct input {
	const uint8_t *at;
	size_t left;
};

struct fuzz {
	struct input in;
	struct look_wish wish;
	struct arena arena; /* of the answers */
	bool server_has;    /* an authoritative answer had it */
	bool public_has;    /* a checked one of the resolver had it */
	bool public_ad;
};

static uint8_t look_memory[LOOK_ARENA], answers_memory[4u << 20];

static uint8_t
next(struct fuzz *f)
{
	if (f->in.left == 0)
		return 0;
	f->in.left--;
	return *f->in.at++;
}

static struct dname
next_name(struct fuzz *f)
{
	uint8_t which = next(f);
	struct dname name;

	NEED(dname_from_text(&name, names[which % ARRAY_LEN(names)], NULL) ==
	     DNAME_OK);
	if (which >= 0xf0) { /* an odd octet in its first label */
		name.wire[name.len > 1] = name.len > 1 ? 0xff : 0;
	}
	return name;
}

static struct packet_addr
next_addr(struct fuzz *f)
{
	uint8_t which = next(f);
	struct packet_addr addr = {
	    .family = which & 0x80 ? 6 : 4, .octets = {9, 9, 9, which & 0x1f}};

	if (addr.family == 6)
		memcpy(addr.octets, (uint8_t[]){0x2a, 0, 0x14, 0x50}, 4);
	if (which & 0x40)
		memset(addr.octets, addr.family == 4 ? 10 : 0, 4);
	return addr;
}

/* A number of records: mostly few, at most what a reader lets through. */
static size_t
next_count(struct fuzz *f)
{
	uint8_t n = next(f);

	return n < 0xf0 ? n % 4 : n % (PACKET_NAMES_MAX + 1);
}

static void *
room(struct fuzz *f, size_t n, size_t size)
{
	void *p = arena_alloc(&f->arena, n * size + 1);

	NEED(p != NULL);
	memset(p, 0, n * size + 1);
	return p;
}

static struct dname *
next_names(struct fuzz *f, size_t n)
{
	struct dname *list = room(f, n, sizeof(*list));

	for (size_t i = 0; i < n; i++)
		list[i] = next_name(f);
	return list;
}

/* Returns whether one of them is right. */
static bool
give_txt(struct fuzz *f, struct answer *a)
{
	bool right = false;

	a->txt = room(f, a->n, sizeof(a->txt[0]));
	for (size_t i = 0; i < a->n; i++) {
		size_t which = next(f) % ARRAY_LEN(texts);

		a->txt[i] = (struct packet_txt){
		    .bytes = (const uint8_t *)texts[which].bytes,
		    .len = texts[which].len,
		    .nul = memchr(texts[which].bytes, 0, texts[which].len) !=
			   NULL};
		right = right || which < TEXTS_RIGHT;
	}
	return right;
}

static bool
give_records(struct fuzz *f, struct answer *a, uint16_t type)
{
	a->n = next_count(f);
	if (a->n == 0)
		a->n = 1;
	if (type == RRTYPE_TXT)
		return give_txt(f, a);
	if (type == RRTYPE_NS) {
		a->names = next_names(f, a->n);
		return false;
	}
	a->addr = room(f, a->n, sizeof(a->addr[0]));
	for (size_t i = 0; i < a->n; i++)
		a->addr[i] = next_addr(f);
	return false;
}

static void
give_referral(struct fuzz *f, struct answer *a)
{
	a->cut = next_name(f);
	a->ns_n = next_count(f);
	a->ns = next_names(f, a->ns_n);
	a->glue_n = next_count(f);
	a->glue = room(f, a->glue_n, sizeof(a->glue[0]));
	for (size_t i = 0; i < a->glue_n; i++) {
		a->glue[i].owner = next_name(f);
		a->glue[i].addr = next_addr(f);
	}
}

/* Outcomes that carry anything are chosen more often. */
static enum outcome
next_outcome(struct fuzz *f, enum look_target target)
{
	uint8_t b = next(f);

	if (b < 0x80)
		return OUTCOME_RECORDS;
	if (b < 0xb0)
		return target == LOOK_SERVER ? OUTCOME_REFERRAL
					     : OUTCOME_NODATA;
	return (enum outcome)(b % (OUTCOME_MALFORMED + 1));
}

static void
give(struct fuzz *f, const struct look_ask *ask, struct answer *a)
{
	bool right = false;
	uint8_t flags;

	*a = (struct answer){.outcome = next_outcome(f, ask->target)};
	flags = next(f);
	a->aa = (flags & 1) == 0;
	a->ad = (flags & 2) != 0;
	a->has_soa = (flags & 4) != 0;
	a->has_ede = (flags & 8) != 0;
	a->chain_bad = (flags & 16) != 0 && a->outcome == OUTCOME_MALFORMED;
	a->chain_n = flags & 32 ? next(f) % (PACKET_CHAIN_MAX + 1) : 0;
	a->chain = next_names(f, a->chain_n);
	a->ede = a->has_ede ? next(f) : 0;
	a->rcode = flags >> 4;
	if (a->has_soa) {
		a->soa_owner = next_name(f);
		a->neg_ttl_s = a->ttl_s = next(f) * 0x1010101u;
	}
	if (a->outcome == OUTCOME_RECORDS)
		right = give_records(f, a, ask->q.type);
	if (a->outcome == OUTCOME_REFERRAL)
		give_referral(f, a);
	if (!right || (a->has_ede && (a->ede == 3 || a->ede == 19)))
		return;
	if (ask->target == LOOK_SERVER)
		f->server_has = f->server_has || a->aa;
	else if ((ask->q.flags & QUESTION_CD) == 0) {
		f->public_has = true;
		f->public_ad = f->public_ad || a->ad;
	}
}

/* Our own questions plant nothing in public caches and go nowhere that they
 * may not. */
static void
check_ask(const struct fuzz *f, const struct look_ask *ask)
{
	const struct look_wish *w = &f->wish;
	bool walk = w->authoritative && !w->only;

	NEED(ask->q.name.len > 0);
	if (ask->target == LOOK_SERVER) {
		NEED(walk && ask->q.flags == 0 && !ask->shared);
		NEED(w->private_ok || !packet_addr_private(&ask->addr));
		return;
	}
	NEED(ask->q.flags & QUESTION_RD);
	NEED(ask->shared ==
	     (ask->q.type != RRTYPE_TXT && !(ask->q.flags & QUESTION_CD)));
	if (walk && w->order == LOOK_SERVERS_FIRST && ask->q.type == RRTYPE_TXT)
		NEED(f->server_has);
}

static bool
code_fits(const struct finding *f)
{
	bool undecided =
	    (f->code >= CODE_DNSSEC_BOGUS && f->code <= CODE_CNAME_CHAIN) ||
	    f->code == CODE_SPF_TARGET_BROKEN;

	switch (f->verdict) {
	case VERDICT_PASS:
		return f->code == CODE_NONE || f->code == CODE_VIA_APEX;
	case VERDICT_FAIL:
	case VERDICT_NONE:
		return f->code != CODE_NONE && f->code != CODE_VIA_APEX &&
		       !undecided;
	default:
		return undecided;
	}
}

static void
check_finding(const struct fuzz *f, const struct finding *got)
{
	const struct look_wish *w = &f->wish;
	bool pass = got->verdict == VERDICT_PASS;

	NEED(code_fits(got));
	NEED(pass == (got->assurance != ASSURANCE_NONE));
	NEED(got->found_n <= FOUND_MAX && got->servers_n <= SERVERS_MAX);
	NEED(strlen(got->saw) <= SAW_MAX);
	for (const char *c = got->saw; *c != '\0'; c++)
		NEED(*c >= ' ' && *c <= '~');
	if (!pass)
		return;
	NEED(w->token[0] != '\0' && f->public_has && got->found_n > 0);
	NEED(got->assurance == ASSURANCE_SINGLE || f->public_ad);
	NEED(got->assurance == ASSURANCE_SINGLE || w->trusted);
	NEED(got->code == CODE_NONE || w->apex_ok);
	if (w->authoritative && !w->only && w->order == LOOK_SERVERS_FIRST)
		NEED(f->server_has);
}

static void
say(const struct finding *got)
{
	char text[SAY_MAX + 1], fix[SAY_MAX + 1];

	diagnosis_say(&(struct diagnosis_facts){.code = got->code,
			  .domain = "a.test",
			  .name = got->name,
			  .expected = got->expected,
			  .saw = got->saw,
			  .neg_ttl_s = got->neg_ttl_s,
			  .visible_in_s = got->visible_in_s},
	    text, fix);
	NEED(strlen(text) <= SAY_MAX && strlen(fix) <= SAY_MAX);
}

static void
wish(struct fuzz *f)
{
	uint8_t bits = next(f);
	const char *domain = bits & 0x80 ? "b.a.test" : "a.test";

	f->wish = (struct look_wish){.service = "x",
	    .order = bits & 1 ? LOOK_PUBLIC_FIRST : LOOK_SERVERS_FIRST,
	    .apex_ok = (bits & 2) != 0,
	    .authoritative = (bits & 4) == 0,
	    .private_ok = (bits & 8) != 0,
	    .trusted = (bits & 16) != 0,
	    .only = (bits & 32) != 0};
	if ((bits & 64) == 0)
		memcpy(f->wish.token, TOKEN, sizeof(TOKEN));
	NEED(dname_from_text(&f->wish.domain, domain, NULL) == DNAME_OK);
	NEED(dname_from_text(&f->wish.registrable, "a.test", NULL) == DNAME_OK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct fuzz f = {.in = {.at = bytes, .left = len}};
	struct answer got[LOOK_ASK_MAX];
	struct arena arena;
	struct look *l;
	size_t n = 0;
	unsigned rounds = 0;

	wish(&f);
	arena_init(&arena, look_memory, sizeof(look_memory));
	arena_init(&f.arena, answers_memory, sizeof(answers_memory));
	l = look_begin(&f.wish, &arena);
	NEED(l != NULL);
	while (look_step(l, got, n) == LOOK_ASK) {
		const struct look_ask *asks = look_asks(l, &n);

		NEED(n > 0 && n <= LOOK_ASK_MAX);
		NEED(++rounds <= LOOK_ROUNDS_MAX);
		for (size_t i = 0; i < n; i++)
			check_ask(&f, &asks[i]);
		for (size_t i = 0; i < n; i++)
			give(&f, &asks[i], &got[i]);
	}
	NEED(look_step(l, NULL, 0) == LOOK_DONE);
	check_finding(&f, look_finding(l));
	say(look_finding(l));
	return 0;
}
