/* SPDX-License-Identifier: Apache-2.0 */
/* Sections are those of RFC 9989 where no other RFC is named. */
#include "core/dmarc_record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TEXT(t) t, sizeof(t) - 1

struct row {
	const char *section;
	const char *text;
	size_t len;
	const char *want; /* words that describe() must give, all of them */
};

/* p=, sp=, np= only if valid; bad=TAG for each wrong one; rua=N ruf=N */
static const struct row rows[] = {
    /* v=: first, alone in its tag, these letters */
    {"4.7 v", TEXT("v=DMARC1; p=none"), "record p=none"},
    {"4.7 v", TEXT("v=DMARC1;p=none"), "record p=none"},
    {"4.7 v", TEXT("v=DMARC1; p=none;"), "record p=none"},
    {"4.8 dmarc-sep", TEXT("v=DMARC1 ;\tp=none ; "), "record p=none"},
    {"4.8 equals", TEXT("v = DMARC1; p\t=\tnone"), "record p=none"},
    {"4.8 dmarc-version", TEXT("V=DMARC1; p=none"), "record p=none"},
    {"4.7 v", TEXT("v=DMARC1"), "record p="},
    {"4.7 v", TEXT("v=DMARC1;"), "record p="},
    {"4.7 v", TEXT("v=DMARC1 "), "record p="},
    {"4.7 v, its case", TEXT("v=dmarc1; p=none"), "other fault=2"},
    {"4.7 v, its case", TEXT("v=DMARc1; p=none"), "other fault=6"},
    {"4.7 v, another", TEXT("v=DMARC2; p=none"), "other fault=7"},
    {"4.7 v, another", TEXT("v=spf1 -all"), "other fault=2"},
    {"4.7 v, longer", TEXT("v=DMARC11; p=none"), "other fault=8"},
    {"4.7 v, shorter", TEXT("v=DMARC"), "other fault=7"},
    {"4.8 dmarc-sep", TEXT("v=DMARC1 p=none"), "other fault=8"},
    {"4.8 dmarc-sep", TEXT("v=DMARC1, p=none"), "other fault=8"},
    {"4.7 v, not first", TEXT("p=none; v=DMARC1"), "other fault=0"},
    {"4.7 v, missing", TEXT("p=none"), "other fault=0"},
    {"4.8 dmarc-record", TEXT(" v=DMARC1; p=none"), "other fault=0"},
    {"4.8 dmarc-record", TEXT("\"v=DMARC1; p=none\""), "other fault=0"},
    {"4.8 dmarc-record", TEXT("v=DMARC1\\; p=none"), "other fault=8"},
    {"4.7 v", TEXT(""), "other fault=0"},
    {"4.7 v", TEXT("v"), "other fault=1"},
    {"4.7 v", TEXT("v="), "other fault=2"},
    {"4.8, NUL", TEXT("v=DMARC1\0; p=none"), "other fault=8"},
    /* p, sp, np: dmarc-request; missing, wrong */
    {"4.7 p", TEXT("v=DMARC1; p=quarantine"), "p=quarantine"},
    {"4.7 p", TEXT("v=DMARC1; p=reject"), "p=reject"},
    {"4.8 RFC 5234 2.3", TEXT("v=DMARC1; p=REJECT"), "p=reject"},
    {"4.8 RFC 7489 6.4", TEXT("v=DMARC1; P=none"), "p=none"},
    {"4.7 p, 7489: must be second",
	TEXT("v=DMARC1; rua=mailto:a@b.test; p=reject"), "p=reject rua=1"},
    {"4.8, wrong", TEXT("v=DMARC1; p=rejct"), "p= bad=p"},
    {"4.8, empty", TEXT("v=DMARC1; p="), "p= bad=p"},
    {"4.8, empty", TEXT("v=DMARC1; p=;rua=mailto:a@b.test"), "bad=p rua=1"},
    {"4.8, quoted", TEXT("v=DMARC1; p=\"none\""), "p= bad=p"},
    {"4.8, two words", TEXT("v=DMARC1; p=none reject"), "p= bad=p"},
    {"4.8, NUL", TEXT("v=DMARC1; p=none\0"), "p= bad=p"},
    {"4.8, not ASCII", TEXT("v=DMARC1; p=n\xc3\xb6ne"), "p= bad=p"},
    {"4.7 sp", TEXT("v=DMARC1; p=none; sp=reject"), "p=none sp=reject"},
    {"4.7 np", TEXT("v=DMARC1; p=none; np=reject"), "p=none np=reject"},
    {"4.8, wrong", TEXT("v=DMARC1; p=none; sp=no"), "sp= bad=sp p=none"},
    {"4.8, wrong", TEXT("v=DMARC1; p=none; np=x"), "np= bad=np p=none"},
    /* psd, t */
    {"4.7 psd", TEXT("v=DMARC1; p=none"), "psd=u t=n"},
    {"4.7 psd", TEXT("v=DMARC1; p=none; psd=y"), "psd=y"},
    {"4.7 psd", TEXT("v=DMARC1; p=none; psd=n"), "psd=n"},
    {"4.7 psd", TEXT("v=DMARC1; p=none; psd=u"), "psd=u bad="},
    {"4.8 psd", TEXT("v=DMARC1; p=none; psd=Y"), "psd=y"},
    {"4.8 psd, wrong", TEXT("v=DMARC1; p=none; psd=yes"), "psd=u bad=psd"},
    {"4.7 t", TEXT("v=DMARC1; p=none; t=y"), "t=y"},
    {"4.7 t", TEXT("v=DMARC1; p=none; t=n"), "t=n bad="},
    {"4.8 t, wrong", TEXT("v=DMARC1; p=none; t=s"), "t=n bad=t"},
    /* adkim, aspf */
    {"4.7 adkim", TEXT("v=DMARC1; p=none"), "adkim=r aspf=r"},
    {"4.7 adkim", TEXT("v=DMARC1; p=none; adkim=s"), "adkim=s aspf=r"},
    {"4.7 aspf", TEXT("v=DMARC1; p=none; aspf=s"), "adkim=r aspf=s"},
    {"4.7 aspf", TEXT("v=DMARC1; p=none; aspf=r"), "aspf=r bad="},
    {"4.8 aspf, wrong", TEXT("v=DMARC1; p=none; aspf=x"), "aspf=r bad=aspf"},
    /* rua, ruf */
    {"4.7 rua", TEXT("v=DMARC1; p=none; rua=mailto:a@b.test"),
	"rua=1 ruf=0 host=b.test"},
    {"4.8 dmarc-urilist",
	TEXT("v=DMARC1; p=none; rua=mailto:a@b.test , mailto:c@d.test"),
	"rua=2 bad="},
    {"4.8 dmarc-uri", TEXT("v=DMARC1; p=none; rua=MAILTO:a@b.test"),
	"rua=1 host=b.test"},
    {"4.8 dmarc-uri", TEXT("v=DMARC1; p=none; rua=https://b.test/x?y=1"),
	"rua=1 host= bad="},
    {"4.8, RFC 3986 2.1", TEXT("v=DMARC1; p=none; rua=mailto:a%21@b.test"),
	"rua=1 host=b.test bad="},
    {"4.8, RFC 3986 2.1", TEXT("v=DMARC1; p=none; rua=mailto:a%2@b.test"),
	"rua=0 bad=rua"},
    {"4.8, RFC 3986 2.1", TEXT("v=DMARC1; p=none; rua=mailto:%aF%Fa@b.test"),
	"rua=1 bad="},
    {"4.8, RFC 3986 2.1", TEXT("v=DMARC1; p=none; rua=mailto:%1g@b.test"),
	"rua=0"},
    {"4.8, RFC 3986 2.1", TEXT("v=DMARC1; p=none; rua=mailto:%g1@b.test"),
	"rua=0"},
    {"4.8, RFC 3986 2.2", TEXT("v=DMARC1; p=none; rua=mailto:<a@b.test>"),
	"rua=0 bad=rua"},
    {"4.8, RFC 3986 3.1", TEXT("v=DMARC1; p=none; rua=X-y+z.1:a"),
	"rua=1 bad= host="},
    {"4.8, RFC 3986 3.1", TEXT("v=DMARC1; p=none; rua=1x:a"), "rua=0 bad=rua"},
    {"4.8, RFC 3986 3.1", TEXT("v=DMARC1; p=none; rua=x_y:a"), "rua=0 bad=rua"},
    {"4.8, RFC 3986 3.1", TEXT("v=DMARC1; p=none; rua=xyz"), "rua=0 bad=rua"},
    {"4.8, RFC 3986 3.1", TEXT("v=DMARC1; p=none; rua=mail:a"),
	"rua=1 bad= host="},
    {"4.8, domain's letters", TEXT("v=DMARC1; p=none; rua=mailto:a@b!1k!.c"),
	"rua=0 bad=rua"},
    {"4.8, domain's letters", TEXT("v=DMARC1; p=none; rua=mailto:a@b:c"),
	"rua=0 bad=rua"},
    {"4.8, domain's letters", TEXT("v=DMARC1; p=none; rua=mailto:a@_b-1.c."),
	"rua=1 bad= host=_b-1.c."},
    {"4.8, the root", TEXT("v=DMARC1; p=none; rua=mailto:a@."),
	"rua=0 bad=rua"},
    {"4.8, RFC 6068 2",
	TEXT("v=DMARC1; p=none; rua=mailto:a@b.test?subject=c@d.test"),
	"rua=1 host=b.test"},
    {"4.8, no scheme", TEXT("v=DMARC1; p=none; rua=a@b.test"), "rua=0 bad=rua"},
    {"4.8, no address", TEXT("v=DMARC1; p=none; rua=mailto:"), "rua=0 bad=rua"},
    {"4.8, no domain", TEXT("v=DMARC1; p=none; rua=mailto:a@"),
	"rua=0 bad=rua"},
    {"4.8, no local part", TEXT("v=DMARC1; p=none; rua=mailto:@b.test"),
	"rua=0 bad=rua"},
    {"4.8, bad domain", TEXT("v=DMARC1; p=none; rua=mailto:a@b..test"),
	"rua=0 bad=rua"},
    {"4.8, one of two", TEXT("v=DMARC1; p=none; rua=mailto:a@b.test,c@d.test"),
	"rua=1 bad=rua"},
    {"4.8, empty", TEXT("v=DMARC1; p=none; rua="), "rua=0 bad=rua"},
    {"4.8, empty", TEXT("v=DMARC1; p=none; rua=,"), "rua=0 bad=rua"},
    {"4.8 ! unescaped", TEXT("v=DMARC1; p=none; rua=mailto:a!b@c.test"),
	"rua=0 bad=rua"},
    {"4.7 ruf", TEXT("v=DMARC1; p=none; ruf=mailto:a@b.test"), "rua=0 ruf=1"},
    {"4.8 obs-dmarc-uri; 7489 6.2: a limit",
	TEXT("v=DMARC1; p=none; rua=mailto:a@b.test!10m"),
	"rua=1 host=b.test removed=! bad="},
    {"4.8 obs-dmarc-uri", TEXT("v=DMARC1; p=none; rua=mailto:a@b.test!50"),
	"rua=1 removed=!"},
    {"4.8 obs-dmarc-uri", TEXT("v=DMARC1; p=none; rua=mailto:a@b.test!1x"),
	"rua=0 bad=rua"},
    {"4.8 obs-dmarc-uri", TEXT("v=DMARC1; p=none; rua=mailto:a@b.test!"),
	"rua=0 bad=rua"},
    {"bound", TEXT("v=DMARC1; p=none; rua=a:1,a:2,a:3,a:4,a:5,a:6,a:7,a:8,a:9"),
	"rua=8 bad="},
    /* fo */
    {"4.8 dmarc-fo", TEXT("v=DMARC1; p=none; fo=1"), "bad="},
    {"4.7 fo, in any order", TEXT("v=DMARC1; p=none; fo=d:s:0"), "bad="},
    {"4.7 fo, 0 and 1", TEXT("v=DMARC1; p=none; fo=0:1"), "bad=fo"},
    {"4.8 fo, twice", TEXT("v=DMARC1; p=none; fo=d:d"), "bad=fo"},
    {"4.8 fo", TEXT("v=DMARC1; p=none; fo=1:"), "bad=fo"},
    {"4.8 fo", TEXT("v=DMARC1; p=none; fo=2"), "bad=fo"},
    {"4.8 fo", TEXT("v=DMARC1; p=none; fo=ds"), "bad=fo"},
    /* removed: RFC 7489 6.3 had them */
    {"C.5.2; 7489 6.3: a part of the mail", TEXT("v=DMARC1; p=reject; pct=20"),
	"p=reject removed=pct bad="},
    {"C.5.2; 7489 6.3: invalid", TEXT("v=DMARC1; p=reject; pct=abc"),
	"p=reject removed=pct bad="},
    {"C.5.2; 7489 6.3", TEXT("v=DMARC1; p=none; rf=afrf; ri=86400"),
	"p=none removed=rf,ri bad="},
    /* unknown ones, and what is no tag */
    {"4.8, unknown", TEXT("v=DMARC1; p=none; x=y; foo=bar"),
	"record p=none bad="},
    {"4.8, unknown", TEXT("v=DMARC1; p1=none; p=none"), "record p=none"},
    {"4.8, no =", TEXT("v=DMARC1; reject; p=none"), "record p=none bad="},
    {"4.8, empty", TEXT("v=DMARC1;; p=none;;"), "record p=none bad="},
    {"4.8, =", TEXT("v=DMARC1; =none; p=none"), "record p=none bad="},
    /* a name twice */
    {"RFC 6376 3.2", TEXT("v=DMARC1; p=none; p=reject"), "twice fault=18"},
    {"RFC 6376 3.2", TEXT("v=DMARC1; p=none; P=none"), "twice fault=18"},
    {"RFC 6376 3.2", TEXT("v=DMARC1; v=DMARC1; p=none"), "twice fault=10"},
    {"RFC 6376 3.2", TEXT("v=DMARC1; pct=1; p=none; pct=2"), "twice fault=25"},
    {"4.8, unknown ones are ignored", TEXT("v=DMARC1; p=none; x=1; x=1"),
	"record p=none"},
};

