/* SPDX-License-Identifier: Apache-2.0 */
/* Our scanner of jobs against jansson, held to the same limits: both must
 * agree on what is JSON, on which jobs are right and on the strings that they
 * read. What we write must be read by both, whatever is in it. */
#include "io/message.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

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

	return is(kind, "claim") || is(kind, "verify") || is(kind, "release") ||
	       (is(kind, "cancel") && json_object_get(data, "target") != NULL);
}

static bool
right_options(const json_t *data)
{
	const json_t *checks = json_object_get(data, "checks");
	const json_t *deadline = json_object_get(data, "deadline_s");
	const json_t *target = json_object_get(data, "target");
	const json_t *ref = json_object_get(data, "ref");
	json_int_t s = json_integer_value(deadline);

	if (checks != NULL && !json_is_array(checks))
		return false;
	for (size_t i = 0; i < json_array_size(checks); i++)
		if (!is(json_array_get(checks, i), "ownership"))
			return false;
	return (deadline == NULL || (json_is_integer(deadline) && s >= 0 &&
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
	       right_kind(data) && right_options(data);
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
	must((r->checks == 0) ==
	     (json_array_size(json_object_get(data, "checks")) == 0));
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
	must(memcmp(&again.request, &job->request, sizeof(again.request)) == 0);
	must(message_body_hash(&again.request) ==
	     message_body_hash(&job->request));
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
