/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs as they are read, and messages as they are written: what is written is
 * read again by jansson, through io/document.h. */
#include "io/message.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "io/clock.h"
#include "io/document.h"
#include "io/idna.h"

#define EXAMPLES "schemas/examples/job/"
#define HEAD                                                                   \
	"{\"specversion\":\"1.0\",\"id\":\"j-1\",\"source\":\"portal\","       \
	"\"type\":\"domainproof.job.v1\",\"data\":"
#define DATA(more)                                                             \
	HEAD "{\"org\":\"acme\",\"domain\":\"a.test\",\"kind\":" more "}}"
#define NOW 1795525200000 /* 2026-11-24T13:00:00Z */

/* RFC 8463 appendix A.2 */
#define ED25519_P "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

static const struct policy policy = {.version = "0123456789abcdef",
    .service = "example",
    .spf_include = "spf.mailco.test",
    .default_sender = "mail@mailco.test"};
static const struct message_who who = {
    .org = "acme", .domain = "a.test", .id = "j-1"};

static void
read_job(struct message_job *job, const char *text)
{
	message_job_read(text, strlen(text), job);
	for (const char *p = job->why; *p != '\0'; p++)
		assert_true(*p >= ' ' && *p <= '~');
	assert_int_equal(job->code == CODE_NONE, job->why[0] == '\0');
}

static void
reads_whole(void **state)
{
	struct message_job job;

	(void)state;
	read_job(&job,
	    " {\"data\" : {\"ref\":\"r.1\",\"target\":\"t\",\"deadline_s\":60,"
	    "\"checks\":[\"ownership\"],\"kind\":\"verify\","
	    "\"domain\":\"B\\u00fccher.Test.\",\"org\":\"Ac_m-e.1\",\"x\":{}},"
	    "\"datacontenttype\":\"application/json\",\"extra\":[1,{\"a\":2}],"
	    "\"time\":\"9999-12-31T23:59:59Z\",\"type\":\"domainproof.job.v1\","
	    "\"source\":\"//portal/x\",\"id\":\"j\\u002d1\","
	    "\"specversion\":\"1.0\"}\n");
	assert_string_equal(job.why, "");
	assert_true(job.identified && job.json);
	assert_string_equal(job.request.org, "Ac_m-e.1");
	assert_string_equal(job.request.id, "j-1");
	assert_string_equal(job.request.domain, "B\xc3\xbc"
						"cher.Test.");
	assert_int_equal(job.domain_len, 13);
	assert_int_equal(job.request.kind, JOB_VERIFY);
	assert_int_equal(job.request.checks, 1u << CHECK_OWNERSHIP);
	assert_int_equal(job.request.deadline_ms, 60000);
	assert_string_equal(job.request.ref, "r.1");
	assert_string_equal(job.request.target, ""); /* not for this kind */

	read_job(&job, DATA("\"cancel\",\"target\":\"j-0\""));
	assert_int_equal(job.code, CODE_NONE);
	assert_int_equal(job.request.kind, JOB_CANCEL);
	assert_string_equal(job.request.target, "j-0");
	assert_int_equal(job.request.deadline_ms, -1);
	assert_int_equal(job.request.checks, 0);
	read_job(&job, DATA("\"claim\""));
	assert_int_equal(job.request.kind, JOB_CLAIM);
	read_job(&job, DATA("\"release\",\"deadline_s\":0,\"checks\":[]"));
	assert_int_equal(job.code, CODE_NONE);
	assert_int_equal(job.request.deadline_ms, 0);
}

