/* SPDX-License-Identifier: Apache-2.0 */
/* A label with letters beyond ASCII is first mapped as people's typing wants
 * it (UTS 46: upper case, wide forms, ideographic dots) and then held to the
 * letter of IDNA2008 (RFC 5891) by a round trip. libidn2's own "STD3 rules"
 * are not used: they drop an underscore from such a label without a word. */
#include "io/idna.h"

#include <arpa/inet.h>
#include <idn2.h>
#include <libpsl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/json.h"
#include "core/txt.h"

#define LIST_TEXT   "/usr/share/publicsuffix/public_suffix_list.dat"
#define INPUT_MAX   1024 /* octets: 253 characters of up to four */
#define LABEL_U_MAX 256	 /* octets of a U-label: 63 characters */

struct suffixes {
	const psl_ctx_t *psl;
	psl_ctx_t *owned; /* the same, if it was read from a file */
	char *path;	  /* NULL: libpsl's own */
	int64_t made_at;
};

static struct suffixes list;

struct naming {
	char *out; /* DNAME_TEXT_MAX + 1 */
	size_t used;
	unsigned labels;
	struct err *e;
};

static int64_t
made_at(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (int64_t)st.st_mtime * 1000 : 0;
}

static bool
load(struct suffixes *out, const char *path)
{
	*out = (struct suffixes){
	    .owned = psl_load_file(path),
	    .path = strdup(path),
	    .made_at = made_at(path),
	};
	out->psl = out->owned;
	/* a folder, or a file without a rule, is no list either */
	if (out->owned != NULL && out->path != NULL &&
	    psl_suffix_count(out->owned) > 0)
		return true;
	psl_free(out->owned);
	free(out->path);
	return false;
}

static bool
load_newest(struct suffixes *out)
{
	int64_t builtin_at = (int64_t)psl_builtin_file_time() * 1000;

	if (made_at(LIST_TEXT) >= builtin_at && load(out, LIST_TEXT))
		return true;
	*out = (struct suffixes){.psl = psl_builtin(), .made_at = builtin_at};
	return out->psl != NULL;
}

enum next
idna_open(const char *path, struct err *e)
{
	bool given = path != NULL && path[0] != '\0';
	struct suffixes fresh;

	if (!(given ? load(&fresh, path) : load_newest(&fresh))) {
		err_set(e, "cannot read the public suffix list %s%s",
		    given ? path : LIST_TEXT,
		    given ? "" : "; install the package publicsuffix");
		return RETRY;
	}
	psl_free(list.owned);
	free(list.path);
	list = fresh;
	return OK;
}

enum next
idna_check(const char *path, struct err *e)
{
	struct suffixes other;

	if (path[0] == '\0')
		return OK;
	if (!load(&other, path)) {
		err_set(e, "cannot read the public suffix list %s", path);
		return RETRY;
	}
	psl_free(other.owned);
	free(other.path);
	return OK;
}

const char *
idna_list(int64_t *at)
{
	*at = list.made_at;
	return list.path != NULL ? list.path : "libpsl's own";
}

static bool
ldh(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

static bool
is_ascii(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if ((uint8_t)text[i] >= 0x80)
			return false;
	}
	return true;
}

/* Does the A-label (NUL-terminated, lower case) name one proper U-label that
 * leads back to it? */
static bool
survives(const char *label)
{
	char *u = NULL;
	uint8_t *back = NULL;
	bool good = false;

	if (idn2_to_unicode_8z8z(label, &u, 0) != IDN2_OK)
		goto done;
	for (const char *p = u; *p != '\0'; p++) {
		if ((uint8_t)*p < 0x80 && !ldh((uint8_t)*p))
			goto done;
	}
	if (is_ascii(u, strlen(u)) || u[0] == '-' || u[strlen(u) - 1] == '-')
		goto done;
	if (idn2_lookup_u8((const uint8_t *)u, &back, IDN2_NO_TR46) != IDN2_OK)
		goto done;
	good = strcmp((const char *)back, label) == 0;
done:
	idn2_free(u);
	idn2_free(back);
	return good;
}

/* One label that is all ASCII, to lower case behind what is there. at: octet
 * of the input; step 1 when the octets are the input's own, else 0. */
static enum next
add_label(
    struct naming *n, const char *label, size_t len, size_t at, size_t step)
{
	char *out = n->out + n->used + (n->labels > 0 ? 1 : 0);

	if (len == 0) {
		err_set(n->e, "an empty label at octet %zu", at);
		return REJECT;
	}
	if (len > DNAME_LABEL_MAX) {
		err_set(n->e, "a label longer than %d octets at octet %zu",
		    DNAME_LABEL_MAX, at);
		return REJECT;
	}
	if ((size_t)(out - n->out) + len > DNAME_TEXT_MAX) {
		err_set(n->e, "longer than %d octets, from octet %zu on",
		    DNAME_TEXT_MAX, at);
		return REJECT;
	}
	for (size_t i = 0; i < len; i++) {
		uint8_t c = txt_lower((uint8_t)label[i]);

		out[i] = (char)c;
		if (ldh(c))
			continue;
		err_set(n->e,
		    c == '_' ? "an underscore at octet %zu: give the domain, "
			       "not the name of its record"
			     : "no letter, digit or hyphen at octet %zu",
		    at + i * step);
		return REJECT;
	}
	out[len] = '\0';
	if (out[0] == '-' || out[len - 1] == '-') {
		err_set(
		    n->e, "a hyphen at an end of the label at octet %zu", at);
		return REJECT;
	}
	if (strncmp(out, "xn--", 4) == 0 && !survives(out)) {
		err_set(n->e,
		    "the label at octet %zu is no name by IDNA2008: its "
		    "punycode does not survive the way back",
		    at);
		return REJECT;
	}
	if (n->labels > 0)
		out[-1] = '.';
	n->used = (size_t)(out - n->out) + len;
	n->labels++;
	return OK;
}

