/* SPDX-License-Identifier: Apache-2.0 */
#include "core/claim.h"

#include "core/mem.h"
#include "core/record.h"

#include <string.h>

/* The checks of one look end within seconds of each other; what could not be
 * asked of several of them has one cause, and is told once. */
#define TOGETHER_MS 60000

struct cell {
	enum claim_status to;
	unsigned say;
};

/* What each event makes of each status. A miss of a proven claim goes to
 * LAPSING; from there lapse_due alone leads on to LAPSED. Undecided and
 * partial answers never change a status. */
/* clang-format off */
static const struct cell step[CLAIM_STATUS_N][CLAIM_EV_N] = {
	[CLAIM_NONE] = {
		[CLAIM_EV_BEGIN]     = {CLAIM_NONE, 0},
		[CLAIM_EV_OPEN]      = {CLAIM_PENDING, CLAIM_SAVE},
		[CLAIM_EV_PASS]      = {CLAIM_VERIFIED, CLAIM_SAY_VERIFIED},
		[CLAIM_EV_MISS]      = {CLAIM_NONE, 0},
		[CLAIM_EV_PARTIAL]   = {CLAIM_NONE, 0},
		[CLAIM_EV_UNDECIDED] = {CLAIM_NONE, 0},
		[CLAIM_EV_EXPIRE]    = {CLAIM_EXPIRED, CLAIM_SAY_EXPIRED},
		[CLAIM_EV_RELEASE]   = {CLAIM_RELEASED, CLAIM_SAY_RELEASED},
		[CLAIM_EV_CONTEST]   = {CLAIM_NONE, 0},
		[CLAIM_EV_SETTLED]   = {CLAIM_NONE, 0},
	},
	[CLAIM_PENDING] = {
		[CLAIM_EV_BEGIN]     = {CLAIM_PENDING, 0},
		[CLAIM_EV_OPEN]      = {CLAIM_PENDING, 0},
		[CLAIM_EV_PASS]      = {CLAIM_VERIFIED, CLAIM_SAY_VERIFIED},
		[CLAIM_EV_MISS]      = {CLAIM_PENDING, 0},
		[CLAIM_EV_PARTIAL]   = {CLAIM_PENDING, 0},
		[CLAIM_EV_UNDECIDED] = {CLAIM_PENDING, 0},
		[CLAIM_EV_EXPIRE]    = {CLAIM_EXPIRED, CLAIM_SAY_EXPIRED},
		[CLAIM_EV_RELEASE]   = {CLAIM_RELEASED, CLAIM_SAY_RELEASED},
		[CLAIM_EV_CONTEST]   = {CLAIM_PENDING, 0},
		[CLAIM_EV_SETTLED]   = {CLAIM_PENDING, 0},
	},
	[CLAIM_VERIFIED] = {
		[CLAIM_EV_BEGIN]     = {CLAIM_VERIFIED, 0},
		[CLAIM_EV_OPEN]      = {CLAIM_VERIFIED, 0},
		[CLAIM_EV_PASS]      = {CLAIM_VERIFIED, 0},
		[CLAIM_EV_MISS]      = {CLAIM_LAPSING, CLAIM_SAY_LAPSING},
		[CLAIM_EV_PARTIAL]   = {CLAIM_VERIFIED, 0},
		[CLAIM_EV_UNDECIDED] = {CLAIM_VERIFIED, 0},
		[CLAIM_EV_EXPIRE]    = {CLAIM_VERIFIED, 0},
		[CLAIM_EV_RELEASE]   = {CLAIM_RELEASED, CLAIM_SAY_RELEASED},
		[CLAIM_EV_CONTEST]   = {CLAIM_VERIFIED, CLAIM_SAY_CONTESTED},
		[CLAIM_EV_SETTLED]   = {CLAIM_VERIFIED, 0},
	},
	[CLAIM_LAPSING] = {
		[CLAIM_EV_BEGIN]     = {CLAIM_LAPSING, 0},
		[CLAIM_EV_OPEN]      = {CLAIM_LAPSING, 0},
		[CLAIM_EV_PASS]      = {CLAIM_VERIFIED, CLAIM_SAY_RECOVERED},
		[CLAIM_EV_MISS]      = {CLAIM_LAPSING, 0},
		[CLAIM_EV_PARTIAL]   = {CLAIM_LAPSING, 0},
		[CLAIM_EV_UNDECIDED] = {CLAIM_LAPSING, 0},
		[CLAIM_EV_EXPIRE]    = {CLAIM_LAPSING, 0},
		[CLAIM_EV_RELEASE]   = {CLAIM_RELEASED, CLAIM_SAY_RELEASED},
		[CLAIM_EV_CONTEST]   = {CLAIM_LAPSING, CLAIM_SAY_CONTESTED},
		[CLAIM_EV_SETTLED]   = {CLAIM_LAPSING, 0},
	},
	[CLAIM_LAPSED] = {
		[CLAIM_EV_BEGIN]     = {CLAIM_LAPSED, 0},
		[CLAIM_EV_OPEN]      = {CLAIM_LAPSED, 0},
		[CLAIM_EV_PASS]      = {CLAIM_VERIFIED, CLAIM_SAY_VERIFIED},
		[CLAIM_EV_MISS]      = {CLAIM_LAPSED, 0},
		[CLAIM_EV_PARTIAL]   = {CLAIM_LAPSED, 0},
		[CLAIM_EV_UNDECIDED] = {CLAIM_LAPSED, 0},
		[CLAIM_EV_EXPIRE]    = {CLAIM_LAPSED, 0},
		[CLAIM_EV_RELEASE]   = {CLAIM_RELEASED, CLAIM_SAY_RELEASED},
		[CLAIM_EV_CONTEST]   = {CLAIM_LAPSED, 0},
		[CLAIM_EV_SETTLED]   = {CLAIM_LAPSED, 0},
	},
	[CLAIM_EXPIRED] = {
		[CLAIM_EV_BEGIN]     = {CLAIM_EXPIRED, 0},
		[CLAIM_EV_OPEN]      = {CLAIM_PENDING, CLAIM_SAVE},
		[CLAIM_EV_PASS]      = {CLAIM_VERIFIED, CLAIM_SAY_VERIFIED},
		[CLAIM_EV_MISS]      = {CLAIM_EXPIRED, 0},
		[CLAIM_EV_PARTIAL]   = {CLAIM_EXPIRED, 0},
		[CLAIM_EV_UNDECIDED] = {CLAIM_EXPIRED, 0},
		[CLAIM_EV_EXPIRE]    = {CLAIM_EXPIRED, 0},
		[CLAIM_EV_RELEASE]   = {CLAIM_RELEASED, CLAIM_SAY_RELEASED},
		[CLAIM_EV_CONTEST]   = {CLAIM_EXPIRED, 0},
		[CLAIM_EV_SETTLED]   = {CLAIM_EXPIRED, 0},
	},
	[CLAIM_RELEASED] = {
		[CLAIM_EV_BEGIN]     = {CLAIM_NONE,
			CLAIM_DO_NEW_TOKEN | CLAIM_SAY_ISSUED},
		[CLAIM_EV_OPEN]      = {CLAIM_RELEASED, 0},
		[CLAIM_EV_PASS]      = {CLAIM_RELEASED, 0},
		[CLAIM_EV_MISS]      = {CLAIM_RELEASED, 0},
		[CLAIM_EV_PARTIAL]   = {CLAIM_RELEASED, 0},
		[CLAIM_EV_UNDECIDED] = {CLAIM_RELEASED, 0},
		[CLAIM_EV_EXPIRE]    = {CLAIM_RELEASED, 0},
		[CLAIM_EV_RELEASE]   = {CLAIM_RELEASED, 0},
		[CLAIM_EV_CONTEST]   = {CLAIM_RELEASED, 0},
		[CLAIM_EV_SETTLED]   = {CLAIM_RELEASED, 0},
	},
};
/* clang-format on */

