/* SPDX-License-Identifier: Apache-2.0 */
#include "io/message.h"

#include "core/txt.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

_Static_assert(MESSAGE_JOB_MAX == JSON_SCAN_MAX, "one limit");
_Static_assert(MESSAGE_DEPTH_MAX == JSON_DEPTH_MAX, "one limit");

#define JOB_TYPE       "domainproof.job.v1"
#define DEADLINE_S_MAX (INT64_MAX / 1000)

enum field {
	FIELD_SPECVERSION,
	FIELD_ID,
	FIELD_SOURCE,
	FIELD_TYPE,
	FIELD_TIME,
	FIELD_CONTENT,
	FIELD_DATA,
	FIELD_ORG,
	FIELD_DOMAIN,
	FIELD_KIND,
	FIELD_CHECKS,
	FIELD_THEN,
	FIELD_FUNCTIONS,
	FIELD_SELECTOR,
	FIELD_KEY,
	FIELD_KEY_TYPE,
	FIELD_DEADLINE,
	FIELD_TARGET,
	FIELD_REF,
	FIELD_N, /* none that we know */
};

#define BIT(field) (1u << (field))
#define ENVELOPE   (BIT(FIELD_ORG) - 1)
#define IDENTITY   (BIT(FIELD_ID) | BIT(FIELD_ORG) | BIT(FIELD_DOMAIN))
#define KEY_FIELDS (BIT(FIELD_SELECTOR) | BIT(FIELD_KEY) | BIT(FIELD_KEY_TYPE))
#define REQUIRED                                                               \
	(IDENTITY | BIT(FIELD_SPECVERSION) | BIT(FIELD_SOURCE) |               \
	    BIT(FIELD_TYPE) | BIT(FIELD_DATA) | BIT(FIELD_KIND))

static const struct {
	const char *name;
	size_t len;
} fields[FIELD_N] = {
#define ROW(text)                                                              \
	{                                                                      \
		.name = text, .len = sizeof(text) - 1                          \
	}
    [FIELD_SPECVERSION] = ROW("specversion"),
    [FIELD_ID] = ROW("id"),
    [FIELD_SOURCE] = ROW("source"),
    [FIELD_TYPE] = ROW("type"),
    [FIELD_TIME] = ROW("time"),
    [FIELD_CONTENT] = ROW("datacontenttype"),
    [FIELD_DATA] = ROW("data"),
    [FIELD_ORG] = ROW("org"),
    [FIELD_DOMAIN] = ROW("domain"),
    [FIELD_KIND] = ROW("kind"),
    [FIELD_CHECKS] = ROW("checks"),
    [FIELD_THEN] = ROW("then"),
    [FIELD_FUNCTIONS] = ROW("functions"),
    [FIELD_SELECTOR] = ROW("selector"),
    [FIELD_KEY] = ROW("public_key"),
    [FIELD_KEY_TYPE] = ROW("key_type"),
    [FIELD_DEADLINE] = ROW("deadline_s"),
    [FIELD_TARGET] = ROW("target"),
    [FIELD_REF] = ROW("ref"),
#undef ROW
};

struct intake {
	struct json_scan s;
	struct message_job *out;
	uint32_t seen; /* BIT of each field that was there */
	uint32_t good; /* ... and could be used */
	size_t at;     /* of the value in hand */
	size_t then_at, key_at;
	struct json_string key; /* judged when its kind is known */
	enum dkim_type key_type;
};

/* Keeps what is most basic; codes are in that order. */
static void
wrong(struct intake *in, enum code code, enum field f, const char *what)
{
	struct message_job *out = in->out;

	if (out->code != CODE_NONE && out->code <= code)
		return;
	out->code = code;
	snprintf(out->why, sizeof(out->why), "%s%s at octet %zu: %s",
	    f > FIELD_DATA ? "data." : "", fields[f].name, in->at, what);
}

/* "" and a fault when the value is no string; it is read over then. */
static bool
take_string(struct intake *in, enum field f, struct json_string *out)
{
	*out = (struct json_string){.text = ""};
	if (json_next(&in->s) == JSON_TYPE_STRING) {
		*out = json_read_string(&in->s);
		return in->s.bad == NULL;
	}
	json_skip(&in->s);
	wrong(in, CODE_BAD_JOB, f, "must be a string");
	return false;
}

