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
    "nowhere", "s1._domainkey.a.test", "_dmarc.a.test", "spf.us.test",
    "c.vendor.test.a.test"};

/* RFC 8463 appendix A.2, and RFC 8032 section 7.1 test 2 */
#define KEY_P	"11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#define OTHER_P "PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw="
#define TEXT(t)                                                                \
	{                                                                      \
		t, sizeof(t) - 1                                               \
	}

/* Bit per check: passing needs at least one of these. */
#define FOR(check)     (1u << CHECK_##check)
#define TEXT_OTHER_KEY 9 /* its place among the texts */

static const struct {
	struct {
		const char *bytes;
		size_t len;
	} text;
	unsigned right;
} texts[] = {
    {TEXT("token=" TOKEN " expiry=never"), FOR(OWNERSHIP)},
    {TEXT(TOKEN), FOR(OWNERSHIP)},
    {TEXT("token=" TOKEN " expiry=never\0"), 0},
    {TEXT("token=" TOKEN "\0 a=b"), 0},
    {TEXT("token=zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"), 0},
    {TEXT(""), 0},
    {TEXT("\x1b[2J\"\\\xff"), 0},
    {TEXT("\"token=" TOKEN "\""), 0},
    {TEXT("v=DKIM1; k=ed25519; p=" KEY_P), FOR(DKIM)},
    {TEXT("v=DKIM1; k=ed25519; p=" OTHER_P), 0},
    {TEXT("k=rsa; p=MIGfMA0G"), 0},
    {TEXT("v=spf1 include:spf.us.test -all"), FOR(SPF)},
    {TEXT("v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 -all"), FOR(SPF)},
    {TEXT("v=spf1 a mx ptr exists:%{ir}.b.a.test include:c.vendor.test "
	  "redirect=d.vendor.test"),
	FOR(SPF)},
    {TEXT("v=spf1 include:a.test include:b.a.test include:y.a.test ~all"),
	FOR(SPF)},
    {TEXT("v=spf1 foo\xff -all"), FOR(SPF)},
    {TEXT("spf.us.test"), 0},
    {TEXT("v=DMARC1; p=none; rua=mailto:x@vendor.test,mailto:y@a.test"),
	FOR(DMARC)},
    {TEXT("v=DMARC1; p=reject; sp=none; np=reject; psd=n; pct=3"), FOR(DMARC)},
    {TEXT("v=DMARC1; psd=y"), FOR(DMARC)},
};

struct input {
	const uint8_t *at;
	size_t left;
};

struct fuzz {
	struct input in;
	struct look_wish wish;
	struct dkim_public key, other;
	struct dkim_known known;
	uint8_t expire;	    /* after so many rounds; 0 = never */
	struct arena arena; /* of the answers */
	bool server_has;    /* an authoritative answer had it */
	bool public_has;    /* a checked one of the resolver had it */
	bool public_ad;
};