static const char *
tag_list(unsigned set, char *out, size_t cap)
{
	size_t n = 0;

	out[0] = '\0';
	for (size_t t = 0; t < DMARC_TAG_N; t++) {
		if ((set & 1u << t) != 0)
			n += (size_t)snprintf(out + n, cap - n, "%s%s",
			    n > 0 ? "," : "",
			    dmarc_tag_name((enum dmarc_tag)t));
	}
	return out;
}

static const char *
removed_list(unsigned set, char *out, size_t cap)
{
	snprintf(out, cap, "%s%s%s%s", set & DMARC_REMOVED_PCT ? "pct," : "",
	    set & DMARC_REMOVED_RF ? "rf," : "",
	    set & DMARC_REMOVED_RI ? "ri," : "",
	    set & DMARC_REMOVED_SIZE ? "!," : "");
	if (out[0] != '\0')
		out[strlen(out) - 1] = '\0';
	return out;
}

static void
describe(const struct dmarc_record *r, const char *text, char *out, size_t cap)
{
	static const char *const forms[] = {"other", "twice", "record"};
	char bad[80], gone[24];

	snprintf(out, cap,
	    " %s fault=%u p=%s sp=%s np=%s psd=%c t=%c adkim=%c aspf=%c "
	    "rua=%zu ruf=%zu host=%.*s bad=%s removed=%s ",
	    forms[r->form], (unsigned)r->fault, dmarc_policy_name(r->p),
	    dmarc_policy_name(r->sp), dmarc_policy_name(r->np), "uyn"[r->psd],
	    r -> t ? 'y' : 'n', r->adkim_strict ? 's' : 'r',
	    r->aspf_strict ? 's' : 'r', r->rua_n, r->ruf_n,
	    r->rua_n > 0 ? r->rua[0].host_len : 0,
	    text + (r->rua_n > 0 ? r->rua[0].host_at : 0),
	    tag_list(r->bad, bad, sizeof(bad)),
	    removed_list(r->removed, gone, sizeof(gone)));
}

