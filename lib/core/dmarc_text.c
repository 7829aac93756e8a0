/* SPDX-License-Identifier: Apache-2.0 */
/* Records as people left them, and records to publish instead. */
#include "core/dmarc_private.h"
#include "core/tags.h"
#include "core/txt.h"

#include <string.h>

void
dmarc_damage(struct dmarc_damage *out, const uint8_t *text, size_t len)
{
	size_t at = 0;

	*out = (struct dmarc_damage){.code = CODE_NONE, .at = NO_MARK};
	if (len > 0 && tags_blank(text[0]))
		out->code = CODE_WHITESPACE;
	while (out->code == CODE_NONE && at < len) {
		if (text[at] >= 0x80)
			out->code = CODE_SMART_QUOTES;
		else if (text[at] == '\\')
			out->code = CODE_SEMICOLON_ESCAPED;
		else if (text[at] == '"')
			out->code = CODE_QUOTES_INSIDE;
		else
			at++;
	}
	if (out->code != CODE_NONE && at < NO_MARK)
		out->at = (uint16_t)at;
}

bool
dmarc_is_host(const uint8_t *text, size_t len)
{
	size_t dots = 0, letters = 0, label = 0;

	if (len > 1 && text[len - 1] == '.')
		len--;
	if (len == 0 || len > DNAME_TEXT_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		uint8_t c = txt_lower(text[i]);
		bool letter = c >= 'a' && c <= 'z';

		if (c == '.' ? label == 0
			     : !letter && !(c >= '0' && c <= '9') && c != '-' &&
				   c != '_')
			return false;
		label = c == '.' ? 0 : label + 1;
		letters = c == '.' ? 0 : letters + letter;
		dots += c == '.';
	}
	return dots > 0 && label > 0 && letters > 0;
}

size_t
dmarc_clean(uint8_t *out, const uint8_t *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		uint8_t c = tags_blank(text[i]) ? ' ' : text[i];

		if (c < ' ' || c > '~' || c == '"' || c == '\\' ||
		    (c == ' ' && n == 0))
			continue;
		if (n == DMARC_MENDED_MAX)
			return 0;
		out[n++] = c;
	}
	return n;
}

/* A cursor over a buffer; what does not fit makes it bad. */
struct out {
	uint8_t *at;
	size_t cap, len;
	bool bad;
};

static void
put(struct out *o, const void *bytes, size_t len)
{
	o->bad = o->bad || len > o->cap - o->len;
	if (o->bad || len == 0)
		return;
	memcpy(o->at + o->len, bytes, len);
	o->len += len;
}

static void
put_text(struct out *o, const char *text)
{
	put(o, text, strlen(text));
}

static enum dmarc_tag
known(const struct tags *t, const struct tag *tag)
{
	return dmarc_tag_of(t->bytes + tag->name_at, tag->name_len);
}

/* "DMARC1 p=none": somebody forgot the semicolon. */
static size_t
part_version(uint8_t *text, size_t len)
{
	static const char word[] = "DMARC1";
	size_t at = 0, width = sizeof(word) - 1;

	while (at + width < len && !txt_alike(text + at, word, width))
		at++;
	at += width;
	if (at < len && text[at] == ' ')
		text[at] = ';';
	return len;
}

size_t
dmarc_mend(uint8_t *out, const uint8_t *text, size_t len)
{
	struct out o = {.at = out, .cap = DMARC_MENDED_MAX};
	uint8_t clean[DMARC_MENDED_MAX];
	size_t n = part_version(clean, dmarc_clean(clean, text, len));
	uint32_t seen = 1u << DMARC_TAG_V;
	struct tags tags;
	size_t tags_n = 0;

	tags_read(&tags, clean, n);
	put_text(&o, "v=DMARC1");
	for (size_t i = 0; i < tags.n; i++) {
		const struct tag *tag = &tags.tag[i];
		enum dmarc_tag which = known(&tags, tag);

		if (which == DMARC_TAG_N
			? tag->fault != TAGS_OK
			: (seen & 1u << which) != 0 || tag->value_len == 0)
			continue;
		if (which != DMARC_TAG_N)
			seen |= 1u << which;
		put_text(&o, "; ");
		if (which == DMARC_TAG_N)
			put(&o, clean + tag->name_at, tag->name_len);
		else
			put_text(&o, dmarc_tag_name(which));
		put_text(&o, "=");
		put(&o, clean + tag->value_at, tag->value_len);
		tags_n++;
	}
	return o.bad || tags_n == 0 ? 0 : o.len;
}

/* Rewriting */

struct rewrite {
	struct out o;
	const struct dmarc_record *r;
	const struct dmarc_change *change;
	struct tags tags;
};

