/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fake/fake_redis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIELDS_MAX 16
#define MARKS_MAX  64
#define CALLS_MAX  65536

struct field {
	char name[32];
	char *text;
};

struct hash {
	char *key;
	uint64_t ver;
	size_t n;
	struct field field[FIELDS_MAX];
};

struct move {
	int32_t partition;
	int64_t from, to;
	bool *moved;
};

struct redis {
	size_t put_n, move_n;
	struct hash put[CALLS_MAX];
	struct move move[MARKS_MAX];
};

static struct hash *stored; /* grows */
static size_t stored_n, stored_cap;

/* No test goes on with less than it wrote. */
static void
insist(bool right, const char *what)
{
	if (right)
		return;
	fprintf(stderr, "the Redis in memory: %s\n", what);
	abort();
}
static int64_t mark[MARKS_MAX];
static bool mark_set[MARKS_MAX];
static bool down;
static unsigned lose;

static void
free_hash(struct hash *h)
{
	for (size_t i = 0; i < h->n; i++)
		free(h->field[i].text);
	free(h->key);
	*h = (struct hash){.n = 0};
}

void
fake_redis_wipe(void)
{
	for (size_t i = 0; i < stored_n; i++)
		free_hash(&stored[i]);
	free(stored);
	stored = NULL;
	stored_n = stored_cap = 0;
	memset(mark_set, 0, sizeof(mark_set));
}

void
fake_redis_down(bool is_down)
{
	down = is_down;
}

void
fake_redis_lose(unsigned n)
{
	lose = n;
}

static struct hash *
find(const char *key)
{
	for (size_t i = 0; i < stored_n; i++)
		if (strcmp(stored[i].key, key) == 0)
			return &stored[i];
	return NULL;
}

const char *
fake_redis_field(const char *key, const char *name)
{
	const struct hash *h = find(key);

	for (size_t i = 0; h != NULL && i < h->n; i++)
		if (strcmp(h->field[i].name, name) == 0)
			return h->field[i].text;
	return NULL;
}

int64_t
fake_redis_mark(int32_t partition)
{
	return mark_set[partition] ? mark[partition] : -1;
}

void
fake_redis_each(void (*see)(void *arg, const char *key), void *arg)
{
	for (size_t i = 0; i < stored_n; i++)
		see(arg, stored[i].key);
}

/* -- the door ------------------------------------------------------------- */

bool
redis_url_right(const char *url)
{
	return url[0] != '\0';
}

enum next
redis_open(
    struct redis **out, const char *url, int64_t timeout_ms, struct err *e)
{
	(void)url;
	(void)timeout_ms;
	(void)e;
	*out = calloc(1, sizeof(**out));
	return *out == NULL ? RETRY : OK;
}

static void
forget_calls(struct redis *r)
{
	for (size_t i = 0; i < r->put_n; i++)
		free_hash(&r->put[i]);
	r->put_n = 0;
	r->move_n = 0;
}

void
redis_close(struct redis *r)
{
	if (r != NULL)
		forget_calls(r);
	free(r);
}

static enum next
reached(struct err *e)
{
	if (!down)
		return OK;
	err_set(e, "redis is down");
	return RETRY;
}

enum next
redis_ping(struct redis *r, struct err *e)
{
	(void)r;
	return reached(e);
}

void
redis_begin(struct redis *r)
{
	forget_calls(r);
}

void
redis_put_hash(struct redis *r, const char *key, uint64_t ver,
    const struct redis_field *fields, size_t fields_n, int64_t ttl_s)
{
	struct hash *h = &r->put[r->put_n];
	char number[24];

	(void)ttl_s;
	insist(r->put_n++ < CALLS_MAX, "too many hashes in one call");
	insist(fields_n < FIELDS_MAX, "too many fields in a hash");
	h->key = strdup(key);
	h->ver = ver;
	h->field[h->n] = (struct field){.name = "ver"};
	if (asprintf(&h->field[h->n++].text, "%llu", (unsigned long long)ver) <
	    0)
		abort();
	for (size_t i = 0; i < fields_n; i++) {
		struct field *f = &h->field[h->n++];

		snprintf(number, sizeof(number), "%lld",
		    (long long)fields[i].number);
		snprintf(f->name, sizeof(f->name), "%s", fields[i].name);
		f->text =
		    strdup(fields[i].text == NULL ? number : fields[i].text);
	}
}

void
redis_delete(struct redis *r, const char *key)
{
	(void)r;
	(void)key;
}

void
redis_add_member(struct redis *r, const char *set, const char *member)
{
	(void)r;
	(void)set;
	(void)member;
}

void
redis_move_mark(
    struct redis *r, int32_t partition, int64_t from, int64_t to, bool *moved)
{
	insist(r->move_n < MARKS_MAX && partition < MARKS_MAX,
	    "too many marks or partitions");
	r->move[r->move_n++] = (struct move){partition, from, to, moved};
	*moved = false;
}

static struct hash *
grow(void)
{
	if (stored_n == stored_cap) {
		stored_cap = stored_cap == 0 ? 1024 : 2 * stored_cap;
		stored = realloc(stored, stored_cap * sizeof(*stored));
		insist(stored != NULL, "no memory");
	}
	return &stored[stored_n++];
}

static void
store(struct hash *h)
{
	struct hash *old = find(h->key);

	if (old != NULL && old->ver > h->ver)
		return;
	if (old != NULL)
		free_hash(old);
	else
		old = grow();
	*old = *h;
	*h = (struct hash){.n = 0};
}

static void
move_mark(const struct move *m)
{
	int64_t at = mark_set[m->partition] ? mark[m->partition] : 0;

	*m->moved = at == m->from;
	if (!*m->moved)
		return;
	mark[m->partition] = m->to;
	mark_set[m->partition] = true;
}

/* What was sent is not sent again by the next run. */
enum next
redis_run(struct redis *r, struct err *e)
{
	enum next how = reached(e);

	if (how == OK && lose > 0 && --lose == 0) {
		err_set(e, "the call was lost");
		how = RETRY;
	}
	for (size_t i = 0; how == OK && i < r->put_n; i++)
		store(&r->put[i]);
	for (size_t i = 0; how == OK && i < r->move_n; i++)
		move_mark(&r->move[i]);
	forget_calls(r);
	return how;
}

enum next
redis_get_mark(struct redis *r, int32_t partition, int64_t *at, struct err *e)
{
	(void)r;
	*at = fake_redis_mark(partition);
	return reached(e);
}

enum next
redis_put_meta(struct redis *r, int32_t partitions, struct err *e)
{
	(void)r;
	(void)partitions;
	return reached(e);
}

enum next
redis_get_meta(struct redis *r, int32_t *partitions, struct err *e)
{
	(void)r;
	*partitions = 0;
	return reached(e);
}

enum next
redis_get_hash(struct redis *r, const char *key,
    void (*field)(void *arg, const char *name, const char *text, size_t len),
    void *arg, bool *found, struct err *e)
{
	const struct hash *h = find(key);

	(void)r;
	*found = h != NULL;
	for (size_t i = 0; h != NULL && i < h->n; i++)
		field(arg, h->field[i].name, h->field[i].text,
		    strlen(h->field[i].text));
	return reached(e);
}

enum next
redis_complete(struct redis *r, bool *complete, struct err *e)
{
	(void)r;
	*complete = stored_n > 0;
	return reached(e);
}
