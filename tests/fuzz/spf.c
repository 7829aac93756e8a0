/* SPDX-License-Identifier: Apache-2.0 */
/* A check, an audit and a judgement of records from anybody. The first octet
 * chooses the address; the rest is lines: the first is the record, the others
 * are what the questions find, one after the other and again from the first:
 * "=" and a record's data (TXT, or a name; addresses are made of its octets),
 * more of them parted by tabs; another line is how the question ends. */
#include "core/spf_judge.h"
#include "core/spf_macro.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define LINES	  64
#define STEPS_MAX 400
#define EACH_MAX  20 /* records of one answer */

struct line {
	const uint8_t *at;
	size_t len;
};

static struct line lines[LINES];
static size_t lines_n, next;
static uint8_t memory[4][SPF_ARENA], answers[256 * 1024];

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
take_lines(const uint8_t *bytes, size_t len)
{
	lines_n = next = 0;
	while (lines_n < LINES) {
		const uint8_t *end = len > 0 ? memchr(bytes, '\n', len) : NULL;
		size_t n = end == NULL ? len : (size_t)(end - bytes);

		lines[lines_n++] = (struct line){bytes, n};
		if (end == NULL)
			return;
		bytes += n + 1;
		len -= n + 1;
	}
}

static void
add(struct answer *out, const struct question *q, struct line word,
    struct arena *a)
{
	struct packet_addr addr = {.family = q->type == RRTYPE_A ? 4 : 6};
	size_t i = out->n++;
	char *text = arena_copy(a, word.at, word.len);

	must(text != NULL);
	switch (q->type) {
	case RRTYPE_TXT:
		out->txt[i].bytes = (uint8_t *)text;
		out->txt[i].len = word.len;
		break;
	case RRTYPE_A:
	case RRTYPE_AAAA:
		memcpy(addr.octets, text, word.len < 16 ? word.len : 16);
		out->addr[i] = addr;
		break;
	default:
		if (dname_from_text(&out->names[i], text, NULL) != DNAME_OK)
			out->names[i].len = 1;
	}
}

static void
fill(struct answer *out, const struct question *q, struct arena *a)
{
	struct line line = {NULL, 0};

	must(q->name.len >= 1 && q->flags == QUESTION_RD);
	*out = (struct answer){.outcome = OUTCOME_NXDOMAIN};
	if (lines_n > 1)
		line = lines[1 + next++ % (lines_n - 1)];
	if (line.len == 0)
		return;
	if (line.at[0] != '=') {
		out->outcome = (enum outcome)(
		    OUTCOME_NODATA + line.at[0] % OUTCOME_MALFORMED);
		return;
	}
	out->outcome = OUTCOME_RECORDS;
	out->txt = arena_alloc(a, EACH_MAX * sizeof(out->txt[0]));
	out->addr = arena_alloc(a, EACH_MAX * sizeof(out->addr[0]));
	out->names = arena_alloc(a, EACH_MAX * sizeof(out->names[0]));
	must(out->names != NULL);
	line.at++;
	line.len--;
	while (out->n < EACH_MAX) {
		const uint8_t *tab =
		    line.len > 0 ? memchr(line.at, '\t', line.len) : NULL;
		size_t n = tab == NULL ? line.len : (size_t)(tab - line.at);

		add(out, q, (struct line){line.at, n}, a);
		if (tab == NULL)
			return;
		line.at += n + 1;
		line.len -= n + 1;
	}
}

static void
check_text(const char *text, size_t max)
{
	must(strlen(text) <= max);
	for (; *text != '\0'; text++)
		must(*text >= ' ' && *text <= '~');
}

static void
check_place(const struct spf_place *p)
{
	if (p->domain == NULL)
		return;
	must(p->term.at + (size_t)p->term.len <= p->record_len);
	must(p->fault_at <= p->record_len);
	must(strlen(p->target) <= SPF_NAME_MAX);
}

