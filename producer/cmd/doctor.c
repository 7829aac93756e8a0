/* SPDX-License-Identifier: Apache-2.0 */
/* doctor: asks every dependency whether it works. */
#include "producer/command.h"
#include "producer/place.h"
#include "producer/show.h"

#include "core/json.h"
#include "io/clock.h"
#include "io/dns.h"
#include "io/entropy.h"
#include "io/idna.h"
#include "io/redis.h"
#include "io/topics.h"

#include <string.h>
#include <unistd.h>

#define KAFKA_MS      3000
#define REDIS_MS      2000
#define LIST_OLD_DAYS 365
#define DAY_MS	      86400000LL

struct doctor {
	struct command *c;
	bool kafka; /* it answered */
};

enum health { HEALTH_OK, HEALTH_NOTE, HEALTH_BAD };

/* NOTE: works, and there is something to know. */
static void
tell(struct doctor *d, enum health h, const char *what, const char *text,
    const char *fix)
{
	static const char *const word[] = {
	    [HEALTH_OK] = "ok",
	    [HEALTH_NOTE] = "note",
	    [HEALTH_BAD] = "BAD",
	};
	static const enum tint tint[] = {
	    [HEALTH_OK] = TINT_GREEN,
	    [HEALTH_NOTE] = TINT_AMBER,
	    [HEALTH_BAD] = TINT_RED,
	};
	char lead[64];

	if (h == HEALTH_BAD)
		command_count(d->c, EXIT_DOWN);
	show_dot(stdout, tint[h]);
	snprintf(lead, sizeof(lead), " %-5s %-10s", word[h], what);
	show_paragraph(stdout, lead, text, 19);
	if (fix[0] != '\0')
		show_paragraph(stdout, "                ->", fix, 19);
	fflush(stdout);
}

static void
tell_json(struct doctor *d, enum health h, const char *what, const char *text,
    const char *fix)
{
	char line[4096];
	struct writer w;

	if (h == HEALTH_BAD)
		command_count(d->c, EXIT_DOWN);
	writer_init(&w, line, sizeof(line));
	json_raw(&w, "{");
	json_key(&w, "what");
	json_text(&w, what);
	json_key(&w, "ok");
	json_raw(&w, h == HEALTH_BAD ? "false" : "true");
	json_key(&w, "text");
	json_text(&w, text);
	json_key(&w, "fix");
	json_text(&w, fix);
	json_raw(&w, "}");
	if (!w.bad)
		printf("%.*s\n", (int)w.len, line);
}

static void
say(struct doctor *d, enum health h, const char *what, const char *text,
    const char *fix)
{
	if (d->c->options.given[OPTION_JSON])
		tell_json(d, h, what, text, fix);
	else
		tell(d, h, what, text, fix);
}

/* --- this machine --------------------------------------------------------- */

static void
look_at_entropy(struct doctor *d)
{
	struct err e;

	if (entropy_check(&e) == OK)
		say(d, HEALTH_OK, "random",
		    "getrandom and /dev/urandom give what they should", "");
	else
		say(d, HEALTH_BAD, "random", e.text,
		    "a container without /dev? bind /dev/urandom into it");
}

static void
look_at_list(struct doctor *d)
{
	const char *path =
	    d->c->has_settings ? d->c->settings.dns.suffix_list : NULL;
	char text[ERR_TEXT_MAX];
	int64_t made_at, days;
	const char *list;
	struct err e;

	if (idna_open(path, &e) != OK) {
		say(d, HEALTH_BAD, "suffixes", e.text,
		    "install the package publicsuffix, or name a list in "
		    "dns.suffix_list");
		return;
	}
	list = idna_list(&made_at);
	days = (clock_wall_ms() - made_at) / DAY_MS;
	if (made_at == 0)
		snprintf(text, sizeof(text), "%s, of unknown age", list);
	else
		snprintf(text, sizeof(text), "%s, %lld days old", list,
		    (long long)days);
	if (made_at != 0 && days > LIST_OLD_DAYS)
		say(d, HEALTH_NOTE, "suffixes", text,
		    "new suffixes are missing: update the package "
		    "publicsuffix");
	else
		say(d, HEALTH_OK, "suffixes", text, "");
}

