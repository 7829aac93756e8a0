/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/dns/script.h"

#include "io/dns.h"
#include "tests/dns/mutate.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORD_MAX  2048
#define BYTES_MAX 65535
#define TXT	  RRTYPE_TXT

enum { QR = 0x8000, OPCODE = 0x7800, AA = 0x400, TC = 0x200 };
enum { RA = 0x80, AD = 0x20, RCODE = 0xf };

struct reading {
	const char *at; /* in the text */
	unsigned line;
	struct script *out;
	struct err *e;
	bool bad;
	bool quoted;	     /* word was in quotes */
	char word[WORD_MAX]; /* octets; word_len, and a NUL */
	size_t word_len;
	size_t steps_n;
	struct step steps[SCRIPT_STEPS_MAX];
	size_t bytes_n;
	uint8_t bytes[BYTES_MAX];
};

/* --- words ---------------------------------------------------------------- */

static void
fault(struct reading *r, const char *what)
{
	if (!r->bad)
		err_set(r->e, "line %u: %s: \"%.60s\"", r->line, what, r->word);
	r->bad = true;
}

static void
word_add(struct reading *r, char c)
{
	if (r->word_len + 1 < sizeof(r->word))
		r->word[r->word_len++] = c;
	else
		fault(r, "a word too long");
}

/* A backslash and the end of a line are a blank. */
static void
skip_blanks(struct reading *r)
{
	for (;;) {
		if (r->at[0] == '\\' && r->at[1] == '\n') {
			r->at += 2;
			r->line++;
		} else if (*r->at == ' ' || *r->at == '\t') {
			r->at++;
		} else {
			break;
		}
	}
	if (*r->at == '#' && (r->at[1] == ' ' || r->at[1] == '\n'))
		r->at += strcspn(r->at, "\n");
}

/* \" \\ \DDD */
static void
escaped(struct reading *r)
{
	if (isdigit((unsigned char)r->at[0]) &&
	    isdigit((unsigned char)r->at[1]) &&
	    isdigit((unsigned char)r->at[2])) {
		word_add(
		    r, (char)atoi((char[]){r->at[0], r->at[1], r->at[2], 0}));
		r->at += 3;
	} else if (*r->at) {
		word_add(r, *r->at++);
	}
}

static void
read_quoted(struct reading *r)
{
	for (r->at++; *r->at && *r->at != '"' && *r->at != '\n';) {
		if (*r->at == '\\') {
			r->at++;
			escaped(r);
		} else {
			word_add(r, *r->at++);
		}
	}
	if (*r->at == '"')
		r->at++;
	else
		fault(r, "no closing quotation mark");
}

/* The next word of the line; false at its end. */
static bool
next_word(struct reading *r)
{
	r->word_len = 0;
	skip_blanks(r);
	r->quoted = *r->at == '"';
	if (r->quoted)
		read_quoted(r);
	else
		while (*r->at && !strchr(" \t\n", *r->at))
			word_add(r, *r->at++);
	r->word[r->word_len] = '\0';
	return !r->bad && (r->quoted || r->word_len > 0);
}

static bool
more_quoted(struct reading *r)
{
	skip_blanks(r);
	return *r->at == '"';
}

static bool
need_word(struct reading *r)
{
	if (next_word(r))
		return true;
	fault(r, "a word is missing");
	return false;
}

static int64_t
need_number(struct reading *r)
{
	char *end;
	long long n;

	if (!need_word(r))
		return 0;
	n = strtoll(r->word, &end, 0);
	if (*end || end == r->word)
		fault(r, "not a number");
	return n;
}

static struct dname
need_name(struct reading *r)
{
	struct dname name = {.len = 1};

	if (need_word(r) && dname_from_text(&name, r->word, NULL) != DNAME_OK)
		fault(r, "not a name");
	return name;
}

static const struct {
	const char *word;
	uint16_t type;
} types[] = {
    {"A", 1},
    {"NS", 2},
    {"CNAME", 5},
    {"SOA", 6},
    {"PTR", 12},
    {"MX", 15},
    {"TXT", 16},
    {"AAAA", 28},
    {"DNAME", 39},
    {"OPT", 41},
    {"DS", 43},
    {"DNSKEY", 48},
    {"ANY", 255},
};

uint16_t
script_type(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (strcasecmp(types[i].word, word) == 0)
			return types[i].type;
	return strncasecmp(word, "TYPE", 4) == 0 ? (uint16_t)atoi(word + 4) : 0;
}