static void
check_init(struct check_state *s)
{
	*s = (struct check_state){.verdict = VERDICT_UNDECIDED};
}

void
claim_init(struct claim *c)
{
	*c = (struct claim){.status = CLAIM_RELEASED};
	for (size_t i = 0; i < CHECK_N; i++)
		check_init(&c->check[i]);
}

const char *
claim_saw(const struct claim *c, enum check check)
{
	return c->check[check].saw == NULL ? "" : c->check[check].saw;
}

/* When memory is out nothing is kept of it: the sentence is the poorer. */
static void
keep_saw(struct check_state *s, const char *saw)
{
	size_t len = strlen(saw);

	mem_free(s->saw);
	s->saw = len == 0 ? NULL : mem_alloc(len + 1);
	if (s->saw != NULL)
		memcpy(s->saw, saw, len + 1);
}

/* Has another check of what is likely the same look told so already? */
static bool
told_together(const struct claim *c, enum check check, int64_t now)
{
	for (int i = 0; i < CHECK_N; i++) {
		const struct check_state *s = &c->check[i];

		if (i != (int)check && s->undecided_since_at != 0 &&
		    now - s->looked_at <= TOGETHER_MS)
			return true;
	}
	return false;
}

static bool
is_news(const struct claim *c, const struct finding *f, int64_t now)
{
	const struct check_state *s = &c->check[f->check];

	if (s->looked_at == 0)
		return true;
	if (f->verdict == VERDICT_UNDECIDED)
		return s->verdict != VERDICT_UNDECIDED &&
		       !told_together(c, f->check, now);
	return s->verdict != f->verdict || s->code != f->code ||
	       strcmp(claim_saw(c, f->check), f->saw) != 0;
}