static bool
look_at_settings(struct doctor *d)
{
	struct command *c = d->c;
	char text[2 * ERR_TEXT_MAX];
	struct err e;

	if (conf_read(c->options.text[OPTION_CONF], &c->settings, &c->policy,
		&e) != OK) {
		conf_free(&c->policy);
		say(d, HEALTH_BAD, "settings", e.text,
		    access(c->settings.path, F_OK) == 0
			? "correct the line; `domainproofd --print-config` "
			  "shows every key"
			: "name the settings with -c FILE or "
			  "DOMAINPROOF_CONF");
		return false;
	}
	c->has_settings = true;
	say(d, HEALTH_OK, "settings", c->settings.path, "");
	snprintf(text, sizeof(text),
	    "%s, version %s: _%s-challenge, %zu public mail domains",
	    c->settings.policy_path, c->policy.version, c->policy.service,
	    names_count(c->policy.public_domains));
	if (names_count(c->policy.public_domains) == 0)
		say(d, HEALTH_NOTE, "policy", text,
		    "anybody could claim gmail.com: name a list in "
		    "claim.public_domains");
	else
		say(d, HEALTH_OK, "policy", text, "");
	return true;
}

/* --- Kafka ---------------------------------------------------------------- */

static struct topics_conf
kafka_conf(const struct doctor *d, const char *file)
{
	const struct options *o = &d->c->options;

	return (struct topics_conf){
	    .brokers = d->c->settings.kafka.brokers,
	    .prefix = d->c->settings.kafka.prefix,
	    .file = file,
	    .timeout_ms =
		o->given[OPTION_TIMEOUT] ? o->number[OPTION_TIMEOUT] : KAFKA_MS,
	};
}

static void
look_at_kafka(struct doctor *d)
{
	struct topics_conf conf = kafka_conf(d, "");
	struct topics_cluster cluster;
	char text[ERR_TEXT_MAX];
	struct err e;

	if (topics_look(&conf, "", &cluster, &e) != OK) {
		say(d, HEALTH_BAD, "kafka", e.text,
		    "start it, or correct kafka.brokers");
		return;
	}
	d->kafka = true;
	snprintf(text, sizeof(text), "%d broker%s at %.200s", cluster.brokers_n,
	    cluster.brokers_n == 1 ? "" : "s", conf.brokers);
	say(d, HEALTH_OK, "kafka", text, "");
}

struct differences {
	unsigned n, same;
	char first[ERR_TEXT_MAX];
};

static void
count(void *arg, enum topics_step step, const char *topic, const char *text)
{
	struct differences *diff = arg;

	if (step == TOPICS_SAME) {
		diff->same++;
		return;
	}
	if (diff->n++ == 0)
		snprintf(
		    diff->first, sizeof(diff->first), "%s %s", topic, text);
}

static void
look_at_topics(struct doctor *d)
{
	char file[PLACE_MAX], text[ERR_TEXT_MAX + 40];
	struct differences diff = {0};
	struct topics_conf conf;
	struct err e;

	place_of_schema(NULL, "topics.json", file);
	conf = kafka_conf(d, file);
	switch (topics_run(&conf, TOPICS_PLAN, count, &diff, &e)) {
	case OK:
		snprintf(text, sizeof(text), "%u topics are as they should be",
		    diff.same);
		say(d, HEALTH_OK, "topics", text, "");
		return;
	case REJECT:
		snprintf(text, sizeof(text), "%s%s", diff.first,
		    diff.n > 1 ? ", and more" : "");
		say(d, HEALTH_BAD, "topics", text,
		    "domainproof topics plan shows all, apply mends what can "
		    "be mended");
		return;
	case RETRY:
	case STOP:
		say(d, HEALTH_BAD, "topics", e.text, "");
		return;
	}
}

static void
look_at_group(struct doctor *d)
{
	struct topics_conf conf = kafka_conf(d, "");
	const char *group = d->c->settings.pool.name;
	struct topics_cluster cluster;
	char text[ERR_TEXT_MAX];
	struct err e;

	if (topics_look(&conf, group, &cluster, &e) != OK) {
		say(d, HEALTH_BAD, "workers", e.text, "");
		return;
	}
	snprintf(text, sizeof(text), "group %s: %d crew%s at work (%s)", group,
	    cluster.members_n, cluster.members_n == 1 ? "" : "s",
	    strcmp(cluster.group_state, "Dead") == 0 ? "never seen here"
						     : cluster.group_state);
	if (cluster.members_n > 0)
		say(d, HEALTH_OK, "workers", text, "");
	else
		say(d, HEALTH_BAD, "workers", text,
		    "nobody takes jobs: start domainproofd");
}

/* --- Redis ---------------------------------------------------------------- */

