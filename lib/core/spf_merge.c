/* SPDX-License-Identifier: Apache-2.0 */
/* The part of core/spf_judge.h about the record to publish. Records are taken
 * apart into words and put together again, so that nothing is lost but what
 * is said twice, and what could never have been read. */
#include "core/spf_judge_private.h"

#include "core/spf_macro.h"
#include "core/txt.h"

#include <stdio.h>
#include <string.h>

#define REPAIR_MAX 2048 /* more than can be published anyway */
#define DEAREST	   3

struct word {
	const uint8_t *at;
	size_t len;
};

struct merge {
	char *out;
	size_t len;
	bool full;
	bool has_exp; /* it may be there only once, section 6 */
	const struct spf_wish *wish;
	bool ours_first; /* a term before ours could decide against us */
	char all;	 /* qualifier of the strictest, 0 = none */
	unsigned records;
};

static bool
same(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	return a_len == b_len && txt_alike(a, b, a_len);
}

static bool
begins(const uint8_t *a, size_t len, const char *with)
{
	size_t n = strlen(with);

	return len >= n && same(a, n, (const uint8_t *)with, n);
}

bool
spf_is_ours(const struct spf_wish *wish, const uint8_t *name, size_t name_len)
{
	size_t len = strlen(wish->include);

	if (name_len > 0 && name[name_len - 1] == '.')
		name_len--;
	return len > 0 &&
	       same(name, name_len, (const uint8_t *)wish->include, len);
}

/* --- repair -------------------------------------------------------------- */

/* Signs of word processors that stand for one of ours (UTF-8). */
static const struct {
	const char *utf8;
	uint8_t is;
} signs[] = {
    {"\xc2\xa0", ' '},	   /* U+00A0, a blank that does not break */
    {"\xe2\x80\x90", '-'}, /* U+2010 to U+2015, hyphens and dashes */
    {"\xe2\x80\x91", '-'}, {"\xe2\x80\x92", '-'}, {"\xe2\x80\x93", '-'},
    {"\xe2\x80\x94", '-'}, {"\xe2\x80\x95", '-'},
    {"\xe2\x88\x92", '-'}, /* U+2212, minus */
    {"\xe2\x88\xbc", '~'}, /* U+223C, tilde operator */
    {"\xcb\x9c", '~'},	   /* U+02DC, small tilde */
};

/* The octet that is meant at `at`, which moves behind it; 0 = nothing. */
static uint8_t
meant(const struct packet_txt *record, size_t *at)
{
	const uint8_t *p = record->bytes + *at;
	size_t left = record->len - *at;

	for (size_t i = 0; i < ARRAY_LEN(signs); i++) {
		size_t len = strlen(signs[i].utf8);

		if (left < len || memcmp(p, signs[i].utf8, len) != 0)
			continue;
		*at += len;
		return signs[i].is;
	}
	++*at;
	if (*p == '"' || *p == '\\' || *p > '~')
		return 0;
	return *p < ' ' ? ' ' : *p;
}

/* Drops what never belongs into a record; all white space is blanks. */
static size_t
plain(const struct packet_txt *record, uint8_t *out, size_t cap)
{
	size_t n = 0;

	for (size_t at = 0; at < record->len && n < cap;) {
		uint8_t c = meant(record, &at);

		if (c != 0 && (c != ' ' || n > 0))
			out[n++] = c;
	}
	return n;
}

/* Leaving a sign out must not let everybody pass. */
static bool
opened(const struct packet_txt *record, const struct spf_outline *o)
{
	if (!o->has_all || o->all.qualifier != '+')
		return false;
	for (size_t i = 0; i < record->len; i++) {
		if (record->bytes[i] > '~')
			return true;
	}
	return false;
}

/* Where "~all" is glued to the end of a word: its length without; a hyphen
 * may be part of a host's name, but not of an address. */
static size_t
unglued(const struct word *w)
{
	const uint8_t *all = w->at + w->len - 4;

	if (w->len <= 4 || !begins(all + 1, 3, "all") ||
	    memchr("-~?+", all[0], 4) == NULL ||
	    (all[0] == '-' && !begins(w->at, w->len, "ip4:") &&
		!begins(w->at, w->len, "ip6:")))
		return w->len;
	return w->len - 4;
}

static void
put_octets(uint8_t *out, size_t cap, size_t *n, const uint8_t *from, size_t len)
{
	for (size_t i = 0; i < len && *n < cap; i++)
		out[(*n)++] = from[i];
}

/* One word of a record that can't be read, with a blank before it. */
static void
mend_word(struct word w, const struct spf_wish *wish, uint8_t *out, size_t cap,
    size_t *n)
{
	static const uint8_t blank = ' ';
	static const uint8_t ip4[] = "ip4:";
	size_t whole;

	while (w.len > 0 && memchr(";,", w.at[w.len - 1], 2) != NULL)
		w.len--;
	whole = unglued(&w);
	if (w.len == 0 || spf_is_ours(wish, w.at, w.len))
		return; /* ours is added as it must be */
	put_octets(out, cap, n, &blank, *n > 0);
	if (begins(w.at, w.len, "ipv4:") || begins(w.at, w.len, "ip:")) {
		const uint8_t *colon = memchr(w.at, ':', w.len);

		put_octets(out, cap, n, ip4, sizeof(ip4) - 1);
		whole -= (size_t)(colon + 1 - w.at);
		w.len -= (size_t)(colon + 1 - w.at);
		w.at = colon + 1;
	}
	put_octets(out, cap, n, w.at, whole);
	if (whole < w.len) {
		put_octets(out, cap, n, &blank, 1);
		put_octets(out, cap, n, w.at + whole, w.len - whole);
	}
}

