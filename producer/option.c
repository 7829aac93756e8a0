/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/option.h"

#include "core/verdict.h"

#include <stdlib.h>
#include <string.h>

enum kind {
	KIND_FLAG,
	KIND_TEXT,
	KIND_ANY,  /* KIND_TEXT, may be empty */
	KIND_WORD, /* one of `words` */
	KIND_DURATION,
	KIND_MAYBE_DURATION, /* --wait or --wait=DUR */
	KIND_COUNT,
	KIND_INDEX, /* as KIND_COUNT, from 0 */
};

#define FOR(verb) (1u << VERB_##verb)
#define FOR_ALL	  ((1u << VERB_N) - 1)
#define FOR_LOOK  (FOR(VERIFY) | FOR(ACTIVATE))
#define FOR_POST  (FOR(CLAIM) | FOR_LOOK | FOR(DEACTIVATE) | FOR(RECHECK))
#define WORDS_MAX 5
#define COUNT_MAX 100000

struct row {
	const char *name;
	char letter; /* 0 = none */
	enum kind kind;
	unsigned verbs;
	const char *value; /* what help calls the value */
	const char *words[WORDS_MAX];
	const char *help;
};

static const struct row rows[OPTION_N] = {
    [OPTION_CONF] = {.name = "conf",
	.letter = 'c',
	.kind = KIND_TEXT,
	.verbs = FOR_ALL,
	.value = "FILE",
	.help = "settings; else DOMAINPROOF_CONF, else "
		"/etc/domainproof/domainproofd.conf"},
    [OPTION_JSON] = {.name = "json",
	.kind = KIND_FLAG,
	.verbs = FOR_ALL & ~FOR(HELP),
	.help = "one JSON object a line on stdout"},
    [OPTION_ORG] = {.name = "org",
	.letter = 'o',
	.kind = KIND_TEXT,
	.verbs = FOR_POST | FOR(STATUS) | FOR(WAIT) | FOR(CHECK),
	.value = "ORG",
	.help = "organisation; else DOMAINPROOF_ORG"},
    [OPTION_INPUT] = {.name = "file",
	.letter = 'f',
	.kind = KIND_TEXT,
	.verbs = FOR_POST | FOR(STATUS) | FOR(CHECK),
	.value = "FILE",
	.help = "a line each: domain[,org], or a job as a JSON object; "
		"blank lines and # comments are passed over; - is stdin"},
    [OPTION_AS] = {.name = "as",
	.kind = KIND_WORD,
	.verbs = FOR(CLAIM),
	.value = "FORM",
	.words = {"panel", "bind", "split", "json"},
	.help = "how to print the record: panel (for a web form, default), "
		"bind (a line of a zone file), split (the value as strings "
		"of at most 255), json"},
    [OPTION_CHECK] = {.name = "check",
	.kind = KIND_TEXT,
	.verbs = FOR(VERIFY),
	.value = "LIST",
	.help = "what must be right: ownership, spf, dkim, dmarc (advice); "
		"default: ownership and the functions that are on"},
    [OPTION_ACTIVATE] = {.name = "activate",
	.kind = KIND_FLAG,
	.verbs = FOR(VERIFY),
	.help = "switch spf and dkim of --check on when they are proven"},
    [OPTION_FUNCTION] = {.name = "function",
	.kind = KIND_TEXT,
	.verbs = FOR(ACTIVATE) | FOR(DEACTIVATE),
	.value = "LIST",
	.help = "spf, dkim or spf,dkim (default)"},
    [OPTION_DEADLINE] = {.name = "deadline",
	.kind = KIND_DURATION,
	.verbs = FOR_LOOK,
	.value = "DUR",
	.help = "give up after this (0s: one look, report now); "
		"default: the policy's, 48h"},
    [OPTION_LANE] = {.name = "lane",
	.kind = KIND_WORD,
	.verbs = FOR_POST,
	.value = "LANE",
	.words = {"jobs", "bulk"},
	.help = "jobs (default), or bulk: after everything interactive"},
    [OPTION_ID] = {.name = "id",
	.kind = KIND_TEXT,
	.verbs = FOR_POST,
	.value = "ID",
	.help = "the job's id (the same id again gives no second result); "
		"with a file or several domains ID-1, ID-2, ...; "
		"default: random"},
    [OPTION_WAIT] = {.name = "wait",
	.kind = KIND_MAYBE_DURATION,
	.verbs = FOR_LOOK | FOR(DEACTIVATE),
	.value = "DUR",
	.help = "stay until all is settled (or DUR is over), exit by the "
		"outcome"},
    [OPTION_DRY_RUN] = {.name = "dry-run",
	.letter = 'n',
	.kind = KIND_FLAG,
	.verbs = FOR_POST,
	.help = "print the messages, post nothing"},
    [OPTION_JOB] = {.name = "job",
	.kind = KIND_TEXT,
	.verbs = FOR(STATUS) | FOR(WAIT),
	.value = "ID",
	.help = "one job instead of domains"},
    [OPTION_EXPLAIN] = {.name = "explain",
	.kind = KIND_FLAG,
	.verbs = FOR(STATUS),
	.help = "what was looked for, what was seen, what to do"},
    [OPTION_WATCH] = {.name = "watch",
	.kind = KIND_FLAG,
	.verbs = FOR(STATUS),
	.help = "stay and show changes until nothing is pending"},
    [OPTION_FOR] = {.name = "for",
	.kind = KIND_WORD,
	.verbs = FOR(WAIT),
	.value = "WHAT",
	.words = {"verified", "settled"},
	.help = "settled (default): no job is open; verified: proven"},
    [OPTION_TIMEOUT] = {.name = "timeout",
	.kind = KIND_DURATION,
	.verbs = FOR(WAIT) | FOR(TOPICS) | FOR(DOCTOR) | FOR_POST,
	.value = "DUR",
	.help = "wait no longer than this (wait: 48h, else 10s)"},
    [OPTION_ONLY] = {.name = "only",
	.kind = KIND_TEXT,
	.verbs = FOR(CHECK),
	.value = "LIST",
	.help = "of ownership, spf, dkim, dmarc; default: all that can be "
		"judged with what is known"},
    [OPTION_TOKEN] = {.name = "token",
	.kind = KIND_TEXT,
	.verbs = FOR(CHECK),
	.value = "TOKEN",
	.help = "the token to look for; default: the claim's, if Redis "
		"can be asked"},
    [OPTION_SELECTOR] = {.name = "selector",
	.kind = KIND_TEXT,
	.verbs = FOR(CHECK) | FOR(CLAIM),
	.value = "S",
	.help = "the key's record is at S._domainkey.DOMAIN"},
    [OPTION_PUBLIC_KEY] = {.name = "public-key",
	.kind = KIND_TEXT,
	.verbs = FOR(CHECK) | FOR(CLAIM),
	.value = "FILE",
	.help = "PEM SubjectPublicKeyInfo: a key made elsewhere"},
    [OPTION_RECORD] = {.name = "record",
	.kind = KIND_TEXT,
	.verbs = FOR(CHECK),
	.value = "TEXT",
	.help = "judge this record as if it was published: v=spf1 ..., "
		"v=DKIM1 ..., v=DMARC1 ... or token=..."},
    [OPTION_SPF_IP] = {.name = "spf-ip",
	.kind = KIND_TEXT,
	.verbs = FOR(CHECK),
	.value = "ADDR",
	.help = "the plain check_host() of RFC 7208 for mail from this "
		"address; wants --mail-from or --helo"},
    [OPTION_MAIL_FROM] = {.name = "mail-from",
	.kind = KIND_ANY,
	.verbs = FOR(CHECK),
	.value = "MAILBOX",
	.help = "its envelope sender, \"\" if empty"},
    [OPTION_HELO] = {.name = "helo",
	.kind = KIND_ANY,
	.verbs = FOR(CHECK),
	.value = "NAME",
	.help = "its HELO"},
    [OPTION_SERVICE] = {.name = "service",
	.kind = KIND_TEXT,
	.verbs = FOR(CHECK),
	.value = "NAME",
	.help = "the record is at _NAME-challenge; default: the policy's"},
    [OPTION_RESOLVER] = {.name = "resolver",
	.kind = KIND_TEXT,
	.verbs = FOR(CHECK),
	.value = "ADDR[:PORT]",
	.help = "ask only this server; default: the settings' resolvers, "
		"else /etc/resolv.conf, and the zone's own servers"},
    [OPTION_TOPICS_FILE] = {.name = "file",
	.letter = 'f',
	.kind = KIND_TEXT,
	.verbs = FOR(TOPICS),
	.value = "FILE",
	.help = "topics.json; default: the installed one"},
    [OPTION_PARTITIONS] = {.name = "partitions",
	.kind = KIND_COUNT,
	.verbs = FOR(TOPICS),
	.value = "N",
	.help = "of every topic, instead of the file's; chosen once"},
    [OPTION_REPLICAS] = {.name = "replicas",
	.kind = KIND_COUNT,
	.verbs = FOR(TOPICS),
	.value = "N",
	.help = "instead of the file's; a single broker gets one"},
    [OPTION_PARTITION] = {.name = "partition",
	.kind = KIND_INDEX,
	.verbs = FOR(STATE),
	.value = "P",
	.help = "only this one; dump: default all"},
    [OPTION_REBASE_LANE] = {.name = "lane",
	.kind = KIND_WORD,
	.verbs = FOR(STATE),
	.value = "LANE",
	.words = {"jobs", "bulk", "control", "all"}, /* as enum lane */
	.help = "rebase: jobs, bulk or control; all: every lane of the "
		"partition that is kept closed"},
    [OPTION_TO] = {.name = "to",
	.kind = KIND_TEXT,
	.verbs = FOR(STATE),
	.value = "WHERE",
	.help = "rebase: where the lane goes on: an offset; pos: where the "
		"state stands (nothing is skipped); low: at the oldest job "
		"there is; high: behind the newest (all of them are "
		"skipped)"},
    [OPTION_YES] = {.name = "yes",
	.letter = 'y',
	.kind = KIND_FLAG,
	.verbs = FOR(STATE) | FOR(DEACTIVATE),
	.help = "rebase, deactivate: do not ask"},
    [OPTION_HELP] = {.name = "help",
	.letter = 'h',
	.kind = KIND_FLAG,
	.verbs = FOR_ALL,
	.help = "this"},
};

