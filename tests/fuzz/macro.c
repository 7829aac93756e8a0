/* SPDX-License-Identifier: Apache-2.0 */
/* A macro-string, and behind a line feed what its letters stand for. */
#include "core/spf_macro.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
expand(enum spf_text kind, const uint8_t *text, size_t len,
    const struct spf_facts *f)
{
	char out[SPF_NAME_MAX + 1], long_out[600];
	size_t at;

	if (spf_macro_fault(kind, text, len, &at) != NULL) {
		must(at <= len);
		return;
	}
	if (kind == SPF_TEXT_EXPLAIN) {
		bool fits =
		    spf_macro_explain(long_out, sizeof(long_out), text, len, f);

		must(strlen(long_out) < sizeof(long_out));
		must(fits || strlen(long_out) == sizeof(long_out) - 1);
		return;
	}
	memset(out, 0x5a, sizeof(out));
	spf_macro_target(out, text, len, f);
	must(memchr(out, '\0', sizeof(out)) != NULL);
	spf_macro_uses_name(text, len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const uint8_t *line = len > 0 ? memchr(bytes, '\n', len) : NULL;
	size_t text_len = line == NULL ? len : (size_t)(line - bytes);
	size_t value_len = line == NULL ? 0 : len - text_len - 1;
	char *value = malloc(value_len + 1);
	uint8_t *text = malloc(text_len + 1);
	struct spf_facts f = {.helo = "h.test",
	    .receiver = "r.test",
	    .name = "unknown",
	    .ip = {.family = len % 2 ? 4 : 6}};

	if (value == NULL || text == NULL)
		abort();
	if (value_len > 0)
		memcpy(value, line + 1, value_len);
	value[value_len] = '\0';
	if (text_len > 0)
		memcpy(text, bytes, text_len);
	f.sender = f.local = f.origin = f.domain = value;
	expand(SPF_TEXT_MACRO, text, text_len, &f);
	expand(SPF_TEXT_DOMAIN, text, text_len, &f);
	expand(SPF_TEXT_EXPLAIN, text, text_len, &f);
	free(value);
	free(text);
	return 0;
}