static bool
has_words(const char *all, const char *words)
{
	char word[64];

	while (*words != '\0') {
		size_t len = strcspn(words, " ");

		snprintf(word, sizeof(word), " %.*s ", (int)len, words);
		if (strstr(all, word) == NULL)
			return false;
		words += len + (words[len] == ' ');
	}
	return true;
}

static void
records(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i];
		struct dmarc_record r;
		char got[400];

		dmarc_record_read(&r, (const uint8_t *)row->text, row->len);
		describe(&r, row->text, got, sizeof(got));
		if (!has_words(got, row->want))
			fail_msg("%s \"%s\": want %s, got%s", row->section,
			    row->text, row->want, got);
		assert_int_equal(
		    dmarc_is_record((const uint8_t *)row->text, row->len),
		    r.form != DMARC_FORM_OTHER);
	}
}

/* A record that is cut anywhere is read without a look behind its end. */
static void
cut(void **state)
{
	static const char whole[] = "v=DMARC1; p=reject; sp=none; np=none; "
				    "psd=n; t=y; adkim=s; aspf=s; fo=1:d:s; "
				    "rua=mailto:a@b.test!10m,https://c.test/; "
				    "ruf=mailto:d%21@e.test; pct=5; ri=1";

	(void)state;
	for (size_t len = 0; len < sizeof(whole); len++) {
		uint8_t *copy = test_malloc(len + 1);
		struct dmarc_record r;

		memcpy(copy, whole, len);
		dmarc_record_read(&r, copy, len);
		assert_int_equal(
		    r.form, len < 8 ? DMARC_FORM_OTHER : DMARC_FORM_RECORD);
		test_free(copy);
	}
}

