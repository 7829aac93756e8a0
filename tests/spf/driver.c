/* SPDX-License-Identifier: Apache-2.0 */
/* The evaluator behind a scripted resolver, driven by lines on standard input
 * whose words are parted by tabs; %XX is an octet, and "%" alone is empty:
 *   zone                              forget all records
 *   rr NAME TYPE DATA                 a record; MX without its preference
 *   lost NAME TYPE                    questions for it get no answer (* = any)
 *   check ID IP MAILFROM HELO RCPT    evaluates and prints
 *       ID  RESULT  LOOKUPS  VOIDS  EXPLANATION (- = none)
 *   audit ID IP MAILFROM HELO RCPT    likewise, of the whole tree */
#include "core/spf.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_LEN 70000
#define RECORDS	     2000
#define WORDS	     8
#define STEPS_MAX    2000

struct record {
	struct dname owner;
	uint16_t type; /* 0: lost questions of any type */
	bool lost;
	uint8_t *bytes;
	size_t len;
	struct dname name;
};

static struct record records[RECORDS];
static size_t records_n;
static uint8_t memory[256 * 1024];
static uint8_t answers_memory[256 * 1024];

static void
die(const char *what, const char *about)
{
	fprintf(stderr, "driver: %s: %s\n", what, about);
	exit(2);
}

