/* SPDX-License-Identifier: Apache-2.0 */
/* state dump: what the workers remember, as the state topic has it. */
#include "producer/fold.h"
#include "producer/rebase.h"
#include "producer/show.h"

#include "core/mem.h"
#include "io/clock.h"
#include "io/log.h"
#include "io/message.h"
#include "io/topics.h"

#include <inttypes.h>
#include <string.h>

#define KAFKA_MS  5000
#define HEX_MAX	  16 /* first octets shown of what cannot be read */
#define TEXT_MAX  (2 * RECORD_KEY_MAX)
#define WIDTH_WHO 44

struct dump {
	struct command *c;
	int32_t partition;
};

/* --- JSON ----------------------------------------------------------------- */

static void
put_who(struct writer *w, const struct record_key *who)
{
	json_key_text(w, "org", who->org);
	json_key_text(w, "domain", who->domain);
}

static void
put_check(struct writer *w, const struct claim *c, enum check check)
{
	const struct check_state *s = &c->check[check];

	json_key(w, check_name(check));
	json_raw(w, "{");
	json_key_time(w, "looked_at", s->looked_at);
	json_key_time(w, "undecided_since", s->undecided_since_at);
	json_key_number(w, "misses", s->misses);
	json_key_time(w, "first_miss_at", s->first_miss_at);
	json_key_text(w, "verdict", verdict_name(s->verdict));
	json_key_text(w, "code", code_name(s->code));
	json_key_text(w, "assurance", assurance_name(s->assurance));
	json_key_number(w, "neg_ttl_s", s->neg_ttl_s);
	json_key_text(w, "saw", claim_saw(c, check));
	json_raw(w, "}");
}

static void
put_functions(struct writer *w, const struct claim *c)
{
	json_key(w, "functions");
	json_raw(w, "{");
	for (unsigned i = 0; i < FUNCTION_N; i++) {
		json_key(w, function_name((enum function)i));
		json_raw(w, "{");
		json_key_text(
		    w, "status", function_status_name(c->function[i].status));
		json_key_time(w, "since", c->function[i].since_at);
		json_raw(w, "}");
	}
	json_raw(w, "}");
}

/* The present one first. */
static void
put_keys(struct writer *w, const struct claim *c)
{
	char value[EXPECTED_MAX + 1];
	struct claim_key k;

	json_key(w, "keys");
	json_raw(w, "[");
	for (unsigned i = 0; i < c->keys_n; i++) {
		claim_key_get(c, i, &k);
		(void)dkim_record_value(&k.key, value, sizeof(value));
		json_item(w);
		json_raw(w, "{");
		json_key_text(w, "selector", k.selector);
		json_key_text(w, "record", value);
		json_raw(w, "}");
	}
	json_raw(w, "]");
}

static void
put_claim(struct writer *w, const struct record_key *who, const struct claim *c)
{
	char token[TOKEN_TEXT_MAX + 1];

	token_show(c->token, token);
	put_who(w, who);
	json_key_number(w, "ver", (int64_t)c->ver);
	json_key_number(w, "generation", c->generation);
	json_key_text(w, "token", token);
	json_key_text(w, "status", claim_status_name(c->status));
	json_key(w, "contested");
	json_raw(w, (c->flags & CLAIM_CONTESTED) != 0 ? "true" : "false");
	json_key_time(w, "since", c->since_at);
	put_functions(w, c);
	put_keys(w, c);
	json_key(w, "checks");
	json_raw(w, "{");
	for (unsigned i = 0; i < CHECK_N; i++) {
		if (c->check[i].looked_at != 0)
			put_check(w, c, (enum check)i);
	}
	json_raw(w, "}");
	json_key_number(w, "tail_octets", c->tail_len);
}

static void
put_job_checks(struct writer *w, const struct job *j)
{
	json_key(w, "checks");
	json_raw(w, "{");
	for (unsigned i = 0; i < CHECK_N; i++) {
		if ((j->checks & 1u << i) == 0)
			continue;
		json_key(w, check_name((enum check)i));
		json_raw(w, "{");
		json_key_text(
		    w, "verdict", verdict_name((enum verdict)j->verdict[i]));
		json_key_text(w, "code", code_name((enum code)j->code[i]));
		json_key(w, "settled");
		json_raw(w, (j->passed & 1u << i) != 0 ? "true" : "false");
		json_raw(w, "}");
	}
	json_raw(w, "}");
}

static void
put_job(struct writer *w, const struct record_key *who, const struct job *j)
{
	put_who(w, who);
	json_key_text(w, "id", who->id);
	json_key_number(w, "ver", (int64_t)j->ver);
	json_key_text(w, "job_kind", job_kind_name(j->kind));
	json_key_text(w, "lane", lane_name(j->lane));
	json_key_time(w, "accepted_at", j->accepted_at);
	json_key_time(w, "deadline_at", j->deadline_at);
	json_key_time(w, "due_at", j->due_at);
	json_key_number(w, "looks", j->looks);
	put_job_checks(w, j);
	json_key(w, "then");
	json_raw(w, "[");
	for (unsigned i = 0; i < FUNCTION_N; i++) {
		if ((j->then & 1u << i) == 0)
			continue;
		json_item(w);
		json_text(w, function_name((enum function)i));
	}
	json_raw(w, "]");
	json_key_text(w, "ref", j->ref == NULL ? "" : j->ref);
	json_key_number(w, "tail_octets", j->tail_len);
}