static void
refuses(void **state)
{
	static const struct {
		const char *text;
		enum code code;
		bool identified;
		const char *why;
	} rows[] = {
	    {"", CODE_BAD_JOB, false, "octet 0"},
	    {"[]", CODE_BAD_JOB, false, "must be an object"},
	    {"{}", CODE_BAD_JOB, false, "specversion is missing"},
	    {HEAD "{}}", CODE_BAD_JOB, false, "data.org is missing"},
	    {HEAD "[]}", CODE_BAD_JOB, false, "data at octet 85: must be an"},
	    {DATA("\"rotate\""), CODE_UNKNOWN_KIND, true,
		"data.kind at octet 124: no kind of job that is known: rotate"},
	    {DATA("\"\\u001b[31mx\""), CODE_UNKNOWN_KIND, true, "known: ..."},
	    {DATA("\"\""), CODE_UNKNOWN_KIND, true, "known: "},
	    {DATA("5"), CODE_BAD_JOB, true, "data.kind at octet 124: must be"},
	    {DATA("\"cancel\""), CODE_BAD_JOB, true, "data.target is missing"},
	    {DATA("\"cancel\",\"target\":\"\""), CODE_BAD_JOB, true,
		"data.target at octet 142: must be 1 to 64"},
	    {DATA("\"verify\",\"ref\":\"a b\""), CODE_BAD_JOB, true,
		"data.ref"},
	    {DATA("\"verify\",\"ref\":null"), CODE_BAD_JOB, true, "data.ref"},
	    {DATA("\"verify\",\"deadline_s\":-1"), CODE_BAD_DEADLINE, true,
		"data.deadline_s at octet 146: must be a whole number"},
	    {DATA("\"verify\",\"deadline_s\":1.5"), CODE_BAD_DEADLINE, true,
		"whole"},
	    {DATA("\"verify\",\"deadline_s\":\"60\""), CODE_BAD_DEADLINE, true,
		"whole"},
	    {DATA("\"verify\",\"deadline_s\":[1,{\"a\":[]}]"),
		CODE_BAD_DEADLINE, true, "whole"},
	    {DATA("\"verify\",\"deadline_s\":9223372036854775807"),
		CODE_BAD_DEADLINE, true, "whole"},
	    {DATA("\"verify\",\"deadline_s\":1e400"), CODE_BAD_DEADLINE, true,
		"whole"},
	    {DATA("\"verify\",\"checks\":\"ownership\""), CODE_BAD_JOB, true,
		"data.checks at octet 142: must be an array"},
	    {DATA("\"verify\",\"checks\":[\"ownership\",\"bimi\"]"),
		CODE_BAD_JOB, true, "octet 155: no check that is known"},
	    {DATA("\"verify\",\"then\":\"activate\""), CODE_BAD_JOB, true,
		"data.then at octet 140: needs spf or dkim among data.checks"},
	    {DATA("\"verify\",\"then\":\"x\",\"checks\":[\"spf\"]"),
		CODE_BAD_JOB, true, "data.then at octet 140: must be \"act"},
	    {DATA("\"activate\""), CODE_BAD_JOB, true,
		"data.functions is missing"},
	    {DATA("\"deactivate\""), CODE_BAD_JOB, true,
		"data.functions is missing"},
	    {DATA("\"activate\",\"functions\":[]"), CODE_BAD_JOB, true,
		"data.functions at octet 147: must name one"},
	    {DATA("\"activate\",\"functions\":\"spf\""), CODE_BAD_JOB, true,
		"data.functions at octet 147: must be an array"},
	    {DATA("\"activate\",\"functions\":[\"spf\",\"dmarc\"]"),
		CODE_BAD_JOB, true, "octet 154: no function that is known"},
	    {DATA("\"claim\",\"selector\":\"s1\""), CODE_BAD_JOB, true,
		"data.public_key is missing"},
	    {DATA("\"claim\",\"public_key\":\"x\""), CODE_BAD_JOB, true,
		"data.selector is missing"},
	    {DATA("\"claim\",\"key_type\":\"rsa\""), CODE_BAD_JOB, true,
		"data.selector is missing"},
	    {DATA("\"claim\",\"selector\":\"a_b\",\"public_key\":\"x\""),
		CODE_BAD_JOB, true, "data.selector at octet 143: must be"},
	    {DATA("\"claim\",\"selector\":\"s\",\"public_key\":\"x\","
		  "\"key_type\":\"dsa\""),
		CODE_BAD_JOB, true, "data.key_type at octet 175: must be"},
	    {DATA("\"claim\",\"selector\":\"s\",\"public_key\":\"x*\""),
		CODE_BAD_KEY, true, "data.public_key at octet 160: is no base"},
	    {DATA("\"claim\",\"selector\":\"s\",\"public_key\":\"AAAA\""),
		CODE_BAD_KEY, true, "data.public_key at octet 160: "},
	    {DATA("\"claim\",\"selector\":\"s\",\"public_key\":\"AAAA\","
		  "\"key_type\":\"ed25519\""),
		CODE_BAD_KEY, true, "data.public_key at octet 160: "},
	    {DATA("\"claim\",\"selector\":\"s\",\"public_key\":\"x*\","
		  "\"deadline_s\":-1"),
		CODE_BAD_DEADLINE, true, "deadline"},
	    {DATA("\"verify\",\"checks\":[null]"), CODE_BAD_JOB, true,
		"octet 143: must be a string"},
	    /* the most basic fault is told */
	    {DATA("\"rotate\",\"deadline_s\":-1"), CODE_UNKNOWN_KIND, true,
		"kind"},
	    {DATA("\"rotate\",\"ref\":5"), CODE_BAD_JOB, true, "ref"},
	    {DATA("\"verify\",\"ref\":5,\"checks\":5"), CODE_BAD_JOB, true,
		"ref"},
	    {"{\"specversion\":\"0.3\",\"id\":\"j\",\"source\":\"s\","
	     "\"type\":\"domainproof.job.v1\",\"data\":{\"org\":\"o\","
	     "\"domain\":\"d\",\"kind\":\"verify\"}}",
		CODE_BAD_JOB, true, "specversion at octet 15"},
	    {"{\"specversion\":\"1.0\",\"id\":\"j\",\"source\":\"s\","
	     "\"type\":\"domainproof.job.v2\",\"data\":{\"org\":\"o\","
	     "\"domain\":\"d\",\"kind\":\"verify\"}}",
		CODE_BAD_JOB, true, "type at octet"},
	    {"{\"specversion\":\"1.0\",\"id\":\"j\",\"source\":\"\","
	     "\"type\":\"domainproof.job.v1\",\"data\":{\"org\":\"o\","
	     "\"domain\":\"d\",\"kind\":\"verify\"}}",
		CODE_BAD_JOB, true, "source at octet"},
	    {"{\"specversion\":\"1.0\",\"id\":\"j/1\",\"source\":\"s\","
	     "\"type\":\"domainproof.job.v1\",\"data\":{\"org\":\"o\","
	     "\"domain\":\"d\",\"kind\":\"verify\"}}",
		CODE_BAD_JOB, false, "id at octet"},
	    {HEAD "{\"org\":\"acme\",\"domain\":\"\",\"kind\":\"verify\"}}",
		CODE_BAD_JOB, false, "data.domain at octet 108"},
	    {HEAD "{\"org\":\"\",\"domain\":\"a.test\",\"kind\":\"verify\"}}",
		CODE_BAD_JOB, false, "data.org at octet 92"},
	    /* no JSON, but it was told whose job it is before */
	    {DATA("\"verify\"") "x", CODE_BAD_JOB, true, "behind the value"},
	    {DATA("\"verify\",\"x\":\"\\ud800\""), CODE_BAD_JOB, true,
		"octet 144: half of a surrogate pair"},
	    {DATA("\"verify\",\"x\":[[[[[[[1]]]]]]]"), CODE_BAD_JOB, true,
		"nested too deep"},
	    {DATA("\"verify\",\"x\":{\"y\":1,\"y\":1}"), CODE_BAD_JOB, true,
		"octet 144: the same name twice"},
	    {DATA("\"verify\",\"kind\":\"verify\""), CODE_BAD_JOB, true,
		"octet 133: the same name twice"},
	    /* ... but not which of two */
	    {DATA("\"verify\",\"org\":\"b\""), CODE_BAD_JOB, false, "twice"},
	    {DATA("\"verify\",\"\\u006frg\":\"b\""), CODE_BAD_JOB, false,
		"twice"},
	    {HEAD "{\"org\":\"o\",\"domain\":\"d\"},\"id\":\"k\"}",
		CODE_BAD_JOB, false, "twice"},
	    {HEAD "{\"org\":\"o\",\"domain\":\"d\"},\"data\":{}}", CODE_BAD_JOB,
		false, "twice"},
	    {HEAD "{\"org\":\"acme\",\"domain\":\"a.te", CODE_BAD_JOB, false,
		"without an end"},
	};
	struct message_job job;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		read_job(&job, rows[i].text);
		if (job.code != rows[i].code ||
		    job.identified != rows[i].identified ||
		    strstr(job.why, rows[i].why) == NULL)
			fail_msg("%s: %d %d \"%s\"", rows[i].text, job.code,
			    job.identified, job.why);
	}
}

