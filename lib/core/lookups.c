/* SPDX-License-Identifier: Apache-2.0 */
#include "core/lookups.h"

#include "core/mem.h"
#include "core/table.h"

#include <string.h>

#define KEY_MAX	    (DNAME_WIRE_MAX + 24)
#define CHAINS	    16384 /* a power of two */
#define ENTRY_COSTS 128	  /* octets of an entry besides its answer */
#define FAILS_MAX   16	  /* counted */

struct lookup {
	struct lookup *chain;	      /* of one hash */
	struct lookup *older, *newer; /* by use; settled ones only */
	uint64_t hash;
	int64_t keep_until;
	bool settled;
	enum lookup_kind kind;
	unsigned fails; /* in a row, up to this answer */
	struct lookup_waiter *first, *last;
	struct lookup_answer answer; /* bytes: mem_alloc */
	size_t key_len;
	uint8_t key[];
};

struct lookups {
	size_t entries_max, bytes_max;
	size_t n, bytes;
	uint64_t seed;
	struct lookup *oldest, *newest;
	struct lookup *chains[CHAINS];
};

/* Type, flags, kind, target, then the name in lower case: length octets are at
 * most 63 and so below 'A'. */
static size_t
key_of(uint8_t *out, const struct question *q, const struct lookup_target *to)
{
	size_t n = 0;

	out[n++] = (uint8_t)(q->type >> 8);
	out[n++] = (uint8_t)q->type;
	out[n++] = q->flags;
	out[n++] = (uint8_t)to->kind;
	out[n++] = to->addr.family;
	if (to->addr.family) {
		memcpy(out + n, to->addr.octets, sizeof(to->addr.octets));
		n += sizeof(to->addr.octets);
		out[n++] = (uint8_t)(to->port >> 8);
		out[n++] = (uint8_t)to->port;
	}
	for (size_t i = 0; i < q->name.len; i++) {
		uint8_t c = q->name.wire[i];
		out[n++] = c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
	}
	return n;
}

static struct lookup **
chain_of(struct lookups *c, uint64_t hash)
{
	return &c->chains[hash & (CHAINS - 1)];
}

static struct lookup *
find(struct lookups *c, const uint8_t *key, size_t key_len, uint64_t hash)
{
	struct lookup *l = *chain_of(c, hash);

	while (l && !(l->hash == hash && l->key_len == key_len &&
			memcmp(l->key, key, key_len) == 0))
		l = l->chain;
	return l;
}

static void
use_unlink(struct lookups *c, struct lookup *l)
{
	*(l->older ? &l->older->newer : &c->oldest) = l->newer;
	*(l->newer ? &l->newer->older : &c->newest) = l->older;
	l->older = l->newer = NULL;
}

static void
use_newest(struct lookups *c, struct lookup *l)
{
	l->older = c->newest;
	l->newer = NULL;
	*(l->older ? &l->older->newer : &c->oldest) = l;
	c->newest = l;
}

static size_t
costs(const struct lookup *l)
{
	return ENTRY_COSTS + l->key_len + l->answer.len;
}

static void
drop(struct lookups *c, struct lookup *l)
{
	struct lookup **at = chain_of(c, l->hash);

	while (*at != l)
		at = &(*at)->chain;
	*at = l->chain;
	if (l->settled)
		use_unlink(c, l);
	c->n--;
	c->bytes -= costs(l);
	mem_free((void *)l->answer.bytes);
	mem_free(l);
}

/* Room for one more entry, or for more octets. */
static bool
make_room(struct lookups *c, size_t entries, size_t bytes)
{
	while (c->oldest && (c->n + entries > c->entries_max ||
				c->bytes + bytes > c->bytes_max))
		drop(c, c->oldest);
	return c->n + entries <= c->entries_max &&
	       c->bytes + bytes <= c->bytes_max;
}

static struct lookup *
begin(struct lookups *c, const uint8_t *key, size_t key_len, uint64_t hash)
{
	struct lookup *l;

	if (!make_room(c, 1, ENTRY_COSTS + key_len))
		return NULL;
	l = mem_alloc(sizeof(*l) + key_len);
	if (!l)
		return NULL;
	l->hash = hash;
	l->key_len = key_len;
	memcpy(l->key, key, key_len);
	l->chain = *chain_of(c, hash);
	*chain_of(c, hash) = l;
	c->n++;
	c->bytes += costs(l);
	return l;
}

static void
join(struct lookup *l, struct lookup_waiter *w)
{
	w->next = NULL;
	*(l->last ? &l->last->next : &l->first) = w;
	l->last = w;
}

