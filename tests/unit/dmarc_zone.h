/* SPDX-License-Identifier: Apache-2.0 */
/* Answers for the DMARC evaluator out of a text: lines of "NAME DATA". DATA is
 * a TXT record; "!nodata", "!servfail", "!timeout", "!refused", "!malformed",
 * "!chain", "!lame", "!stale", "!bogus" are answers. "*.NAME" is a wildcard.
 * What is not there does not exist. Also the words that tests compare. */
#pragma once
#include "core/dmarc.h"
#include "core/txt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ZONE_RECORDS_MAX 8
#define ZONE_ASKED_MAX	 64

struct zone_answer {
	struct answer answer;
	struct packet_txt txt[ZONE_RECORDS_MAX];
};

struct zone_run {
	const char *zone;
	const char *assume;    /* NULL = nothing */
	unsigned expire_after; /* rounds; 0 = never */
	unsigned rounds;
	size_t asked_n;
	char asked[ZONE_ASKED_MAX][DNAME_SHOWN_MAX + 1];
	struct zone_answer got[DMARC_ASK_MAX];
	uint8_t memory[256u << 10];
	struct arena arena;
	const struct dmarc_verdict *v;
};

static inline bool
zone_matches(const char *line, size_t len, const char *name, bool wild)
{
	size_t name_len = strlen(name);

	if (!wild)
		return len == name_len && strncmp(line, name, len) == 0;
	return len > 1 && line[0] == '*' && name_len > len - 1 &&
	       strncmp(name + name_len - (len - 1), line + 1, len - 1) == 0;
}

static inline void
zone_word(struct answer *a, const char *word, size_t len)
{
	static const struct {
		const char *word;
		enum outcome outcome;
	} words[] = {
	    {"!nodata", OUTCOME_NODATA},
	    {"!servfail", OUTCOME_SERVFAIL},
	    {"!bogus", OUTCOME_SERVFAIL},
	    {"!timeout", OUTCOME_TIMEOUT},
	    {"!refused", OUTCOME_REFUSED},
	    {"!malformed", OUTCOME_MALFORMED},
	    {"!chain", OUTCOME_MALFORMED},
	    {"!lame", OUTCOME_LAME},
	    {"!stale", OUTCOME_NXDOMAIN},
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strlen(words[i].word) != len ||
		    strncmp(words[i].word, word, len) != 0)
			continue;
		a->outcome = words[i].outcome;
		a->has_ede = word[1] == 'b' || strncmp(word, "!st", 3) == 0;
		a->ede = word[1] == 'b' ? 6 : 19;
		a->chain_bad = word[1] == 'c';
	}
}

static inline bool
zone_lines(
    struct zone_answer *out, const char *zone, const char *name, bool wild)
{
	bool found = false;

	while (*zone != '\0') {
		size_t line = strcspn(zone, "\n");
		size_t len = strcspn(zone, " \n");
		const char *data = zone + len + (len < line);
		size_t data_len = line - (size_t)(data - zone);
		size_t n = out->answer.n;

		if (zone_matches(zone, len, name, wild)) {
			found = true;
			if (data[0] == '!') {
				zone_word(&out->answer, data, data_len);
			} else if (n < ZONE_RECORDS_MAX) {
				out->txt[n] = (struct packet_txt){
				    .bytes = (const uint8_t *)data,
				    .len = data_len};
				out->answer.n++;
				out->answer.outcome = OUTCOME_RECORDS;
			}
		}
		zone += line + (zone[line] == '\n');
	}
	return found;
}

static inline void
zone_answer(
    struct zone_run *run, struct zone_answer *out, const struct question *q)
{
	char name[DNAME_SHOWN_MAX + 1];

	dname_show(&q->name, name);
	if (run->asked_n < ZONE_ASKED_MAX)
		strcpy(run->asked[run->asked_n++], name);
	*out = (struct zone_answer){.answer = {.outcome = OUTCOME_NXDOMAIN}};
	if (!zone_lines(out, run->zone, name, false))
		zone_lines(out, run->zone, name, true);
	if (q->type != RRTYPE_TXT && out->answer.outcome == OUTCOME_RECORDS) {
		out->answer.outcome = OUTCOME_NODATA;
		out->answer.n = 0;
	}
	out->answer.txt = out->txt;
}