static uint8_t look_memory[LOOK_ARENA], answers_memory[32u << 20];

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
next_addr(struct fuzz *f, uint8_t family)
{
	uint8_t which = next(f);
	struct packet_addr addr = {
	    .family = family, .octets = {9, 9, 9, which & 0x1f}};

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

/* Without a wanted key each one is right. */
static bool
any_key(const struct fuzz *f)
{
	return f->wish.check == CHECK_DKIM && f->wish.key == NULL;
}

/* Returns whether one of them may be right. */
static bool
give_txt(struct fuzz *f, struct answer *a)
{
	bool right = false;

	a->txt = room(f, a->n, sizeof(a->txt[0]));
	for (size_t i = 0; i < a->n; i++) {
		size_t which = next(f) % ARRAY_LEN(texts);
		const char *bytes = texts[which].text.bytes;
		size_t len = texts[which].text.len;

		a->txt[i] = (struct packet_txt){.bytes = (const uint8_t *)bytes,
		    .len = len,
		    .nul = memchr(bytes, 0, len) != NULL};
		right = right || (texts[which].right >> f->wish.check & 1) ||
			(which == TEXT_OTHER_KEY && any_key(f));
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
	if (type == RRTYPE_SOA) {
		a->n = 1;
		a->has_soa = true;
		a->soa_owner = next_name(f);
		a->soa_serial = next(f);
	} else if (type == RRTYPE_A || type == RRTYPE_AAAA) {
		a->addr = room(f, a->n, sizeof(a->addr[0]));
		for (size_t i = 0; i < a->n; i++)
			a->addr[i] = next_addr(f, type == RRTYPE_A ? 4 : 6);
	} else {
		a->names = next_names(f, a->n);
	}
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
		a->glue[i].addr = next_addr(f, next(f) & 1 ? 6 : 4);
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
	NEED(!ask->shared || !(ask->q.flags & QUESTION_CD));
	if (walk && !w->assume && !w->ours && w->order == LOOK_SERVERS_FIRST &&
	    ask->q.type == RRTYPE_TXT && !ask->shared)
		NEED(f->server_has);
}

static void
check_text(const char *text, size_t max)
{
	NEED(strlen(text) <= max);
	for (; *text != '\0'; text++)
		NEED(*text >= ' ' && *text <= '~');
}

static void
check_shape(const struct finding *got)
{
	NEED(got->found_n <= FOUND_MAX && got->servers_n <= SERVERS_MAX);
	NEED(got->also_n <= ALSO_MAX && got->tree_n <= TREE_MAX);
	NEED(got->code < CODE_N && got->verdict < VERDICT_N);
	check_text(got->saw, SAW_MAX);
	check_text(got->expected, EXPECTED_MAX);
	check_text(got->publish, PUBLISH_MAX);
	check_text(got->name, DNAME_SHOWN_MAX);
	check_text(got->policy, POLICY_WORD_MAX);
	for (size_t i = 0; i < got->tree_n; i++)
		check_text(got->tree[i].term, TERM_MAX);
	for (size_t i = 0; i < got->also_n; i++)
		NEED(got->also[i] < CODE_N);
}

static void
check_finding(const struct fuzz *f, const struct finding *got)
{
	const struct look_wish *w = &f->wish;
	bool pass = got->verdict == VERDICT_PASS;

	check_shape(got);
	NEED(got->check == w->check);
	NEED(pass || got->assurance == ASSURANCE_NONE);
	NEED((got->verdict == VERDICT_UNDECIDED) ==
	     ((got->code >= CODE_DNSSEC_BOGUS &&
		  got->code <= CODE_CNAME_CHAIN) ||
		 got->code == CODE_SPF_TARGET_BROKEN));
	if (!pass || w->assume != NULL)
		return;
	NEED(got->assurance == ASSURANCE_SINGLE ||
	     got->assurance == ASSURANCE_DNSSEC);
	NEED(got->assurance == ASSURANCE_SINGLE || w->trusted);
	if (w->check == CHECK_DMARC) /* of the domain above */
		return;
	NEED(f->public_has && got->found_n > 0);
	NEED(got->assurance == ASSURANCE_SINGLE || f->public_ad);
	if (w->check == CHECK_OWNERSHIP)
		NEED(w->token[0] != '\0' &&
		     (got->code == CODE_NONE || w->apex_ok));
	if (w->authoritative && !w->only && !w->ours &&
	    w->order == LOOK_SERVERS_FIRST)
		NEED(f->server_has);
}

static void
say(const struct finding *got)
{
	char text[SAY_MAX + 1], fix[SAY_MAX + 1];

	diagnosis_say(&(struct diagnosis_facts){.check = got->check,
			  .code = got->code,
			  .verdict = got->verdict,
			  .domain = "a.test",
			  .name = got->name,
			  .expected = got->expected,
			  .saw = got->saw,
			  .publish = got->publish,
			  .neg_ttl_s = got->neg_ttl_s,
			  .visible_in_s = got->visible_in_s},
	    text, fix);
	NEED(strlen(text) <= SAY_MAX && strlen(fix) <= SAY_MAX);
}

static void
key(struct dkim_public *out, const char *p)
{
	NEED(dkim_public_from_p(out, DKIM_ED25519, (const uint8_t *)p,
		 strlen(p), NULL) == DKIM_OK);
}

static void
wish_checks(struct fuzz *f, bool known)
{
	struct look_wish *w = &f->wish;
	uint8_t bits = next(f);
	uint8_t text = next(f) % ARRAY_LEN(texts);

	w->check = (enum check)(bits & 3);
	w->explain = (bits & 4) != 0;
	w->quick = (bits & 8) != 0;
	w->ours = (bits & 16) != 0 && w->check == CHECK_SPF;
	if (bits & 32 && !w->ours) {
		w->assume = (const uint8_t *)texts[text].text.bytes;
		w->assume_len = texts[text].text.len;
	}
	f->expire = bits & 64 ? text + 1 : 0;
	w->selector = "s1";
	if (known) {
		w->key = &f->key;
		memcpy(w->include, "spf.us.test", sizeof("spf.us.test"));
		w->addresses_n = 2;
		w->addresses[0] =
		    (struct packet_addr){.family = 4, .octets = {192, 0, 2, 1}};
		w->addresses[1] = (struct packet_addr){
		    .family = 6, .octets = {0x20, 1, 0xd, 0xb8}};
	}
	if (w->ours)
		w->include[0] = '\0';
	f->known = (struct dkim_known){.selector = "s0", .key = &f->other};
	w->known = &f->known;
	w->known_n = 1;
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
	key(&f->key, KEY_P);
	key(&f->other, OTHER_P);
	wish_checks(f, (bits & 64) == 0);
	NEED(dname_from_text(&f->wish.domain, domain, NULL) == DNAME_OK);
	NEED(dname_from_text(&f->wish.registrable, "a.test", NULL) == DNAME_OK);
	f->wish.mail_from = f->wish.domain;
}

/* False when it was ended before its end. */
static bool
drive(struct fuzz *f, struct look *l)
{
	struct answer got[LOOK_ASK_MAX];
	size_t n = 0;
	unsigned rounds = 0;

	while (look_step(l, got, n) == LOOK_ASK) {
		const struct look_ask *asks = look_asks(l, &n);

		NEED(n > 0 && n <= LOOK_ASK_MAX);
		NEED(++rounds <= LOOK_STEPS_MAX);
		for (size_t i = 0; i < n; i++)
			check_ask(f, &asks[i]);
		if (rounds == f->expire) {
			look_expire(l);
			return false;
		}
		for (size_t i = 0; i < n; i++)
			give(f, &asks[i], &got[i]);
	}
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct fuzz f = {.in = {.at = bytes, .left = len}};
	struct arena arena;
	struct look *l;

	wish(&f);
	memset(look_memory, 0xa5, 1u << 16);
	arena_init(&arena, look_memory, sizeof(look_memory));
	arena_init(&f.arena, answers_memory, sizeof(answers_memory));
	l = look_begin(&f.wish, &arena);
	NEED(l != NULL);
	if (!drive(&f, l))
		NEED(look_finding(l)->verdict == VERDICT_UNDECIDED);
	NEED(look_step(l, NULL, 0) == LOOK_DONE);
	check_finding(&f, look_finding(l));
	say(look_finding(l));
	return 0;
}