void
script_type_show(uint16_t type, char *out)
{
	snprintf(out, 16, "TYPE%u", type);
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (types[i].type == type)
			snprintf(out, 16, "%s", types[i].word);
}

/* --- steps ---------------------------------------------------------------- */

static void
octets(struct reading *r, const void *bytes, size_t len)
{
	if (r->bytes_n + len > sizeof(r->bytes)) {
		fault(r, "data too long");
		return;
	}
	memcpy(r->bytes + r->bytes_n, bytes, len);
	r->bytes_n += len;
}

static void
number_16(struct reading *r, int64_t n)
{
	octets(r, (uint8_t[]){(uint8_t)(n >> 8), (uint8_t)n}, 2);
}

static void
number_32(struct reading *r, int64_t n)
{
	number_16(r, n >> 16);
	number_16(r, n);
}

static void
name_octets(struct reading *r)
{
	struct dname name = need_name(r);

	octets(r, name.wire, name.len);
}

static void
hex_octets(struct reading *r)
{
	if (!need_word(r))
		return;
	for (const char *c = r->word; *c; c += 2) {
		char two[3] = {c[0], c[1]}, *end;
		uint8_t v = (uint8_t)strtoul(two, &end, 16);

		if (end != two + 2) {
			fault(r, "not hexadecimal");
			return;
		}
		octets(r, &v, 1);
	}
}

static void
string_octets(struct reading *r)
{
	uint8_t len = (uint8_t)r->word_len;

	if (r->word_len > 255)
		fault(r, "a string over 255 octets");
	octets(r, &len, 1);
	octets(r, r->word, r->word_len);
}

static void
addr_octets(struct reading *r, uint8_t family)
{
	struct packet_addr addr;
	uint16_t port = 0;

	if (!need_word(r))
		return;
	if (!dns_addr_parse(r->word, &addr, &port) || addr.family != family)
		fault(r, "not an address");
	octets(r, addr.octets, family == 4 ? 4 : 16);
}

static void
txt_data(struct reading *r)
{
	if (!more_quoted(r))
		fault(r, "txt without a \"string\"");
	while (!r->bad && more_quoted(r) && next_word(r))
		string_octets(r);
}

static void
soa_data(struct reading *r)
{
	name_octets(r); /* MNAME, and RNAME too: */
	octets(r, "\5admin", 7);
	number_32(r, need_number(r)); /* serial */
	number_32(r, 3600);
	number_32(r, 600);
	number_32(r, 86400);
	number_32(r, need_number(r)); /* minimum */
}

static void
mx_data(struct reading *r)
{
	number_16(r, need_number(r));
	name_octets(r);
}

static void
record_data(struct reading *r, struct step *s)
{
	s->kind = STEP_RECORD;
	s->n = script_type(r->word);
	switch (s->n) {
	case RRTYPE_TXT:
		txt_data(r);
		break;
	case RRTYPE_A:
		addr_octets(r, 4);
		break;
	case RRTYPE_AAAA:
		addr_octets(r, 6);
		break;
	case RRTYPE_SOA:
		soa_data(r);
		break;
	case RRTYPE_MX:
		mx_data(r);
		break;
	default: /* NS, CNAME, PTR, DNAME */
		name_octets(r);
		break;
	}
}

/* rr TYPE HEX */
static void
raw_data(struct reading *r, struct step *s)
{
	s->kind = STEP_RECORD;
	if (!need_word(r))
		return;
	s->n = script_type(r->word);
	if (s->n == 0)
		fault(r, "no such type");
	hex_octets(r);
}

static void
owner_step(struct reading *r, struct step *s)
{
	if (!need_word(r))
		return;
	if (r->word[0] == '^') { /* a pointer, so far from itself */
		s->kind = STEP_OWNER_AT;
		s->n = atoi(r->word + 1);
	} else if (r->word[0] == '=') { /* octets as they stand */
		memmove(r->word, r->word + 1, r->word_len--);
		s->kind = STEP_OWNER;
		for (const char *c = r->word; c[0] && c[1]; c += 2) {
			char two[3] = {c[0], c[1]};
			uint8_t v = (uint8_t)strtoul(two, NULL, 16);
			octets(r, &v, 1);
		}
	} else {
		struct dname name;

		s->kind = STEP_OWNER;
		if (dname_from_text(&name, r->word, NULL) != DNAME_OK)
			fault(r, "not a name");
		else
			octets(r, name.wire, name.len);
	}
}

