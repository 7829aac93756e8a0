/* SPDX-License-Identifier: Apache-2.0 */
/* Names and values are compared without regard to case, for they are literals
 * of the grammar (RFC 9989 section 4.8, RFC 7489 section 6.4; RFC 5234 section
 * 2.3), and so do receivers; only DMARC1 is told to be case-sensitive. RFC 6376
 * section 3.2 would have names in their case. */
#include "core/dmarc_record.h"
#include "core/dname.h"
#include "core/tags.h"

#include <string.h>

#define VERSION	    "DMARC1"
#define VERSION_LEN (sizeof(VERSION) - 1)

static const char *const names[DMARC_TAG_N] = {
    [DMARC_TAG_V] = "v",
    [DMARC_TAG_P] = "p",
    [DMARC_TAG_SP] = "sp",
    [DMARC_TAG_NP] = "np",
    [DMARC_TAG_PSD] = "psd",
    [DMARC_TAG_T] = "t",
    [DMARC_TAG_ADKIM] = "adkim",
    [DMARC_TAG_ASPF] = "aspf",
    [DMARC_TAG_RUA] = "rua",
    [DMARC_TAG_RUF] = "ruf",
    [DMARC_TAG_FO] = "fo",
    [DMARC_TAG_PCT] = "pct",
    [DMARC_TAG_RF] = "rf",
    [DMARC_TAG_RI] = "ri",
};

static const char *const policies[] = {
    [DMARC_POLICY_NO] = "",
    [DMARC_POLICY_NONE] = "none",
    [DMARC_POLICY_QUARANTINE] = "quarantine",
    [DMARC_POLICY_REJECT] = "reject",
};

static bool
named(const uint8_t *at, size_t len, const char *name)
{
	size_t i = 0;

	while (i < len && name[i] != '\0' &&
	       (at[i] >= 'A' && at[i] <= 'Z' ? at[i] | 0x20 : at[i]) ==
		   (uint8_t)name[i])
		i++;
	return i == len && name[i] == '\0';
}

const char *
dmarc_tag_name(enum dmarc_tag tag)
{
	return tag < DMARC_TAG_N ? names[tag] : "";
}

const char *
dmarc_policy_name(enum dmarc_policy p)
{
	return policies[p];
}

static bool
wsp(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static size_t
skip_wsp(const uint8_t *text, size_t at, size_t len)
{
	while (at < len && wsp(text[at]))
		at++;
	return at;
}

/* Reads `v=DMARC1`; returns where it stops to be one, len + 1 if it does not.
 */
static size_t
version_fault(const uint8_t *text, size_t len)
{
	size_t at = 0, i = 0;

	if (at == len || (text[at] != 'v' && text[at] != 'V'))
		return at;
	at = skip_wsp(text, at + 1, len);
	if (at == len || text[at] != '=')
		return at;
	at = skip_wsp(text, at + 1, len);
	while (i < VERSION_LEN && at < len && text[at] == (uint8_t)VERSION[i]) {
		at++;
		i++;
	}
	if (i < VERSION_LEN)
		return at;
	i = skip_wsp(text, at, len);
	return i == len || text[i] == ';' ? len + 1 : at;
}

bool
dmarc_is_record(const uint8_t *text, size_t len)
{
	return version_fault(text, len) > len;
}

/* URIs */

static bool
alpha(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool
hex(uint8_t c)
{
	return digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Characters of a URI (RFC 3986 section 2); '%' only before two digits. */
static bool
uri_octets(const uint8_t *at, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (alpha(at[i]) || digit(at[i]))
			continue;
		if (at[i] == 0 || strchr("-._~:/?#[]@$&'()*+=%", at[i]) == NULL)
			return false;
		if (at[i] == '%' &&
		    (len - i < 3 || !hex(at[i + 1]) || !hex(at[i + 2])))
			return false;
	}
	return true;
}

/* Length of "scheme:", 0 if there is none. */
static size_t
scheme_len(const uint8_t *at, size_t len)
{
	size_t i = 0;

	if (len == 0 || !alpha(at[0]))
		return 0;
	while (i < len &&
	       (alpha(at[i]) || digit(at[i]) ||
		   (i > 0 && at[i] != 0 && strchr("+-.", at[i]) != NULL)))
		i++;
	return i < len && at[i] == ':' ? i + 1 : 0;
}

static bool
is_mailto(const uint8_t *at, size_t len)
{
	static const char mailto[] = "mailto:";

	for (size_t i = 0; i < sizeof(mailto) - 1; i++) {
		if (i == len || (at[i] | 0x20) != (mailto[i] | 0x20))
			return false;
	}
	return true;
}

static bool
host_ok(const uint8_t *at, size_t len)
{
	char text[DNAME_TEXT_MAX + 2];
	struct dname name;

	if (len == 0 || len >= sizeof(text))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!alpha(at[i]) && !digit(at[i]) && at[i] != '-' &&
		    at[i] != '_' && at[i] != '.')
			return false;
	}
	memcpy(text, at, len);
	text[len] = '\0';
	return dname_from_text(&name, text, NULL) == DNAME_OK &&
	       dname_labels(&name) > 0;
}

