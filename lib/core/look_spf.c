/* SPDX-License-Identifier: Apache-2.0 */
/* SPF in a look: check_host() once for each of our addresses, and an audit
 * where the full cost is wanted. They ask much the same, so what one of them
 * asked answers the others, too. */
#include "core/look_private.h"

#include <stdio.h>
#include <string.h>

/* --- memory of answers ---------------------------------------------------- */

struct look_memo {
	struct look_memo *next;
	struct question q;
	uint8_t asked; /* its place among the questions under way, or */
#define MEMO_KNOWN UINT8_MAX
	struct answer answer;
};

static bool
same_question(const struct question *a, const struct question *b)
{
	return a->type == b->type && dname_equal(&a->name, &b->name);
}

static struct look_memo *
memo_find(struct look_memo *m, const struct question *q)
{
	while (m != NULL && !same_question(&m->q, q))
		m = m->next;
	return m;
}

static struct look_memo *
memo_add(struct look *l, struct look_memo **m, const struct question *q)
{
	struct look_memo *new = arena_alloc(l->arena, sizeof(*new));

	if (new == NULL)
		return NULL;
	new->next = *m;
	new->q = *q;
	new->asked = (uint8_t)l->asks_n;
	*m = new;
	look_want_shared(l, q);
	return new;
}

enum look_next
look_memo_ask(struct look *l, struct look_memo **m, const struct question *q,
    size_t n, struct answer *got)
{
	bool known = true;

	look_round(l, PHASE_ON);
	for (size_t i = 0; i < n; i++) {
		struct look_memo *e = memo_find(*m, &q[i]);

		if (e == NULL)
			e = memo_add(l, m, &q[i]);
		if (e == NULL) /* no room: as if nobody answered */
			got[i] = (struct answer){.outcome = OUTCOME_TIMEOUT};
		else if (e->asked != MEMO_KNOWN)
			known = false;
		else
			got[i] = e->answer;
	}
	return known ? LOOK_DONE : LOOK_ASK;
}

/* A stale answer is none to build on. */
void
look_memo_take(struct look *l, struct look_memo **m, const struct answer *got)
{
	(void)l;
	for (struct look_memo *e = *m; e != NULL; e = e->next) {
		if (e->asked == MEMO_KNOWN)
			continue;
		e->answer = got[e->asked];
		if (e->answer.outcome <= OUTCOME_NXDOMAIN &&
		    !look_definitive(&e->answer))
			e->answer.outcome = OUTCOME_SERVFAIL;
		e->asked = MEMO_KNOWN;
	}
}

/* --- what an RRset holds -------------------------------------------------- */

static bool
names_us(const struct look *l, const struct packet_txt *txt)
{
	struct spf_wish wish = {.include = l->wish->include};
	struct spf_cursor c;
	struct spf_term term;

	spf_cursor_init(&c, txt->bytes, txt->len);
	while (spf_cursor_next(&c, &term) == SPF_READ_TERM) {
		if (term.kind == SPF_INCLUDE &&
		    spf_is_ours(
			&wish, txt->bytes + term.spec_at, term.spec_len))
			return true;
	}
	return false;
}

enum look_has
look_spf_has(const struct look *l, const struct packet_txt *txt, size_t n)
{
	enum look_has has = HAS_NOT;

	for (size_t i = 0; i < n; i++) {
		if (txt[i].len > SPF_RECORD_MAX ||
		    !spf_is_record(txt[i].bytes, txt[i].len))
			continue;
		if (l->wish->include[0] == '\0' || names_us(l, &txt[i]))
			return HAS_IT;
		has = HAS_SOME;
	}
	return has;
}

/* --- evaluations ---------------------------------------------------------- */

struct spf_look {
	struct look_memo *memo;
	char domain[DNAME_SHOWN_MAX + 1];
	char mail_from[DNAME_SHOWN_MAX + 12];
	size_t record; /* which of the subject's is evaluated */
	struct spf *run;
	size_t at; /* address under way; addresses_n: the audit */
	size_t checks_n;
	const struct spf_verdict *checks[LOOK_ADDRESSES_MAX];
	const struct spf_verdict *audit;
};

static void
judge_now(struct look *l, const struct spf_look *s)
{
	struct spf_wish wish = {.include = l->wish->include};

	spf_judge(&l->judged, &wish, l->subject.txt, l->subject.n, s->checks,
	    s->checks_n, s->audit);
}

/* Its own words, without an evaluation: there is no record to evaluate. */
void
look_spf_value(struct look *l, const struct packet_txt *txt, size_t n)
{
	struct spf_wish wish = {.include = l->wish->include};

	spf_judge(&l->judged, &wish, txt, n, NULL, 0, NULL);
}