static void
count_step(struct reading *r, struct step *s)
{
	static const char *const section[] = {
	    "questions", "answers", "authority", "additional"};

	s->kind = STEP_COUNT;
	s->n = -1;
	if (!need_word(r))
		return;
	for (size_t i = 0; i < ARRAY_LEN(section); i++)
		if (strcmp(section[i], r->word) == 0)
			s->n = (int64_t)i;
	if (s->n < 0)
		fault(r, "no such section");
	s->more = need_number(r);
}

static void
from_step(struct reading *r, struct step *s)
{
	uint16_t port = 0;

	s->kind = STEP_FROM;
	if (!need_word(r))
		return;
	if (!dns_addr_parse(r->word, &s->addr, &port))
		fault(r, "not an address");
	s->n = port;
}

static void
mutate_step(struct reading *r, struct step *s)
{
	s->kind = STEP_MUTATE;
	s->n = MUTATE_N;
	if (!need_word(r) || strcmp(r->word, "any") == 0)
		return;
	for (int i = 0; i < MUTATE_N; i++)
		if (strcmp(mutation_name((enum mutation)i), r->word) == 0)
			s->n = i;
	if (s->n == MUTATE_N)
		fault(r, "no such mutation");
}

static void
ede_step(struct reading *r, struct step *s)
{
	s->kind = STEP_EDE;
	s->n = need_number(r);
	if (more_quoted(r) && next_word(r))
		octets(r, r->word, r->word_len);
}

static void
set_step(struct reading *r, struct step *s)
{
	s->kind = STEP_SET;
	s->n = need_number(r);
	hex_octets(r);
}

static void
flip_step(struct reading *r, struct step *s)
{
	s->kind = STEP_FLIP;
	s->n = need_number(r);
	s->more = need_number(r);
}

static void
qname_step(struct reading *r, struct step *s)
{
	s->kind = STEP_QNAME;
	name_octets(r);
}

/* Words without more, and words with one number. */
static const struct {
	const char *word;
	struct step step;
} plain[] = {
    {"answer", {.kind = STEP_SECTION, .n = 0}},
    {"authority", {.kind = STEP_SECTION, .n = 1}},
    {"additional", {.kind = STEP_SECTION, .n = 2}},
    {"noqr", {.kind = STEP_FLAGS, .more = QR}},
    {"aa", {.kind = STEP_FLAGS, .n = AA}},
    {"noaa", {.kind = STEP_FLAGS, .more = AA}},
    {"tc", {.kind = STEP_FLAGS, .n = TC}},
    {"ra", {.kind = STEP_FLAGS, .n = RA}},
    {"ad", {.kind = STEP_FLAGS, .n = AD}},
    {"noerror", {.kind = STEP_FLAGS, .more = RCODE}},
    {"formerr", {.kind = STEP_FLAGS, .more = RCODE, .n = 1}},
    {"servfail", {.kind = STEP_FLAGS, .more = RCODE, .n = 2}},
    {"nxdomain", {.kind = STEP_FLAGS, .more = RCODE, .n = 3}},
    {"notimp", {.kind = STEP_FLAGS, .more = RCODE, .n = 4}},
    {"refused", {.kind = STEP_FLAGS, .more = RCODE, .n = 5}},
    {"noquestion", {.kind = STEP_QUESTION, .n = QUESTION_NONE}},
    {"twice", {.kind = STEP_QUESTION, .n = QUESTION_TWICE}},
    {"othercase", {.kind = STEP_QUESTION, .n = QUESTION_CASE}},
    {"noedns", {.kind = STEP_NO_EDNS}},
    {"silent", {.kind = STEP_SILENT}},
    {"whole", {.kind = STEP_WHOLE}},
    {"reset", {.kind = STEP_RESET}},
    {"stall", {.kind = STEP_STALL}},
    {"close", {.kind = STEP_CLOSE}},
};
static const struct {
	const char *word;
	enum step_kind kind;
	int64_t least, most;
} numbered[] = {
    {"many", STEP_MANY, 1, 65535},
    {"fill", STEP_FILL, 1, 65535},
    {"hops", STEP_HOPS, 1, 1000},
    {"ttl", STEP_TTL, 0, UINT32_MAX},
    {"class", STEP_CLASS, 0, 65535},
    {"rdlength", STEP_RDLENGTH, -65535, 65535},
    {"id", STEP_ID, -65535, 65535},
    {"qtype", STEP_QTYPE, 0, 65535},
    {"qclass", STEP_QCLASS, 0, 65535},
    {"cut", STEP_CUT, -65535, 65535},
    {"junk", STEP_JUNK, 1, 65535},
    {"delay", STEP_DELAY, 1, 60000},
    {"flood", STEP_FLOOD, 1, 65535},
    {"drip", STEP_DRIP, 1, 60000},
};
static const struct {
	const char *word;
	void (*read)(struct reading *r, struct step *s);
} others[] = {
    {"txt", record_data},
    {"a", record_data},
    {"aaaa", record_data},
    {"ns", record_data},
    {"cname", record_data},
    {"dname", record_data},
    {"ptr", record_data},
    {"mx", record_data},
    {"soa", record_data},
    {"rr", raw_data},
    {"owner", owner_step},
    {"count", count_step},
    {"from", from_step},
    {"mutate", mutate_step},
    {"ede", ede_step},
    {"set", set_step},
    {"flip", flip_step},
    {"qname", qname_step},
};