struct verb_row {
	const char *name;
	const char *args;
	const char *help;
	const char *exits; /* beside those of all verbs */
	const char *json;  /* the object of --json, NULL = none */
	const char *example;
};

#define JSON_STATUS                                                            \
	"{domain, org, exit, status, shield, checks {ownership {verdict, "     \
	"code, assurance, name, expected, say, fix, ...}}, record {name, "     \
	"type, value}, job {id, outcome, looks, next_at, deadline_at, ...}, "  \
	"age_s}"

static const struct verb_row verbs[VERB_N] = {
    [VERB_CLAIM] = {"claim", "DOMAIN... | -f FILE | -",
	"Begins a claim and prints the record to publish. The same claim "
	"again: the same record.",
	"0 printed, 4 refused, 5 a dependency is down, 8 no answer of the "
	"workers yet",
	"{domain, org, check, name, relative, zone, type, value, exit}",
	"domainproof claim example.com --org acme --as bind"},
    [VERB_VERIFY] = {"verify", "DOMAIN... | -f FILE | -",
	"Posts a verification: the workers look until the record is there "
	"or the deadline has passed. Prints a receipt a job: domain, "
	"organisation, id, partition, offset.",
	"0 posted; with --wait 0 verified, 1 not proven, 4 refused, 5 a "
	"dependency is down, 8 not settled in time, 9 the DNS gave no answer",
	"{domain, org, id, partition, offset}; with --wait as status",
	"domainproof verify example.com --org acme --deadline 48h --wait"},
    [VERB_ACTIVATE] = {"activate", "DOMAIN... | -f FILE | -",
	"Posts a job that proves the functions (spf: mail goes out as the "
	"domain; dkim: it is signed) and then switches them on.",
	"0 posted; with --wait 0 active, 1 not proven, 4 refused, 5 a "
	"dependency is down, 8 not settled in time, 9 the DNS gave no answer",
	"as verify",
	"domainproof activate example.com --org acme --function spf --wait"},
    [VERB_DEACTIVATE] = {"deactivate", "DOMAIN... | -f FILE | -",
	"Switches functions off at once, for all users of the domain; asks "
	"on a terminal and says what follows.",
	"0 posted; with --wait 0 done; 1 you said no, 4 refused, 5 a "
	"dependency is down, 8 not done in time",
	"as verify",
	"domainproof deactivate example.com --org acme --function spf"},
    [VERB_RECHECK] = {"recheck", "DOMAIN... | -f FILE | -",
	"Has the workers look now at what is proven or open, without waiting "
	"for the next look. Takes nothing away, whatever is found.",
	"0 posted, 4 refused, 5 a dependency is down",
	"{domain, org, id, partition, offset}",
	"domainproof recheck example.com --org acme"},
    [VERB_STATUS] = {"status", "DOMAIN... | -f FILE | - | --job ID",
	"Shows what is known now.",
	"0 holds, 1 does not hold, 3 unknown, 5 can't be known now, "
	"8 pending, 9 the DNS gave no answer",
	JSON_STATUS, "domainproof status example.com --org acme --explain"},
    [VERB_WAIT] = {"wait", "DOMAIN | --job ID",
	"Stays until a claim or a job is settled.",
	"0 holds, 1 does not hold, 3 still unknown, 4 refused, 8 timed out, "
	"9 the DNS gave no answer",
	JSON_STATUS,
	"domainproof wait example.com --org acme --for verified --timeout 1h"},
    [VERB_CHECK] = {"check", "DOMAIN... | -f FILE | -",
	"Looks at the DNS once, from here: what is published where, what is "
	"wrong, what to do. Needs neither Kafka nor Redis nor settings, and "
	"changes nothing.",
	"0 the records are right, 1 one is not, 9 the DNS gave no answer; "
	"dmarc is advice and counts only with --only dmarc",
	"as status, with checks {ownership, spf, dkim, dmarc {..., found, "
	"servers}}; status and job are null; with --spf-ip checks {spf "
	"{check_host {result, explanation}}}",
	"domainproof check example.com --org acme"},
    [VERB_TOPICS] = {"topics", "plan | apply",
	"Compares Kafka's topics with what they should be; apply creates and "
	"alters them.",
	"0 all is right, 4 something differs, 5 Kafka is down",
	"{topic, step, text}; step: same, create, alter, wrong",
	"domainproof topics plan"},
    [VERB_STATE] = {"state",
	"dump | rebase --partition P --lane LANE --to WHERE",
	"Shows the workers' memory. dump prints what the state topic holds: "
	"claims, open jobs, positions; a partition after the other, each by "
	"key. rebase says where a lane goes on of a partition that the "
	"workers keep closed, after it has shown how many jobs that skips; "
	"the pool must be stopped.",
	"0 done; dump: 1 some records cannot be read (named on stderr); "
	"rebase: 1 you said no, 4 refused, and nothing was changed; 5 a "
	"dependency is down",
	"dump: {partition, offset, at, key, kind, ...}, the same members for "
	"each of a kind: claim, job, pos; rebase: {partition, lane, why, "
	"committed, pos, low, high, from, to, skipped, again, gone}",
	"domainproof state rebase --partition 3 --lane jobs --to pos"},
    [VERB_DOCTOR] = {"doctor", "",
	"Asks every dependency whether it works, and says what to do if not.",
	"0 all is well, 5 something is not", "{what, ok, text, fix}",
	"domainproof doctor"},
    [VERB_VERSION] = {"version", "", "Prints the version.", "0", "{version}",
	"domainproof version"},
    [VERB_HELP] = {"help", "[VERB]", "Explains a verb.", "0", NULL,
	"domainproof help verify"},
};

