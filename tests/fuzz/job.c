/* SPDX-License-Identifier: Apache-2.0 */
/* Our scanner of jobs against jansson, held to the same limits: both must
 * agree on what is JSON, on which jobs are right and on the strings that they
 * read. What we write must be read by both, whatever is in it. */
#include "io/message.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DEADLINE_S_MAX (INT64_MAX / 1000)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static size_t
depth_of(json_t *value)
{
	size_t deepest = 0, i, d;
	const char *name;
	json_t *member;

	json_object_foreach(value, name, member)
	{
		d = depth_of(member);
		deepest = d > deepest ? d : deepest;
	}
	json_array_foreach(value, i, member)
	{
		d = depth_of(member);
		deepest = d > deepest ? d : deepest;
	}
	return deepest + (json_is_object(value) || json_is_array(value));
}

static bool
filled(const json_t *value)
{
	return json_string_length(value) > 0;
}

static bool
is(const json_t *value, const char *want)
{
	return json_is_string(value) &&
	       strcmp(json_string_value(value), want) == 0;
}

static bool
is_word(const json_t *value)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._-";
	const char *text = json_string_value(value);

	return filled(value) && json_string_length(value) <= 64 &&
	       strspn(text, letters) == json_string_length(value);
}

static bool
right_domain(const json_t *value)
{
	size_t len = json_string_length(value);

	return filled(value) &&
	       (len <= 253 ||
		   (len == 254 && json_string_value(value)[253] == '.'));
}

static bool
right_kind(const json_t *data)
{
	const json_t *kind = json_object_get(data, "kind");

	if (is(kind, "cancel"))
		return json_object_get(data, "target") != NULL;
	if (is(kind, "activate") || is(kind, "deactivate"))
		return json_object_get(data, "functions") != NULL;
	return is(kind, "claim") || is(kind, "verify") || is(kind, "release") ||
	       is(kind, "recheck") || is(kind, "watch");
}

static bool
is_one_of(const json_t *value, const char *const *words)
{
	while (*words != NULL && !is(value, *words))
		words++;
	return *words != NULL;
}

static bool
has_one_of(const json_t *array, const char *const *words)
{
	bool has = false;

	for (size_t i = 0; i < json_array_size(array); i++)
		has |= is_one_of(json_array_get(array, i), words);
	return has;
}

static bool
only_of(const json_t *array, const char *const *words)
{
	for (size_t i = 0; i < json_array_size(array); i++)
		if (!is_one_of(json_array_get(array, i), words))
			return false;
	return json_is_array(array);
}

static const char *const functions[] = {"spf", "dkim", NULL};

/* RFC 6376 section 3.1, spelled anew. */
static bool
right_selector(const json_t *value)
{
	const char *s = json_string_value(value);
	size_t len = json_string_length(value), label = 0;

	for (size_t i = 0; i < len; i++) {
		bool last = i + 1 == len || s[i + 1] == '.';

		if (s[i] == '.' && label == 0)
			return false;
		label = s[i] == '.' ? 0 : label + 1;
		if (s[i] == '-' && (label == 1 || last))
			return false;
		if (s[i] != '-' && s[i] != '.' &&
		    !(s[i] >= '0' && s[i] <= '9') &&
		    !((s[i] | 32) >= 'a' && (s[i] | 32) <= 'z'))
			return false;
	}
	return len >= 1 && len <= 63 && label > 0;
}

/* Whether the key is one is the key reader's to say; that it was asked, and
 * with what, is ours. */
static bool
right_key(const json_t *data)
{
	static struct dkim_public key;
	const json_t *p = json_object_get(data, "public_key");
	bool ed = is(json_object_get(data, "key_type"), "ed25519");

	if (!is(json_object_get(data, "kind"), "claim"))
		return true;
	if (p == NULL && json_object_get(data, "selector") == NULL)
		return json_object_get(data, "key_type") == NULL;
	return p != NULL && json_object_get(data, "selector") != NULL &&
	       dkim_public_from_p(&key, ed ? DKIM_ED25519 : DKIM_RSA,
		   (const uint8_t *)json_string_value(p), json_string_length(p),
		   NULL) == DKIM_OK;
}