static void
opcode_or_rcode(struct reading *r, struct step *s)
{
	bool opcode = strcmp(r->word, "opcode") == 0;
	int64_t n;

	if (!opcode && strcmp(r->word, "rcode") != 0) {
		fault(r, "what is this");
		return;
	}
	n = need_number(r) & 15;
	s->kind = STEP_FLAGS;
	s->more = opcode ? OPCODE : RCODE;
	s->n = opcode ? n << 11 : n;
}

static void
read_step(struct reading *r, struct step *s)
{
	for (size_t i = 0; i < ARRAY_LEN(plain); i++)
		if (strcmp(plain[i].word, r->word) == 0) {
			*s = plain[i].step;
			return;
		}
	for (size_t i = 0; i < ARRAY_LEN(numbered); i++)
		if (strcmp(numbered[i].word, r->word) == 0) {
			s->kind = numbered[i].kind;
			s->n = need_number(r);
			if (s->n < numbered[i].least || s->n > numbered[i].most)
				fault(r, "out of bounds");
			return;
		}
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (strcmp(others[i].word, r->word) == 0) {
			others[i].read(r, s);
			return;
		}
	opcode_or_rcode(r, s);
}

/* --- rules ---------------------------------------------------------------- */

static void *
keep(struct reading *r, const void *bytes, size_t len)
{
	void *p = len ? arena_alloc(&r->out->arena, len) : NULL;

	if (p)
		memcpy(p, bytes, len);
	else if (len)
		fault(r, "the script is too long");
	return p;
}

static void
end_packet(struct reading *r, struct rule *rule)
{
	if (rule->packets_n == SCRIPT_PACKETS_MAX) {
		fault(r, "too many packets");
		return;
	}
	rule->packets[rule->packets_n++] = (struct plan){
	    .steps_n = r->steps_n,
	    .steps = keep(r, r->steps, r->steps_n * sizeof(r->steps[0])),
	};
	r->steps_n = 0;
}

static void
read_packets(struct reading *r, struct rule *rule)
{
	while (next_word(r)) {
		struct step s = {.n = 0};

		if (!r->quoted && strcmp(r->word, "|") == 0) {
			end_packet(r, rule);
			continue;
		}
		if (r->steps_n == SCRIPT_STEPS_MAX) {
			fault(r, "too many words");
			return;
		}
		r->bytes_n = 0;
		read_step(r, &s);
		s.bytes = keep(r, r->bytes, r->bytes_n);
		s.len = r->bytes_n;
		r->steps[r->steps_n++] = s;
	}
	end_packet(r, rule);
}

static void
read_name(struct reading *r, struct rule *rule)
{
	const char *name = r->word;

	if (strcmp(name, "*") == 0) {
		rule->how = NAME_ANY;
		return;
	}
	if (strncmp(name, "*.", 2) == 0) {
		rule->how = NAME_BELOW;
		name += 2;
	}
	if (dname_from_text(&rule->name, name, NULL) != DNAME_OK)
		fault(r, "not a name");
}

/* #N #N- #N-M */
static void
read_numbers(struct reading *r, struct rule *rule)
{
	char *end;

	rule->first = strtoull(r->word + 1, &end, 10);
	rule->last = rule->first;
	if (*end == '-')
		rule->last = end[1] ? strtoull(end + 1, &end, 10) : UINT64_MAX;
	if (rule->first == 0 || rule->last < rule->first)
		fault(r, "not numbers of queries");
}

