/* SPDX-License-Identifier: Apache-2.0 */
/* What each check looks for: the name of its record, when an RRset holds it,
 * and who judges it. */
#include "core/look_private.h"

#include <string.h>

/* --- ownership ------------------------------------------------------------ */

static bool
ownership_where(struct dname *out, const struct look_wish *w)
{
	return ownership_name(out, w->service, &w->domain);
}

static void
ownership_expect(struct look *l)
{
	if (l->wish->token[0] != '\0')
		ownership_value(l->wish->token, l->finding.expected);
}

static enum look_has
ownership_has(const struct look *l, const struct packet_txt *txt, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (ownership_match(&txt[i], l->wish->token) == OWNERSHIP_MATCH)
			return HAS_IT;
	}
	return HAS_NOT;
}

static void
ownership_worth(struct look *l, const struct packet_txt *txt, size_t n)
{
	ownership_judge(&l->judged, txt, n, l->wish->token);
}

static enum look_next
ownership_now(struct look *l)
{
	ownership_worth(l, l->subject.txt, l->subject.n);
	return look_judged(l);
}

/* --- dkim ----------------------------------------------------------------- */

static bool
dkim_where(struct dname *out, const struct look_wish *w)
{
	return w->selector != NULL && dkim_name(out, w->selector, &w->domain);
}

static void
dkim_expect(struct look *l)
{
	struct finding *f = &l->finding;

	if (l->wish->key != NULL)
		(void)dkim_record_value(
		    l->wish->key, f->expected, sizeof(f->expected));
}

static void
dkim_worth(struct look *l, const struct packet_txt *txt, size_t n)
{
	const struct look_wish *w = l->wish;

	dkim_judge(&l->judged, txt, n,
	    &(struct dkim_wish){
		.key = w->key, .known = w->known, .known_n = w->known_n});
}

static enum look_next
dkim_now(struct look *l)
{
	dkim_worth(l, l->subject.txt, l->subject.n);
	return look_judged(l);
}

/* One of them alone would be right: beside others it may still not be. */
static enum look_has
dkim_has(const struct look *l, const struct packet_txt *txt, size_t n)
{
	struct dkim_wish wish = {.key = l->wish->key};
	struct judged judged;

	for (size_t i = 0; i < n; i++) {
		dkim_judge(&judged, &txt[i], 1, &wish);
		if (judged.verdict == VERDICT_PASS)
			return HAS_IT;
	}
	return HAS_NOT;
}

/* --- spf ------------------------------------------------------------------ */

static bool
spf_where(struct dname *out, const struct look_wish *w)
{
	*out = w->domain;
	return true;
}

/* --- dmarc ---------------------------------------------------------------- */

static bool
dmarc_where(struct dname *out, const struct look_wish *w)
{
	return dmarc_name(out, &w->domain);
}

static enum look_has
dmarc_has(const struct look *l, const struct packet_txt *txt, size_t n)
{
	(void)l;
	for (size_t i = 0; i < n; i++) {
		if (dmarc_is_record(txt[i].bytes, txt[i].len))
			return HAS_IT;
	}
	return HAS_NOT;
}

const struct look_kind look_kinds[CHECK_N] = {
    [CHECK_OWNERSHIP] =
	{
	    .name = ownership_where,
	    .expect = ownership_expect,
	    .has = ownership_has,
	    .value = ownership_worth,
	    .judge = ownership_now,
	},
    [CHECK_SPF] =
	{
	    .name = spf_where,
	    .has = look_spf_has,
	    .value = look_spf_value,
	    .judge = look_spf_judge,
	    .on = look_spf_on,
	    .expire = look_spf_expire,
	    .same = look_spf_same,
	},
    [CHECK_DKIM] =
	{
	    .name = dkim_where,
	    .expect = dkim_expect,
	    .has = dkim_has,
	    .value = dkim_worth,
	    .judge = dkim_now,
	},
    [CHECK_DMARC] =
	{
	    .name = dmarc_where,
	    .has = dmarc_has,
	    .judge = look_dmarc_judge,
	    .on = look_dmarc_on,
	    .expire = look_dmarc_expire,
	    .same = look_dmarc_same,
	    .none_ends = true,
	},
};
