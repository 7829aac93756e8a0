/* SPDX-License-Identifier: Apache-2.0 */
/* state rebase: shows what it would do, asks, does it. */
#include "producer/rebase.h"

#include "core/json.h"
#include "io/slot.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *
plural(int64_t n)
{
	return n == 1 ? "" : "s";
}

/* --- what is asked for ---------------------------------------------------- */

static bool
read_offset(const char *text, int64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoll(text, &end, 10);
	return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0;
}

static bool
read_to(const char *text, struct rebase_aim *aim)
{
	static const struct {
		const char *name;
		enum rebase_word word;
	} words[] = {
	    {"pos", REBASE_POS},
	    {"low", REBASE_LOW},
	    {"high", REBASE_HIGH},
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcmp(words[i].name, text) == 0) {
			aim->word = words[i].word;
			return true;
		}
	}
	aim->word = REBASE_OFFSET;
	return read_offset(text, &aim->offset);
}

/* False: complained. */
static bool
read_aim(struct command *c, struct rebase_aim *aim)
{
	const struct options *o = &c->options;

	if (!o->given[OPTION_PARTITION] || !o->given[OPTION_REBASE_LANE] ||
	    !o->given[OPTION_TO]) {
		command_fail(c, EXIT_USAGE,
		    "state rebase wants --partition P, --lane LANE and --to "
		    "WHERE");
		return false;
	}
	if (!read_to(o->text[OPTION_TO], aim)) {
		command_fail(c, EXIT_USAGE,
		    "--to is an offset, or one of pos, low, high");
		return false;
	}
	aim->lane = (enum lane)o->number[OPTION_REBASE_LANE];
	if (aim->lane == LANE_N && aim->word == REBASE_OFFSET) {
		command_fail(c, EXIT_USAGE,
		    "--lane all goes with --to pos, low or high: lanes have "
		    "offsets of their own");
		return false;
	}
	return command_can_ask(c, "skip jobs");
}

/* --- what it would do ----------------------------------------------------- */

static void
tell_lane(FILE *f, const struct rebase *r, const struct rebase_lane *lane)
{
	const struct restore_facts *facts = &lane->facts;

	fprintf(f, "partition %d, lane %s: %s\n", r->partition,
	    lane_name(facts->lane),
	    lane->plan.why != NULL ? lane->plan.why
				   : "nothing is wrong with it");
	fprintf(f,
	    "  group's offset %lld, state %lld, the lane goes from %lld to "
	    "%lld\n",
	    (long long)facts->committed, (long long)facts->pos,
	    (long long)facts->low, (long long)facts->high);
	fprintf(f, "  it stood at %lld and goes on at %lld\n",
	    (long long)lane->from, (long long)lane->to);
	if (lane->gone > 0)
		fprintf(f,
		    "  %lld offset%s before %lld are gone: what was posted "
		    "there and has no result must be posted again\n",
		    (long long)lane->gone, plural(lane->gone),
		    (long long)facts->low);
	if (lane->skipped > 0)
		fprintf(f,
		    "  %lld job%s are SKIPPED: they get no result, and must "
		    "be posted again\n",
		    (long long)lane->skipped, plural(lane->skipped));
	if (lane->again > 0)
		fprintf(f,
		    "  %lld job%s are read again: those that are known give "
		    "no second result\n",
		    (long long)lane->again, plural(lane->again));
	if (lane->gone == 0 && lane->skipped == 0 && lane->again == 0)
		fprintf(f, "  no job is skipped\n");
}

static void
put_number(struct writer *w, const char *name, int64_t v)
{
	json_key(w, name);
	json_number(w, v);
}

static void
tell_json(FILE *f, const struct rebase *r, const struct rebase_lane *lane)
{
	const struct restore_facts *facts = &lane->facts;
	char line[1024];
	struct writer w;

	writer_init(&w, line, sizeof(line));
	json_raw(&w, "{");
	put_number(&w, "partition", r->partition);
	json_key(&w, "lane");
	json_text(&w, lane_name(facts->lane));
	json_key(&w, "why");
	json_text(&w, lane->plan.why != NULL ? lane->plan.why : "");
	put_number(&w, "committed", facts->committed);
	put_number(&w, "pos", facts->pos);
	put_number(&w, "low", facts->low);
	put_number(&w, "high", facts->high);
	put_number(&w, "from", lane->from);
	put_number(&w, "to", lane->to);
	put_number(&w, "skipped", lane->skipped);
	put_number(&w, "again", lane->again);
	put_number(&w, "gone", lane->gone);
	json_raw(&w, "}");
	if (!w.bad)
		fprintf(f, "%.*s\n", (int)w.len, line);
}