static void
read_when(struct reading *r, struct rule *rule)
{
	uint16_t port = 0;

	if (strcmp(r->word, "udp") == 0 || strcmp(r->word, "tcp") == 0) {
		rule->by_via = true;
		rule->via = r->word[0] == 't' ? VIA_TCP : VIA_UDP;
	} else if (strcmp(r->word, "rd") == 0) {
		rule->rd = 1;
	} else if (strcmp(r->word, "nord") == 0) {
		rule->rd = 0;
	} else if (strcmp(r->word, "edns") == 0) {
		rule->edns = 1;
	} else if (strcmp(r->word, "plain") == 0) {
		rule->edns = 0;
	} else if (strncmp(r->word, "at=", 3) == 0) {
		if (!dns_addr_parse(r->word + 3, &rule->at, &port))
			fault(r, "not an address");
	} else if (r->word[0] == '#') {
		read_numbers(r, rule);
	} else {
		fault(r, "not a condition");
	}
}

static void
add_rule(struct script *s, struct rule *rule)
{
	*(s->last ? &s->last->next : &s->first) = rule;
	s->last = rule;
}

/* NAME TYPE [WHEN...] : PACKET [| PACKET]... */
static void
read_rule(struct reading *r)
{
	struct rule rule = {.line = r->line, .rd = -1, .edns = -1, .first = 1};
	struct rule *kept;

	rule.last = UINT64_MAX;
	if (!next_word(r))
		return;
	read_name(r, &rule);
	if (!need_word(r))
		return;
	rule.type = strcmp(r->word, "*") == 0 ? 0 : script_type(r->word);
	if (rule.type == 0 && strcmp(r->word, "*") != 0)
		fault(r, "no such type");
	while (need_word(r) && strcmp(r->word, ":") != 0)
		read_when(r, &rule);
	read_packets(r, &rule);
	kept = keep(r, &rule, sizeof(rule));
	if (kept)
		add_rule(r->out, kept);
}

enum next
script_read(struct script *out, const char *text, struct err *e)
{
	static struct reading r;
	size_t len = strlen(text);
	size_t room = 2048 + 24 * len;

	for (const char *c = text; *c; c++)
		room += *c == '\n' ? sizeof(struct rule) + 64 : 0;
	*out = (struct script){.first = NULL};
	if (len > SCRIPT_TEXT_MAX || !(out->memory = mem_alloc(room))) {
		err_set(e, "the script is too long");
		return REJECT;
	}
	arena_init(&out->arena, out->memory, room);
	r = (struct reading){.at = text, .line = 1, .out = out, .e = e};
	while (*r.at && !r.bad) {
		read_rule(&r);
		if (*r.at == '\n') {
			r.at++;
			r.line++;
		}
	}
	if (!r.bad)
		return OK;
	script_free(out);
	return REJECT;
}

void
script_free(struct script *s)
{
	mem_free(s->memory);
	*s = (struct script){.first = NULL};
}

/* --- which rule ----------------------------------------------------------- */

static bool
name_fits(const struct rule *rule, const struct dname *name)
{
	switch (rule->how) {
	case NAME_IS:
		return dname_equal(name, &rule->name);
	case NAME_BELOW:
		return dname_within(name, &rule->name) &&
		       !dname_equal(name, &rule->name);
	case NAME_ANY:
		break;
	}
	return true;
}

static bool
fits(const struct rule *rule, const struct query *q)
{
	bool rd = (q->flags & 0x100) != 0, edns = q->edns_size != 0;

	return (rule->type == 0 || rule->type == q->type) &&
	       (!rule->by_via || rule->via == q->via) &&
	       (rule->rd < 0 || rd == (rule->rd == 1)) &&
	       (rule->edns < 0 || edns == (rule->edns == 1)) &&
	       (rule->at.family == 0 ||
		   (rule->at.family == q->to.family &&
		       memcmp(rule->at.octets, q->to.octets,
			   q->to.family == 4 ? 4 : 16) == 0)) &&
	       name_fits(rule, &q->name);
}

const struct rule *
script_match(struct script *s, const struct query *q)
{
	const struct rule *found = NULL;

	for (struct rule *rule = s->first; rule; rule = rule->next) {
		if (!fits(rule, q))
			continue;
		rule->seen++;
		if (!found && rule->seen >= rule->first &&
		    rule->seen <= rule->last)
			found = rule;
	}
	return found;
}
