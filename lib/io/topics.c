/* SPDX-License-Identifier: Apache-2.0 */
/* See topics.h. Only what the file names is compared: other settings of a
 * topic are its operators' business. librdkafka 2.0 can set all of a topic's
 * own settings at once, not one of them, so that an alteration sends those it
 * has together with ours. */
#include "io/topics.h"

#include "io/clock.h"
#include "io/document.h"

#include <librdkafka/rdkafka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOPICS_MAX	  32
#define TOPICS_SETTINGS	  32
#define TOPICS_FILE_MAX	  (256 * 1024)
#define TOPICS_NAME_MAX	  249 /* Kafka's own limit */
#define TOPICS_VALUE_MAX  63
#define TOPICS_WHY_MAX	  200
#define TOPICS_TRY_MS	  1500 /* for an answer to the first question */
#define TOPICS_LEADERS_MS 50   /* between two looks for leaders */

struct setting {
	char name[TOPICS_VALUE_MAX + 1];
	char value[TOPICS_VALUE_MAX + 1];
	char now[TOPICS_VALUE_MAX + 1]; /* "" = not known yet */
};

struct want {
	char name[TOPICS_NAME_MAX + 1]; /* with the prefix */
	int partitions;
	int replication;
	size_t settings_n;
	struct setting settings[TOPICS_SETTINGS];
	bool exists;
	bool wrong;
	bool differs;
};

struct topics {
	const struct topics_conf *conf;
	void (*tell)(void *arg, enum topics_step step, const char *topic,
	    const char *text);
	void *arg;
	rd_kafka_t *k;
	rd_kafka_queue_t *answers;
	char why[TOPICS_WHY_MAX];
	int brokers_n;
	bool wrong;   /* cannot be mended here */
	bool changes; /* there is something to do */
	size_t want_n;
	struct want want[TOPICS_MAX];
};

/* --- the file ------------------------------------------------------------- */

static enum next
read_file(const char *path, char **out, size_t *len, struct err *e)
{
	FILE *f = fopen(path, "re");
	char *text;

	if (f == NULL) {
		err_set(e, "topics: %.200s: %s", path, strerror(errno));
		return STOP;
	}
	text = malloc(TOPICS_FILE_MAX);
	*len = text == NULL ? 0 : fread(text, 1, TOPICS_FILE_MAX, f);
	fclose(f);
	*out = text;
	if (text != NULL && *len < TOPICS_FILE_MAX)
		return OK;
	free(text);
	err_set(e, "topics: %.200s is too large", path);
	return STOP;
}

static bool
value_text(const struct document *v, char *out, size_t cap)
{
	const char *text = document_self(v);

	return text != NULL && (size_t)snprintf(out, cap, "%s", text) < cap;
}

static bool
read_settings(const struct document *d, struct want *w)
{
	const struct document *value;
	const char *name;

	for (size_t i = 0;
	     (name = document_member(d, "config", i, &value)) != NULL; i++) {
		struct setting *s = &w->settings[w->settings_n];

		if (w->settings_n == TOPICS_SETTINGS ||
		    strlen(name) >= sizeof(s->name) ||
		    !value_text(value, s->value, sizeof(s->value)))
			return false;
		snprintf(s->name, sizeof(s->name), "%s", name);
		w->settings_n++;
	}
	return true;
}

static bool
read_topic(const struct topics *t, const struct document *d, struct want *w)
{
	const char *name = document_text(d, "name");
	int64_t partitions = document_number(d, "partitions", 0);
	int64_t replication = document_number(d, "replication", 0);

	if (t->conf->partitions > 0)
		partitions = t->conf->partitions;
	if (t->conf->replication > 0)
		replication = t->conf->replication;
	if (name == NULL || partitions < 1 || partitions > 100000 ||
	    replication < 1 || replication > 100)
		return false;
	w->partitions = (int)partitions;
	w->replication = (int)replication;
	return (size_t)snprintf(w->name, sizeof(w->name), "%s%s",
		   t->conf->prefix, name) < sizeof(w->name) &&
	       read_settings(d, w);
}