/* The domain of the address in `mailto:address[?fields]`. */
static bool
mailto_host(const uint8_t *text, struct dmarc_uri *uri, size_t scheme)
{
	const uint8_t *addr = text + uri->at + scheme, *at;
	size_t len = uri->len - scheme;
	const uint8_t *fields = memchr(addr, '?', len);

	if (fields != NULL)
		len = (size_t)(fields - addr);
	at = len > 0 ? memrchr(addr, '@', len) : NULL;
	if (at == NULL || at == addr)
		return false;
	at++;
	uri->host_at = (uint16_t)(at - text);
	uri->host_len = (uint16_t)(len - (size_t)(at - addr));
	return host_ok(at, uri->host_len);
}

/* obs-dmarc-report-size: "!" digits and perhaps a unit. Its length, or 0. */
static size_t
size_len(const uint8_t *at, size_t len)
{
	const uint8_t *mark = len > 0 ? memrchr(at, '!', len) : NULL;
	size_t i, tail;

	if (mark == NULL)
		return 0;
	tail = len - (size_t)(mark - at);
	i = 1;
	while (i < tail && digit(mark[i]))
		i++;
	if (i == 1)
		return 0;
	if (i < tail && strchr("kmgt", mark[i] | 0x20) != NULL)
		i++;
	return i == tail ? tail : 0;
}

enum uri { URI_OK, URI_SIZED, URI_BAD };

static enum uri
read_uri(struct dmarc_uri *out, const uint8_t *text, size_t at, size_t len)
{
	size_t size = size_len(text + at, len), scheme;

	len -= size;
	*out = (struct dmarc_uri){.at = (uint16_t)at, .len = (uint16_t)len};
	scheme = scheme_len(text + at, len);
	if (scheme == 0 || scheme == len || !uri_octets(text + at, len))
		return URI_BAD;
	if (is_mailto(text + at, len) && !mailto_host(text, out, scheme))
		return URI_BAD;
	return size > 0 ? URI_SIZED : URI_OK;
}

bool
dmarc_uri_read(
    struct dmarc_uri *out, const uint8_t *text, size_t at, size_t len)
{
	return read_uri(out, text, at, len) != URI_BAD;
}

struct list {
	struct dmarc_uri *uri;
	size_t n;
	bool bad, sized;
};

/* The valid ones of a list parted by commas; those behind DMARC_URIS_MAX are
 * left out. */
static void
read_uris(struct list *out, const uint8_t *text, size_t at, size_t len)
{
	size_t end = at + len;

	out->bad = len == 0;
	while (at < end) {
		const uint8_t *comma = memchr(text + at, ',', end - at);
		size_t next = comma != NULL ? (size_t)(comma - text) : end;
		size_t to = next;
		struct dmarc_uri uri;
		enum uri got;

		at = skip_wsp(text, at, to);
		while (to > at && wsp(text[to - 1]))
			to--;
		got = read_uri(&uri, text, at, to - at);
		out->bad = out->bad || got == URI_BAD;
		out->sized = out->sized || got == URI_SIZED;
		if (got != URI_BAD && out->n < DMARC_URIS_MAX)
			out->uri[out->n++] = uri;
		at = next + 1;
	}
}

/* Values: each returns whether it is right. */

static bool
read_policy(enum dmarc_policy *out, const struct tags *t, const struct tag *tag)
{
	for (size_t p = DMARC_POLICY_NONE; p < ARRAY_LEN(policies); p++) {
		if (tag_is_any_case(t, tag, policies[p])) {
			*out = (enum dmarc_policy)p;
			return true;
		}
	}
	return false;
}

static bool
read_flag(bool *out, const struct tags *t, const struct tag *tag,
    const char *set, const char *clear)
{
	*out = tag_is_any_case(t, tag, set);
	return *out || tag_is_any_case(t, tag, clear);
}

static bool
read_psd(enum dmarc_psd *out, const struct tags *t, const struct tag *tag)
{
	if (tag_is_any_case(t, tag, "y"))
		*out = DMARC_PSD_Y;
	else if (tag_is_any_case(t, tag, "n"))
		*out = DMARC_PSD_N;
	else
		return tag_is_any_case(t, tag, "u");
	return true;
}