/* What is longer than any record is read up to DMARC_TEXT_MAX. */
static void
too_long(void **state)
{
	static uint8_t text[DMARC_TEXT_MAX + 100];
	struct dmarc_record r;

	(void)state;
	memset(text, ' ', sizeof(text));
	memcpy(text, "v=DMARC1; p=none; t=y; rua=mailto:a@", 36);
	memset(text + 36, 'b', 300);
	dmarc_record_read(&r, text, sizeof(text));
	assert_int_equal(r.p, DMARC_POLICY_NONE);
	assert_int_equal(r.rua_n, 0); /* no name is that long */
	memcpy(text + sizeof(text) - 8, "; sp=no;", 8);
	dmarc_record_read(&r, text, sizeof(text));
	assert_int_equal(r.bad, 1u << DMARC_TAG_RUA);
}

static void
names(void **state)
{
	(void)state;
	for (size_t t = 0; t < DMARC_TAG_N; t++) {
		const char *name = dmarc_tag_name((enum dmarc_tag)t);

		assert_int_equal(
		    dmarc_tag_of((const uint8_t *)name, strlen(name)), t);
	}
	assert_int_equal(
	    dmarc_tag_of((const uint8_t *)"PCT", 3), DMARC_TAG_PCT);
	assert_int_equal(dmarc_tag_of((const uint8_t *)"pc", 2), DMARC_TAG_N);
	assert_int_equal(dmarc_tag_of((const uint8_t *)"", 0), DMARC_TAG_N);
	assert_string_equal(dmarc_tag_name(DMARC_TAG_N), "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(records),
	    cmocka_unit_test(cut),
	    cmocka_unit_test(too_long),
	    cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
