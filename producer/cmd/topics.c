/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/command.h"

#include "core/json.h"
#include "io/topics.h"
#include "producer/place.h"

#include <string.h>

#define DEFAULT_MS 10000

static const char *const step_name[] = {
    [TOPICS_SAME] = "same",
    [TOPICS_CREATE] = "create",
    [TOPICS_ALTER] = "alter",
    [TOPICS_WRONG] = "wrong",
};

static void
tell_json(enum topics_step step, const char *topic, const char *text)
{
	char line[1024];
	struct writer w;

	writer_init(&w, line, sizeof(line));
	json_raw(&w, "{");
	json_key(&w, "topic");
	json_text(&w, topic);
	json_key(&w, "step");
	json_text(&w, step_name[step]);
	json_key(&w, "text");
	json_text(&w, text);
	json_raw(&w, "}");
	if (!w.bad)
		printf("%.*s\n", (int)w.len, line);
}

static void
tell(void *arg, enum topics_step step, const char *topic, const char *text)
{
	const struct command *c = arg;

	if (c->options.given[OPTION_JSON])
		tell_json(step, topic, text);
	else
		printf("%-6s %-24s %s\n", step_name[step], topic, text);
}

static int
mode_of(const struct options *o)
{
	if (o->args_n == 1 && strcmp(o->args[0], "plan") == 0)
		return TOPICS_PLAN;
	if (o->args_n == 1 && strcmp(o->args[0], "apply") == 0)
		return TOPICS_APPLY;
	return -1;
}

static int
count_of(const struct options *o, enum option i)
{
	return o->given[i] ? (int)o->number[i] : 0;
}

int
cmd_topics(struct command *c)
{
	const struct options *o = &c->options;
	struct topics_conf conf = {
	    .brokers = c->settings.kafka.brokers,
	    .prefix = c->settings.kafka.prefix,
	    .timeout_ms = o->given[OPTION_TIMEOUT] ? o->number[OPTION_TIMEOUT]
						   : DEFAULT_MS,
	    .partitions = count_of(o, OPTION_PARTITIONS),
	    .replication = count_of(o, OPTION_REPLICAS),
	};
	char file[PLACE_MAX];
	struct err e;
	int mode = mode_of(o);

	if (mode < 0)
		return command_fail(
		    c, EXIT_USAGE, "topics wants one word, plan or apply");
	if (!command_settings(c))
		return c->worst;
	place_of_schema(o->text[OPTION_TOPICS_FILE], "topics.json", file);
	conf.file = file;
	switch (topics_run(&conf, (enum topics_mode)mode, tell, c, &e)) {
	case OK:
		return EXIT_GOOD;
	case RETRY:
		return command_fail(c, EXIT_DOWN, "%s", e.text);
	case REJECT:
		return command_fail(c, EXIT_REFUSED, "%s", e.text);
	case STOP:
		return command_fail(c, EXIT_USAGE, "%s", e.text);
	}
	return EXIT_BUG;
}