/* False: it would not end. */
static inline bool
zone_eval(struct zone_run *run, const struct dmarc_query *q)
{
	struct answer got[DMARC_ASK_MAX];
	struct dmarc *d;
	size_t n = 0;

	arena_init(&run->arena, run->memory, sizeof(run->memory));
	d = dmarc_begin(q, &run->arena);
	if (d == NULL)
		return false;
	if (run->assume != NULL)
		dmarc_assume(d, run->assume, strlen(run->assume));
	while (dmarc_step(d, got, n) == DMARC_ASK) {
		const struct question *asks = dmarc_asks(d, &n);

		if (++run->rounds > DMARC_ROUNDS_MAX)
			return false;
		if (run->expire_after == run->rounds) {
			dmarc_expire(d);
			n = 0;
			continue;
		}
		for (size_t i = 0; i < n; i++) {
			zone_answer(run, &run->got[i], &asks[i]);
			got[i] = run->got[i].answer;
		}
	}
	run->v = dmarc_verdict(d);
	return true;
}

static inline bool
zone_name(struct dname *out, const char *text)
{
	out->len = 1;
	out->wire[0] = 0;
	return text != NULL && dname_from_text(out, text, NULL) == DNAME_OK;
}

static inline void
zone_consents(char *out, const struct dmarc_report *list, size_t n)
{
	static const char *const words[] = {
	    [DMARC_CONSENT_UNKNOWN] = "?",
	    [DMARC_CONSENT_OWN] = "own",
	    [DMARC_CONSENT_YES] = "yes",
	    [DMARC_CONSENT_NO] = "no",
	};

	out[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		strcat(out, i > 0 ? "," : "");
		strcat(out, list[i].mail ? words[list[i].consent] : "-");
	}
}

/* " pass DMARC_LADDER p=none ... " */
static inline void
zone_describe(const struct zone_run *run, char *out, size_t cap)
{
	const struct dmarc_verdict *v = run->v;
	char at[DNAME_SHOWN_MAX + 1], org[DNAME_SHOWN_MAX + 1] = "?";
	char rua[64], ruf[64], mark[8] = "-", also[120] = "";
	char of[DNAME_SHOWN_MAX + 1];
	static const char psd[] = "uyn", align[] = "?yn";
	int n;

	dname_show(&v->record_domain, at);
	dname_show(&v->judged_domain, of);
	if (v->has_org)
		dname_show(&v->org, org);
	zone_consents(rua, v->rua, v->rua_n);
	zone_consents(ruf, v->ruf, v->ruf_n);
	if (v->judged.mark != NO_MARK)
		snprintf(mark, sizeof(mark), "%u", v->judged.mark);
	for (size_t i = 0; i < v->judged.also_n; i++) {
		strcat(also, i > 0 ? "," : "");
		strcat(also, code_name(v->judged.also[i]));
	}
	n = snprintf(out, cap,
	    " %s %s policy=%s tag=%s enforced=%s at=%s org=%s psd=%c t=%c "
	    "dkim=%c spf=%c adkim=%c aspf=%c ",
	    verdict_name(v->judged.verdict),
	    v->judged.code == CODE_NONE ? "-" : code_name(v->judged.code),
	    dmarc_policy_name(v->policy), dmarc_tag_name(v->policy_tag),
	    dmarc_policy_name(v->enforced), v->found ? at : "-", org,
	    psd[v->psd], v->t ? 'y' : 'n', align[v->dkim], align[v->spf],
	    v->adkim_strict ? 's' : 'r', v->aspf_strict ? 's' : 'r');
	snprintf(out + n, cap - (size_t)n,
	    "rua=%s ruf=%s asked=%u all=%zu mark=%s of=%s txt=%zu also=%s ",
	    rua, ruf, v->asked, run->asked_n, mark, of, v->judged.txt, also);
}

static inline bool
zone_has_words(const char *all, const char *words)
{
	char word[DNAME_SHOWN_MAX + 80];

	while (*words != '\0') {
		size_t len = strcspn(words, " ");

		snprintf(word, sizeof(word), " %.*s ", (int)len, words);
		if (strstr(all, word) == NULL)
			return false;
		words += len + (words[len] == ' ');
	}
	return true;
}