/* Each kind takes what is for it, and leaves the rest out. */
static void
reads_functions_and_keys(void **state)
{
	static const struct {
		const char *text;
		uint32_t checks, functions;
		const char *selector;
	} rows[] = {
	    {DATA("\"verify\",\"checks\":[\"dmarc\",\"dkim\",\"spf\"]"),
		1 << CHECK_SPF | 1 << CHECK_DKIM | 1 << CHECK_DMARC, 0, ""},
	    {DATA("\"verify\",\"then\":\"activate\","
		  "\"checks\":[\"ownership\",\"spf\"]"),
		1 << CHECK_OWNERSHIP | 1 << CHECK_SPF, 1 << FUNCTION_SPF, ""},
	    {DATA("\"verify\",\"checks\":[\"dkim\",\"spf\"],"
		  "\"then\":\"activate\",\"functions\":[\"spf\"]"),
		1 << CHECK_SPF | 1 << CHECK_DKIM,
		1 << FUNCTION_SPF | 1 << FUNCTION_DKIM, ""},
	    {DATA("\"verify\",\"checks\":[\"spf\"],"
		  "\"functions\":[\"spf\"]"),
		1 << CHECK_SPF, 0, ""},
	    {DATA("\"activate\",\"functions\":[\"dkim\",\"spf\"]"), 0,
		1 << FUNCTION_SPF | 1 << FUNCTION_DKIM, ""},
	    {DATA("\"activate\",\"functions\":[\"dkim\"],"
		  "\"then\":\"activate\",\"checks\":[\"spf\"],"
		  "\"selector\":\"s\",\"public_key\":\"?\""),
		1 << CHECK_SPF, 1 << FUNCTION_DKIM, ""},
	    {DATA("\"deactivate\",\"functions\":[\"spf\"]"), 0,
		1 << FUNCTION_SPF, ""},
	    {DATA("\"recheck\",\"functions\":[\"spf\"]"), 0, 0, ""},
	    {DATA("\"watch\""), 0, 0, ""},
	    {DATA("\"claim\",\"key_type\":\"ed25519\","
		  "\"public_key\":\"" ED25519_P "\",\"selector\":\"S1.Ab\","
		  "\"functions\":[\"dkim\"]"),
		0, 0, "s1.ab"},
	};
	struct message_job job;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		read_job(&job, rows[i].text);
		if (job.code != CODE_NONE ||
		    job.request.checks != rows[i].checks ||
		    job.request.functions != rows[i].functions ||
		    strcmp(job.request.selector, rows[i].selector) != 0)
			fail_msg("%s: %s", rows[i].text, job.why);
	}
	assert_int_equal(job.request.key.type, DKIM_ED25519);
	assert_int_equal(job.request.key.len, 32);
	assert_memory_equal(job.request.key.bytes, "\xd7\x5a\x98\x01", 4);
}

static void
words(void **state)
{
	char text[400], word[67];
	struct message_job job;

	(void)state;
	for (size_t len = 1; len <= 66; len++) {
		memset(word, 'x', len);
		word[len] = '\0';
		snprintf(text, sizeof(text), DATA("\"verify\",\"ref\":\"%s\""),
		    word);
		read_job(&job, text);
		assert_int_equal(
		    job.code, len <= 64 ? CODE_NONE : CODE_BAD_JOB);
	}
	for (int c = 1; c < 128; c++) {
		bool good = strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ"
				   "RSTUVWXYZ0123456789._-",
				c) != NULL;

		snprintf(text, sizeof(text),
		    DATA("\"verify\",\"ref\":\"x\\u%04x\""), (unsigned)c);
		read_job(&job, text);
		assert_int_equal(job.code, good ? CODE_NONE : CODE_BAD_JOB);
	}
}

static void
long_domains(void **state)
{
	char text[1000], domain[300];
	struct message_job job;

	(void)state;
	for (size_t len = 250; len <= 260; len++) {
		memset(domain, 'd', len);
		domain[len] = '\0';
		snprintf(text, sizeof(text),
		    HEAD "{\"org\":\"o\",\"domain\":\"%s\","
			 "\"kind\":\"verify\"}}",
		    domain);
		read_job(&job, text);
		assert_true(job.identified);
		assert_int_equal(job.domain_len, len);
		assert_int_equal(
		    job.code, len <= 253 ? CODE_NONE : CODE_BAD_DOMAIN);
		domain[len < 253 ? len : 253] = '\0';
		assert_string_equal(job.request.domain, domain);
	}
	memset(domain, 'd', 253);
	memcpy(domain + 253, ".", 2);
	snprintf(text, sizeof(text),
	    HEAD "{\"org\":\"o\",\"domain\":\"%s\",\"kind\":\"verify\"}}",
	    domain);
	read_job(&job, text);
	assert_int_equal(job.code, CODE_NONE);
	assert_int_equal(job.domain_len, 253);
}

static void
long_jobs(void **state)
{
	static char text[MESSAGE_JOB_MAX + 1000];
	struct message_job job;

	(void)state;
	memset(text, ' ', sizeof(text));
	memcpy(text, DATA("\"verify\""), strlen(DATA("\"verify\"")));
	message_job_read(text, MESSAGE_JOB_MAX, &job);
	assert_int_equal(job.code, CODE_NONE);
	message_job_read(text, MESSAGE_JOB_MAX + 1, &job);
	assert_int_equal(job.code, CODE_BAD_JOB);
	assert_string_equal(job.why, "longer than 16384 octets: 16385");
	assert_true(job.identified);
	assert_false(job.json);
	message_job_read(text, sizeof(text), &job);
	assert_int_equal(job.code, CODE_BAD_JOB);
}

/* Every octet of a job that is cut, or replaced, is survived. */
static void
cut_and_broken(void **state)
{
	static const char text[] =
	    DATA("\"verify\",\"checks\":[\"ownership\"],\"deadline_s\":60,"
		 "\"ref\":\"\\ud83d\\ude00\xc3\xa9\"");
	struct message_job job;

	(void)state;
	for (size_t len = 0; len < sizeof(text) - 1; len++) {
		char *copy = malloc(len + 1); /* ends where ASan sees it */

		assert_non_null(copy);
		memcpy(copy, text, len);
		message_job_read(copy, len, &job);
		assert_int_equal(job.code, CODE_BAD_JOB);
		assert_false(job.json);
		free(copy);
	}
	for (size_t at = 0; at < sizeof(text) - 1; at++) {
		for (int c = 0; c < 256; c++) {
			char copy[sizeof(text)];

			memcpy(copy, text, sizeof(text));
			copy[at] = (char)c;
			read_job(&job, copy);
		}
	}
}

static void
hashes_bodies(void **state)
{
	struct message_job a, b;
	uint32_t hash;

	(void)state;
	read_job(&a, DATA("\"verify\",\"deadline_s\":60,\"ref\":\"x\""));
	hash = message_body_hash(&a.request);
	b = a;
	memcpy(b.request.id, "other", 6);
	memcpy(b.request.ref, "other", 6);
	assert_int_equal(message_body_hash(&b.request), hash);
	b = a;
	b.request.deadline_ms = 61000;
	assert_int_not_equal(message_body_hash(&b.request), hash);
	b = a;
	b.request.kind = JOB_CLAIM;
	assert_int_not_equal(message_body_hash(&b.request), hash);
	b = a;
	b.request.checks = 1;
	assert_int_not_equal(message_body_hash(&b.request), hash);
	b = a;
	b.request.functions = 1;
	assert_int_not_equal(message_body_hash(&b.request), hash);
	b = a;
	memcpy(b.request.selector, "s", 2);
	assert_int_not_equal(message_body_hash(&b.request), hash);
	b = a;
	memcpy(b.request.target, "t", 2);
	assert_int_not_equal(message_body_hash(&b.request), hash);
	b = a;
	memcpy(b.request.domain, "b.test", 7);
	assert_int_not_equal(message_body_hash(&b.request), hash);
	b = a;
	memcpy(b.request.org, "acmea", 6); /* no shift between the fields */
	memcpy(b.request.domain, ".test", 6);
	assert_int_not_equal(message_body_hash(&b.request), hash);
	/* stored in topics: the same on every machine and in every release */
	assert_int_equal(hash, 0xb312f5c3);
}