/* --- lists of words ------------------------------------------------------- */

static bool
parse_list(const char *list, uint32_t *bits, unsigned n,
    const char *(*name)(unsigned i))
{
	*bits = 0;
	while (*list != '\0') {
		size_t len = strcspn(list, ",");
		unsigned i = 0;

		while (i < n && (strlen(name(i)) != len ||
				    memcmp(name(i), list, len) != 0))
			i++;
		if (i == n)
			return false;
		*bits |= 1u << i;
		list += len;
		list += *list == ',';
	}
	return *bits != 0;
}

static const char *
check_word(unsigned i)
{
	return check_name((enum check)i);
}

static const char *
function_word(unsigned i)
{
	return check_name(i == 0 ? CHECK_SPF : CHECK_DKIM);
}

bool
option_checks(const char *list, uint32_t *checks)
{
	return parse_list(list, checks, CHECK_N, check_word);
}

bool
option_functions(const char *list, uint32_t *functions)
{
	return parse_list(list, functions, 2, function_word);
}

/* --- near words ----------------------------------------------------------- */

#define NEAR_MAX 24 /* longer words are not compared */

static unsigned
least(unsigned a, unsigned b, unsigned c)
{
	if (a > b)
		a = b;
	return a < c ? a : c;
}

/* Edit distance: letters put in, left out or changed. */
static unsigned
distance(const char *a, const char *b)
{
	unsigned row[NEAR_MAX + 1];
	size_t n = strlen(b);

	if (strlen(a) > NEAR_MAX || n > NEAR_MAX)
		return NEAR_MAX;
	for (unsigned j = 0; j <= n; j++)
		row[j] = j;
	for (unsigned i = 0; a[i] != '\0'; i++) {
		unsigned corner = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < n; j++) {
			unsigned up = row[j + 1];

			row[j + 1] =
			    least(up + 1, row[j] + 1, corner + (a[i] != b[j]));
			corner = up;
		}
	}
	return row[n];
}