static enum next
read_topics(struct topics *t, const struct document *d, struct err *e)
{
	int64_t n = document_count(d, "topics");

	if (n < 1 || n > TOPICS_MAX) {
		err_set(e, "topics: %.200s: `topics` must list 1 to %d topics",
		    t->conf->file, TOPICS_MAX);
		return STOP;
	}
	for (size_t i = 0; i < (size_t)n; i++) {
		const struct document *one = document_at(d, "topics", i);

		if (read_topic(t, one, &t->want[t->want_n++]))
			continue;
		err_set(e,
		    "topics: %.200s: topic number %zu: name (text), "
		    "partitions and replication (numbers) and config "
		    "(names with texts) are wanted",
		    t->conf->file, i + 1);
		return STOP;
	}
	return OK;
}

static enum next
load(struct topics *t, struct err *e)
{
	struct document *d;
	struct err why;
	char *text;
	size_t len;
	enum next next = read_file(t->conf->file, &text, &len, e);

	if (next != OK)
		return next;
	next = document_read(&d, text, len, &why);
	free(text);
	if (next != OK) {
		err_set(e, "topics: %.200s: %.150s", t->conf->file, why.text);
		return STOP;
	}
	next = read_topics(t, d, e);
	document_free(d);
	return next;
}

/* --- the cluster ---------------------------------------------------------- */

static void
on_error(rd_kafka_t *k, int code, const char *reason, void *arg)
{
	struct topics *t = arg;

	(void)k;
	if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && t->why[0] != '\0')
		return;
	snprintf(t->why, sizeof(t->why), "%s", reason);
}

static void
on_log(const rd_kafka_t *k, int level, const char *facility, const char *text)
{
	(void)k, (void)level, (void)facility, (void)text;
}

static enum next
connect_kafka(struct topics *t, struct err *e)
{
	rd_kafka_conf_t *c = rd_kafka_conf_new();
	char why[TOPICS_WHY_MAX];

	rd_kafka_conf_set_opaque(c, t);
	rd_kafka_conf_set_error_cb(c, on_error);
	rd_kafka_conf_set_log_cb(c, on_log);
	if (rd_kafka_conf_set(c, "bootstrap.servers", t->conf->brokers, why,
		sizeof(why)) == RD_KAFKA_CONF_OK &&
	    rd_kafka_conf_set(c, "client.id", "domainproof", why,
		sizeof(why)) == RD_KAFKA_CONF_OK)
		t->k = rd_kafka_new(RD_KAFKA_PRODUCER, c, why, sizeof(why));
	if (t->k == NULL) {
		rd_kafka_conf_destroy(c);
		err_set(e, "Kafka at %.150s: %s", t->conf->brokers, why);
		return STOP;
	}
	t->answers = rd_kafka_queue_new(t->k);
	return OK;
}

static void
disconnect(struct topics *t)
{
	if (t->answers != NULL)
		rd_kafka_queue_destroy(t->answers);
	if (t->k != NULL)
		rd_kafka_destroy(t->k);
}

static enum next
silent(struct topics *t, const char *what, const char *said, struct err *e)
{
	(void)rd_kafka_poll(t->k, 0);
	err_set(e, "Kafka at %.100s does not answer (%s): %s; is it running?",
	    t->conf->brokers, what, t->why[0] != '\0' ? t->why : said);
	return RETRY;
}

/* A broker that refuses connections is tried again for a while: it may be
 * starting. One that says nothing gets the whole time. */
static enum next
metadata(struct topics *t, const struct rd_kafka_metadata **md, struct err *e)
{
	int64_t until = clock_mono_ms() + t->conf->timeout_ms;
	rd_kafka_resp_err_t said;

	do {
		said = rd_kafka_metadata(t->k, 1, NULL, md, TOPICS_TRY_MS);
		(void)rd_kafka_poll(t->k, 0);
	} while (said == RD_KAFKA_RESP_ERR__TRANSPORT && t->why[0] == '\0' &&
		 clock_mono_ms() < until);
	if (said != 0)
		return silent(t, "metadata", rd_kafka_err2str(said), e);
	t->brokers_n = (*md)->broker_cnt;
	return OK;
}