/* One or more of 0, 1, d, s, each once; not both 0 and 1. */
static bool
fo_ok(const uint8_t *at, size_t len)
{
	static const char options[] = "01ds";
	unsigned seen = 0;

	for (size_t i = 0; i < len; i++) {
		uint8_t c = at[i] >= 'A' ? (uint8_t)(at[i] | 0x20) : at[i];
		const char *o = c != 0 ? strchr(options, c) : NULL;

		if (i % 2 == 1 && at[i] == ':')
			continue;
		if (i % 2 == 1 || o == NULL ||
		    (seen & 1u << (o - options)) != 0)
			return false;
		seen |= 1u << (o - options);
	}
	return len % 2 == 1 && (seen & 3) != 3;
}

static bool
read_list(struct dmarc_record *r, const struct tags *t, const struct tag *tag,
    enum dmarc_tag which)
{
	bool rua = which == DMARC_TAG_RUA;
	struct list list = {.uri = rua ? r->rua : r->ruf};

	read_uris(&list, t->bytes, tag->value_at, tag->value_len);
	if (list.sized)
		r->removed |= DMARC_REMOVED_SIZE;
	if (rua)
		r->rua_n = list.n;
	else
		r->ruf_n = list.n;
	return !list.bad;
}

static bool
read_value(struct dmarc_record *r, const struct tags *t, const struct tag *tag,
    enum dmarc_tag which)
{
	switch (which) {
	case DMARC_TAG_P:
		return read_policy(&r->p, t, tag);
	case DMARC_TAG_SP:
		return read_policy(&r->sp, t, tag);
	case DMARC_TAG_NP:
		return read_policy(&r->np, t, tag);
	case DMARC_TAG_PSD:
		return read_psd(&r->psd, t, tag);
	case DMARC_TAG_T:
		return read_flag(&r->t, t, tag, "y", "n");
	case DMARC_TAG_ADKIM:
		return read_flag(&r->adkim_strict, t, tag, "s", "r");
	case DMARC_TAG_ASPF:
		return read_flag(&r->aspf_strict, t, tag, "s", "r");
	case DMARC_TAG_RUA:
	case DMARC_TAG_RUF:
		return read_list(r, t, tag, which);
	case DMARC_TAG_FO:
		return fo_ok(t->bytes + tag->value_at, tag->value_len);
	case DMARC_TAG_PCT:
		r->removed |= DMARC_REMOVED_PCT;
		break;
	case DMARC_TAG_RF:
		r->removed |= DMARC_REMOVED_RF;
		break;
	case DMARC_TAG_RI:
		r->removed |= DMARC_REMOVED_RI;
		break;
	case DMARC_TAG_V:
	case DMARC_TAG_N:
		break;
	}
	return true;
}

enum dmarc_tag
dmarc_tag_of(const uint8_t *name, size_t len)
{
	size_t w = 0;

	while (w < DMARC_TAG_N && !named(name, len, names[w]))
		w++;
	return (enum dmarc_tag)w;
}

static void
twice(struct dmarc_record *r, uint16_t at)
{
	if (r->form != DMARC_FORM_RECORD)
		return;
	r->form = DMARC_FORM_TWICE;
	r->fault = at;
}

static void
read_tag(struct dmarc_record *r, const struct tags *t, const struct tag *tag)
{
	enum dmarc_tag which =
	    dmarc_tag_of(t->bytes + tag->name_at, tag->name_len);

	if (which == DMARC_TAG_N)
		return;
	if ((r->seen & 1u << which) != 0) {
		twice(r, tag->name_at);
		return;
	}
	r->seen |= 1u << which;
	r->at[which] = tag->value_at;
	r->len[which] = tag->value_len;
	if (tag->fault == TAGS_BAD_VALUE || !read_value(r, t, tag, which))
		r->bad |= 1u << which;
}

void
dmarc_record_read(struct dmarc_record *out, const uint8_t *text, size_t len)
{
	struct tags tags;
	size_t fault;

	memset(out, 0, sizeof(*out));
	if (len > DMARC_TEXT_MAX)
		len = DMARC_TEXT_MAX;
	fault = version_fault(text, len);
	if (fault <= len) {
		out->fault = (uint16_t)fault;
		return;
	}
	out->form = DMARC_FORM_RECORD;
	out->seen = 1u << DMARC_TAG_V;
	tags_read(&tags, text, len);
	for (size_t i = 1; i < tags.n; i++)
		read_tag(out, &tags, &tags.tag[i]);
}