/* Near enough to be meant; a longer word may differ in more. */
static bool
is_near(const char *typed, const char *name, unsigned *best)
{
	unsigned d = distance(typed, name);
	unsigned limit = strlen(typed) < 4 ? 1 : 2;

	if (strlen(typed) >= 3 && strncmp(typed, name, strlen(typed)) == 0)
		d = 1; /* its beginning */
	if (d > limit || d >= *best)
		return false;
	*best = d;
	return true;
}

const char *
option_verb_near(const char *name)
{
	const char *near = NULL;
	unsigned best = NEAR_MAX;

	for (int v = 0; v < VERB_N; v++) {
		if (is_near(name, verbs[v].name, &best))
			near = verbs[v].name;
	}
	return near;
}

static const char *
option_near(const char *name, enum verb v)
{
	const char *near = NULL;
	unsigned best = NEAR_MAX;

	for (int i = 0; i < OPTION_N; i++) {
		if ((rows[i].verbs & 1u << v) != 0 &&
		    is_near(name, rows[i].name, &best))
			near = rows[i].name;
	}
	return near;
}

/* --- values --------------------------------------------------------------- */

bool
option_duration(const char *text, int64_t *ms)
{
	static const struct {
		const char *name;
		int64_t ms;
	} unit[] = {
	    {"", 1000},
	    {"ms", 1},
	    {"s", 1000},
	    {"m", 60000},
	    {"min", 60000},
	    {"h", 3600000},
	    {"d", 86400000},
	};
	char *end;
	long long n;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	n = strtoll(text, &end, 10);
	while (*end == ' ')
		end++;
	for (size_t i = 0; errno == 0 && i < ARRAY_LEN(unit); i++) {
		if (strcmp(end, unit[i].name) == 0)
			return !__builtin_mul_overflow(n, unit[i].ms, ms);
	}
	return false;
}