size_t
spf_repair(const struct packet_txt *record, const struct spf_wish *wish,
    uint8_t *out, size_t cap)
{
	uint8_t text[REPAIR_MAX];
	struct spf_outline outline;
	struct spf_cursor c;
	size_t len = plain(record, text, sizeof(text)), n = 0;

	if (len == 0 || !spf_is_record(text, len))
		return 0;
	for (size_t at = 0; at < len;) {
		const uint8_t *blank = memchr(text + at, ' ', len - at);
		size_t end = blank == NULL ? len : (size_t)(blank - text);

		mend_word(
		    (struct word){text + at, end - at}, wish, out, cap, &n);
		at = end + 1;
	}
	if (n == cap || !spf_record_check(&c, out, n, &outline) ||
	    opened(record, &outline))
		return 0;
	return n;
}

/* --- merging ------------------------------------------------------------- */

static void
put(struct merge *m, const void *bytes, size_t len)
{
	if (m->full || len > PUBLISH_MAX - m->len) {
		m->full = true;
		return;
	}
	memcpy(m->out + m->len, bytes, len);
	m->len += len;
}

/* Is the word there already? */
static bool
has(const struct merge *m, const uint8_t *word, size_t len)
{
	for (size_t at = 0; at < m->len;) {
		const char *blank = memchr(m->out + at, ' ', m->len - at);
		size_t end = blank == NULL ? m->len : (size_t)(blank - m->out);

		if (same((uint8_t *)m->out + at, end - at, word, len))
			return true;
		at = end + 1;
	}
	return false;
}

static void
put_word(struct merge *m, const uint8_t *word, size_t len)
{
	/* "+a" is "a", but "+all" is too much to say it without its sign */
	if (len > 1 && word[0] == '+' && !begins(word, len, "+all")) {
		word++;
		len--;
	}
	if (has(m, word, len))
		return;
	put(m, " ", 1);
	put(m, word, len);
}

static void
put_include(struct merge *m, const uint8_t *name, size_t len)
{
	char text[sizeof("include:") + SPF_NAME_MAX];
	int n = snprintf(
	    text, sizeof(text), "include:%.*s", (int)len, (const char *)name);

	if (n > 0 && (size_t)n < sizeof(text))
		put_word(m, (const uint8_t *)text, (size_t)n);
}

static void
put_ours(struct merge *m)
{
	if (m->wish->include[0] != '\0')
		put_include(m, (const uint8_t *)m->wish->include,
		    strlen(m->wish->include));
}

static bool
ours_anyhow(
    const struct merge *m, const uint8_t *bytes, const struct spf_term *t)
{
	return t->kind == SPF_INCLUDE &&
	       spf_is_ours(m->wish, bytes + t->spec_at, t->spec_len);
}

static bool
is_dropped(const struct spf_drop *drop, const struct spf_term *t)
{
	for (size_t i = 0; drop != NULL && i < drop->n; i++) {
		if (drop->at[i] == t->at)
			return true;
	}
	return false;
}

/* What of a record is seen before anything is written. */
static void
survey(struct merge *m, const uint8_t *bytes, const struct spf_term *t)
{
	static const char strict[] = "-~?+";

	if (t->kind == SPF_ALL) {
		if (m->all == 0 ||
		    strchr(strict, t->qualifier) < strchr(strict, m->all))
			m->all = t->qualifier;
	} else if (t->qualifier != '+' && !ours_anyhow(m, bytes, t)) {
		m->ours_first = true;
	}
}

static void
put_mechanism(struct merge *m, const uint8_t *bytes, const struct spf_term *t)
{
	switch (t->kind) {
	case SPF_ALL:
	case SPF_EXP:
	case SPF_OTHER:
		return;
	case SPF_REDIRECT:
		/* of several records: one can't redirect any more */
		if (m->records > 1)
			put_include(m, bytes + t->spec_at, t->spec_len);
		return;
	case SPF_INCLUDE:
		/* ours with another sign is none of ours */
		if (ours_anyhow(m, bytes, t)) {
			if (t->qualifier == '+')
				put_ours(m);
			return;
		}
		break;
	case SPF_A:
	case SPF_MX:
	case SPF_PTR:
	case SPF_IP4:
	case SPF_IP6:
	case SPF_EXISTS:
		break;
	}
	put_word(m, bytes + t->at, t->len);
}