/* Of what came with later releases, each part by itself. */
static void
hashes_keys(void **state)
{
	struct job_request a = {.org = "acme",
	    .domain = "a.test",
	    .kind = JOB_CLAIM,
	    .deadline_ms = -1,
	    .selector = "s1",
	    .key = {.type = DKIM_ED25519, .bits = 256, .len = 32}};
	struct job_request b = a;
	uint32_t hash = message_body_hash(&a);

	(void)state;
	b.key.bytes[31] = 1;
	assert_int_not_equal(message_body_hash(&b), hash);
	b = a;
	b.key.len = 31;
	assert_int_not_equal(message_body_hash(&b), hash);
	b = a;
	b.key.type = DKIM_RSA;
	assert_int_not_equal(message_body_hash(&b), hash);
	b = a;
	b.selector[1] = '2';
	assert_int_not_equal(message_body_hash(&b), hash);
	b = a;
	b.functions = 2;
	assert_int_not_equal(message_body_hash(&b), hash);
	assert_int_equal(hash, 0xcb8da54f);
}

static void
same_request(const struct job_request *a, const struct job_request *b)
{
	assert_string_equal(a->org, b->org);
	assert_string_equal(a->id, b->id);
	assert_string_equal(a->domain, b->domain);
	assert_int_equal(a->kind, b->kind);
	assert_string_equal(a->target, b->target);
	assert_string_equal(a->ref, b->ref);
	assert_int_equal(a->checks, b->checks);
	assert_int_equal(a->functions, b->functions);
	assert_string_equal(a->selector, b->selector);
	assert_int_equal(a->key.type, b->key.type);
	assert_int_equal(a->key.len, b->key.len);
	assert_memory_equal(a->key.bytes, b->key.bytes, a->key.len);
	assert_int_equal(a->deadline_ms, b->deadline_ms);
}

static void
job_there_and_back(void **state)
{
	static const struct job_request rows[] = {
	    {.org = "acme",
		.id = "j-1",
		.domain = "a.test",
		.kind = JOB_VERIFY,
		.checks = 1u << CHECK_OWNERSHIP,
		.deadline_ms = 172800000,
		.ref = "r"},
	    {.org = "a.b_c-d",
		.id = "x",
		.domain = "b\xc3\xbc"
			  "cher.test",
		.kind = JOB_CLAIM,
		.deadline_ms = -1},
	    {.org = "acme",
		.id = "x",
		.domain = "a.test",
		.kind = JOB_CANCEL,
		.target = "j-1",
		.deadline_ms = 0},
	    {.org = "acme",
		.id = "x",
		.domain = "a.test",
		.kind = JOB_VERIFY,
		.checks = 1 << CHECK_OWNERSHIP | 1 << CHECK_SPF,
		.functions = 1 << FUNCTION_SPF,
		.deadline_ms = -1},
	    {.org = "acme",
		.id = "x",
		.domain = "a.test",
		.kind = JOB_DEACTIVATE,
		.functions = 1 << FUNCTION_SPF | 1 << FUNCTION_DKIM,
		.deadline_ms = -1},
	    {.org = "acme",
		.id = "x",
		.domain = "a.test",
		.kind = JOB_CLAIM,
		.selector = "s1",
		.key = {.type = DKIM_ED25519,
		    .bits = 256,
		    .len = 32,
		    .bytes = "0123456789abcdef0123456789abcdef"},
		.deadline_ms = -1},
	};
	struct message_job job;
	char out[1000];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t len = message_job_write(
		    out, sizeof(out), &rows[i], "\"me\"", NOW);

		assert_int_equal(len, strlen(out));
		read_job(&job, out);
		assert_int_equal(job.code, CODE_NONE);
		same_request(&job.request, &rows[i]);
		for (size_t cap = 1; cap <= len; cap++) {
			assert_int_equal(message_job_write(
					     out, cap, &rows[i], "\"me\"", NOW),
			    0);
			assert_string_equal(out, "");
		}
	}
}

static struct document *
parsed(const char *out, size_t len)
{
	struct document *d;
	struct err e = {.text = ""};

	assert_true(len > 0 && len == strlen(out));
	for (size_t i = 0; i < len; i++)
		assert_true(out[i] >= ' ' && out[i] <= '~');
	if (document_read(&d, out, len, &e) != OK)
		fail_msg("%s: %s", e.text, out);
	return d;
}

static void
is_text(const struct document *d, const char *path, const char *want)
{
	const char *got = document_text(d, path);

	if (got == NULL || strcmp(got, want) != 0)
		fail_msg(
		    "%s is %s, not %s", path, got == NULL ? "none" : got, want);
}

/* selector, DKIM_ED25519, bits, octets */
static uint8_t claim_keys[] = "\0\2s1\1\1\0\0\x20"
			      "0123456789abcdef0123456789abcdef";
static char token_seen[] = "token=x";

#define KEY_VALUE                                                              \
	"v=DKIM1; k=ed25519; p=MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

static const struct claim claim = {
    .ver = 7,
    .generation = 2,
    .token = "abcdefghijklmnopqrst",
    .status = CLAIM_PENDING,
    .flags = CLAIM_CONTESTED,
    .since_at = NOW - 5000,
    .check = {[CHECK_OWNERSHIP] = {.looked_at = NOW - 1000,
		  .verdict = VERDICT_FAIL,
		  .code = CODE_TOKEN_OTHER,
		  .neg_ttl_s = 300,
		  .saw = token_seen},
	[CHECK_SPF] = {.looked_at = NOW,
	    .undecided_since_at = NOW - 2000,
	    .verdict = VERDICT_UNDECIDED,
	    .code = CODE_SERVFAIL},
	[CHECK_DMARC] = {.looked_at = NOW,
	    .undecided_since_at = NOW - 9000,
	    .verdict = VERDICT_UNDECIDED,
	    .code = CODE_TIMEOUT}},
    .function = {[FUNCTION_SPF] = {.status = FUNCTION_LAPSING,
		     .since_at = NOW - 3000}},
    .keys_n = 1,
    .keys_len = sizeof(claim_keys) - 1,
    .keys = claim_keys,
};

static const struct finding finding = {
    .check = CHECK_OWNERSHIP,
    .verdict = VERDICT_FAIL,
    .code = CODE_NEGATIVE_CACHED,
    .name = "_example-challenge.a.test",
    .expected = "token=abc",
    .found_n = 2,
    .found = {{.len = 3, .bytes = {'a', 0, '"'}},
	{.len = 2, .cut = true, .bytes = "ab"}},
    .servers_n = 2,
    .servers = {{.name = "ns1.test",
		    .addr = "192.0.2.1",
		    .outcome = OUTCOME_RECORDS,
		    .has = true,
		    .has_serial = true,
		    .serial = 4294967295},
	{.name = "", .addr = "127.0.0.1", .outcome = OUTCOME_NXDOMAIN}},
    .neg_ttl_s = 1800,
    .visible_in_s = 60,
    .mark = NO_MARK,
    .saw = "1 of 2",
};