static bool
take_word(const struct row *row, const char *value, int64_t *out)
{
	for (int i = 0; i < WORDS_MAX && row->words[i] != NULL; i++) {
		if (strcmp(row->words[i], value) == 0) {
			*out = i;
			return true;
		}
	}
	return false;
}

static bool
take_count(const char *value, int64_t least_n, int64_t *out)
{
	char *end;
	long n = strtol(value, &end, 10);

	*out = n;
	return value[0] >= '0' && value[0] <= '9' && *end == '\0' &&
	       n >= least_n && n <= COUNT_MAX;
}

static void
list_words(const struct row *row, char *out, size_t cap)
{
	size_t len = 0;

	out[0] = '\0';
	for (int i = 0; i < WORDS_MAX && row->words[i] != NULL; i++)
		len += (size_t)snprintf(out + len, cap - len, "%s%s",
		    i == 0 ? "" : ", ", row->words[i]);
}

/* value NULL: none was given where one may be left out. */
static enum next
take_value(struct options *o, enum option i, const char *value, struct err *e)
{
	const struct row *row = &rows[i];
	char words[80];

	o->given[i] = true;
	o->text[i] = value;
	switch (row->kind) {
	case KIND_FLAG:
	case KIND_ANY:
		return OK;
	case KIND_TEXT:
		if (value[0] != '\0')
			return OK;
		err_set(e, "--%s wants %s, not nothing", row->name, row->value);
		return REJECT;
	case KIND_WORD:
		if (take_word(row, value, &o->number[i]))
			return OK;
		list_words(row, words, sizeof(words));
		err_set(e, "--%s is one of %s", row->name, words);
		return REJECT;
	case KIND_MAYBE_DURATION:
	case KIND_DURATION:
		if (value == NULL || option_duration(value, &o->number[i]))
			return OK;
		err_set(e, "--%s wants a time such as 500ms, 30s, 5min, 48h",
		    row->name);
		return REJECT;
	case KIND_COUNT:
	case KIND_INDEX:
		if (take_count(value, row->kind == KIND_COUNT, &o->number[i]))
			return OK;
		err_set(e, "--%s wants a number from %d to %d", row->name,
		    row->kind == KIND_COUNT, COUNT_MAX);
		return REJECT;
	}
	return STOP;
}