static void
look_at_redis(struct doctor *d)
{
	const char *url = d->c->settings.redis.url;
	const char *at = strrchr(url, '@'); /* what is before it is secret */
	struct redis *r;
	bool complete;
	struct err e;

	if (redis_open(&r, url, REDIS_MS, &e) != OK) {
		say(d, HEALTH_BAD, "redis", e.text, "correct redis.url");
		return;
	}
	if (redis_ping(r, &e) != OK || redis_complete(r, &complete, &e) != OK)
		say(d, HEALTH_BAD, "redis", e.text,
		    "start it, or correct redis.url; verdicts do not need it, "
		    "status does");
	else if (!complete)
		say(d, HEALTH_NOTE, "redis",
		    "answers, and does not hold everything yet",
		    "a running domainproofd fills it by itself");
	else
		say(d, HEALTH_OK, "redis", at != NULL ? at + 1 : url, "");
	redis_close(r);
}

/* --- DNS ------------------------------------------------------------------ */

struct probe {
	struct question q;
	uint8_t memory[32768];
	struct answer answer;
	bool done;
};

static void
on_answer(
    void *arg, uint64_t tag, uint16_t id, const uint8_t *bytes, size_t len)
{
	struct probe *p = arg;
	struct arena a;

	(void)tag;
	p->done = true;
	p->answer = (struct answer){.outcome = OUTCOME_TIMEOUT};
	if (bytes == NULL)
		return;
	arena_init(&a, p->memory, sizeof(p->memory));
	packet_read(&p->answer, bytes, len, id, &p->q, &a);
}

/* SOA of the root: there is one everywhere, and it is signed. */
static enum next
ask_root(const struct settings *s, const struct packet_addr *addr,
    uint16_t port, struct probe *p, struct err *e)
{
	struct dns_conf conf = {
	    .timeout_ms = s->dns.timeout_ms, .tries = s->dns.tries};
	struct dns *dns;
	enum next next;

	p->done = false;
	p->q = (struct question){.type = RRTYPE_SOA, .flags = QUESTION_RD};
	if (dname_from_text(&p->q.name, ".", NULL) != DNAME_OK)
		return REJECT;
	next = dns_open(&dns, &conf, on_answer, p, e);
	if (next != OK)
		return next;
	next = dns_ask(dns, addr, port, &p->q, 0, e);
	while (next == OK && !p->done && !command_interrupted())
		(void)dns_serve(dns, 100, -1);
	dns_close(dns);
	return next;
}

static void
judge_resolver(
    struct doctor *d, const char *at, bool trusted, const struct answer *a)
{
	char text[160];

	if (a->outcome != OUTCOME_RECORDS) {
		snprintf(text, sizeof(text), "%s: %s to the root's SOA", at,
		    outcome_name(a->outcome));
		say(d, HEALTH_BAD, "dns", text,
		    "is the resolver running, and may this machine ask it?");
	} else if (trusted && !a->ad) {
		snprintf(text, sizeof(text),
		    "%s answers, is marked as trusted, and does not validate",
		    at);
		say(d, HEALTH_BAD, "dns", text,
		    "switch DNSSEC validation on, or take it out of "
		    "dns.trusted");
	} else {
		snprintf(text, sizeof(text), "%s answers%s%s", at,
		    a->ad ? " and validates DNSSEC" : ", without DNSSEC",
		    trusted ? ", trusted" : "");
		say(d, HEALTH_OK, "dns", text, "");
	}
}

static void
look_at_resolvers(struct doctor *d)
{
	const struct settings *s = &d->c->settings;
	static struct probe p;
	struct err e;

	for (size_t i = 0; i < s->dns.resolvers_n; i++) {
		const char *at = s->dns.resolvers[i];
		struct packet_addr addr;
		uint16_t port = 53;

		if (!dns_addr_parse(at, &addr, &port))
			err_set(&e, "%s: is no address", at);
		else if (ask_root(s, &addr, port, &p, &e) == OK) {
			judge_resolver(d, at, s->dns.trusted[i], &p.answer);
			continue;
		}
		say(d, HEALTH_BAD, "dns", e.text, "correct dns.resolvers");
	}
}

int
cmd_doctor(struct command *c)
{
	struct doctor d = {.c = c};
	bool settings = look_at_settings(&d);

	look_at_entropy(&d);
	look_at_list(&d);
	if (!settings)
		return c->worst;
	look_at_kafka(&d);
	if (d.kafka && !command_interrupted()) {
		look_at_topics(&d);
		look_at_group(&d);
	}
	if (!command_interrupted())
		look_at_redis(&d);
	if (!command_interrupted())
		look_at_resolvers(&d);
	return c->worst;
}