static void
put_pos(struct writer *w, const struct record_pos *pos)
{
	json_key_number(w, "partitions", pos->partitions);
	json_key_text(w, "group", pos->group);
	json_key(w, "next");
	json_raw(w, "{");
	for (int l = 0; l < LANE_N; l++)
		json_key_number(w, lane_name((enum lane)l), pos->next[l]);
	json_raw(w, "}");
}

static const char *const kind_name[] = {
    [RECORD_CLAIM] = "claim",
    [RECORD_JOB] = "job",
    [RECORD_POS] = "pos",
    [RECORD_UNKNOWN] = "",
};

static void
tell_json(
    int32_t p, const struct fold_entry *entry, const struct record_key *who)
{
	char line[16384];
	struct writer w;

	writer_init(&w, line, sizeof(line));
	json_raw(&w, "{");
	json_key_number(&w, "partition", p);
	json_key_number(&w, "offset", entry->offset);
	json_key_time(&w, "at", entry->append_at);
	json_key_text(&w, "key", entry->key);
	json_key_text(&w, "kind", kind_name[entry->kind]);
	if (entry->kind == RECORD_CLAIM)
		put_claim(&w, who, &entry->claim);
	else if (entry->kind == RECORD_JOB)
		put_job(&w, who, &entry->job);
	else
		put_pos(&w, &entry->pos);
	json_raw(&w, "}");
	if (!w.bad)
		printf("%.*s\n", (int)w.len, line);
}

/* --- for people ----------------------------------------------------------- */

static void
row(int32_t p, const struct fold_entry *entry, const char *who)
{
	char shown[TEXT_MAX];

	show_line(who, shown, sizeof(shown));
	printf("%4d %9" PRId64 "  %-5s  ", p, entry->offset,
	    kind_name[entry->kind]);
	show_padded(stdout, shown, WIDTH_WHO);
}

/* Nothing of what is simply right. */
static void
tell_check(const struct check_state *s, enum check check)
{
	const char *name = check_name(check);

	if (s->looked_at == 0)
		return;
	if (s->code != CODE_NONE)
		printf(", %s %s", name, code_name(s->code));
	if (s->misses > 0)
		printf(", %s %" PRIu32 " misses", name, s->misses);
}

static void
tell_claim(const struct claim *c)
{
	char token[TOKEN_TEXT_MAX + 1], since[CLOCK_TEXT];
	struct claim_key k;

	token_show(c->token, token);
	clock_show(c->since_at, since);
	printf("  %-8s since %s, generation %" PRIu32 ", token %s",
	    claim_status_name(c->status), since, c->generation, token);
	for (unsigned i = 0; i < FUNCTION_N; i++) {
		if (c->function[i].status != FUNCTION_OFF)
			printf(", %s %s", function_name((enum function)i),
			    function_status_name(c->function[i].status));
	}
	if (c->keys_n > 0) {
		claim_key_get(c, 0, &k);
		printf(", selector %s", k.selector);
	}
	for (unsigned i = 0; i < CHECK_N; i++)
		tell_check(&c->check[i], (enum check)i);
	if ((c->flags & CLAIM_CONTESTED) != 0)
		printf(", contested");
	putchar('\n');
}

static void
tell_job(const struct job *j)
{
	char due[CLOCK_TEXT], deadline[CLOCK_TEXT];

	clock_show(j->due_at, due);
	clock_show(j->deadline_at, deadline);
	printf("  %-8s of %s, %" PRIu32 " looks, next %s, until %s",
	    job_kind_name(j->kind), lane_name(j->lane), j->looks, due,
	    deadline);
	for (unsigned i = 0; i < CHECK_N; i++) {
		if ((j->checks & 1u << i) != 0)
			printf(", %s %s", check_name((enum check)i),
			    (j->passed & 1u << i) != 0
				? "settled"
				: verdict_name((enum verdict)j->verdict[i]));
	}
	putchar('\n');
}

static void
tell_pos(const struct record_pos *pos)
{
	printf("  of %d: ", pos->partitions);
	for (int l = 0; l < LANE_N; l++)
		printf("%s%s %" PRId64, l == 0 ? "" : ", ",
		    lane_name((enum lane)l), pos->next[l]);
	if (pos->group[0] != '\0')
		printf(", group %s", pos->group);
	putchar('\n');
}