static void
put_tag(struct rewrite *w, enum dmarc_tag tag, const char *value)
{
	put_text(&w->o, "; ");
	put_text(&w->o, dmarc_tag_name(tag));
	put_text(&w->o, "=");
	put_text(&w->o, value);
}

/* One address; an @ without a scheme is meant to be a mailto:. */
static size_t
mend_uri(uint8_t *out, size_t cap, const uint8_t *at, size_t len)
{
	static const char mailto[] = "mailto:";
	const size_t scheme = sizeof(mailto) - 1;
	struct dmarc_uri uri;

	if (len > cap - scheme)
		return 0;
	memcpy(out, at, len);
	if (dmarc_uri_read(&uri, out, 0, len))
		return uri.len;
	if (memchr(at, '@', len) == NULL)
		return 0;
	memcpy(out, mailto, scheme);
	memcpy(out + scheme, at, len);
	return dmarc_uri_read(&uri, out, 0, len + scheme) ? uri.len : 0;
}

static void
put_list(struct rewrite *w, enum dmarc_tag tag)
{
	const uint8_t *at = w->tags.bytes + w->r->at[tag];
	const uint8_t *end = at + w->r->len[tag];
	uint8_t uri[PUBLISH_MAX];
	bool first = true;

	while (at < end) {
		const uint8_t *next = memchr(at, ',', (size_t)(end - at));
		const uint8_t *to;
		size_t len;

		if (next == NULL)
			next = end;
		to = next;
		while (at < to && tags_blank(*at))
			at++;
		while (to > at && tags_blank(to[-1]))
			to--;
		len = to > at
			  ? mend_uri(uri, sizeof(uri), at, (size_t)(to - at))
			  : 0;
		if (len > 0 && first)
			put_tag(w, tag, "");
		else if (len > 0)
			put_text(&w->o, ",");
		put(&w->o, uri, len);
		first = first && len == 0;
		at = next + 1;
	}
}

static const char *
policy_of(const struct rewrite *w, enum dmarc_tag tag, enum dmarc_policy is)
{
	if (w->change->tag == tag && w->change->policy != DMARC_POLICY_NO)
		is = w->change->policy;
	return dmarc_policy_name(
	    is != DMARC_POLICY_NO ? is : DMARC_POLICY_NONE);
}

/* As it stands, if a panel can be trusted to store it so. */
static void
put_verbatim(struct rewrite *w, const struct tag *tag)
{
	const uint8_t *at = w->tags.bytes + tag->value_at;

	if (tag->fault != TAGS_OK || tag->value_len == 0)
		return;
	for (size_t i = 0; i < tag->value_len; i++) {
		if (at[i] < ' ' || at[i] == '"' || at[i] == '\\')
			return;
	}
	put_text(&w->o, "; ");
	put(&w->o, w->tags.bytes + tag->name_at, tag->name_len);
	put_text(&w->o, "=");
	put(&w->o, at, tag->value_len);
}

static void
put_again(struct rewrite *w, const struct tag *tag)
{
	enum dmarc_tag which = known(&w->tags, tag);

	if (which == DMARC_TAG_N) {
		put_verbatim(w, tag);
		return;
	}
	if (which == DMARC_TAG_RUA || which == DMARC_TAG_RUF) {
		put_list(w, which);
		return;
	}
	/* sp or np that was wrong: whatever was meant, none harms nobody */
	if (which == DMARC_TAG_SP)
		put_tag(w, which, policy_of(w, which, w->r->sp));
	else if (which == DMARC_TAG_NP)
		put_tag(w, which, policy_of(w, which, w->r->np));
	if ((w->r->bad & 1u << which) != 0 || which <= DMARC_TAG_NP ||
	    which >= DMARC_TAG_PCT)
		return;
	if (which != DMARC_TAG_T || w->change->t == NULL)
		put_verbatim(w, tag);
}

bool
dmarc_rewrite(char *out, const uint8_t *text, size_t len,
    const struct dmarc_record *r, const struct dmarc_change *change)
{
	struct rewrite w = {.o = {.at = (uint8_t *)out, .cap = PUBLISH_MAX},
	    .r = r,
	    .change = change};

	tags_read(&w.tags, text, len < DMARC_TEXT_MAX ? len : DMARC_TEXT_MAX);
	put_text(&w.o, "v=DMARC1");
	put_tag(&w, DMARC_TAG_P, policy_of(&w, DMARC_TAG_P, r->p));
	for (size_t i = 1; i < w.tags.n; i++)
		put_again(&w, &w.tags.tag[i]);
	if (change->t != NULL && change->t[0] != '\0')
		put_tag(&w, DMARC_TAG_T, change->t);
	if (change->rua != NULL)
		put_tag(&w, DMARC_TAG_RUA, change->rua);
	out[w.o.bad ? 0 : w.o.len] = '\0';
	return !w.o.bad;
}