static void
count_miss(struct check_state *s, enum claim_event ev, int64_t now)
{
	if (ev == CLAIM_EV_PASS || ev == CLAIM_EV_PARTIAL) {
		s->misses = 0;
		s->first_miss_at = 0;
	} else if (ev == CLAIM_EV_MISS) {
		if (s->misses == 0)
			s->first_miss_at = CLAIM_TIME(now);
		if (s->misses < UINT32_MAX)
			s->misses++;
	}
}

unsigned
claim_note(
    struct claim *c, const struct finding *f, enum claim_event ev, int64_t now)
{
	struct check_state *s = &c->check[f->check];
	unsigned todo = CLAIM_SAVE;

	if (c->status == CLAIM_RELEASED)
		return 0;
	if (is_news(c, f, now))
		todo |= CLAIM_SAY_LOOK;
	if (strcmp(claim_saw(c, f->check), f->saw) != 0)
		keep_saw(s, f->saw);
	s->looked_at = CLAIM_TIME(now);
	s->verdict = f->verdict;
	s->code = f->code;
	if (f->verdict == VERDICT_PASS)
		s->assurance = f->assurance;
	if (f->neg_ttl_s != 0)
		s->neg_ttl_s = f->neg_ttl_s;
	if (f->verdict != VERDICT_UNDECIDED)
		s->undecided_since_at = 0;
	else if (s->undecided_since_at == 0)
		s->undecided_since_at = CLAIM_TIME(now);
	count_miss(s, ev, now);
	c->ver++;
	return todo;
}

void
claim_looked(struct claim *c, enum check check, int64_t at)
{
	if (c->check[check].looked_at != 0)
		c->check[check].looked_at = CLAIM_TIME(at);
}

bool
claim_lapse_due(const struct claim *c, enum check check, int64_t now,
    const struct policy *policy)
{
	const struct check_state *s = &c->check[check];

	return s->misses >= policy->lapse_looks &&
	       now - s->first_miss_at >= policy->lapse_ms;
}

/* Who contests a claim changes nothing but its flag: people decide. */
static unsigned
contest(struct claim *c, enum claim_event ev, unsigned say)
{
	bool was = (c->flags & CLAIM_CONTESTED) != 0;

	if (ev == CLAIM_EV_CONTEST && say != 0 && !was) {
		c->flags |= CLAIM_CONTESTED;
		return say;
	}
	if (ev == CLAIM_EV_SETTLED && was) {
		c->flags &= ~(uint32_t)CLAIM_CONTESTED;
		return CLAIM_SAVE;
	}
	return 0;
}

static void
forget_keys(struct claim *c)
{
	mem_free(c->keys);
	c->keys = NULL;
	c->keys_len = 0;
	c->keys_n = 0;
}

/* Switches the functions off and forgets the keys. */
static unsigned
give_up(struct claim *c, int64_t now)
{
	unsigned todo = 0;

	for (size_t i = 0; i < FUNCTION_N; i++) {
		struct function_state *f = &c->function[i];

		if (f->status == FUNCTION_OFF)
			continue;
		*f = (struct function_state){CLAIM_TIME(now), FUNCTION_OFF};
		todo = CLAIM_SAY_FUNCTION;
	}
	forget_keys(c);
	return todo;
}