static void
tell(int32_t p, const struct fold_entry *entry, const struct record_key *who)
{
	char name[TEXT_MAX];

	snprintf(name, sizeof(name), "%s%s%s%s%s", who->org,
	    who->org[0] == '\0' ? "" : "/", who->domain,
	    who->id[0] == '\0' ? "" : "/", who->id);
	row(p, entry, name);
	if (entry->kind == RECORD_CLAIM)
		tell_claim(&entry->claim);
	else if (entry->kind == RECORD_JOB)
		tell_job(&entry->job);
	else
		tell_pos(&entry->pos);
}

/* --- all of it ------------------------------------------------------------ */

/* What a person needs to find the record, and to see whose it is. */
static void
unreadable(void *arg, const struct kafka_record *record, const char *why)
{
	const struct dump *d = arg;
	const uint8_t *bytes = record->value;
	size_t n = bytes == NULL ? 0 : record->value_len;
	char hex[3 * HEX_MAX + 1] = "";

	for (size_t i = 0; i < n && i < HEX_MAX; i++)
		snprintf(hex + 3 * i, 4, " %02x", bytes[i]);
	command_fail(d->c, EXIT_NEGATIVE,
	    "state partition %d offset %lld: %s; key \"%.*s\"; %zu "
	    "octets%s%s%s",
	    d->partition, (long long)record->offset, why,
	    record->key_len < 64 ? (int)record->key_len : 64,
	    record->key == NULL ? "" : (const char *)record->key, n,
	    n > 0 ? ", in hex" : "", hex, n > HEX_MAX ? " ..." : "");
}

static enum next
tell_all(const struct dump *d, const struct fold *f, struct err *e)
{
	struct fold_entry **all = fold_sorted(f);

	if (all == NULL && f->entries.n > 0) {
		err_set(e, "memory is out for the state");
		return RETRY;
	}
	for (size_t i = 0; i < f->entries.n && ferror(stdout) == 0; i++) {
		struct record_key who;

		record_key_parse(&who, all[i]->key, strlen(all[i]->key));
		if (d->c->options.given[OPTION_JSON])
			tell_json(d->partition, all[i], &who);
		else
			tell(d->partition, all[i], &who);
	}
	mem_free(all);
	return OK;
}

static enum next
dump_one(struct dump *d, struct kafka_reader *reader, struct err *e)
{
	struct fold f;
	enum next next = fold_open(&f, e);

	if (next == OK)
		next = fold_read(&f, reader, d->partition, unreadable, d, e);
	if (next == OK)
		next = tell_all(d, &f, e);
	fold_free(&f);
	return next;
}

static int
dump_all(struct command *c, struct kafka_reader *reader)
{
	const struct options *o = &c->options;
	int32_t n = kafka_reader_partitions(reader), first = 0;
	struct dump d = {.c = c};
	struct err e;

	if (o->given[OPTION_PARTITION]) {
		first = (int32_t)o->number[OPTION_PARTITION];
		if (first >= n)
			return command_fail(c, EXIT_USAGE,
			    "there is no partition %d: topics have %d, from 0",
			    first, n);
		n = first + 1;
	}
	if (!o->given[OPTION_JSON])
		printf("PART    OFFSET  KIND   %-*s  WHAT\n", WIDTH_WHO, "WHO");
	for (d.partition = first; d.partition < n; d.partition++) {
		if (dump_one(&d, reader, &e) != OK)
			return command_fail(c, EXIT_DOWN, "%s", e.text);
		if (fflush(stdout) != 0)
			break; /* main says why */
	}
	return c->worst;
}

static int
dump(struct command *c)
{
	static const enum option others[] = {
	    OPTION_REBASE_LANE, OPTION_TO, OPTION_YES};
	struct kafka_conf conf;
	struct topics_conf where = {.file = "", .timeout_ms = KAFKA_MS};
	struct topics_cluster found;
	struct kafka_reader *reader;
	struct err e;
	int code;

	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		if (c->options.given[others[i]])
			return command_fail(c, EXIT_USAGE,
			    "--lane, --to and --yes are for state rebase");
	}
	if (!command_settings(c))
		return c->worst;
	conf = rebase_conf(&c->settings);
	where.brokers = conf.brokers;
	where.prefix = conf.prefix;
	/* says sooner than a reader, and in fewer lines, that nobody answers */
	if (topics_look(&where, "", &found, &e) != OK ||
	    kafka_reader_open(&reader, &conf, &e) != OK)
		return command_fail(c, EXIT_DOWN, "%s", e.text);
	code = dump_all(c, reader);
	kafka_reader_close(reader);
	return code;
}

int
cmd_state(struct command *c)
{
	const struct options *o = &c->options;
	const char *word = o->args_n == 1 ? o->args[0] : "";

	log_open("domainproof", LOG_ERROR);
	if (strcmp(word, "dump") == 0)
		return dump(c);
	if (strcmp(word, "rebase") == 0)
		return state_rebase(c);
	return command_fail(
	    c, EXIT_USAGE, "state wants one word, dump or rebase");
}