static bool
word_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

static bool
is_word(const struct json_string *s)
{
	for (size_t i = 0; i < s->len; i++) {
		if (!word_char(s->text[i]))
			return false;
	}
	return s->len >= 1 && s->len <= JOB_ID_MAX;
}

_Static_assert(ORG_MAX == JOB_ID_MAX, "one kind of word");

static const size_t word_at[FIELD_N] = {
    [FIELD_ID] = offsetof(struct job_request, id),
    [FIELD_ORG] = offsetof(struct job_request, org),
    [FIELD_TARGET] = offsetof(struct job_request, target),
    [FIELD_REF] = offsetof(struct job_request, ref),
};

static void
take_word(struct intake *in, enum field f)
{
	char *out = (char *)&in->out->request + word_at[f];
	struct json_string s;

	if (!take_string(in, f, &s))
		return;
	if (!is_word(&s)) {
		wrong(in, CODE_BAD_JOB, f,
		    "must be 1 to 64 letters, digits, '.', '_' or '-'");
		return;
	}
	memcpy(out, s.text, s.len + 1);
	in->good |= BIT(f);
}

static const struct {
	const char *want, *what;
} exact[FIELD_N] = {
    [FIELD_SPECVERSION] = {"1.0", "must be \"1.0\""},
    [FIELD_TYPE] = {JOB_TYPE, "must be \"" JOB_TYPE "\""},
    [FIELD_THEN] = {"activate", "must be \"activate\""},
};

static void
take_exact(struct intake *in, enum field f)
{
	struct json_string s;

	if (take_string(in, f, &s) && strcmp(s.text, exact[f].want) != 0)
		wrong(in, CODE_BAD_JOB, f, exact[f].what);
}

static void
take_any_string(struct intake *in, enum field f)
{
	struct json_string s;

	if (take_string(in, f, &s) && s.len == 0)
		wrong(in, CODE_BAD_JOB, f, "must not be empty");
}

static void
take_domain(struct intake *in, enum field f)
{
	struct message_job *out = in->out;
	struct json_string s;

	if (!take_string(in, f, &s))
		return;
	if (s.len == 0) {
		wrong(in, CODE_BAD_JOB, f, "must not be empty");
		return;
	}
	if (s.len == DNAME_TEXT_MAX + 1 && s.text[s.len - 1] == '.')
		s.len--;
	if (s.len > DNAME_TEXT_MAX)
		wrong(in, CODE_BAD_DOMAIN, f, "longer than 253 octets");
	out->domain_len = s.len;
	if (s.len > DNAME_TEXT_MAX)
		s.len = DNAME_TEXT_MAX;
	memcpy(out->request.domain, s.text, s.len);
	out->request.domain[s.len] = '\0';
	in->good |= BIT(f);
}

static void
take_kind(struct intake *in, enum field f)
{
	struct json_string s;
	char what[64];
	size_t n = 0;

	if (!take_string(in, f, &s))
		return;
	in->out->request.kind = job_kind_parse(s.text, s.len);
	if (in->out->request.kind != JOB_KIND_N)
		return;
	while (n < s.len && n < 24 && word_char(s.text[n]))
		n++;
	snprintf(what, sizeof(what), "no kind of job that is known: %.*s%s",
	    (int)n, s.text, n < s.len ? "..." : "");
	wrong(in, CODE_UNKNOWN_KIND, f, what);
}

static void
take_check(struct intake *in)
{
	struct json_string s;

	if (!take_string(in, FIELD_CHECKS, &s))
		return;
	for (unsigned c = 0; c < CHECK_N; c++) {
		if (strcmp(s.text, check_name((enum check)c)) == 0) {
			in->out->request.checks |= 1u << c;
			return;
		}
	}
	wrong(in, CODE_BAD_JOB, FIELD_CHECKS, "no check that is known");
}