static void
check_verdict(const struct spf_verdict *v, enum spf_mode mode)
{
	unsigned max =
	    mode == SPF_CHECK ? SPF_LOOKUPS_MAX : SPF_AUDIT_LOOKUPS_MAX;

	must(v->lookups <= max);
	must(mode == SPF_AUDIT || v->voids <= SPF_VOIDS_MAX + 1);
	must(v->rows_n <= SPF_ROWS_MAX && v->notes_n <= SPF_NOTES_MAX);
	must(spf_result_name(v->result) != NULL);
	check_place(&v->where);
	check_place(&v->by);
	for (size_t i = 0; i < v->path_n; i++)
		check_place(&v->path[i]);
	for (size_t i = 0; i < v->rows_n; i++)
		check_text(v->rows[i].term, TERM_MAX);
	for (size_t i = 0; i < v->notes_n; i++)
		check_place(&v->notes[i].place);
	if (v->explanation != NULL)
		must(strlen(v->explanation) <= SPF_EXPLANATION_MAX);
}

static const struct spf_verdict *
evaluate(uint8_t choice, enum spf_mode mode, uint8_t *room)
{
	struct spf_query q = {
	    .ip = {.family = choice & 1 ? 6 : 4, .octets = {192, 0, 2, choice}},
	    .mail_from = choice & 2 ? "" : "first.last@d.test",
	    .helo = "h.test",
	    .receiver = "",
	    .mode = mode};
	struct answer got[SPF_ASK_MAX];
	struct arena a, answer_arena;
	unsigned steps = 0;
	struct spf *s;
	size_t n = 0;

	/* little room for some */
	arena_init(&a, room, choice & 4 ? 3000u + choice * 16u : SPF_ARENA);
	s = spf_begin(&q, &a);
	must(s != NULL);
	spf_assume(s, lines[0].at, lines[0].len);
	next = 0;
	while (spf_step(s, got, n) == SPF_ASK) {
		const struct question *asks = spf_asks(s, &n);

		must(n > 0 && n <= SPF_ASK_MAX && ++steps < STEPS_MAX);
		arena_init(&answer_arena, answers, sizeof(answers));
		for (size_t i = 0; i < n; i++)
			fill(&got[i], &asks[i], &answer_arena);
		if (steps > 30 && choice & 8) {
			spf_expire(s);
			break;
		}
	}
	check_verdict(spf_verdict(s), mode);
	return spf_verdict(s);
}

static void
judge(const struct spf_verdict *const checks[2],
    const struct spf_verdict *audit, const char *include)
{
	struct spf_wish wish = {.include = include};
	struct packet_txt txt[3];
	struct spf_cost cost;
	struct judged out;
	size_t n = lines_n < 3 ? lines_n : 3;

	for (size_t i = 0; i < n; i++)
		txt[i] = (struct packet_txt){
		    .bytes = lines[i].at, .len = lines[i].len};
	for (size_t k = 1; k <= n; k++) {
		spf_judge(&out, &wish, txt, k, checks, 2, audit);
		must(out.verdict < VERDICT_N && out.code < CODE_N);
		must(out.also_n <= ALSO_MAX && out.txt < k);
		must(out.mark == NO_MARK || out.mark <= txt[out.txt].len);
		check_text(out.saw, SAW_MAX);
		check_text(out.publish, PUBLISH_MAX);
		must(out.publish[0] == '\0' ||
		     spf_is_record(
			 (const uint8_t *)out.publish, strlen(out.publish)));
	}
	spf_cost(&cost, audit);
	check_text(cost.dear, SAW_MAX);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const struct spf_verdict *checks[2], *audit;
	uint8_t choice = len > 0 ? bytes[0] : 0;
	uint8_t *exact;

	if (len < 2 || len > 20000)
		return 0;
	exact = malloc(len - 1);
	must(exact != NULL);
	memcpy(exact, bytes + 1, len - 1);
	take_lines(exact, len - 1);
	checks[0] = evaluate(choice, SPF_CHECK, memory[0]);
	checks[1] = evaluate(choice ^ 1, SPF_CHECK, memory[1]);
	audit = evaluate(choice, SPF_AUDIT, memory[2]);
	judge(checks, audit, "spf.us.test");
	judge(checks, audit, "");
	free(exact);
	return 0;
}