/* The answer to an admin call; NULL: RETRY, e is set. */
static rd_kafka_event_t *
answer(struct topics *t, const char *what, struct err *e)
{
	rd_kafka_event_t *ev =
	    rd_kafka_queue_poll(t->answers, (int)t->conf->timeout_ms);

	if (ev == NULL) {
		(void)silent(t, what, "timed out", e);
		return NULL;
	}
	if (rd_kafka_event_error(ev) == 0)
		return ev;
	err_set(e, "Kafka at %.100s: %s: %.200s", t->conf->brokers, what,
	    rd_kafka_event_error_string(ev));
	rd_kafka_event_destroy(ev);
	return NULL;
}

static rd_kafka_AdminOptions_t *
options(struct topics *t, rd_kafka_admin_op_t op)
{
	rd_kafka_AdminOptions_t *o = rd_kafka_AdminOptions_new(t->k, op);
	char why[TOPICS_WHY_MAX];

	(void)rd_kafka_AdminOptions_set_request_timeout(
	    o, (int)t->conf->timeout_ms, why, sizeof(why));
	return o;
}

/* --- comparing ------------------------------------------------------------ */

static void
say(struct topics *t, enum topics_step step, const struct want *w,
    const char *text)
{
	t->tell(t->arg, step, w->name, text);
	if (step == TOPICS_WRONG)
		t->wrong = true;
	if (step == TOPICS_CREATE || step == TOPICS_ALTER)
		t->changes = true;
}

static const struct rd_kafka_metadata_topic *
find_topic(const struct rd_kafka_metadata *md, const char *name)
{
	for (int i = 0; i < md->topic_cnt; i++) {
		if (strcmp(md->topics[i].topic, name) == 0 &&
		    md->topics[i].err == 0)
			return &md->topics[i];
	}
	return NULL;
}

/* A small cluster holds fewer copies than the file says, and one alone must
 * not wait for a second. */
static void
fit_to_cluster(const struct topics *t, struct want *w)
{
	if (w->replication > t->brokers_n)
		w->replication = t->brokers_n;
	if (w->replication > 1)
		return;
	for (size_t i = 0; i < w->settings_n; i++) {
		struct setting *s = &w->settings[i];

		if (strcmp(s->name, "min.insync.replicas") == 0)
			snprintf(s->value, sizeof(s->value), "1");
	}
}

static void
compare_shape(struct topics *t, struct want *w,
    const struct rd_kafka_metadata_topic *have)
{
	char text[160];

	if (have->partition_cnt != w->partitions) {
		w->wrong = true;
		snprintf(text, sizeof(text),
		    "has %d partitions, %d are wanted; this is chosen once: "
		    "remove the topic, or say --partitions",
		    have->partition_cnt, w->partitions);
		say(t, TOPICS_WRONG, w, text);
	}
	if (have->partition_cnt > 0 &&
	    have->partitions[0].replica_cnt < w->replication) {
		w->wrong = true;
		snprintf(text, sizeof(text),
		    "has %d replicas, %d are wanted; Kafka's "
		    "kafka-reassign-partitions.sh adds them",
		    have->partitions[0].replica_cnt, w->replication);
		say(t, TOPICS_WRONG, w, text);
	}
}

static enum next
compare_shapes(struct topics *t, struct err *e)
{
	const struct rd_kafka_metadata *md;
	enum next next = metadata(t, &md, e);

	if (next != OK)
		return next;
	for (size_t i = 0; i < t->want_n; i++) {
		const struct rd_kafka_metadata_topic *have;
		struct want *w = &t->want[i];

		fit_to_cluster(t, w);
		have = find_topic(md, w->name);
		w->exists = have != NULL;
		if (have != NULL)
			compare_shape(t, w, have);
	}
	rd_kafka_metadata_destroy(md);
	return OK;
}