static const struct finding *const nothing[CHECK_N];

static void
results(void **state)
{
	struct job_end end = {.kind = JOB_VERIFY,
	    .outcome = END_FAILED,
	    .code = CODE_NEGATIVE_CACHED,
	    .looks = 3,
	    .accepted_at = NOW - 1000,
	    .deadline_at = NOW + 1000,
	    .settled_at = NOW,
	    .ref = "r-1"};
	const struct finding *const one[CHECK_N] = {&finding};
	char out[MESSAGE_OUT_MAX];
	struct document *d;

	(void)state;
	d = parsed(out, message_result(out, sizeof(out), &who, &end, LANE_BULK,
			    &claim, 1, one, NULL, &policy));
	is_text(d, "id", "acme/a.test/j-1");
	is_text(d, "type", "domainproof.result.v1");
	is_text(d, "source", "domainproof");
	is_text(d, "time", "2026-11-24T13:00:00.000Z");
	is_text(d, "data.id", "j-1");
	is_text(d, "data.kind", "verify");
	is_text(d, "data.lane", "bulk");
	is_text(d, "data.outcome", "failed");
	is_text(d, "data.code", "NEGATIVE_CACHED");
	is_text(d, "data.settled_at", "2026-11-24T13:00:00.000Z");
	is_text(d, "data.policy", "0123456789abcdef");
	is_text(d, "data.ref", "r-1");
	assert_int_equal(document_number(d, "data.generation", -1), 2);
	assert_int_equal(document_number(d, "data.looks", -1), 3);
	assert_null(document_text(d, "data.why"));
	assert_null(document_text(d, "data.joined"));
	assert_int_equal(document_count(d, "data.checks"), 1);
	document_free(d);

	end = (struct job_end){.kind = JOB_KIND_N,
	    .outcome = END_REJECTED,
	    .code = CODE_BAD_DOMAIN,
	    .accepted_at = NOW,
	    .settled_at = NOW,
	    .joined = "j-0"};
	d = parsed(
	    out, message_result(out, sizeof(out),
		     &(struct message_who){
			 .org = "acme", .domain = "a\x1b\"\xff", .id = "j-1"},
		     &end, LANE_JOBS, NULL, 15, nothing, "octet 1", &policy));
	is_text(d, "data.kind", "unknown");
	is_text(d, "data.why", "octet 1");
	assert_null(document_text(d, "data.ref"));
	is_text(d, "data.joined", "j-0");
	is_text(d, "data.domain", "a\x1b\"\xef\xbf\xbd");
	assert_null(document_text(d, "data.deadline_at"));
	assert_int_equal(document_number(d, "data.generation", -1), 0);
	assert_int_equal(document_count(d, "data.checks"), 0);
	document_free(d);
}

static void
findings(void **state)
{
	char out[MESSAGE_OUT_MAX];
	const struct document *s;
	struct document *d;
	struct writer w;

	(void)state;
	writer_init(&w, out, sizeof(out));
	message_finding(&w, "a.test", &finding, NOW);
	writer_u8(&w, '\0');
	d = parsed(out, w.len - 1);
	is_text(d, "check", "ownership");
	is_text(d, "verdict", "fail");
	is_text(d, "code", "NEGATIVE_CACHED");
	is_text(d, "assurance", "");
	is_text(d, "visible_by_at", "2026-11-24T13:01:00.000Z");
	assert_int_equal(document_number(d, "neg_ttl_s", -1), 1800);
	assert_true(strlen(document_text(d, "say")) > 10);
	assert_non_null(document_text(d, "fix"));
	assert_string_equal(
	    document_self(document_at(d, "found", 0)), "a\\000\\034");
	assert_string_equal(document_self(document_at(d, "found", 1)), "ab...");
	assert_int_equal(document_count(d, "found"), 2);
	s = document_at(d, "servers", 0);
	is_text(s, "outcome", "records");
	assert_int_equal(document_number(s, "serial", -1), 4294967295);
	assert_true(document_bool(s, "has", false));
	s = document_at(d, "servers", 1);
	is_text(s, "outcome", "nxdomain");
	assert_int_equal(document_number(s, "serial", -1), -1);
	document_free(d);
}

/* Every check that was asked for is told of: as it was found, or else as the
 * claim remembers it. */
static void
results_list_what_was_asked(void **state)
{
	struct job_end end = {.kind = JOB_ACTIVATE,
	    .outcome = END_EXPIRED,
	    .code = CODE_SERVFAIL,
	    .accepted_at = NOW - 1000,
	    .settled_at = NOW};
	const struct finding *const own[CHECK_N] = {&finding};
	char out[MESSAGE_OUT_MAX];
	const struct document *c;
	struct document *d;

	(void)state;
	d = parsed(out, message_result(out, sizeof(out), &who, &end, LANE_JOBS,
			    &claim, 15, own, NULL, &policy));
	is_text(d, "data.kind", "activate");
	assert_int_equal(document_count(d, "data.checks"), 4);
	c = document_at(d, "data.checks", 0);
	is_text(c, "check", "ownership");
	is_text(c, "code", "NEGATIVE_CACHED");
	assert_int_equal(document_count(c, "servers"), 2);
	c = document_at(d, "data.checks", 1);
	is_text(c, "check", "spf");
	is_text(c, "verdict", "undecided");
	is_text(c, "code", "SERVFAIL");
	is_text(c, "name", "a.test");
	is_text(c, "expected", "include:spf.mailco.test");
	assert_int_equal(document_count(c, "servers"), 0);
	assert_int_equal(document_count(c, "found"), 0);
	assert_true(strlen(document_text(c, "say")) > 10);
	c = document_at(d, "data.checks", 2);
	is_text(c, "check", "dkim");
	is_text(c, "verdict", "undecided"); /* never looked at */
	is_text(c, "code", "");
	is_text(c, "name", "s1._domainkey.a.test");
	is_text(c, "expected", KEY_VALUE);
	c = document_at(d, "data.checks", 3);
	is_text(c, "check", "dmarc");
	is_text(c, "code", "TIMEOUT");
	is_text(c, "name", "_dmarc.a.test");
	is_text(c, "expected", "");
	document_free(d);

	/* it was right, or the job would not have ended like this; but for
	 * advice, which is as it is */
	end.outcome = END_VERIFIED;
	end.code = CODE_NONE;
	d = parsed(out, message_result(out, sizeof(out), &who, &end, LANE_JOBS,
			    &claim, 10, nothing, NULL, &policy));
	assert_int_equal(document_count(d, "data.checks"), 2);
	c = document_at(d, "data.checks", 0);
	is_text(c, "check", "spf");
	is_text(c, "verdict", "pass");
	is_text(c, "code", "");
	c = document_at(d, "data.checks", 1);
	is_text(c, "check", "dmarc");
	is_text(c, "verdict", "undecided");
	document_free(d);
}