static bool
right_wish(const json_t *data)
{
	static const char *const types[] = {"rsa", "ed25519", NULL};
	const json_t *then = json_object_get(data, "then");
	const json_t *fns = json_object_get(data, "functions");
	const json_t *selector = json_object_get(data, "selector");
	const json_t *p = json_object_get(data, "public_key");
	const json_t *type = json_object_get(data, "key_type");

	if (then != NULL && is(json_object_get(data, "kind"), "verify") &&
	    !has_one_of(json_object_get(data, "checks"), functions))
		return false;
	return (then == NULL || is(then, "activate")) &&
	       (fns == NULL ||
		   (only_of(fns, functions) && json_array_size(fns) > 0)) &&
	       (selector == NULL || right_selector(selector)) &&
	       (p == NULL || filled(p)) &&
	       (type == NULL || is_one_of(type, types)) && right_key(data);
}

static bool
right_options(const json_t *data)
{
	static const char *const known[] = {
	    "ownership", "spf", "dkim", "dmarc", NULL};
	const json_t *checks = json_object_get(data, "checks");
	const json_t *deadline = json_object_get(data, "deadline_s");
	const json_t *target = json_object_get(data, "target");
	const json_t *ref = json_object_get(data, "ref");
	json_int_t s = json_integer_value(deadline);

	return (checks == NULL || only_of(checks, known)) &&
	       (deadline == NULL || (json_is_integer(deadline) && s >= 0 &&
					s <= DEADLINE_S_MAX)) &&
	       (target == NULL || is_word(target)) &&
	       (ref == NULL || is_word(ref));
}

static bool
right(const json_t *root)
{
	const json_t *time = json_object_get(root, "time");
	const json_t *content = json_object_get(root, "datacontenttype");
	const json_t *data = json_object_get(root, "data");

	return is(json_object_get(root, "specversion"), "1.0") &&
	       is_word(json_object_get(root, "id")) &&
	       filled(json_object_get(root, "source")) &&
	       is(json_object_get(root, "type"), "domainproof.job.v1") &&
	       (time == NULL || filled(time)) &&
	       (content == NULL || filled(content)) &&
	       is_word(json_object_get(data, "org")) &&
	       right_domain(json_object_get(data, "domain")) &&
	       right_kind(data) && right_options(data) && right_wish(data);
}

/* Which functions the job is to switch on or off. */
static uint32_t
functions_of(const json_t *data)
{
	const json_t *kind = json_object_get(data, "kind"), *from = NULL;
	uint32_t bits = 0;

	if (is(kind, "activate") || is(kind, "deactivate"))
		from = json_object_get(data, "functions");
	else if (is(kind, "verify") && json_object_get(data, "then") != NULL)
		from = json_object_get(data, "checks");
	for (unsigned fn = 0; fn < FUNCTION_N; fn++) {
		const char *const one[] = {
		    function_name((enum function)fn), NULL};

		bits |= has_one_of(from, one) ? 1u << fn : 0;
	}
	return bits;
}