static struct want *
find_want(struct topics *t, const char *name)
{
	for (size_t i = 0; i < t->want_n; i++) {
		if (strcmp(t->want[i].name, name) == 0)
			return &t->want[i];
	}
	return NULL;
}

static void
read_now(struct want *w, const rd_kafka_ConfigResource_t *res)
{
	size_t n;
	const rd_kafka_ConfigEntry_t **entries =
	    rd_kafka_ConfigResource_configs(res, &n);

	for (size_t i = 0; i < w->settings_n; i++) {
		struct setting *s = &w->settings[i];

		for (size_t j = 0; j < n; j++) {
			const char *v = rd_kafka_ConfigEntry_value(entries[j]);

			if (strcmp(rd_kafka_ConfigEntry_name(entries[j]),
				s->name) == 0)
				snprintf(s->now, sizeof(s->now), "%s",
				    v == NULL ? "" : v);
		}
	}
}

static void
compare_settings(struct topics *t, struct want *w)
{
	char text[3 * TOPICS_VALUE_MAX + 32];

	for (size_t i = 0; i < w->settings_n; i++) {
		const struct setting *s = &w->settings[i];

		if (strcmp(s->now, s->value) == 0)
			continue;
		w->differs = true;
		snprintf(text, sizeof(text), "%s: %s -> %s", s->name,
		    s->now[0] == '\0' ? "(none)" : s->now, s->value);
		say(t, TOPICS_ALTER, w, text);
	}
	if (!w->differs && !w->wrong)
		say(t, TOPICS_SAME, w, "as it should be");
}

/* What all existing topics of ours are set to. NULL: e is set, or there is
 * none (*none). The caller destroys the event. */