static void
take_function(struct intake *in)
{
	enum function fn;
	struct json_string s;

	if (!take_string(in, FIELD_FUNCTIONS, &s))
		return;
	fn = function_parse(s.text);
	if (fn < FUNCTION_N)
		in->out->request.functions |= 1u << fn;
	else
		wrong(in, CODE_BAD_JOB, FIELD_FUNCTIONS,
		    "no function that is known");
}

static void
take_array(struct intake *in, enum field f, void (*take_one)(struct intake *))
{
	struct json_in array;

	if (json_next(&in->s) != JSON_TYPE_ARRAY) {
		json_skip(&in->s);
		wrong(in, CODE_BAD_JOB, f, "must be an array");
		return;
	}
	for (json_open(&in->s, &array); json_element(&in->s, &array);) {
		in->at = json_at(&in->s);
		take_one(in);
	}
}

static void
take_checks(struct intake *in, enum field f)
{
	take_array(in, f, take_check);
}

static void
take_functions(struct intake *in, enum field f)
{
	size_t at = in->at;

	take_array(in, f, take_function);
	in->at = at;
	if (in->out->request.functions == 0)
		wrong(in, CODE_BAD_JOB, f, "must name one");
}

static void
take_then(struct intake *in, enum field f)
{
	in->then_at = in->at;
	take_exact(in, f);
}

/* Names are compared without regard to case (RFC 4343): one form for each. */
static void
take_selector(struct intake *in, enum field f)
{
	char *out = in->out->request.selector;
	struct json_string s;

	if (!take_string(in, f, &s))
		return;
	if (!dkim_selector_ok(s.text)) {
		wrong(in, CODE_BAD_JOB, f,
		    "must be labels of letters, digits and inner hyphens");
		return;
	}
	for (size_t i = 0; i <= s.len; i++)
		out[i] = (char)txt_lower((uint8_t)s.text[i]);
}

static void
take_key(struct intake *in, enum field f)
{
	in->key_at = in->at;
	if (take_string(in, f, &in->key) && in->key.len == 0)
		wrong(in, CODE_BAD_JOB, f, "must not be empty");
}

static void
take_key_type(struct intake *in, enum field f)
{
	struct json_string s;

	if (!take_string(in, f, &s))
		return;
	if (strcmp(s.text, dkim_type_name(DKIM_ED25519)) == 0)
		in->key_type = DKIM_ED25519;
	else if (strcmp(s.text, dkim_type_name(DKIM_RSA)) != 0)
		wrong(in, CODE_BAD_JOB, f, "must be \"rsa\" or \"ed25519\"");
}

static void
take_deadline(struct intake *in, enum field f)
{
	int64_t v = -1;

	if (json_next(&in->s) != JSON_TYPE_NUMBER)
		json_skip(&in->s);
	else if (json_read_integer(&in->s, &v) && v >= 0 && v <= DEADLINE_S_MAX)
		in->good |= BIT(f);
	if ((in->good & BIT(f)) != 0)
		in->out->request.deadline_ms = v * 1000;
	else
		wrong(in, CODE_BAD_DEADLINE, f,
		    "must be a whole number of seconds, 0 or more");
}

static void take_members(struct intake *in, uint32_t known);

static void
take_data(struct intake *in, enum field f)
{
	if (json_next(&in->s) == JSON_TYPE_OBJECT) {
		take_members(in, ~ENVELOPE);
		return;
	}
	json_skip(&in->s);
	wrong(in, CODE_BAD_JOB, f, "must be an object");
}

/* The broker's time counts, not the sender's. */
static void (*const takes[FIELD_N])(struct intake *in, enum field f) = {
    [FIELD_SPECVERSION] = take_exact,
    [FIELD_ID] = take_word,
    [FIELD_SOURCE] = take_any_string,
    [FIELD_TYPE] = take_exact,
    [FIELD_TIME] = take_any_string,
    [FIELD_CONTENT] = take_any_string,
    [FIELD_DATA] = take_data,
    [FIELD_ORG] = take_word,
    [FIELD_DOMAIN] = take_domain,
    [FIELD_KIND] = take_kind,
    [FIELD_CHECKS] = take_checks,
    [FIELD_THEN] = take_then,
    [FIELD_FUNCTIONS] = take_functions,
    [FIELD_SELECTOR] = take_selector,
    [FIELD_KEY] = take_key,
    [FIELD_KEY_TYPE] = take_key_type,
    [FIELD_DEADLINE] = take_deadline,
    [FIELD_TARGET] = take_word,
    [FIELD_REF] = take_word,
};