/* --- words ---------------------------------------------------------------- */

struct words {
	int argc;
	char **argv;
	int at;
	const char *bare; /* printed name of the option at hand */
};

static bool
wants_value(enum kind kind)
{
	return kind != KIND_FLAG && kind != KIND_MAYBE_DURATION;
}

static int
find_long(const char *name, size_t len, enum verb v)
{
	for (int i = 0; i < OPTION_N; i++) {
		if ((rows[i].verbs & 1u << v) != 0 &&
		    strlen(rows[i].name) == len &&
		    strncmp(rows[i].name, name, len) == 0)
			return i;
	}
	return -1;
}

static int
find_letter(char letter, enum verb v)
{
	for (int i = 0; i < OPTION_N; i++) {
		if ((rows[i].verbs & 1u << v) != 0 && rows[i].letter == letter)
			return i;
	}
	return -1;
}

static void
say_unknown(const char *word, size_t len, enum verb v, struct err *e)
{
	char name[NEAR_MAX + 1];
	const char *near = NULL;

	snprintf(name, sizeof(name), "%.*s", (int)len, word);
	if (name[0] == '-' && name[1] == '-')
		near = option_near(name + 2, v);
	if (near != NULL)
		err_set(e, "%s has no option %s; did you mean --%s?",
		    verbs[v].name, name, near);
	else
		err_set(e, "%s has no option %s; see: domainproof help %s",
		    verbs[v].name, name, verbs[v].name);
}

/* One option, its value from behind '=' or from the next word. */
static enum next
take_option(struct options *o, struct words *w, struct err *e)
{
	const char *word = w->argv[w->at++];
	const char *value = NULL;
	size_t len = strlen(word);
	int i;

	if (word[1] == '-') {
		value = strchr(word, '=');
		if (value != NULL)
			len = (size_t)(value++ - word);
		i = find_long(word + 2, len - 2, o->verb);
	} else {
		i = find_letter(word[1], o->verb);
		if (i >= 0 && word[2] != '\0' && wants_value(rows[i].kind))
			value = word + 2;
		else if (word[2] != '\0')
			i = -1;
	}
	if (i < 0) {
		say_unknown(word, len, o->verb, e);
		return REJECT;
	}
	if (value != NULL && rows[i].kind == KIND_FLAG) {
		err_set(e, "--%s takes no value", rows[i].name);
		return REJECT;
	}
	if (value == NULL && wants_value(rows[i].kind)) {
		if (w->at == w->argc) {
			err_set(
			    e, "--%s wants %s", rows[i].name, rows[i].value);
			return REJECT;
		}
		value = w->argv[w->at++];
	}
	return take_value(o, (enum option)i, value, e);
}

/* The verb is the first word that is no option; -c FILE may stand before. */
static int
verb_at(const struct words *w)
{
	for (int i = 1; i < w->argc; i++) {
		if (w->argv[i][0] != '-')
			return i;
		if (strcmp(w->argv[i], "-c") == 0 ||
		    strcmp(w->argv[i], "--conf") == 0 ||
		    strcmp(w->argv[i], "-o") == 0 ||
		    strcmp(w->argv[i], "--org") == 0)
			i++;
	}
	return 0;
}

static enum next
take_verb(struct options *o, const struct words *w, int at, struct err *e)
{
	const char *name, *near;

	o->verb = VERB_HELP;
	if (at == 0) {
		for (int i = 1; i < w->argc; i++) {
			if (strcmp(w->argv[i], "--version") == 0 ||
			    strcmp(w->argv[i], "-V") == 0)
				o->verb = VERB_VERSION;
		}
		return OK;
	}
	name = w->argv[at];
	o->verb = option_verb_find(name);
	if (o->verb != VERB_N)
		return OK;
	near = option_verb_near(name);
	if (near != NULL)
		err_set(e, "there is no verb '%.40s'; did you mean %s?", name,
		    near);
	else
		err_set(
		    e, "there is no verb '%.40s'; see: domainproof help", name);
	return REJECT;
}

static bool
is_version_word(const char *word)
{
	return strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0;
}