static rd_kafka_event_t *
describe(struct topics *t, bool *none, struct err *e)
{
	rd_kafka_ConfigResource_t *ask[TOPICS_MAX];
	rd_kafka_AdminOptions_t *o;
	size_t n = 0;

	for (size_t i = 0; i < t->want_n; i++) {
		if (t->want[i].exists)
			ask[n++] = rd_kafka_ConfigResource_new(
			    RD_KAFKA_RESOURCE_TOPIC, t->want[i].name);
	}
	*none = n == 0;
	if (n == 0)
		return NULL;
	o = options(t, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
	rd_kafka_DescribeConfigs(t->k, ask, n, o, t->answers);
	rd_kafka_AdminOptions_destroy(o);
	rd_kafka_ConfigResource_destroy_array(ask, n);
	return answer(t, "topic settings", e);
}

/* --- changing ------------------------------------------------------------- */

static rd_kafka_NewTopic_t *
new_topic(const struct want *w, struct err *e)
{
	char why[TOPICS_WHY_MAX];
	rd_kafka_NewTopic_t *nt = rd_kafka_NewTopic_new(
	    w->name, w->partitions, w->replication, why, sizeof(why));

	if (nt == NULL) {
		err_set(e, "topic %s: %s", w->name, why);
		return NULL;
	}
	for (size_t i = 0; i < w->settings_n; i++)
		(void)rd_kafka_NewTopic_set_config(
		    nt, w->settings[i].name, w->settings[i].value);
	return nt;
}

static enum next
judge_created(struct topics *t, rd_kafka_event_t *ev, struct err *e)
{
	size_t n;
	const rd_kafka_topic_result_t **r = rd_kafka_CreateTopics_result_topics(
	    rd_kafka_event_CreateTopics_result(ev), &n);

	for (size_t i = 0; i < n; i++) {
		rd_kafka_resp_err_t said = rd_kafka_topic_result_error(r[i]);
		const char *text = rd_kafka_topic_result_error_string(r[i]);

		if (said == 0 || said == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
			continue;
		err_set(e, "Kafka at %.100s: topic %s was not made: %.150s",
		    t->conf->brokers, rd_kafka_topic_result_name(r[i]),
		    text != NULL ? text : rd_kafka_err2str(said));
		return REJECT;
	}
	return OK;
}

static enum next
create(struct topics *t, struct err *e)
{
	rd_kafka_NewTopic_t *make[TOPICS_MAX];
	rd_kafka_AdminOptions_t *o;
	rd_kafka_event_t *ev = NULL;
	enum next next = REJECT;
	size_t n = 0;

	for (size_t i = 0; i < t->want_n; i++) {
		if (t->want[i].exists)
			continue;
		make[n] = new_topic(&t->want[i], e);
		if (make[n] == NULL)
			goto done;
		n++;
	}
	if (n == 0)
		return OK;
	o = options(t, RD_KAFKA_ADMIN_OP_CREATETOPICS);
	rd_kafka_CreateTopics(t->k, make, n, o, t->answers);
	rd_kafka_AdminOptions_destroy(o);
	ev = answer(t, "creating topics", e);
	next = ev == NULL ? RETRY : judge_created(t, ev, e);
done:
	if (ev != NULL)
		rd_kafka_event_destroy(ev);
	rd_kafka_NewTopic_destroy_array(make, n);
	return next;
}

static bool
is_ours(const struct want *w, const char *name)
{
	for (size_t i = 0; i < w->settings_n; i++) {
		if (strcmp(w->settings[i].name, name) == 0)
			return true;
	}
	return false;
}

/* Ours, and what a topic has of its own besides; a name may come only once. */
static rd_kafka_ConfigResource_t *
new_settings(const struct want *w, const rd_kafka_ConfigResource_t *have)
{
	rd_kafka_ConfigResource_t *res =
	    rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, w->name);
	size_t n;
	const rd_kafka_ConfigEntry_t **entries =
	    rd_kafka_ConfigResource_configs(have, &n);

	for (size_t i = 0; i < n; i++) {
		const char *name = rd_kafka_ConfigEntry_name(entries[i]);
		const char *value = rd_kafka_ConfigEntry_value(entries[i]);

		if (value != NULL && !is_ours(w, name) &&
		    rd_kafka_ConfigEntry_source(entries[i]) ==
			RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG)
			(void)rd_kafka_ConfigResource_set_config(
			    res, name, value);
	}
	for (size_t i = 0; i < w->settings_n; i++)
		(void)rd_kafka_ConfigResource_set_config(
		    res, w->settings[i].name, w->settings[i].value);
	return res;
}

static enum next
judge_altered(struct topics *t, rd_kafka_event_t *ev, struct err *e)
{
	size_t n;
	const rd_kafka_ConfigResource_t **r =
	    rd_kafka_AlterConfigs_result_resources(
		rd_kafka_event_AlterConfigs_result(ev), &n);

	for (size_t i = 0; i < n; i++) {
		const char *text = rd_kafka_ConfigResource_error_string(r[i]);

		if (rd_kafka_ConfigResource_error(r[i]) == 0)
			continue;
		err_set(e, "Kafka at %.100s: topic %s was not set: %.150s",
		    t->conf->brokers, rd_kafka_ConfigResource_name(r[i]),
		    text != NULL ? text : "refused");
		return REJECT;
	}
	return OK;
}

static enum next
alter(struct topics *t, const rd_kafka_ConfigResource_t **have, size_t have_n,
    struct err *e)
{
	rd_kafka_ConfigResource_t *change[TOPICS_MAX];
	rd_kafka_AdminOptions_t *o;
	rd_kafka_event_t *ev;
	enum next next;
	size_t n = 0;

	for (size_t i = 0; i < have_n && n < TOPICS_MAX; i++) {
		struct want *w =
		    find_want(t, rd_kafka_ConfigResource_name(have[i]));

		if (w != NULL && w->differs)
			change[n++] = new_settings(w, have[i]);
	}
	if (n == 0)
		return OK;
	o = options(t, RD_KAFKA_ADMIN_OP_ALTERCONFIGS);
	rd_kafka_AlterConfigs(t->k, change, n, o, t->answers);
	rd_kafka_AdminOptions_destroy(o);
	rd_kafka_ConfigResource_destroy_array(change, n);
	ev = answer(t, "altering topics", e);
	if (ev == NULL)
		return RETRY;
	next = judge_altered(t, ev, e);
	rd_kafka_event_destroy(ev);
	return next;
}

static bool
led(const struct topics *t, const struct rd_kafka_metadata *md)
{
	for (size_t i = 0; i < t->want_n; i++) {
		const struct rd_kafka_metadata_topic *have =
		    find_topic(md, t->want[i].name);

		if (have == NULL || have->partition_cnt == 0)
			return false;
		for (int p = 0; p < have->partition_cnt; p++) {
			if (have->partitions[p].leader < 0)
				return false;
		}
	}
	return true;
}

/* A topic is of use when each partition has a leader. */
static enum next
wait_for_leaders(struct topics *t, struct err *e)
{
	int64_t until = clock_mono_ms() + t->conf->timeout_ms;

	for (;;) {
		const struct rd_kafka_metadata *md;
		enum next next = metadata(t, &md, e);
		bool all;

		if (next != OK)
			return next;
		all = led(t, md);
		rd_kafka_metadata_destroy(md);
		if (all)
			return OK;
		if (clock_mono_ms() >= until) {
			err_set(e,
			    "Kafka at %.100s: topics were made, but some "
			    "have no leader; are all brokers up?",
			    t->conf->brokers);
			return RETRY;
		}
		(void)rd_kafka_poll(t->k, TOPICS_LEADERS_MS);
	}
}

/* Do the brokers themselves see what was set? *same false: not yet. */
static enum next
see_settings(struct topics *t, bool *same, struct err *e)
{
	const rd_kafka_ConfigResource_t **have;
	rd_kafka_event_t *ev;
	bool none;
	size_t n;

	*same = true;
	ev = describe(t, &none, e);
	if (ev == NULL)
		return none ? OK : RETRY;
	have = rd_kafka_DescribeConfigs_result_resources(
	    rd_kafka_event_DescribeConfigs_result(ev), &n);
	for (size_t i = 0; i < n; i++) {
		struct want *w =
		    find_want(t, rd_kafka_ConfigResource_name(have[i]));

		if (w != NULL)
			read_now(w, have[i]);
	}
	rd_kafka_event_destroy(ev);
	for (size_t i = 0; i < t->want_n; i++) {
		const struct want *w = &t->want[i];

		for (size_t j = 0; j < w->settings_n; j++)
			*same = *same && strcmp(w->settings[j].now,
					     w->settings[j].value) == 0;
	}
	return OK;
}

/* What the controller has decided reaches the brokers a moment later. */
static enum next
wait_for_settings(struct topics *t, struct err *e)
{
	int64_t until = clock_mono_ms() + t->conf->timeout_ms;

	for (size_t i = 0; i < t->want_n; i++)
		t->want[i].exists = true;
	for (;;) {
		bool same;
		enum next next = see_settings(t, &same, e);

		if (next != OK || same)
			return next;
		if (clock_mono_ms() >= until) {
			err_set(e,
			    "Kafka at %.100s took the settings and "
			    "does not show them",
			    t->conf->brokers);
			return RETRY;
		}
		(void)rd_kafka_poll(t->k, TOPICS_LEADERS_MS);
	}
}

/* --- whole ---------------------------------------------------------------- */

static void
tell_missing(struct topics *t)
{
	for (size_t i = 0; i < t->want_n; i++) {
		const struct want *w = &t->want[i];
		char text[80];

		if (w->exists)
			continue;
		snprintf(text, sizeof(text),
		    "is missing: %d partitions, %d replica%s", w->partitions,
		    w->replication, w->replication == 1 ? "" : "s");
		say(t, TOPICS_CREATE, w, text);
	}
}

static enum next
compare_and_alter(struct topics *t, enum topics_mode mode, struct err *e)
{
	const rd_kafka_ConfigResource_t **have;
	rd_kafka_event_t *ev;
	enum next next = OK;
	bool none;
	size_t n;

	ev = describe(t, &none, e);
	if (ev == NULL)
		return none ? OK : RETRY;
	have = rd_kafka_DescribeConfigs_result_resources(
	    rd_kafka_event_DescribeConfigs_result(ev), &n);
	for (size_t i = 0; i < n; i++) {
		struct want *w =
		    find_want(t, rd_kafka_ConfigResource_name(have[i]));

		if (w == NULL)
			continue;
		read_now(w, have[i]);
		compare_settings(t, w);
	}
	if (mode == TOPICS_APPLY)
		next = alter(t, have, n, e);
	rd_kafka_event_destroy(ev);
	return next;
}

static enum next
run(struct topics *t, enum topics_mode mode, struct err *e)
{
	enum next next = compare_shapes(t, e);

	if (next != OK)
		return next;
	tell_missing(t);
	next = compare_and_alter(t, mode, e);
	if (next == OK && mode == TOPICS_APPLY)
		next = create(t, e);
	if (next == OK && mode == TOPICS_APPLY)
		next = wait_for_leaders(t, e);
	if (next == OK && mode == TOPICS_APPLY)
		next = wait_for_settings(t, e);
	if (next != OK)
		return next;
	if (t->wrong) {
		err_set(e,
		    "topics at %.100s are wrong and can't be mended "
		    "from here: see above",
		    t->conf->brokers);
		return REJECT;
	}
	if (mode == TOPICS_PLAN && t->changes) {
		err_set(e,
		    "topics at %.100s are not as they should be; mend "
		    "them with: domainproof topics apply",
		    t->conf->brokers);
		return REJECT;
	}
	return OK;
}

enum next
topics_run(const struct topics_conf *conf, enum topics_mode mode,
    void (*tell)(
	void *arg, enum topics_step step, const char *topic, const char *text),
    void *arg, struct err *e)
{
	struct topics *t = calloc(1, sizeof(*t));
	enum next next;

	if (t == NULL) {
		err_set(e, "topics: memory is out");
		return STOP;
	}
	t->conf = conf;
	t->tell = tell;
	t->arg = arg;
	next = load(t, e);
	if (next == OK)
		next = connect_kafka(t, e);
	if (next == OK)
		next = run(t, mode, e);
	disconnect(t);
	free(t);
	return next;
}

/* --- a look --------------------------------------------------------------- */

static enum next
look_at_group(struct topics *t, const char *group, struct topics_cluster *out,
    struct err *e)
{
	const rd_kafka_ConsumerGroupDescription_t **d;
	rd_kafka_AdminOptions_t *o =
	    options(t, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS);
	rd_kafka_event_t *ev;
	size_t n;

	rd_kafka_DescribeConsumerGroups(t->k, &group, 1, o, t->answers);
	rd_kafka_AdminOptions_destroy(o);
	ev = answer(t, "consumer group", e);
	if (ev == NULL)
		return RETRY;
	d = rd_kafka_DescribeConsumerGroups_result_groups(
	    rd_kafka_event_DescribeConsumerGroups_result(ev), &n);
	if (n == 1) {
		snprintf(out->group_state, sizeof(out->group_state), "%s",
		    rd_kafka_consumer_group_state_name(
			rd_kafka_ConsumerGroupDescription_state(d[0])));
		out->members_n =
		    (int)rd_kafka_ConsumerGroupDescription_member_count(d[0]);
	}
	rd_kafka_event_destroy(ev);
	return OK;
}

enum next
topics_look(const struct topics_conf *conf, const char *group,
    struct topics_cluster *out, struct err *e)
{
	const struct rd_kafka_metadata *md;
	struct topics *t = calloc(1, sizeof(*t));
	enum next next;

	*out = (struct topics_cluster){0};
	if (t == NULL) {
		err_set(e, "topics: memory is out");
		return STOP;
	}
	t->conf = conf;
	next = connect_kafka(t, e);
	if (next == OK)
		next = metadata(t, &md, e);
	if (next == OK) {
		rd_kafka_metadata_destroy(md);
		out->brokers_n = t->brokers_n;
	}
	if (next == OK && group[0] != '\0')
		next = look_at_group(t, group, out, e);
	disconnect(t);
	free(t);
	return next;
}