static struct document *
finding_of(const struct finding *f)
{
	static char out[MESSAGE_OUT_MAX];
	struct writer w;

	writer_init(&w, out, sizeof(out));
	message_finding(&w, "a.test", f, NOW);
	writer_u8(&w, '\0');
	return parsed(out, w.len - 1);
}

static void
findings_of_spf(void **state)
{
	static struct finding f;
	const struct document *row;
	struct document *d;

	(void)state;
	f = finding;
	d = finding_of(&f);
	assert_int_equal(document_number(d, "mark", -1), -1);
	assert_int_equal(document_count(d, "also"), -1);
	assert_null(document_text(d, "publish"));
	assert_int_equal(document_number(d, "cost.lookups", -1), -1);
	document_free(d);

	f.check = CHECK_SPF;
	f.code = CODE_SPF_AFTER_ALL;
	f.mark = 0;
	f.also_n = 2;
	f.also[0] = CODE_SPF_NEAR_LIMIT;
	f.also[1] = CODE_DANGLING_INCLUDE;
	strcpy(f.publish, "v=spf1 include:\"x\" -all");
	f.has_cost = true;
	f.lookups = 9;
	f.voids = 1;
	f.tree_n = 2;
	f.tree[0] = (struct spf_row){.lookups = 9, .term = "include:a.test"};
	f.tree[1] = (struct spf_row){.depth = 1,
	    .lookups = 1,
	    .is_void = true,
	    .unreached = true,
	    .term = "a"};
	d = finding_of(&f);
	assert_int_equal(document_number(d, "mark", -1), 0);
	assert_int_equal(document_count(d, "also"), 2);
	assert_string_equal(
	    document_self(document_at(d, "also", 1)), "DANGLING_INCLUDE");
	is_text(d, "publish", "v=spf1 include:\"x\" -all");
	assert_non_null(strstr(document_text(d, "fix"), f.publish));
	assert_int_equal(document_number(d, "cost.lookups", -1), 9);
	assert_int_equal(document_number(d, "cost.voids", -1), 1);
	assert_int_equal(document_count(d, "cost.tree"), 2);
	row = document_at(d, "cost.tree", 0);
	is_text(row, "term", "include:a.test");
	assert_int_equal(document_number(row, "depth", -1), 0);
	assert_false(document_bool(row, "void", true));
	row = document_at(d, "cost.tree", 1);
	assert_int_equal(document_number(row, "depth", -1), 1);
	assert_int_equal(document_number(row, "lookups", -1), 1);
	assert_true(document_bool(row, "void", false));
	assert_true(document_bool(row, "unreached", false));
	document_free(d);

	f.found_n = 0; /* nothing that a mark could be in */
	d = finding_of(&f);
	assert_int_equal(document_number(d, "mark", -1), -1);
	document_free(d);
}

static void
fill_longest(struct finding *f)
{
	*f = finding;
	memset(f->name, '\\', DNAME_SHOWN_MAX);
	memset(f->expected, '"', EXPECTED_MAX);
	memset(f->saw, '\\', SAW_MAX);
	memset(f->publish, '"', PUBLISH_MAX);
	f->found_n = FOUND_MAX;
	for (size_t i = 0; i < FOUND_MAX; i++) {
		f->found[i].len = FOUND_LEN_MAX;
		f->found[i].cut = true;
		memset(f->found[i].bytes, 0xff, FOUND_LEN_MAX);
	}
	f->servers_n = SERVERS_MAX;
	for (size_t i = 0; i < SERVERS_MAX; i++) {
		f->servers[i] = f->servers[0];
		memset(f->servers[i].name, 'n', DNAME_TEXT_MAX);
		memset(f->servers[i].addr, ':', 45);
	}
	f->also_n = ALSO_MAX;
	for (size_t i = 0; i < ALSO_MAX; i++)
		f->also[i] = CODE_WRONG_NAME_REGISTERED;
	f->has_cost = true;
	f->lookups = f->voids = 255;
	f->tree_n = TREE_MAX;
	for (size_t i = 0; i < TREE_MAX; i++) {
		f->tree[i].depth = f->tree[i].lookups = 255;
		memset(f->tree[i].term, '"', TERM_MAX);
	}
}

/* The longest that there can be still fits. */
static void
the_longest(void **state)
{
	static struct finding f;
	static char out[MESSAGE_OUT_MAX];
	const struct finding *const all[CHECK_N] = {&f, &f, &f, &f};
	const struct job_end end = {
	    .kind = JOB_VERIFY, .outcome = END_VERIFIED, .settled_at = NOW};
	char why[160], domain[DNAME_TEXT_MAX + 1], id[JOB_ID_MAX + 1];

	(void)state;
	fill_longest(&f);
	memset(why, '"', sizeof(why) - 1);
	why[sizeof(why) - 1] = '\0';
	memset(domain, '\x01', sizeof(domain) - 1);
	domain[sizeof(domain) - 1] = '\0';
	memset(id, 'i', sizeof(id) - 1);
	id[sizeof(id) - 1] = '\0';
	document_free(parsed(out,
	    message_result(out, sizeof(out),
		&(struct message_who){.org = id, .domain = domain, .id = id},
		&end, LANE_JOBS, &claim, 15, all, why, &policy)));
}

static void
events(void **state)
{
	const struct job job = {.kind = JOB_VERIFY,
	    .due_at = NOW + 30000,
	    .deadline_at = NOW + 60000};
	struct message_news news;
	char out[MESSAGE_OUT_MAX];
	struct document *d;

	(void)state;
	news = (struct message_news){.name = "record.issued",
	    .n = 1,
	    .was = "none",
	    .function = FUNCTION_N,
	    .job = &job,
	    .at = NOW};
	d = parsed(
	    out, message_event(out, sizeof(out), &who, &claim, &news, &policy));
	is_text(d, "id", "acme/a.test/7/1");
	is_text(d, "type", "domainproof.record.issued.v1");
	is_text(d, "data.was", "none");
	is_text(d, "data.status", "pending");
	is_text(d, "data.shield", "amber");
	is_text(d, "data.job", "j-1");
	is_text(d, "data.code", "TOKEN_OTHER");
	is_text(d, "data.next_at", "2026-11-24T13:00:30.000Z");
	is_text(d, "data.deadline_at", "2026-11-24T13:01:00.000Z");
	is_text(d, "data.record.name", "_example-challenge.a.test");
	is_text(d, "data.record.type", "TXT");
	is_text(d, "data.record.value",
	    "token=mfrggzdfmztwq2lknnwg23tpobyxe43u expiry=never");
	assert_int_equal(document_number(d, "data.ver", -1), 7);
	assert_int_equal(document_count(d, "data.checks"), -1);
	document_free(d);

	news = (struct message_news){.name = "look.done",
	    .was = "pending",
	    .function = FUNCTION_N,
	    .finding = &finding,
	    .at = NOW};
	d = parsed(
	    out, message_event(out, sizeof(out), &who, &claim, &news, &policy));
	is_text(d, "data.code", "NEGATIVE_CACHED");
	assert_null(document_text(d, "data.job"));
	assert_null(document_text(d, "data.next_at"));
	assert_null(document_text(d, "data.record.name"));
	assert_int_equal(document_count(d, "data.checks"), 1);
	document_free(d);

	d = parsed(
	    out, message_trouble(out, sizeof(out), "job.dead",
		     &(struct message_who){.org = "", .domain = "", .id = ""},
		     CODE_BAD_JOB, "octet 5: no value", "domainproof.jobs", 3,
		     99, NOW));
	is_text(d, "id", "domainproof.jobs/3/99/job.dead");
	is_text(d, "type", "domainproof.job.dead.v1");
	is_text(d, "data.code", "bad_job");
	is_text(d, "data.why", "octet 5: no value");
	is_text(d, "data.topic", "domainproof.jobs");
	assert_int_equal(document_number(d, "data.partition", -1), 3);
	assert_int_equal(document_number(d, "data.offset", -1), 99);
	assert_null(document_text(d, "data.org"));
	document_free(d);
}