static uint16_t
type_of(const char *text)
{
	static const struct {
		const char *text;
		uint16_t type;
	} types[] = {
	    {"A", RRTYPE_A},
	    {"AAAA", RRTYPE_AAAA},
	    {"MX", RRTYPE_MX},
	    {"PTR", RRTYPE_PTR},
	    {"TXT", RRTYPE_TXT},
	    {"CNAME", RRTYPE_CNAME},
	    {"*", 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (strcmp(text, types[i].text) == 0)
			return types[i].type;
	}
	die("what type is", text);
	return 0;
}

/* Decodes a word in place; returns its length. */
static size_t
decode(char *word)
{
	char *out = word, *in = word;

	if (strcmp(word, "%") == 0) {
		word[0] = '\0';
		return 0;
	}
	while (*in != '\0') {
		if (*in == '%') {
			char two[3] = {in[1], in[2]};

			*out++ = (char)strtoul(two, NULL, 16);
			in += 3;
		} else {
			*out++ = *in++;
		}
	}
	*out = '\0';
	return (size_t)(out - word);
}

/* Names that can't be are left out: nobody can ask for them. */
static bool
name_of(struct dname *out, char *word)
{
	decode(word);
	return dname_from_text(out, word, NULL) == DNAME_OK || word[0] == '\0';
}

static void
add(char **word, bool lost)
{
	struct record *r = &records[records_n];

	if (records_n == RECORDS)
		die("too many records", word[1]);
	*r = (struct record){.lost = lost, .type = type_of(word[2])};
	if (!name_of(&r->owner, word[1]))
		return;
	if (!lost) {
		r->len = decode(word[3]);
		r->bytes = malloc(r->len + 1);
		memcpy(r->bytes, word[3], r->len + 1);
		/* of others than MX, PTR, CNAME it is not used */
		if (dname_from_text(&r->name, word[3], NULL) == DNAME_LONG)
			return;
	}
	records_n++;
}

static void
forget(void)
{
	while (records_n > 0)
		free(records[--records_n].bytes);
}

static const struct record *
alias_of(const struct dname *name)
{
	for (size_t i = 0; i < records_n; i++) {
		if (records[i].type == RRTYPE_CNAME && !records[i].lost &&
		    dname_equal(&records[i].owner, name))
			return &records[i];
	}
	return NULL;
}

static void
fill(struct answer *out, const struct record *r)
{
	size_t i = out->n++;

	out->outcome = OUTCOME_RECORDS;
	switch (r->type) {
	case RRTYPE_A:
	case RRTYPE_AAAA:
		out->addr[i].family = r->type == RRTYPE_A ? 4 : 6;
		if (inet_pton(r->type == RRTYPE_A ? AF_INET : AF_INET6,
			(char *)r->bytes, out->addr[i].octets) != 1)
			die("what address is", (char *)r->bytes);
		break;
	case RRTYPE_TXT:
		out->txt[i] =
		    (struct packet_txt){.bytes = r->bytes, .len = r->len};
		break;
	default:
		out->names[i] = r->name;
	}
}

static void
collect(struct answer *out, const struct dname *name, uint16_t type)
{
	bool lost = false;

	for (size_t i = 0; i < records_n; i++) {
		const struct record *r = &records[i];

		if (!dname_equal(&r->owner, name))
			continue;
		if (out->outcome == OUTCOME_NXDOMAIN)
			out->outcome = OUTCOME_NODATA;
		if (r->lost)
			lost |= r->type == type || r->type == 0;
		else if (r->type == type)
			fill(out, r);
	}
	if (lost && out->n == 0)
		out->outcome = OUTCOME_TIMEOUT;
}

static void
resolve(struct answer *out, const struct question *q, struct arena *a)
{
	struct dname name = q->name;
	const struct record *alias;
	unsigned hops = 0;

	*out = (struct answer){.outcome = OUTCOME_NXDOMAIN};
	/* only one of them is used */
	out->addr = arena_alloc(a, 80 * sizeof(out->addr[0]));
	out->txt = arena_alloc(a, 80 * sizeof(out->txt[0]));
	out->names = arena_alloc(a, 80 * sizeof(out->names[0]));
	if (out->names == NULL)
		die("no memory for", "an answer");
	while ((alias = alias_of(&name)) != NULL) {
		if (++hops > PACKET_CHAIN_MAX) {
			out->outcome = OUTCOME_MALFORMED;
			return;
		}
		name = alias->name;
	}
	collect(out, &name, q->type);
}

static void
print(const char *id, const struct spf_verdict *v)
{
	printf("%s\t%s\t%u\t%u\t", id, spf_result_name(v->result), v->lookups,
	    v->voids);
	if (v->explanation == NULL)
		printf("-");
	else
		for (const char *c = v->explanation; *c != '\0'; c++)
			printf(
			    *c == '%' || *c < ' ' || *c > '~' ? "%%%02X" : "%c",
			    (unsigned char)*c);
	printf("\n");
}

static void
check(char **word, enum spf_mode mode)
{
	struct spf_query q = {.mode = mode, .wall_s = 1700000000};
	struct answer got[SPF_ASK_MAX];
	struct arena arena, answers;
	unsigned steps = 0;
	size_t n = 0;
	struct spf *s;

	arena_init(&arena, memory, sizeof(memory));
	q.ip.family = strchr(word[2], ':') != NULL ? 6 : 4;
	if (inet_pton(q.ip.family == 6 ? AF_INET6 : AF_INET, word[2],
		q.ip.octets) != 1)
		die("what address is", word[2]);
	for (size_t i = 3; i < 6; i++)
		decode(word[i]);
	q.mail_from = word[3];
	q.helo = word[4];
	q.receiver = word[5];
	s = spf_begin(&q, &arena);
	if (s == NULL)
		die("no room for", word[1]);
	while (spf_step(s, got, n) == SPF_ASK) {
		const struct question *asks = spf_asks(s, &n);

		if (++steps > STEPS_MAX)
			die("no end of", word[1]);
		arena_init(&answers, answers_memory, sizeof(answers_memory));
		for (size_t i = 0; i < n; i++)
			resolve(&got[i], &asks[i], &answers);
	}
	print(word[1], spf_verdict(s));
}

static void
run(char *line)
{
	char *word[WORDS];
	size_t n = 0;

	for (char *at = line; at != NULL && n < WORDS; n++) {
		word[n] = at;
		at = strchr(at, '\t');
		if (at != NULL)
			*at++ = '\0';
	}
	if (strcmp(word[0], "zone") == 0)
		forget();
	else if (strcmp(word[0], "rr") == 0 && n == 4)
		add(word, false);
	else if (strcmp(word[0], "lost") == 0 && n == 3)
		add(word, true);
	else if (strcmp(word[0], "check") == 0 && n == 6)
		check(word, SPF_CHECK);
	else if (strcmp(word[0], "audit") == 0 && n == 6)
		check(word, SPF_AUDIT);
	else
		die("what is", word[0]);
}

int
main(void)
{
	static char line[LINE_MAX_LEN];

	while (fgets(line, sizeof(line), stdin) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		run(line);
	}
	forget();
	return 0;
}