enum next
option_parse(struct options *o, int argc, char **argv, struct err *e)
{
	struct words w = {.argc = argc, .argv = argv, .at = 1};
	int verb = verb_at(&w);
	bool only_args = false;
	enum next next;

	*o = (struct options){.args = (const char **)argv + 1};
	for (int i = 0; i < OPTION_N; i++)
		o->number[i] = OPTION_UNSET;
	next = take_verb(o, &w, verb, e);
	/* arguments are moved to the front, over words that were read */
	while (next == OK && w.at < argc) {
		const char *word = argv[w.at];

		if (w.at == verb || (verb == 0 && is_version_word(word))) {
			w.at++;
		} else if (only_args || word[0] != '-' || word[1] == '\0') {
			o->args[o->args_n++] = word;
			w.at++;
		} else if (strcmp(word, "--") == 0) {
			only_args = true;
			w.at++;
		} else {
			next = take_option(o, &w, e);
		}
	}
	return next;
}

/* --- help ----------------------------------------------------------------- */

const char *
option_verb_name(enum verb v)
{
	return verbs[v].name;
}

enum verb
option_verb_find(const char *name)
{
	for (int v = 0; v < VERB_N; v++) {
		if (strcmp(verbs[v].name, name) == 0)
			return (enum verb)v;
	}
	return VERB_N;
}

#define HELP_WIDTH 78

/* Words of the first len octets of text in lines, each but the first begun by
 * `indent` blanks. at: columns used of the first. */
static void
put_words(FILE *out, const char *text, size_t len, int at, int indent)
{
	const char *end = text + len;
	bool begun = false;

	while (text < end) {
		int n = (int)strcspn(text, " ");

		if (n > end - text)
			n = (int)(end - text);
		if (begun && at + 1 + n > HELP_WIDTH) {
			fprintf(out, "\n%*s", indent, "");
			at = indent;
		} else if (begun) {
			fputc(' ', out);
			at++;
		}
		fprintf(out, "%.*s", n, text);
		begun = true;
		at += n;
		text += n;
		text += strspn(text, " ");
	}
	fputc('\n', out);
}

static void
put_wrapped(FILE *out, const char *text, int at, int indent)
{
	put_words(out, text, strlen(text), at, indent);
}

static void
put_option(FILE *out, const struct row *row)
{
	char left[40];
	size_t len = 0;

	if (row->letter != '\0')
		len =
		    (size_t)snprintf(left, sizeof(left), "-%c, ", row->letter);
	else
		len = (size_t)snprintf(left, sizeof(left), "    ");
	len +=
	    (size_t)snprintf(left + len, sizeof(left) - len, "--%s", row->name);
	if (row->kind == KIND_MAYBE_DURATION)
		snprintf(left + len, sizeof(left) - len, "[=%s]", row->value);
	else if (row->kind != KIND_FLAG)
		snprintf(left + len, sizeof(left) - len, " %s", row->value);
	fprintf(out, "  %-26s ", left);
	put_wrapped(out, row->help, 29, 29);
}

void
option_help_verb(FILE *out, enum verb v)
{
	fprintf(out, "domainproof %s %s\n\n", verbs[v].name, verbs[v].args);
	put_wrapped(out, verbs[v].help, 0, 0);
	fputc('\n', out);
	for (int i = 0; i < OPTION_N; i++) {
		if ((rows[i].verbs & 1u << v) != 0)
			put_option(out, &rows[i]);
	}
	fprintf(out, "\nExit: ");
	put_wrapped(out, verbs[v].exits, 6, 6);
	fprintf(out, "      ");
	put_wrapped(out,
	    "2 wrong use, 10 a bug, 130 interrupted; of several the worst "
	    "(10 5 4 3 1 9 8 0)",
	    6, 6);
	if (verbs[v].json != NULL) {
		fprintf(out, "JSON: ");
		put_wrapped(out, verbs[v].json, 6, 6);
	}
	fprintf(out, "\n  %s\n", verbs[v].example);
}

void
option_help(FILE *out)
{
	fprintf(out, "domainproof proves that an organisation controls a "
		     "domain.\n\n");
	for (int v = 0; v < VERB_N; v++) {
		fprintf(out, "  %-10s ", verbs[v].name);
		put_words(out, verbs[v].help, strcspn(verbs[v].help, ".") + 1,
		    13, 13);
	}
	fprintf(out, "\ndomainproof help VERB says more. Settings: -c FILE or "
		     "DOMAINPROOF_CONF.\n");
}