static void
events_of_functions(void **state)
{
	struct message_news news = {.name = "function.changed",
	    .was = "active",
	    .function = FUNCTION_SPF,
	    .at = NOW};
	struct finding f = finding;
	char out[MESSAGE_OUT_MAX];
	struct document *d;

	(void)state;
	d = parsed(
	    out, message_event(out, sizeof(out), &who, &claim, &news, &policy));
	is_text(d, "type", "domainproof.function.changed.v1");
	is_text(d, "data.function", "spf");
	is_text(d, "data.was", "active");
	is_text(d, "data.status", "lapsing");
	is_text(d, "data.code", "SERVFAIL"); /* of its check */
	assert_int_equal(document_count(d, "data.checks"), -1);
	document_free(d);

	f.check = CHECK_SPF;
	f.code = CODE_SPF_NOT_PASS;
	news.finding = &f;
	d = parsed(
	    out, message_event(out, sizeof(out), &who, &claim, &news, &policy));
	is_text(d, "data.code", "SPF_NOT_PASS");
	is_text(document_at(d, "data.checks", 0), "check", "spf");
	document_free(d);

	news.finding = &finding; /* ownership's, which it had waited for */
	d = parsed(
	    out, message_event(out, sizeof(out), &who, &claim, &news, &policy));
	is_text(d, "data.code", "SERVFAIL");
	is_text(document_at(d, "data.checks", 0), "check", "ownership");
	document_free(d);

	news = (struct message_news){.name = "record.issued",
	    .was = "none",
	    .function = FUNCTION_DKIM,
	    .at = NOW};
	d = parsed(
	    out, message_event(out, sizeof(out), &who, &claim, &news, &policy));
	is_text(d, "data.function", "dkim");
	is_text(d, "data.status", "pending"); /* the claim's */
	is_text(d, "data.record.name", "s1._domainkey.a.test");
	is_text(d, "data.record.value", KEY_VALUE);
	document_free(d);
}

static void
docs(void **state)
{
	char ref[] = "r";
	const struct job job = {.kind = JOB_VERIFY,
	    .lane = LANE_JOBS,
	    .accepted_at = NOW,
	    .due_at = NOW + 30000,
	    .deadline_at = NOW + 60000,
	    .looks = 2,
	    .checks = 1 << CHECK_OWNERSHIP | 1 << CHECK_SPF,
	    .passed = 1 << CHECK_SPF,
	    .verdict = {VERDICT_NONE, VERDICT_FAIL},
	    .code = {CODE_NOT_PUBLISHED, CODE_SPF_INDIRECT},
	    .ref = ref};
	const struct job_end end = {.kind = JOB_VERIFY,
	    .outcome = END_JOINED,
	    .settled_at = NOW,
	    .accepted_at = NOW,
	    .joined = "j-0"};
	struct claim fresh = {.generation = 1};
	const struct document *r;
	char out[MESSAGE_OUT_MAX];
	struct document *d;

	(void)state;
	d = parsed(out, message_claim_doc(out, sizeof(out), &who, &claim, &job,
			    job.due_at, &policy));
	is_text(d, "status", "pending");
	is_text(d, "shield", "amber");
	is_text(d, "since", "2026-11-24T12:59:55.000Z");
	is_text(d, "looked_at", "2026-11-24T13:00:00.000Z");
	assert_true(document_bool(d, "contested", false));
	is_text(d, "record.name", "_example-challenge.a.test");
	is_text(d, "checks.ownership.verdict", "fail");
	is_text(d, "checks.ownership.code", "TOKEN_OTHER");
	is_text(d, "checks.ownership.saw", "token=x");
	is_text(d, "checks.ownership.looked_at", "2026-11-24T12:59:59.000Z");
	assert_null(document_text(d, "checks.ownership.undecided_since"));
	is_text(d, "undecided_since", "2026-11-24T12:59:58.000Z");
	is_text(d, "checks.spf.code", "SERVFAIL");
	is_text(d, "checks.spf.saw", "");
	is_text(d, "checks.spf.undecided_since", "2026-11-24T12:59:58.000Z");
	assert_null(document_text(d, "checks.dkim.code"));
	is_text(d, "checks.dmarc.name", "_dmarc.a.test");
	is_text(d, "functions.spf.status", "lapsing");
	is_text(d, "functions.spf.since", "2026-11-24T12:59:57.000Z");
	is_text(d, "functions.dkim.status", "none");
	assert_null(document_text(d, "functions.dkim.since"));
	is_text(d, "functions.dkim.selector", "s1");
	is_text(d, "send_as", "customer");
	is_text(d, "default_sender", "mail@mailco.test");
	assert_int_equal(document_count(d, "records"), 3);
	r = document_at(d, "records", 0);
	is_text(r, "check", "ownership");
	is_text(r, "value", document_text(d, "record.value"));
	assert_false(document_bool(r, "part", false));
	r = document_at(d, "records", 1);
	is_text(r, "check", "spf");
	is_text(r, "name", "a.test");
	is_text(r, "value", "include:spf.mailco.test");
	assert_true(document_bool(r, "part", false));
	r = document_at(d, "records", 2);
	is_text(r, "check", "dkim");
	is_text(r, "name", "s1._domainkey.a.test");
	is_text(r, "value", KEY_VALUE);
	is_text(
	    d, "checks.ownership.expected", document_text(d, "record.value"));
	assert_true(strlen(document_text(d, "checks.ownership.say")) > 10);
	is_text(d, "job.id", "j-1");
	is_text(d, "job.outcome", "open");
	assert_int_equal(document_number(d, "job.looks", -1), 2);
	is_text(d, "next_at", "2026-11-24T13:00:30.000Z");
	is_text(d, "policy", "0123456789abcdef");
	document_free(d);

	fresh.check[CHECK_SPF].looked_at = NOW;
	fresh.check[CHECK_SPF].verdict = VERDICT_NONE;
	d = parsed(out, message_claim_doc(
			    out, sizeof(out), &who, &fresh, NULL, 0, &policy));
	r = document_at(d, "records", 1);
	is_text(r, "value", "v=spf1 include:spf.mailco.test ~all");
	assert_false(document_bool(r, "part", false));
	assert_int_equal(document_count(d, "records"), 2);
	is_text(d, "send_as", "default");
	document_free(d);

	fresh.check[CHECK_SPF].looked_at = 0;
	fresh.check[CHECK_DMARC].looked_at = NOW;
	fresh.check[CHECK_DMARC].verdict = VERDICT_NONE;
	fresh.check[CHECK_DMARC].code = CODE_NOT_PUBLISHED;
	d = parsed(out, message_claim_doc(
			    out, sizeof(out), &who, &fresh, NULL, 0, &policy));
	is_text(d, "status", "none");
	is_text(d, "checks.dmarc.expected",
	    "v=DMARC1; p=none; rua=mailto:dmarc@a.test");
	assert_int_equal(document_count(d, "records"), 2);
	r = document_at(d, "records", 1); /* what nobody looked for */
	is_text(r, "value", "include:spf.mailco.test");
	assert_true(document_bool(r, "part", false));
	fresh.check[CHECK_DMARC].looked_at = 0;
	document_free(d);

	d = parsed(out, message_claim_doc(
			    out, sizeof(out), &who, &fresh, NULL, 0, &policy));
	assert_null(document_text(d, "looked_at"));
	assert_null(document_text(d, "checks.ownership.verdict"));
	assert_null(document_text(d, "job.id"));
	assert_null(document_text(d, "next_at"));
	document_free(d);

	d = parsed(out, message_job_doc(out, sizeof(out), &who, &job, NULL));
	is_text(d, "outcome", "open");
	is_text(d, "code", "NOT_PUBLISHED");
	is_text(d, "checks.ownership.verdict", "none");
	is_text(d, "checks.ownership.code", "NOT_PUBLISHED");
	is_text(d, "checks.spf.verdict", "pass"); /* settled */
	assert_null(document_text(d, "checks.dkim.verdict"));
	is_text(d, "next_at", "2026-11-24T13:00:30.000Z");
	is_text(d, "ref", "r");
	document_free(d);
	d = parsed(out, message_job_doc(out, sizeof(out), &who, NULL, &end));
	is_text(d, "outcome", "joined");
	is_text(d, "joined", "j-0");
	is_text(d, "settled_at", "2026-11-24T13:00:00.000Z");
	document_free(d);
}

