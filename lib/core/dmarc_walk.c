/* SPDX-License-Identifier: Apache-2.0 */
#include "core/dmarc_walk.h"
#include "core/ede.h"
#include "core/txt.h"

#include <string.h>

/* Names */

/* The last n labels of name. */
static void
last_labels(struct dname *out, const struct dname *name, size_t n)
{
	size_t at = 0, labels = dname_labels(name);

	while (labels > n) {
		at += 1u + name->wire[at];
		labels--;
	}
	out->len = (uint8_t)(name->len - at);
	memcpy(out->wire, name->wire + at, out->len);
}

void
dmarc_walk_begin(struct dmarc_walk *w, const struct dname *start)
{
	size_t labels = dname_labels(start);

	w->state = labels > 0 ? WALK_ON : WALK_DONE;
	w->start = start;
	w->n = 0;
	w->total = labels < WALK_MAX ? labels : WALK_MAX;
}

/* 8 labels or more are cut to 7 after the first question (step 4). */
void
dmarc_walk_name(const struct dmarc_walk *w, struct dname *out)
{
	last_labels(
	    out, w->start, w->n == 0 ? DNAME_WIRE_MAX : w->total - w->n);
}

static bool
stops(const struct dmarc_node *node)
{
	return node->state == NODE_RECORD && node->record.psd != DMARC_PSD_U;
}

/* A resolver that refuses to speak of a top-level domain (a lab's; a server
 * that was fixed for the domain's own zone) has no policy record of it. */
static bool
forgiven(const struct dmarc_node *node)
{
	return node->failure == CODE_REFUSED && dname_labels(&node->name) == 1;
}

void
dmarc_walk_visit(struct dmarc_walk *w, struct dmarc_node *node)
{
	w->visited[w->n++] = node;
	if (node->state == NODE_FAILED && (w->n == 1 || !forgiven(node)))
		w->state = WALK_FAILED;
	else if (stops(node) || w->n == w->total)
		w->state = WALK_DONE;
}

void
dmarc_walk_org(const struct dmarc_walk *w, struct dname *out)
{
	const struct dmarc_node *last = NULL;

	for (size_t i = 0; i < w->n; i++) {
		if (w->visited[i]->state == NODE_RECORD)
			last = w->visited[i];
	}
	/* A record with psd=y or psd=n ended the walk: it is the last one. Of
	 * psd=y at the start there is nothing below. */
	if (last == NULL)
		*out = *w->start;
	else if (last->record.psd == DMARC_PSD_Y)
		last_labels(out, w->start, dname_labels(&last->name) + 1);
	else
		*out = last->name;
}

/* Answers */

/* How much does it look like a DMARC record? 2: it begins as one. 1: it
 * speaks of DMARC1, in any case. */
static int
likeness(const struct packet_txt *txt)
{
	static const char word[] = "dmarc1";
	size_t len = txt->len < DMARC_TEXT_MAX ? txt->len : DMARC_TEXT_MAX;
	size_t have = 0;

	if (dmarc_is_record(txt->bytes, txt->len))
		return 2;
	for (size_t i = 0; i < len && word[have] != '\0'; i++) {
		uint8_t c = txt_lower(txt->bytes[i]);

		have = c == (uint8_t)word[have] ? have + 1 : c == 'd';
	}
	return word[have] == '\0';
}

static bool
keep(struct dmarc_node *node, const uint8_t *bytes, size_t len, struct arena *a)
{
	node->len = len < DMARC_TEXT_MAX ? len : DMARC_TEXT_MAX;
	node->text = (const uint8_t *)arena_copy(a, bytes, node->len);
	if (node->text == NULL)
		return false;
	if (node->n > 0)
		dmarc_record_read(&node->record, node->text, node->len);
	if (node->n == 1 && node->record.form == DMARC_FORM_RECORD)
		node->state = NODE_RECORD;
	return true;
}

static bool
take_records(struct dmarc_node *node, const struct answer *got, struct arena *a)
{
	int best = -1;

	for (size_t i = 0; i < got->n; i++) {
		int like = likeness(&got->txt[i]);

		node->n += like == 2;
		if (like > best) {
			best = like;
			node->txt = i;
		}
	}
	if (best < 0)
		return true;
	node->like = best;
	return keep(
	    node, got->txt[node->txt].bytes, got->txt[node->txt].len, a);
}

enum code
dmarc_failure(const struct answer *got)
{
	switch (got->outcome) {
	case OUTCOME_RECORDS:
	case OUTCOME_NODATA:
	case OUTCOME_NXDOMAIN:
		return ede_stale(got) ? CODE_SERVFAIL : CODE_NONE;
	case OUTCOME_SERVFAIL:
		return ede_bogus(got) ? CODE_DNSSEC_BOGUS : CODE_SERVFAIL;
	case OUTCOME_REFERRAL:
	case OUTCOME_LAME:
	case OUTCOME_REFUSED:
	case OUTCOME_RCODE:
		return CODE_REFUSED;
	case OUTCOME_TIMEOUT:
		return CODE_TIMEOUT;
	case OUTCOME_MALFORMED:
		break;
	}
	return got->chain_bad ? CODE_CNAME_CHAIN : CODE_BAD_PACKET;
}

bool
dmarc_node_take(
    struct dmarc_node *node, const struct answer *got, struct arena *a)
{
	node->outcome = got->outcome;
	node->failure = dmarc_failure(got);
	node->state = node->failure == CODE_NONE ? NODE_EMPTY : NODE_FAILED;
	if (node->state == NODE_FAILED || got->outcome != OUTCOME_RECORDS)
		return true;
	return take_records(node, got, a);
}

bool
dmarc_node_assume(
    struct dmarc_node *node, const uint8_t *bytes, size_t len, struct arena *a)
{
	struct packet_txt txt = {.bytes = bytes, .len = len};
	struct answer got = {.outcome = OUTCOME_RECORDS, .n = 1, .txt = &txt};

	return dmarc_node_take(node, &got, a);
}