static void
put_modifier(struct merge *m, const uint8_t *bytes, const struct spf_term *t)
{
	bool redirect =
	    t->kind == SPF_REDIRECT && m->records == 1 && m->all == 0;

	if (t->kind == SPF_EXP && m->has_exp)
		return;
	m->has_exp = m->has_exp || t->kind == SPF_EXP;
	if (redirect || t->kind == SPF_EXP || t->kind == SPF_OTHER)
		put_word(m, bytes + t->at, t->len);
}

typedef void merge_term(
    struct merge *m, const uint8_t *bytes, const struct spf_term *t);

/* Every term of a record; false when it can't be read. */
static bool
each_term(struct merge *m, const struct packet_txt *record,
    const struct spf_drop *drop, merge_term *f)
{
	uint8_t repaired[REPAIR_MAX];
	const uint8_t *bytes = record->bytes;
	size_t len = record->len;
	struct spf_outline outline;
	struct spf_cursor c;
	struct spf_term t;

	if (!spf_is_record(bytes, len) || memchr(bytes, '"', len) != NULL ||
	    memchr(bytes, '\\', len) != NULL ||
	    !spf_record_check(&c, bytes, len, &outline)) {
		len = spf_repair(record, m->wish, repaired, sizeof(repaired));
		bytes = repaired;
		drop = NULL;
	}
	if (len == 0)
		return false;
	spf_cursor_init(&c, bytes, len);
	while (spf_cursor_next(&c, &t) == SPF_READ_TERM) {
		if (!is_dropped(drop, &t))
			f(m, bytes, &t);
	}
	return true;
}

/* The records that count: SPF records, or else what was meant as one. */
static bool
each(struct merge *m, const struct packet_txt *txt, size_t txt_n,
    const struct spf_drop *drop, merge_term *f)
{
	bool real = spf_records(txt, txt_n, NULL) > 0;

	m->records = 0;
	for (size_t i = 0; i < txt_n; i++)
		m->records += spf_is_record(txt[i].bytes, txt[i].len);
	for (size_t i = 0; i < txt_n; i++) {
		bool is = spf_is_record(txt[i].bytes, txt[i].len);

		if (is && !each_term(m, &txt[i], drop, f))
			return false;
		if (!real && each_term(m, &txt[i], NULL, f))
			m->records++;
	}
	return true;
}

bool
spf_merge_without(char out[PUBLISH_MAX + 1], const struct spf_wish *wish,
    const struct packet_txt *txt, size_t txt_n, const struct spf_drop *drop)
{
	static const char version[] = "v=spf1";
	struct merge m = {.out = out, .wish = wish};
	bool good;

	memset(out, 0, PUBLISH_MAX + 1);
	good = each(&m, txt, txt_n, drop, survey);
	put(&m, version, sizeof(version) - 1);
	if (m.ours_first)
		put_ours(&m);
	good = good && each(&m, txt, txt_n, drop, put_mechanism);
	put_ours(&m);
	if (m.records == 0)
		m.all = '~';
	if (m.all != 0) {
		char all[] = {m.all, 'a', 'l', 'l'};

		put_word(&m, (const uint8_t *)all, sizeof(all));
	}
	good = good && each(&m, txt, txt_n, drop, put_modifier) && !m.full;
	if (!good)
		out[0] = '\0';
	return good;
}

bool
spf_merge(char out[PUBLISH_MAX + 1], const struct spf_wish *wish,
    const struct packet_txt *txt, size_t txt_n)
{
	return spf_merge_without(out, wish, txt, txt_n, NULL);
}

/* --- cost ---------------------------------------------------------------- */

/* The next dearest term of the record itself, behind those of `last` lookups
 * or, of equal ones, behind row `after`. */
static const struct spf_row *
dearest(const struct spf_verdict *v, const struct spf_row *last)
{
	const struct spf_row *best = NULL;

	for (size_t i = 0; i < v->rows_n; i++) {
		const struct spf_row *r = &v->rows[i];

		if (r->depth > 0 || r->lookups == 0)
			continue;
		if (last != NULL &&
		    (r->lookups > last->lookups ||
			(r->lookups == last->lookups && r <= last)))
			continue;
		if (best == NULL || r->lookups > best->lookups)
			best = r;
	}
	return best;
}

void
spf_cost(struct spf_cost *out, const struct spf_verdict *audit)
{
	const struct spf_row *row = NULL;
	size_t n;

	out->lookups = audit->lookups;
	out->voids = audit->voids;
	out->dear[0] = '\0';
	if (audit->lookups <= SPF_LOOKUPS_MAX)
		return;
	n = (size_t)snprintf(out->dear, sizeof(out->dear), "%s%u of %d lookups",
	    audit->partial ? "at least " : "", audit->lookups, SPF_LOOKUPS_MAX);
	for (unsigned i = 0; i < DEAREST; i++) {
		char text[TERM_MAX + 32];

		row = dearest(audit, row);
		if (row == NULL)
			return;
		snprintf(text, sizeof(text), "%s %s costs %u",
		    i == 0 ? ";" : ",", row->term, row->lookups);
		if (n + strlen(text) >= sizeof(out->dear))
			return;
		memcpy(out->dear + n, text, strlen(text) + 1);
		n += strlen(text);
	}
}