/* Calls see for each example in a folder, and counts them. */
static void
each_example(const char *folder,
    void (*see)(const char *name, const char *text, size_t len))
{
	static char text[1 << 16];
	struct dirent *entry;
	char path[400];
	size_t n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), EXAMPLES "%s", folder);
	dir = opendir(path);
	if (dir == NULL)
		fail_msg("%s is missing: run from the top folder", path);
	while ((entry = readdir(dir)) != NULL) {
		FILE *f;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), EXAMPLES "%s/%s", folder,
		    entry->d_name);
		f = fopen(path, "rb");
		assert_non_null(f);
		see(entry->d_name, text, fread(text, 1, sizeof(text), f));
		fclose(f);
		n++;
	}
	closedir(dir);
	assert_true(n >= 15);
}

static void
see_valid(const char *name, const char *text, size_t len)
{
	struct message_job job;

	message_job_read(text, len, &job);
	if (job.code != CODE_NONE || !job.identified || !job.json)
		fail_msg("%s: %s", name, job.why);
}

static bool
begins(const char *name, const char *with)
{
	return strncmp(name, with, strlen(with)) == 0;
}

static void
see_invalid(const char *name, const char *text, size_t len)
{
	enum code want = begins(name, "kind-unknown") ? CODE_UNKNOWN_KIND
			 : begins(name, "deadline-")  ? CODE_BAD_DEADLINE
						      : CODE_BAD_JOB;
	struct message_job job;

	message_job_read(text, len, &job);
	if (job.code != want || !job.json)
		fail_msg("%s: %d \"%s\"", name, job.code, job.why);
}

static void
see_unreadable(const char *name, const char *text, size_t len)
{
	struct message_job job;

	message_job_read(text, len, &job);
	if (job.code != CODE_BAD_JOB || job.json || job.why[0] == '\0')
		fail_msg("%s: %d \"%s\"", name, job.code, job.why);
}

/* Well-formed, and refused for its name or its deadline by what comes after
 * the reader. */
static void
see_refused(const char *name, const char *text, size_t len)
{
	struct policy p = policy;
	struct names *mail, *refused;
	struct domain_facts facts;
	char sent[DNAME_TEXT_MAX + 1];
	struct message_job job;
	enum code code;
	struct err e;

	message_job_read(text, len, &job);
	assert_true(job.identified);
	memcpy(sent, job.request.domain, sizeof(sent));
	code = job.code;
	p.deadline_max_ms = 172800000;
	assert_int_equal(names_read(&mail, "gmail.com", 9, &e), OK);
	assert_int_equal(names_read(&refused, "example.com", 11, &e), OK);
	p.public_domains = mail;
	p.refused_domains = refused;
	if (code == CODE_NONE &&
	    idna_canonical(sent, job.domain_len, job.request.domain, &e) != OK)
		code = CODE_BAD_DOMAIN;
	if (code == CODE_NONE) {
		idna_facts(job.request.domain, &facts);
		code = job_judge(&job.request, &facts, &p);
	}
	if (code == CODE_NONE || !begins(name, code_name(code)))
		fail_msg("%s: %s", name, code_name(code));
	names_free(mail);
	names_free(refused);
}

static void
examples(void **state)
{
	struct err e;

	(void)state;
	assert_int_equal(idna_open(NULL, &e), OK);
	each_example("valid", see_valid);
	each_example("invalid", see_invalid);
	each_example("unreadable", see_unreadable);
	each_example("refused", see_refused);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_whole),
	    cmocka_unit_test(refuses),
	    cmocka_unit_test(reads_functions_and_keys),
	    cmocka_unit_test(words),
	    cmocka_unit_test(long_domains),
	    cmocka_unit_test(long_jobs),
	    cmocka_unit_test(cut_and_broken),
	    cmocka_unit_test(hashes_bodies),
	    cmocka_unit_test(hashes_keys),
	    cmocka_unit_test(job_there_and_back),
	    cmocka_unit_test(results),
	    cmocka_unit_test(findings),
	    cmocka_unit_test(results_list_what_was_asked),
	    cmocka_unit_test(findings_of_spf),
	    cmocka_unit_test(the_longest),
	    cmocka_unit_test(events),
	    cmocka_unit_test(events_of_functions),
	    cmocka_unit_test(docs),
	    cmocka_unit_test(examples),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