static void
take_tree(struct finding *f, const struct spf_verdict *audit)
{
	f->has_cost = true;
	f->lookups =
	    audit->lookups < UINT8_MAX ? (uint8_t)audit->lookups : UINT8_MAX;
	f->voids = audit->voids < UINT8_MAX ? (uint8_t)audit->voids : UINT8_MAX;
	for (f->tree_n = 0; f->tree_n < audit->rows_n && f->tree_n < TREE_MAX;
	     f->tree_n++)
		f->tree[f->tree_n] = audit->rows[f->tree_n];
}

static enum look_next
end(struct look *l, struct spf_look *s)
{
	judge_now(l, s);
	if (l->wish->ours)
		look_ours_judge(l, s->checks, s->checks_n);
	if (s->audit != NULL)
		take_tree(&l->finding, s->audit);
	return look_judged(l);
}

static bool
begin_run(struct look *l, struct spf_look *s)
{
	const struct packet_txt *txt = &l->subject.txt[s->record];
	struct spf_query q = {
	    .mail_from = s->mail_from,
	    .helo = s->domain,
	    .receiver = "",
	    .wall_s = l->wish->wall_s,
	    .mode = s->at == l->addresses_n ? SPF_AUDIT : SPF_CHECK,
	};

	q.ip = s->at < l->addresses_n
		   ? l->addresses[s->at]
		   : (struct packet_addr){.family = 4, .octets = {192, 0, 2}};
	s->run = spf_begin(&q, l->arena);
	if (s->run == NULL)
		return false;
	spf_assume(s->run, txt->bytes, txt->len);
	return true;
}

/* What only the audit asks changes no verdict where addresses are known. */
static enum spf_next
step(struct look *l, const struct spf_look *s, const struct answer *got,
    size_t n)
{
	bool decides = s->at < l->addresses_n || l->addresses_n == 0;

	for (size_t i = 0; i < n && decides; i++)
		look_rests_on(l, &got[i]);
	return spf_step(s->run, got, n);
}

/* One evaluation after the other, as far as answers are there. */
static enum look_next
run(struct look *l, struct spf_look *s, struct answer *got, size_t got_n)
{
	for (;;) {
		size_t n;
		const struct question *q;

		while (step(l, s, got, got_n) == SPF_ASK) {
			q = spf_asks(s->run, &n);
			if (look_memo_ask(l, &s->memo, q, n, got) == LOOK_ASK)
				return LOOK_ASK;
			got_n = n;
		}
		if (s->at < l->addresses_n)
			s->checks[s->checks_n++] = spf_verdict(s->run);
		else
			s->audit = spf_verdict(s->run);
		s->at++;
		if (s->at > l->addresses_n ||
		    (s->at == l->addresses_n && !l->wish->explain))
			return end(l, s);
		if (!begin_run(l, s))
			return look_undecided(
			    l, CODE_TIMEOUT, "too large to be evaluated");
		got_n = 0;
	}
}

static struct spf_look *
new_look(struct look *l)
{
	struct spf_look *s = arena_alloc(l->arena, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->memo = NULL;
	dname_show(&l->record, s->domain);
	snprintf(
	    s->mail_from, sizeof(s->mail_from), "postmaster@%s", s->domain);
	l->own = s;
	return s;
}

enum look_next
look_spf_judge(struct look *l)
{
	struct spf_look *s = l->own != NULL ? l->own : new_look(l);
	struct answer got[SPF_ASK_MAX];
	size_t first = 0;

	if (s == NULL)
		return look_undecided(l, CODE_TIMEOUT, "no memory");
	s->at = s->checks_n = 0;
	s->audit = NULL;
	s->run = NULL;
	if (spf_records(l->subject.txt, l->subject.n, &first) != 1)
		return end(l, s);
	s->record = first;
	if (!begin_run(l, s))
		return look_undecided(
		    l, CODE_TIMEOUT, "too large to be evaluated");
	return run(l, s, got, 0);
}

/* All questions are in the memory now. */
enum look_next
look_spf_on(struct look *l, const struct answer *got)
{
	struct spf_look *s = l->own;
	struct answer known[SPF_ASK_MAX];
	const struct question *q;
	size_t n;

	look_memo_take(l, &s->memo, got);
	q = spf_asks(s->run, &n);
	(void)look_memo_ask(l, &s->memo, q, n, known);
	return run(l, s, known, n);
}

bool
look_spf_expire(struct look *l)
{
	struct spf_look *s = l->own;

	spf_expire(s->run);
	if (s->at < l->addresses_n)
		s->checks[s->checks_n++] = spf_verdict(s->run);
	judge_now(l, s);
	return true;
}

/* The very same octets: receivers that ask now see what was judged. */
bool
look_spf_same(const struct look *l, const struct answer *a)
{
	const struct spf_look *s = l->own;
	const struct packet_txt *was = &l->subject.txt[s->record], *is;
	size_t i = 0;

	if (spf_records(a->txt, a->n, &i) != 1)
		return false;
	is = &a->txt[i];
	return was->len == is->len &&
	       memcmp(was->bytes, is->bytes, is->len) == 0;
}
