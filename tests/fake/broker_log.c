/* SPDX-License-Identifier: Apache-2.0 */
/* A broker's logs. Rules shown here:
 * - every record takes an offset, and so does the marker that ends a
 *   transaction in each log that it wrote to;
 * - time is the broker's, taken when a record is appended;
 * - a reader of committed data sees nothing at or behind the last stable
 *   offset, no aborted record, and no reader ever sees a marker: the last
 *   offset that is shown says nothing about where the log ends;
 * - compaction and retention leave gaps; the end never moves back. */
#include "tests/fake/broker.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct broker broker;

struct log {
	int64_t low;
	int64_t end;
	size_t n;
	size_t cap;
	struct broker_record **records; /* by offset */
};

static struct log *logs; /* [topic * partitions_n + partition] */

static struct log *
log_of(enum topic topic, int32_t partition)
{
	assert(topic < TOPIC_N && partition >= 0 &&
	       partition < broker.partitions_n);
	return &logs[(size_t)topic * (size_t)broker.partitions_n +
		     (size_t)partition];
}

static void *
must(void *p)
{
	if (p == NULL)
		abort();
	return p;
}

/* --- the cluster --- */

void
broker_reset(int32_t partitions_n)
{
	assert(partitions_n > 0 && partitions_n <= KAFKA_PARTITIONS_MAX);
	broker_group_free();
	broker_txns_free();
	broker_logs_free();
	broker = (struct broker){.partitions_n = partitions_n};
	logs = must(calloc(TOPIC_N * (size_t)partitions_n, sizeof(*logs)));
}

void
broker_clock(int64_t wall_ms)
{
	broker.now = wall_ms;
	if (broker.down)
		return;
	broker_txns_expire();
	broker_sessions_expire();
	broker_changed();
}

/* --- append --- */

static const void *
put(uint8_t **to, const void *bytes, size_t len)
{
	uint8_t *at = *to;

	if (bytes == NULL)
		return NULL;
	if (len > 0)
		memcpy(at, bytes, len);
	*to += len + 1; /* one more, so that an empty value has an address */
	return at;
}

static size_t
octets(const struct kafka_out *out)
{
	size_t i, len = out->key_len + out->value_len + 2;

	for (i = 0; i < out->headers_n; i++)
		len += strlen(out->headers[i].name) + out->headers[i].len + 3;
	return len;
}

/* The record, its headers and all bytes in one piece. */
static struct broker_record *
copy(const struct kafka_out *out)
{
	struct broker_record *r = must(calloc(
	    1, sizeof(*r) + out->headers_n * sizeof(struct kafka_header) +
		   octets(out)));
	struct kafka_header *headers = (struct kafka_header *)(r + 1);
	uint8_t *to = (uint8_t *)(headers + out->headers_n);
	size_t i;

	r->out = *out;
	r->out.headers = headers;
	r->out.key = put(&to, out->key, out->key_len);
	r->out.value = put(&to, out->value, out->value_len);
	for (i = 0; i < out->headers_n; i++) {
		headers[i].name = put(&to, out->headers[i].name,
		    strlen(out->headers[i].name) + 1);
		headers[i].value =
		    put(&to, out->headers[i].value, out->headers[i].len);
		headers[i].len = out->headers[i].len;
	}
	return r;
}

int64_t
broker_append(const struct kafka_out *out, enum broker_kind kind,
    const struct broker_txn *txn)
{
	struct log *l = log_of(out->topic, out->partition);
	struct broker_record *r = copy(out);

	if (l->n == l->cap) {
		l->cap = l->cap == 0 ? 64 : l->cap * 2;
		l->records =
		    must(realloc(l->records, l->cap * sizeof(*l->records)));
	}
	r->offset = l->end++;
	r->append_at = broker.now;
	r->kind = kind;
	r->txn = txn;
	l->records[l->n++] = r;
	return r->offset;
}

/* --- read --- */

int64_t
broker_low(enum topic topic, int32_t partition)
{
	return log_of(topic, partition)->low;
}

int64_t
broker_end_offset(enum topic topic, int32_t partition)
{
	return log_of(topic, partition)->end;
}

int64_t
broker_stable(enum topic topic, int32_t partition)
{
	int64_t first = broker_txn_first(topic, partition);

	return first >= 0 ? first : log_of(topic, partition)->end;
}