/* A new generation inherits nothing but the version counter. */
static void
begin(struct claim *c)
{
	struct claim fresh;

	claim_init(&fresh);
	fresh.ver = c->ver;
	fresh.generation = c->generation + 1;
	fresh.tail_len = c->tail_len;
	fresh.tail = c->tail;
	c->tail = NULL;
	claim_free(c);
	*c = fresh;
}

/* Where a step leads, when what was found is noted. */
static enum claim_status
leads_to(const struct claim *c, enum claim_event ev, int64_t now,
    const struct policy *policy, unsigned *todo)
{
	if (c->status != CLAIM_LAPSING || ev != CLAIM_EV_MISS ||
	    !claim_lapse_due(c, CHECK_OWNERSHIP, now, policy))
		return step[c->status][ev].to;
	*todo |= CLAIM_SAY_LAPSED;
	return CLAIM_LAPSED;
}

unsigned
claim_step(struct claim *c, enum claim_event ev, const struct finding *finding,
    int64_t now, const struct policy *policy)
{
	unsigned todo = step[c->status][ev].say, noted = 0;
	enum claim_status to = step[c->status][ev].to;

	if (c->status == CLAIM_RELEASED && to == CLAIM_RELEASED)
		return 0;
	if (ev == CLAIM_EV_CONTEST || ev == CLAIM_EV_SETTLED)
		todo = contest(c, ev, todo);
	if (ev == CLAIM_EV_RELEASE)
		todo |= give_up(c, now);
	if (finding != NULL)
		noted = claim_note(c, finding, ev, now);
	to = leads_to(c, ev, now, policy, &todo);
	if (todo & CLAIM_DO_NEW_TOKEN)
		begin(c);
	if (to != c->status || (todo & CLAIM_DO_NEW_TOKEN))
		c->since_at = now;
	c->status = to;
	if (todo != 0 && noted == 0)
		c->ver++;
	todo |= noted;
	return todo == 0 ? 0 : todo | CLAIM_SAVE;
}

enum claim_event
claim_event_of(const struct finding *f)
{
	if (f->verdict == VERDICT_UNDECIDED)
		return CLAIM_EV_UNDECIDED;
	if (f->verdict == VERDICT_PASS)
		return CLAIM_EV_PASS;
	return finding_is_miss(f) ? CLAIM_EV_MISS : CLAIM_EV_PARTIAL;
}

void
claim_free(struct claim *c)
{
	for (size_t i = 0; i < CHECK_N; i++) {
		mem_free(c->check[i].saw);
		c->check[i].saw = NULL;
	}
	forget_keys(c);
	mem_free(c->tail);
	c->tail = NULL;
	c->tail_len = 0;
}

/* Selectors are labels of a name: case makes no other one. */
static bool
same_selector(const char *a, const char *b)
{
	struct dname x, y;

	return dname_from_text(&x, a, NULL) == DNAME_OK &&
	       dname_from_text(&y, b, NULL) == DNAME_OK && dname_equal(&x, &y);
}

static bool
is_key(const struct claim_key *k, const char *selector,
    const struct dkim_public *key)
{
	return same_selector(k->selector, selector) &&
	       dkim_public_equal(&k->key, key);
}

void
claim_key_get(const struct claim *c, size_t i, struct claim_key *out)
{
	struct reader r;

	reader_init(&r, c->keys, c->keys_len);
	do
		record_get_key(&r, out);
	while (i-- > 0);
}

/* The new one and, behind it, as many of those before as are remembered. */
static uint8_t
pack_keys(struct writer *w, const struct claim *c, const char *selector,
    const struct dkim_public *key)
{
	struct claim_key k = {.key = *key};
	uint8_t n = 1;

	memcpy(k.selector, selector, strlen(selector) + 1);
	record_put_key(w, &k);
	for (size_t i = 0; i < c->keys_n && n < CLAIM_KEYS_MAX; i++) {
		claim_key_get(c, i, &k);
		if (is_key(&k, selector, key))
			continue;
		record_put_key(w, &k);
		n++;
	}
	return n;
}