static void
compare_wish(const json_t *data, const struct job_request *r)
{
	const json_t *selector = json_object_get(data, "selector");

	must(r->functions == functions_of(data));
	for (unsigned c = 0; c < CHECK_N; c++) {
		const char *const one[] = {check_name((enum check)c), NULL};

		must(((r->checks & 1u << c) != 0) ==
		     has_one_of(json_object_get(data, "checks"), one));
	}
	if (!is(json_object_get(data, "kind"), "claim") || selector == NULL) {
		must(r->selector[0] == '\0' && r->key.len == 0);
		return;
	}
	must(strcasecmp(r->selector, json_string_value(selector)) == 0);
	must(strpbrk(r->selector, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == NULL);
	must(r->key.len > 0 && r->key.len <= DKIM_KEY_MAX);
	must((r->key.type == DKIM_ED25519) ==
	     is(json_object_get(data, "key_type"), "ed25519"));
}

/* Strings that are there are the same in both. */
static void
compare(const json_t *root, const struct message_job *job)
{
	const struct job_request *r = &job->request;
	const json_t *data = json_object_get(root, "data");
	const json_t *deadline = json_object_get(data, "deadline_s");
	const json_t *domain = json_object_get(data, "domain");

	must((job->code == CODE_NONE) == right(root));
	must(job->identified ==
	     (is_word(json_object_get(root, "id")) &&
		 is_word(json_object_get(data, "org")) && filled(domain)));
	if (!job->identified)
		return;
	must(is(json_object_get(root, "id"), r->id));
	must(is(json_object_get(data, "org"), r->org));
	must(strncmp(json_string_value(domain), r->domain, strlen(r->domain)) ==
	     0);
	if (job->code != CODE_NONE)
		return;
	must(is(json_object_get(data, "kind"), job_kind_name(r->kind)));
	must(r->ref[0] == '\0' || is(json_object_get(data, "ref"), r->ref));
	must(r->target[0] == '\0' ||
	     is(json_object_get(data, "target"), r->target));
	must(r->deadline_ms ==
	     (deadline == NULL ? -1 : json_integer_value(deadline) * 1000));
	compare_wish(data, r);
}

static void
same(const struct job_request *a, const struct job_request *b)
{
	must(strcmp(a->org, b->org) == 0 && strcmp(a->id, b->id) == 0);
	must(strcmp(a->domain, b->domain) == 0 && a->kind == b->kind);
	must(strcmp(a->target, b->target) == 0 && strcmp(a->ref, b->ref) == 0);
	must(a->checks == b->checks && a->functions == b->functions);
	must(strcmp(a->selector, b->selector) == 0);
	must(a->deadline_ms == b->deadline_ms);
	if (a->selector[0] != '\0')
		must(dkim_public_equal(&a->key, &b->key));
	must(message_body_hash(a) == message_body_hash(b));
}

static void
there_and_back(const struct message_job *job)
{
	char out[MESSAGE_JOB_MAX];
	struct message_job again;
	size_t len = message_job_write(
	    out, sizeof(out), &job->request, "fuzz", 1795525200000);

	must(len > 0);
	message_job_read(out, len, &again);
	must(again.code == CODE_NONE);
	same(&again.request, &job->request);
}

/* Any octets as a text and as bytes of a message of ours. */
static void
write_any(const uint8_t *bytes, size_t len)
{
	char *text = strndup((const char *)bytes, len);
	size_t cap = 12 * len + 64;
	char *out = malloc(cap);
	json_error_t fault;
	struct writer w;
	json_t *root;

	must(text != NULL && out != NULL);
	writer_init(&w, out, cap);
	json_raw(&w, "[");
	json_item(&w);
	json_text(&w, text);
	json_item(&w);
	json_bytes(&w, bytes, len);
	json_raw(&w, "]");
	must(!w.bad);
	for (size_t i = 0; i < w.len; i++)
		must(out[i] >= ' ' && out[i] <= '~');
	root = json_loadb(out, w.len, JSON_REJECT_DUPLICATES, &fault);
	must(json_array_size(root) == 2);
	json_decref(root);
	free(out);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct message_job job;
	json_error_t fault;
	json_t *root;

	message_job_read(bytes, len, &job);
	must((job.code == CODE_NONE) == (job.why[0] == '\0'));
	for (const char *p = job.why; *p != '\0'; p++)
		must(*p >= ' ' && *p <= '~');
	must(job.code != CODE_NONE || (job.json && job.identified));
	root = json_loadb((const char *)bytes, len,
	    JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &fault);
	/* jansson overlooks a NUL octet behind a number, and has no opinion on
	 * what does not fit its number types */
	if (len > 0 && memchr(bytes, '\0', len) != NULL)
		must(!job.json);
	else if (root != NULL ||
		 json_error_code(&fault) != json_error_numeric_overflow)
		must(job.json == (root != NULL && len <= MESSAGE_JOB_MAX &&
				     depth_of(root) <= MESSAGE_DEPTH_MAX));
	if (root != NULL && job.json)
		compare(root, &job);
	json_decref(root);
	if (job.code == CODE_NONE)
		there_and_back(&job);
	if (len <= 4096)
		write_any(bytes, len);
	return 0;
}