static void
tell_lanes(FILE *f, const struct rebase *r,
    void (*tell)(
	FILE *f, const struct rebase *r, const struct rebase_lane *lane))
{
	for (int l = 0; l < LANE_N; l++) {
		if (r->lane[l].aimed)
			tell(f, r, &r->lane[l]);
	}
	fflush(f);
}

/* --- doing it ------------------------------------------------------------- */

static int
fail(struct command *c, enum next next, const struct err *e)
{
	return command_fail(
	    c, next == REJECT ? EXIT_REFUSED : EXIT_DOWN, "%s", e->text);
}

static void
tell_waiting(const struct settings *s, const char *group)
{
	fprintf(stderr,
	    "domainproof: waiting until group %s has forgotten a crew that has "
	    "ended (%lld s)\n",
	    group, (long long)(s->kafka.session_ms / 1000));
}

static bool
any_aimed(const struct rebase *r)
{
	for (int l = 0; l < LANE_N; l++) {
		if (r->lane[l].aimed)
			return true;
	}
	return false;
}

/* Whose state it is must have ended as well. */
static enum next
other_ended(const struct command *c, const struct rebase *r, struct err *e)
{
	if (r->group[0] == '\0' || strcmp(r->group, c->settings.pool.name) == 0)
		return OK;
	return rebase_alone(&c->settings, r->group, tell_waiting, e);
}

static int
rebase(struct command *c, struct kafka_reader *reader,
    const struct kafka_conf *conf, const struct rebase_aim *aim)
{
	bool json = c->options.given[OPTION_JSON];
	struct rebase r;
	struct err e;
	enum next next = rebase_look(&r, reader,
	    (int32_t)c->options.number[OPTION_PARTITION], conf->pool, &e);

	if (next == OK)
		next = other_ended(c, &r, &e);
	if (next == OK)
		next = rebase_plan(&r, reader, aim, &e);
	if (next != OK)
		return fail(c, next, &e);
	if (!any_aimed(&r)) {
		if (!json)
			printf("partition %d: no lane is kept closed\n",
			    r.partition);
		return EXIT_GOOD;
	}
	if (!json || !c->options.given[OPTION_YES])
		tell_lanes(json ? stderr : stdout, &r, tell_lane);
	if (!command_confirm(c))
		return c->worst;
	next = rebase_write(&r, conf, reader, &e);
	if (next != OK)
		return fail(c, next, &e);
	if (json)
		tell_lanes(stdout, &r, tell_json);
	else
		printf("partition %d: done; start domainproofd again\n",
		    r.partition);
	return EXIT_GOOD;
}

static int
rebase_alone_then(struct command *c, const struct rebase_aim *aim)
{
	struct kafka_conf conf = rebase_conf(&c->settings);
	struct kafka_reader *reader;
	struct err e;
	enum next next =
	    rebase_alone(&c->settings, c->settings.pool.name, tell_waiting, &e);
	int code;

	if (next == OK)
		next = kafka_reader_open(&reader, &conf, &e);
	if (next != OK)
		return fail(c, next, &e);
	code = rebase(c, reader, &conf, aim);
	kafka_reader_close(reader);
	return code;
}

int
state_rebase(struct command *c)
{
	const struct settings *s = &c->settings;
	struct rebase_aim aim = {.lane = LANE_N};
	struct err e;
	int fd, code;

	if (!read_aim(c, &aim) || !command_settings(c))
		return c->worst;
	/* Held to the end, so that no crew of this machine can come between;
	 * who starts one meanwhile is told who holds the slot. */
	switch (
	    slot_lock(&fd, s->pool.run_dir, s->pool.name, s->pool.slot, &e)) {
	case OK:
		break;
	case REJECT:
		return command_fail(c, EXIT_REFUSED, "%s", e.text);
	case RETRY:
	case STOP:
		return command_fail(c, EXIT_USAGE, "%s", e.text);
	}
	code = rebase_alone_then(c, &aim);
	close(fd);
	return code;
}
