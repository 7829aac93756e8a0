/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/fold.h"

#include "core/mem.h"
#include "io/entropy.h"
#include "producer/command.h"

#include <stdlib.h>
#include <string.h>

#define STALL_MS 45000

enum next
fold_open(struct fold *f, struct err *e)
{
	uint64_t seed = 0;
	enum next next = entropy_get(&seed, sizeof(seed), e);

	f->records_n = 0;
	table_init(&f->entries, seed);
	return next;
}

/* What an entry owns beside itself. */
static void
empty(struct fold_entry *entry)
{
	if (entry->kind == RECORD_CLAIM)
		claim_free(&entry->claim);
	else if (entry->kind == RECORD_JOB)
		job_free(&entry->job);
}

void
fold_free(struct fold *f)
{
	struct fold_entry *entry;

	for (size_t at = 0; (entry = table_next(&f->entries, &at)) != NULL;) {
		empty(entry);
		mem_free(entry);
	}
	table_free(&f->entries);
}

static void
drop(struct fold *f, const char *key)
{
	struct fold_entry *entry = table_remove(&f->entries, key);

	if (entry == NULL)
		return;
	empty(entry);
	mem_free(entry);
}

static enum next
decode(struct fold_entry *out, const struct kafka_record *r, struct err *e)
{
	switch (out->kind) {
	case RECORD_CLAIM:
		return record_get_claim(&out->claim, r->value, r->value_len, e);
	case RECORD_JOB:
		return record_get_job(&out->job, r->value, r->value_len, e);
	case RECORD_POS:
		return record_get_pos(&out->pos, r->value, r->value_len, e);
	case RECORD_UNKNOWN:
		break;
	}
	return STOP;
}

static enum next
put(struct fold *f, const char *key, const struct fold_entry *from,
    struct err *e)
{
	size_t len = strlen(key) + 1;
	struct fold_entry *entry = mem_alloc(sizeof(*entry) + len);

	if (entry == NULL) {
		err_set(e, "memory is out for the state");
		return RETRY;
	}
	*entry = *from;
	memcpy(entry->key, key, len);
	if (table_add(&f->entries, entry->key, entry, e) == OK)
		return OK;
	mem_free(entry);
	return RETRY;
}

enum next
fold_add(struct fold *f, const struct kafka_record *record, struct err *e)
{
	char key[RECORD_KEY_MAX + 1];
	struct record_key parts;
	struct fold_entry new;
	enum next next;

	f->records_n++;
	record_key_parse(&parts, record->key, record->key_len);
	if (parts.kind == RECORD_UNKNOWN) {
		err_set(e, "its key is of an unknown kind");
		return REJECT;
	}
	memcpy(key, record->key, record->key_len);
	key[record->key_len] = '\0';
	drop(f, key);
	/* a position is written anew, never taken away */
	if (record->value == NULL && parts.kind != RECORD_POS)
		return OK;
	new = (struct fold_entry){.kind = parts.kind,
	    .offset = record->offset,
	    .append_at = record->append_at};
	next = decode(&new, record, e);
	if (next != OK)
		return next;
	next = put(f, key, &new, e);
	if (next != OK)
		empty(&new);
	return next;
}

static int
by_key(const void *a, const void *b)
{
	return strcmp((*(struct fold_entry *const *)a)->key,
	    (*(struct fold_entry *const *)b)->key);
}

struct fold_entry **
fold_sorted(const struct fold *f)
{
	struct fold_entry **all, *entry;
	size_t n = 0;

	if (f->entries.n == 0)
		return NULL;
	all = mem_alloc(f->entries.n * sizeof(*all));
	if (all == NULL)
		return NULL;
	for (size_t at = 0; (entry = table_next(&f->entries, &at)) != NULL;)
		all[n++] = entry;
	qsort(all, n, sizeof(*all), by_key);
	return all;
}

/* --- reading -------------------------------------------------------------- */

struct reading {
	struct fold *fold;
	fold_bad_fn *bad;
	void *arg;
	enum next next;
	struct err *e;
};

static bool
see(void *arg, const struct kafka_record *record)
{
	struct reading *rd = arg;

	rd->next = fold_add(rd->fold, record, rd->e);
	if (rd->next == REJECT) {
		rd->bad(rd->arg, record, rd->e->text);
		rd->next = OK;
	}
	if (rd->next == OK && command_interrupted()) {
		err_set(rd->e, "interrupted");
		rd->next = RETRY;
	}
	return rd->next == OK;
}

enum next
fold_read(struct fold *f, struct kafka_reader *reader, int32_t partition,
    fold_bad_fn *bad, void *arg, struct err *e)
{
	struct reading rd = {.fold = f, .bad = bad, .arg = arg, .e = e};
	int64_t low, high;
	struct err why;
	enum next next = kafka_reader_ends(
	    reader, TOPIC_STATE, partition, &low, &high, STALL_MS, e);

	if (next != OK)
		return next;
	rd.next = OK;
	next = kafka_reader_read(reader, TOPIC_STATE, partition, low, high, see,
	    &rd, STALL_MS, &why);
	if (rd.next != OK)
		return rd.next;
	if (next != OK)
		*e = why;
	return next == OK ? OK : RETRY;
}