static enum field
find(const struct json_string *name, uint32_t known)
{
	for (unsigned f = 0; f < FIELD_N; f++) {
		if ((known & BIT(f)) != 0 && fields[f].len == name->len &&
		    memcmp(fields[f].name, name->text, name->len) == 0)
			return (enum field)f;
	}
	return FIELD_N;
}

static void
take_members(struct intake *in, uint32_t known)
{
	struct json_string name;
	struct json_in object;
	enum field f;

	json_open(&in->s, &object);
	while (json_member(&in->s, &object, &name)) {
		f = find(&name, known);
		(void)json_next(&in->s); /* over the blanks */
		in->at = json_at(&in->s);
		if (f < FIELD_N)
			takes[f](in, f);
		else
			json_skip(&in->s);
		in->seen |= BIT(f);
	}
	/* which of two is meant is anybody's guess */
	if (in->s.doubled && name.len > 0)
		in->good &= find(&name, known) == FIELD_DATA
				? ENVELOPE
				: ~BIT(find(&name, known));
}

static const uint32_t required[JOB_KIND_N + 1] = {
    [JOB_CANCEL] = BIT(FIELD_TARGET),
    [JOB_ACTIVATE] = BIT(FIELD_FUNCTIONS),
    [JOB_DEACTIVATE] = BIT(FIELD_FUNCTIONS),
};

/* What the kind demands besides. A key and its selector go together. */
static uint32_t
required_of(const struct intake *in)
{
	enum job_kind kind = in->out->request.kind;

	if (kind == JOB_CLAIM && (in->seen & KEY_FIELDS) != 0)
		return BIT(FIELD_SELECTOR) | BIT(FIELD_KEY);
	return required[kind];
}

static void
judge_missing(struct intake *in)
{
	struct message_job *out = in->out;
	uint32_t want = REQUIRED | required_of(in);

	if ((in->seen & BIT(FIELD_DATA)) == 0)
		want &= ENVELOPE;
	for (unsigned f = 0; f < FIELD_N; f++) {
		if ((want & ~in->seen & BIT(f)) == 0 ||
		    out->code == CODE_BAD_JOB)
			continue;
		out->code = CODE_BAD_JOB;
		snprintf(out->why, sizeof(out->why), "%s%s is missing",
		    f > FIELD_DATA ? "data." : "", fields[f].name);
	}
}

/* A verify job switches on what is among its checks. */
static void
judge_then(struct intake *in)
{
	struct job_request *r = &in->out->request;

	r->functions = 0;
	if ((in->seen & BIT(FIELD_THEN)) == 0)
		return;
	for (unsigned fn = 0; fn < FUNCTION_N; fn++) {
		if ((r->checks & 1u << function_check((enum function)fn)) != 0)
			r->functions |= 1u << fn;
	}
	in->at = in->then_at;
	if (r->functions == 0)
		wrong(in, CODE_BAD_JOB, FIELD_THEN,
		    "needs spf or dkim among data.checks");
}

static const char *const flaws[] = {
    [DKIM_OK] = "",
    [DKIM_EMPTY] = "is empty",
    [DKIM_BASE64] = "is no base64",
    [DKIM_CUT] = "ends before the key does",
    [DKIM_DER] = "is no key",
    [DKIM_TYPE] = "is not a key of data.key_type",
    [DKIM_WRAPPED] = "is a SubjectPublicKeyInfo: give its last 32 octets",
    [DKIM_ALGORITHM] = "is a key of no type that DKIM has",
    [DKIM_NUMBERS] = "holds numbers that no such key has",
    [DKIM_LARGE] = "is longer than verifiers must take",
    [DKIM_PRIVATE] = "is a private key: others know it now, make another",
};