enum lookup_next
lookups_want(struct lookups *c, const struct question *q,
    const struct lookup_target *target, int64_t now, struct lookup_waiter *w,
    struct lookup **entry, struct lookup_answer *got)
{
	uint8_t key[KEY_MAX];
	size_t key_len = key_of(key, q, target);
	uint64_t hash = table_hash(key, key_len, c->seed);
	struct lookup *l = find(c, key, key_len, hash);
	unsigned fails = 0;

	if (l && !l->settled) {
		join(l, w);
		return LOOKUP_WAIT;
	}
	if (l && now < l->keep_until) {
		use_unlink(c, l);
		use_newest(c, l);
		*got = l->answer;
		return LOOKUP_HIT;
	}
	if (l && now - l->keep_until < LOOKUPS_FAIL_MAX_MS)
		fails = l->fails;
	if (l)
		drop(c, l);
	*entry = begin(c, key, key_len, hash);
	if (!*entry)
		return LOOKUP_ALONE;
	(*entry)->kind = target->kind;
	(*entry)->fails = fails;
	return LOOKUP_ASK;
}

/* Takes a copy of the answer; false when it can't be kept. */
static bool
keep(struct lookups *c, struct lookup *l, const struct lookup_answer *a)
{
	uint8_t *copy = NULL;

	if (!make_room(c, 0, a->bytes ? a->len : 0))
		return false;
	if (a->bytes) {
		copy = mem_alloc(a->len ? a->len : 1);
		if (!copy)
			return false;
		memcpy(copy, a->bytes, a->len);
	}
	l->answer = *a;
	l->answer.bytes = copy;
	l->answer.len = copy ? a->len : 0;
	c->bytes += l->answer.len;
	return true;
}

static int64_t
least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t
keep_failure_ms(struct lookup *l)
{
	int64_t ms = (int64_t)LOOKUPS_FAIL_MIN_MS << l->fails;

	if (l->fails < FAILS_MAX)
		l->fails++;
	return least(ms, l->kind == LOOKUP_OWN ? LOOKUPS_FAIL_OWN_MAX_MS
					       : LOOKUPS_FAIL_MAX_MS);
}

/* For how long, see the head of the header; counts failures. */
static int64_t
keep_ms(struct lookup *l, const struct answer *read)
{
	bool own = l->kind == LOOKUP_OWN;
	unsigned fails = l->fails;

	l->fails = 0;
	switch (read->outcome) {
	case OUTCOME_RECORDS:
		return own ? 0
			   : least((int64_t)read->ttl_s * 1000,
				 LOOKUPS_KEEP_MAX_MS);
	case OUTCOME_NODATA:
	case OUTCOME_NXDOMAIN:
		return own ? 0
			   : least((int64_t)read->neg_ttl_s * 1000,
				 LOOKUPS_NEG_MAX_MS);
	case OUTCOME_REFERRAL:
		if (own)
			return 0;
		break; /* of a resolver: it does not answer us */
	case OUTCOME_MALFORMED:
		l->fails = fails;
		return LOOKUPS_FAIL_MIN_MS;
	case OUTCOME_SERVFAIL:
	case OUTCOME_REFUSED:
	case OUTCOME_RCODE:
	case OUTCOME_LAME:
	case OUTCOME_TIMEOUT:
		break;
	}
	l->fails = fails;
	return keep_failure_ms(l);
}

struct lookup_waiter *
lookups_settle(struct lookups *c, struct lookup *entry,
    const struct lookup_answer *a, const struct answer *read, int64_t now)
{
	struct lookup_waiter *first = entry->first;
	int64_t ms = read ? keep_ms(entry, read) : 0;

	entry->first = entry->last = NULL;
	if (ms <= 0 || !keep(c, entry, a)) {
		drop(c, entry);
		return first;
	}
	entry->settled = true;
	entry->keep_until = now + ms;
	use_newest(c, entry);
	return first;
}

enum next
lookups_open(struct lookups **out, size_t entries_max, size_t bytes_max,
    uint64_t seed, struct err *e)
{
	struct lookups *c = mem_alloc(sizeof(*c));

	if (!c) {
		err_set(e, "no memory for the cache of shared lookups");
		return RETRY;
	}
	c->entries_max = entries_max;
	c->bytes_max = bytes_max;
	c->seed = seed;
	*out = c;
	return OK;
}

size_t
lookups_n(const struct lookups *c)
{
	return c->n;
}

size_t
lookups_bytes(const struct lookups *c)
{
	return c->bytes;
}

void
lookups_close(struct lookups *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < CHAINS; i++)
		while (c->chains[i])
			drop(c, c->chains[i]);
	mem_free(c);
}
