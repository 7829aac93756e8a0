/* SPDX-License-Identifier: Apache-2.0 */
/* A zone for tests of SPF, as lines "NAME TYPE DATA": types A, AAAA, MX (no
 * preference), PTR, TXT. DATA "!timeout", "!servfail" and the like: this is
 * how the question ends. Names without a line do not exist. */
#pragma once
#include "core/spf.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *text;
	uint16_t type;
} spf_zone_types[] = {
    {"A", RRTYPE_A},
    {"AAAA", RRTYPE_AAAA},
    {"MX", RRTYPE_MX},
    {"PTR", RRTYPE_PTR},
    {"TXT", RRTYPE_TXT},
};

struct spf_zone_line {
	struct dname owner;
	uint16_t type;
	char data[600];
};

/* The line at *at; false at the end. */
static inline bool
spf_zone_next(const char **at, struct spf_zone_line *out)
{
	char owner[300], type[8];
	size_t len = strcspn(*at, "\n");
	int skip = 0;

	if (len == 0)
		return false;
	if (sscanf(*at, "%299s %7s %n", owner, type, &skip) != 2 ||
	    len - (size_t)skip >= sizeof(out->data) ||
	    dname_from_text(&out->owner, owner, NULL) != DNAME_OK)
		abort();
	memcpy(out->data, *at + skip, len - (size_t)skip);
	out->data[len - (size_t)skip] = '\0';
	out->type = 0;
	for (size_t i = 0; i < ARRAY_LEN(spf_zone_types); i++) {
		if (strcmp(spf_zone_types[i].text, type) == 0)
			out->type = spf_zone_types[i].type;
	}
	if (out->type == 0)
		abort();
	*at += len + ((*at)[len] == '\n');
	return true;
}

static inline enum outcome
spf_zone_outcome(const char *text)
{
	for (int o = OUTCOME_RECORDS; o <= OUTCOME_MALFORMED; o++) {
		if (strcmp(outcome_name((enum outcome)o), text) == 0)
			return (enum outcome)o;
	}
	abort();
}

static inline void
spf_zone_take(
    struct answer *out, const struct spf_zone_line *line, struct arena *a)
{
	size_t len = strlen(line->data), i = out->n;

	if (line->data[0] == '!') {
		out->outcome = spf_zone_outcome(line->data + 1);
		return;
	}
	out->n++;
	out->outcome = OUTCOME_RECORDS;
	if (line->type == RRTYPE_TXT) {
		out->txt[i].bytes = (uint8_t *)arena_copy(a, line->data, len);
		out->txt[i].len = len;
	} else if (line->type == RRTYPE_A || line->type == RRTYPE_AAAA) {
		out->addr[i].family = line->type == RRTYPE_A ? 4 : 6;
		if (inet_pton(line->type == RRTYPE_A ? AF_INET : AF_INET6,
			line->data, out->addr[i].octets) != 1)
			abort();
	} else if (dname_from_text(&out->names[i], line->data, NULL) !=
		   DNAME_OK) {
		abort();
	}
}

static inline void
spf_zone_resolve(struct answer *out, const char *zone, const struct question *q,
    struct arena *a)
{
	struct spf_zone_line line;

	*out = (struct answer){.outcome = OUTCOME_NXDOMAIN};
	out->txt = arena_alloc(a, 20 * sizeof(out->txt[0]));
	out->addr = arena_alloc(a, 20 * sizeof(out->addr[0]));
	out->names = arena_alloc(a, 20 * sizeof(out->names[0]));
	if (out->names == NULL)
		abort();
	while (spf_zone_next(&zone, &line)) {
		if (!dname_equal(&line.owner, &q->name))
			continue;
		if (out->outcome == OUTCOME_NXDOMAIN)
			out->outcome = OUTCOME_NODATA;
		if (line.type == q->type)
			spf_zone_take(out, &line, a);
	}
}

static inline void
spf_zone_asked(char *out, size_t cap, const struct question *q)
{
	char name[DNAME_SHOWN_MAX + 1];
	size_t len = strlen(out);

	if (q->flags != QUESTION_RD)
		abort();
	dname_show(&q->name, name);
	for (size_t i = 0; i < ARRAY_LEN(spf_zone_types); i++) {
		if (spf_zone_types[i].type == q->type)
			snprintf(out + len, cap - len, "%s%s %s",
			    len > 0 ? ", " : "", spf_zone_types[i].text, name);
	}
}

/* Steps until the end. asked (may be NULL): "A a.test, TXT b.test, ..." */
static inline void
spf_zone_run(struct spf *s, const char *zone, char *asked, size_t cap)
{
	static uint8_t memory[512 * 1024];
	struct answer got[SPF_ASK_MAX];
	struct arena a;
	size_t n = 0;

	arena_init(&a, memory, sizeof(memory));
	if (asked != NULL)
		asked[0] = '\0';
	while (spf_step(s, got, n) == SPF_ASK) {
		const struct question *q = spf_asks(s, &n);

		if (n == 0 || n > SPF_ASK_MAX)
			abort();
		/* what was lent is gone: nothing may point to it */
		memset(memory, 0x5a, a.used);
		arena_reset(&a);
		for (size_t i = 0; i < n; i++) {
			spf_zone_resolve(&got[i], zone, &q[i], &a);
			if (asked != NULL)
				spf_zone_asked(asked, cap, &q[i]);
		}
	}
	memset(memory, 0x5a, a.used);
}

static inline struct packet_addr
spf_zone_addr(const char *text)
{
	struct packet_addr addr = {.family = strchr(text, ':') ? 6 : 4};

	if (inet_pton(
		addr.family == 6 ? AF_INET6 : AF_INET, text, addr.octets) != 1)
		abort();
	return addr;
}