static void
judge_key(struct intake *in)
{
	enum dkim_fault fault;

	if (in->out->code == CODE_BAD_JOB || (in->seen & KEY_FIELDS) == 0)
		return;
	fault = dkim_public_from_p(&in->out->request.key, in->key_type,
	    (const uint8_t *)in->key.text, in->key.len, NULL);
	if (fault == DKIM_OK)
		return;
	in->at = in->key_at;
	in->out->request.key = (struct dkim_public){.len = 0};
	wrong(in, CODE_BAD_KEY, FIELD_KEY, flaws[fault]);
}

/* What is not for its kind is as if it was not there. */
static void
judge_kind(struct intake *in)
{
	struct job_request *r = &in->out->request;

	if (r->kind != JOB_CANCEL)
		memset(r->target, 0, sizeof(r->target));
	if (r->kind == JOB_VERIFY)
		judge_then(in);
	else if (r->kind != JOB_ACTIVATE && r->kind != JOB_DEACTIVATE)
		r->functions = 0;
	if (r->kind == JOB_CLAIM)
		judge_key(in);
	else
		memset(r->selector, 0, sizeof(r->selector));
}

static void
judge_json(struct intake *in, size_t len)
{
	struct message_job *out = in->out;

	json_scan_end(&in->s);
	out->json = in->s.bad == NULL && len <= MESSAGE_JOB_MAX;
	if (out->json)
		return;
	out->code = CODE_BAD_JOB;
	if (len > MESSAGE_JOB_MAX)
		snprintf(out->why, sizeof(out->why),
		    "longer than %d octets: %zu", MESSAGE_JOB_MAX, len);
	else
		snprintf(out->why, sizeof(out->why), "octet %zu: %s",
		    in->s.bad_at, in->s.bad);
}

void
message_job_read(const void *bytes, size_t len, struct message_job *out)
{
	struct intake in; /* large: only what is used is set */

	*out = (struct message_job){
	    .request = {.deadline_ms = -1, .kind = JOB_KIND_N}};
	in.out = out;
	in.seen = in.good = 0;
	in.at = in.then_at = in.key_at = 0;
	in.key = (struct json_string){.text = ""};
	in.key_type = DKIM_RSA;
	/* the head of what is too long may still say whose it is */
	json_scan(&in.s, bytes, len < MESSAGE_JOB_MAX ? len : MESSAGE_JOB_MAX);
	if (json_next(&in.s) == JSON_TYPE_OBJECT) {
		take_members(&in, ENVELOPE);
	} else {
		json_skip(&in.s);
		out->code = CODE_BAD_JOB;
		snprintf(out->why, sizeof(out->why), "must be an object");
	}
	judge_missing(&in);
	judge_kind(&in);
	judge_json(&in, len);
	out->identified = (in.good & IDENTITY) == IDENTITY;
}

static uint32_t
mix(uint32_t h, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 16777619u; /* FNV-1a */
	return h;
}

/* What a request of the first release has not: its hash stays as it was. */
static uint32_t
mix_more(uint32_t h, const struct job_request *r)
{
	uint8_t fixed[8];
	struct writer w;

	writer_init(&w, fixed, sizeof(fixed));
	writer_u32(&w, r->functions);
	writer_u32(&w, (uint32_t)r->key.type);
	h = mix(h, fixed, w.len);
	h = mix(h, r->selector, strlen(r->selector) + 1);
	return mix(h, r->key.bytes, r->key.len);
}

uint32_t
message_body_hash(const struct job_request *r)
{
	uint8_t fixed[16];
	struct writer w;
	uint32_t h = 2166136261u;

	h = mix(h, r->org, strlen(r->org) + 1);
	h = mix(h, r->domain, strlen(r->domain) + 1);
	h = mix(h, r->target, strlen(r->target) + 1);
	writer_init(&w, fixed, sizeof(fixed));
	writer_u32(&w, (uint32_t)r->kind);
	writer_u32(&w, r->checks);
	writer_i64(&w, r->deadline_ms);
	h = mix(h, fixed, w.len);
	return r->functions == 0 && r->selector[0] == '\0' ? h : mix_more(h, r);
}
