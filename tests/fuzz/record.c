/* SPDX-License-Identifier: Apache-2.0 */
/* Any octets as a record or a key; the first one chooses which. What can be
 * read is written back octet for octet; what an older version wrote is longer
 * then, and reads the same again. */
#include "core/record.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static uint8_t out[RECORD_MAX];
static struct writer w;

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
check_same(const uint8_t *bytes, size_t len)
{
	must(!w.bad && w.len <= len && memcmp(out, bytes, w.len) == 0);
}

/* What was written for these bytes begins with them; if it goes on, they were
 * an older version's, and it is stable from here. */
static void
check_begins(const uint8_t *bytes, size_t len,
    void (*again)(const uint8_t *bytes, size_t len))
{
	static uint8_t longer[RECORD_MAX];

	must(!w.bad && w.len >= len && memcmp(out, bytes, len) == 0);
	if (w.len == len)
		return;
	must(again != NULL);
	len = w.len;
	memcpy(longer, out, len);
	writer_init(&w, out, sizeof(out));
	again(longer, len);
	must(w.len == len);
	check_begins(longer, len, NULL);
}

static void
put_claim(const uint8_t *bytes, size_t len)
{
	struct claim c;
	struct err e;

	if (record_get_claim(&c, bytes, len, &e) != OK)
		return;
	record_put_claim(&w, &c);
	claim_free(&c);
}

static void
claim(const uint8_t *bytes, size_t len)
{
	put_claim(bytes, len);
	if (w.len > 0)
		check_begins(bytes, len, put_claim);
}

static void
put_job(const uint8_t *bytes, size_t len)
{
	struct job j;
	struct err e;

	if (record_get_job(&j, bytes, len, &e) != OK)
		return;
	record_put_job(&w, &j);
	job_free(&j);
}

static void
job(const uint8_t *bytes, size_t len)
{
	put_job(bytes, len);
	if (w.len > 0)
		check_begins(bytes, len, put_job);
}

static void
put_pos(const uint8_t *bytes, size_t len)
{
	struct record_pos p;
	struct err e;

	if (record_get_pos(&p, bytes, len, &e) == OK)
		record_put_pos(&w, &p);
}

static void
pos(const uint8_t *bytes, size_t len)
{
	struct record_pos p;
	struct err e;

	if (record_get_pos(&p, bytes, len, &e) != OK)
		return;
	put_pos(bytes, len);
	if (w.len < len) /* what a newer version wrote behind it */
		check_same(bytes, len);
	else
		check_begins(bytes, len, put_pos);
}

static void
end(const uint8_t *bytes, size_t len)
{
	struct job_end je;
	struct err e;

	if (record_get_end(&je, bytes, len, &e) != OK)
		return;
	record_put_end(&w, &je);
	check_same(bytes, len);
}

static void
key(const uint8_t *bytes, size_t len)
{
	char again[RECORD_KEY_MAX + 1];
	struct record_key k;
	size_t n;

	record_key_parse(&k, bytes, len);
	if (k.kind == RECORD_CLAIM)
		n = record_claim_key(again, k.org, k.domain);
	else if (k.kind == RECORD_JOB)
		n = record_job_key(again, k.org, k.domain, k.id);
	else
		return;
	must(n == len && memcmp(again, bytes, len) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static void (*const kinds[])(const uint8_t *bytes, size_t len) = {
	    claim, job, pos, end, key};

	if (len == 0)
		return 0;
	writer_init(&w, out, sizeof(out));
	kinds[bytes[0] % ARRAY_LEN(kinds)](bytes + 1, len - 1);
	return 0;
}