static bool
seen_by(const struct broker_record *r, enum broker_isolation isolation)
{
	if (r->kind == BROKER_MARKER)
		return false;
	return isolation == BROKER_UNCOMMITTED || r->txn == NULL ||
	       !broker_txn_aborted(r->txn);
}

/* Index of the first record at or behind this offset. */
static size_t
find(const struct log *l, int64_t at)
{
	size_t low = 0, high = l->n, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (l->records[mid]->offset < at)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

enum broker_answer
broker_fetch(enum topic topic, int32_t partition,
    enum broker_isolation isolation, int64_t *at,
    const struct broker_record **out)
{
	const struct log *l = log_of(topic, partition);
	int64_t bound = isolation == BROKER_COMMITTED
			    ? broker_stable(topic, partition)
			    : l->end;
	size_t i;

	*out = NULL;
	if (*at < l->low || *at > l->end)
		return BROKER_OFF_LOG;
	for (i = find(l, *at); i < l->n && l->records[i]->offset < bound; i++) {
		if (!seen_by(l->records[i], isolation))
			continue;
		*out = l->records[i];
		*at = l->records[i]->offset;
		return BROKER_OK;
	}
	if (*at < bound)
		*at = bound;
	return BROKER_OK;
}

void
broker_view(const struct broker_record *r, struct kafka_record *out)
{
	out->offset = r->offset;
	out->append_at = r->append_at;
	out->key = r->out.key;
	out->key_len = r->out.key_len;
	out->value = r->out.value;
	out->value_len = r->out.value_len;
	out->headers_n = r->out.headers_n < KAFKA_HEADERS_MAX
			     ? r->out.headers_n
			     : KAFKA_HEADERS_MAX;
	if (out->headers_n > 0)
		memcpy(out->headers, r->out.headers,
		    out->headers_n * sizeof(out->headers[0]));
}

/* --- what the log loses --- */

typedef bool keeps(const struct log *l, size_t i, int64_t arg);

static void
sweep(struct log *l, keeps *keep, int64_t arg)
{
	bool *kept = must(calloc(l->n + 1, sizeof(*kept)));
	size_t i, n = 0;

	for (i = 0; i < l->n; i++)
		kept[i] = keep(l, i, arg);
	for (i = 0; i < l->n; i++) {
		if (kept[i])
			l->records[n++] = l->records[i];
		else
			free(l->records[i]);
	}
	l->n = n;
	free(kept);
}

static bool
not_below(const struct log *l, size_t i, int64_t low)
{
	return l->records[i]->offset >= low;
}

void
broker_retain(enum topic topic, int32_t partition, int64_t low)
{
	struct log *l = log_of(topic, partition);

	assert(low <= l->end);
	if (low > l->low)
		l->low = low;
	sweep(l, not_below, low);
	broker_changed();
}

static bool
same_key(const struct kafka_out *a, const struct kafka_out *b)
{
	return a->key != NULL && b->key != NULL && a->key_len == b->key_len &&
	       memcmp(a->key, b->key, a->key_len) == 0;
}

static bool
newest(const struct log *l, size_t i, int64_t stable)
{
	const struct broker_record *r = l->records[i];
	size_t j;

	if (r->offset >= stable)
		return true;
	if (!seen_by(r, BROKER_COMMITTED))
		return false; /* markers and what was aborted */
	for (j = i + 1; j < l->n && l->records[j]->offset < stable; j++) {
		if (seen_by(l->records[j], BROKER_COMMITTED) &&
		    same_key(&r->out, &l->records[j]->out))
			return false;
	}
	return true;
}

static bool
newest_value(const struct log *l, size_t i, int64_t stable)
{
	return newest(l, i, stable) && (l->records[i]->out.value != NULL ||
					   l->records[i]->offset >= stable);
}

void
broker_compact(
    enum topic topic, int32_t partition, enum broker_tombstones tombstones)
{
	sweep(log_of(topic, partition),
	    tombstones == BROKER_DROP_TOMBSTONES ? newest_value : newest,
	    broker_stable(topic, partition));
}

void
broker_logs_free(void)
{
	size_t i, j,
	    n = logs == NULL ? 0 : TOPIC_N * (size_t)broker.partitions_n;

	for (i = 0; i < n; i++) {
		for (j = 0; j < logs[i].n; j++)
			free(logs[i].records[j]);
		free(logs[i].records);
	}
	free(logs);
	logs = NULL;
}