/* The labels of an ASCII text. */
static enum next
add_labels(
    struct naming *n, const char *text, size_t len, size_t at, size_t step)
{
	enum next next = OK;
	size_t from = 0;

	for (size_t i = 0; i <= len && next == OK; i++) {
		if (i < len && text[i] != '.')
			continue;
		next =
		    add_label(n, text + from, i - from, at + from * step, step);
		from = i + 1;
	}
	return next;
}

/* What stands between two dots and is not ASCII. */
static enum next
add_unicode(struct naming *n, const char *text, size_t len, size_t at)
{
	char piece[LABEL_U_MAX + 1], *ascii = NULL;
	enum next next;
	int rc;

	if (len > LABEL_U_MAX) {
		err_set(
		    n->e, "a label longer than 63 characters at octet %zu", at);
		return REJECT;
	}
	memcpy(piece, text, len);
	piece[len] = '\0';
	rc = idn2_to_ascii_8z(
	    piece, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	if (rc != IDN2_OK) {
		err_set(n->e,
		    "the label at octet %zu is no name by IDNA2008: "
		    "%s",
		    at, idn2_strerror(rc));
		return REJECT;
	}
	/* one or more labels: there are dots that are not ASCII */
	next = add_labels(n, ascii, strlen(ascii), at, 0);
	idn2_free(ascii);
	return next;
}

static enum next
check_octets(const char *text, size_t len, struct err *e)
{
	const uint8_t *p = (const uint8_t *)text;
	size_t step;
	uint32_t c;

	if (len == 0) {
		err_set(e, "no name at all");
		return REJECT;
	}
	if (len > INPUT_MAX) {
		err_set(e, "longer than %d octets", DNAME_TEXT_MAX);
		return REJECT;
	}
	for (size_t i = 0; i < len; i += step) {
		step = json_utf8(p + i, len - i, &c);
		if (step == 0 || c == 0) {
			err_set(e,
			    step == 0 ? "no UTF-8 at octet %zu"
				      : "a NUL octet at octet %zu",
			    i);
			return REJECT;
		}
	}
	return OK;
}

/* IPv6 in any dress; IPv4 is told by its last label, when it is read. */
static bool
is_address6(const char *text, size_t len)
{
	char copy[64];
	uint8_t addr[16];

	if (text[0] == '[')
		return true;
	if (len >= sizeof(copy) || memchr(text, ':', len) == NULL)
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	return inet_pton(AF_INET6, copy, addr) == 1;
}

static enum next
check_whole(const struct naming *n)
{
	const char *last = strrchr(n->out, '.');

	last = last == NULL ? n->out : last + 1;
	if (last[strspn(last, "0123456789")] == '\0') {
		err_set(n->e, "an address or a number, not a domain");
		return REJECT;
	}
	if (n->labels < 2) {
		err_set(n->e, "a single label: a domain has at least two, as "
			      "in example.com");
		return REJECT;
	}
	return OK;
}

enum next
idna_canonical(const char *text, size_t len, char *out, struct err *e)
{
	struct naming n = {.out = out, .e = e};
	enum next next;
	size_t from = 0;

	out[0] = '\0';
	next = check_octets(text, len, e);
	if (next != OK)
		return next;
	if (is_address6(text, len)) {
		err_set(e, "an address, not a domain");
		return REJECT;
	}
	if (text[len - 1] == '.')
		len--;
	for (size_t i = 0; i <= len && next == OK; i++) {
		if (i < len && text[i] != '.')
			continue;
		next = is_ascii(text + from, i - from)
			   ? add_label(&n, text + from, i - from, from, 1)
			   : add_unicode(&n, text + from, i - from, from);
		from = i + 1;
	}
	if (next == OK)
		next = check_whole(&n);
	if (next != OK)
		out[0] = '\0';
	return next;
}

void
idna_show(const char *domain, char *out)
{
	char *u = NULL;

	memcpy(out, domain, strlen(domain) + 1);
	if (idn2_to_unicode_8z8z(domain, &u, 0) == IDN2_OK &&
	    strlen(u) <= 4 * DNAME_TEXT_MAX)
		memcpy(out, u, strlen(u) + 1);
	idn2_free(u);
}

static bool
is_suffix(const char *domain, int section)
{
	/* a top-level domain that the list does not have is no suffix of it */
	return psl_is_public_suffix2(
	    list.psl, domain, section | PSL_TYPE_NO_STAR_RULE);
}

/* For a suffix of the PRIVATE section: what is registered below the one of
 * the ICANN section that it belongs to. */
static const char *
registered(const char *domain)
{
	const char *parent = strchr(domain, '.');

	while (parent != NULL &&
	       !psl_is_public_suffix2(list.psl, parent + 1, PSL_TYPE_ICANN)) {
		domain = parent + 1;
		parent = strchr(domain, '.');
	}
	return domain;
}

void
idna_facts(const char *domain, struct domain_facts *out)
{
	const char *registrable;

	*out = (struct domain_facts){
	    .public_suffix = is_suffix(domain, PSL_TYPE_ICANN),
	    .private_suffix = is_suffix(domain, PSL_TYPE_PRIVATE)};
	if (out->public_suffix)
		return;
	registrable = psl_registrable_domain(list.psl, domain);
	if (registrable == NULL)
		registrable = registered(domain);
	memcpy(out->registrable, registrable, strlen(registrable) + 1);
}