bool
claim_key_is_present(
    const struct claim *c, const char *selector, const struct dkim_public *key)
{
	struct claim_key k;

	if (c->keys_n == 0)
		return false;
	claim_key_get(c, 0, &k);
	return is_key(&k, selector, key);
}

bool
claim_key_set(struct claim *c, const char *selector,
    const struct dkim_public *key, unsigned *todo)
{
	struct check_state *seen = &c->check[CHECK_DKIM];
	uint8_t packed[CLAIM_KEYS_MAX * sizeof(struct claim_key)], *keys;
	struct writer w;
	uint8_t n;

	*todo = 0;
	if (claim_key_is_present(c, selector, key))
		return true;
	writer_init(&w, packed, sizeof(packed));
	n = pack_keys(&w, c, selector, key);
	keys = mem_alloc(w.len);
	if (keys == NULL)
		return false;
	memcpy(keys, packed, w.len);
	mem_free(c->keys);
	c->keys = keys;
	c->keys_len = (uint16_t)w.len;
	c->keys_n = n;
	mem_free(seen->saw);
	check_init(seen);
	c->ver++;
	*todo = CLAIM_SAVE | CLAIM_SAY_KEY;
	return true;
}

bool
claim_selector_used(
    const struct claim *c, const char *selector, const struct dkim_public *key)
{
	struct claim_key k;

	for (size_t i = 0; i < c->keys_n; i++) {
		claim_key_get(c, i, &k);
		if (same_selector(k.selector, selector) &&
		    !dkim_public_equal(&k.key, key))
			return true;
	}
	return false;
}

/* A check that is not right, and that nobody is looking at. */
static enum shield
missing(const struct check_state *s)
{
	if (s->looked_at == 0)
		return SHIELD_GREY;
	return s->verdict == VERDICT_UNDECIDED ? SHIELD_AMBER : SHIELD_RED;
}

/* What a function takes from the green of a domain that is verified. */
static enum shield
of_function(enum function_status s, bool job_open)
{
	switch (s) {
	case FUNCTION_OFF:
	case FUNCTION_ACTIVE:
	case FUNCTION_STATUS_N:
		break;
	case FUNCTION_PENDING:
	case FUNCTION_LAPSING:
		return SHIELD_AMBER;
	case FUNCTION_LAPSED:
	case FUNCTION_EXPIRED:
		return job_open ? SHIELD_AMBER : SHIELD_RED;
	}
	return SHIELD_GREEN;
}

/* The worst of them: red, amber, green. */
static enum shield
verified(const struct claim *c, bool job_open)
{
	enum shield shield = SHIELD_GREEN;

	for (size_t i = 0; i < FUNCTION_N; i++) {
		enum shield s = of_function(c->function[i].status, job_open);

		if (s == SHIELD_RED || shield == SHIELD_GREEN)
			shield = s;
	}
	return shield;
}

enum shield
claim_shield(const struct claim *c, bool job_open)
{
	switch (c->status) {
	case CLAIM_VERIFIED:
		return verified(c, job_open);
	case CLAIM_LAPSING:
		return SHIELD_AMBER;
	case CLAIM_NONE:
	case CLAIM_PENDING:
		return job_open ? SHIELD_AMBER
				: missing(&c->check[CHECK_OWNERSHIP]);
	case CLAIM_LAPSED:
	case CLAIM_EXPIRED:
		return job_open ? SHIELD_AMBER : SHIELD_RED;
	case CLAIM_RELEASED:
	case CLAIM_STATUS_N:
		break;
	}
	return SHIELD_GREY;
}

const char *
claim_status_name(enum claim_status s)
{
	static const char *const name[CLAIM_STATUS_N] = {
	    [CLAIM_NONE] = "none",
	    [CLAIM_PENDING] = "pending",
	    [CLAIM_VERIFIED] = "verified",
	    [CLAIM_LAPSING] = "lapsing",
	    [CLAIM_LAPSED] = "lapsed",
	    [CLAIM_EXPIRED] = "expired",
	    [CLAIM_RELEASED] = "released",
	};

	return name[s];
}

const char *
shield_name(enum shield s)
{
	static const char *const name[] = {
	    [SHIELD_GREY] = "grey",
	    [SHIELD_AMBER] = "amber",
	    [SHIELD_GREEN] = "green",
	    [SHIELD_RED] = "red",
	};

	return name[s];
}
