/* SPDX-License-Identifier: Apache-2.0 */
/* Templates: {slot} is replaced by its value; what stands in [...] is left
 * out when a slot inside it has none. Values are cut at VALUE_MAX, so that a
 * sentence never loses its end. */
#include "core/diagnosis.h"

#include <stdio.h>
#include <string.h>

#define VALUE_MAX SAW_MAX
#define ZONE_LEN  (DNAME_SHOWN_MAX + 1)

/* bare: for a check without a token to compare; NULL = as say and fix */
struct row {
	const char *say;
	const char *fix;
	const char *bare_say;
	const char *bare_fix;
};

#define UNCHANGED "The status is unchanged."

/* clang-format off */
static const struct row rows[CODE_N + 1] = {
	[CODE_NONE] = {
		.say = "The record at {name} is right.",
		.fix = "",
	},
	[CODE_VIA_APEX] = {
		.say = "The record is right, but it stands at {domain} "
		    "itself, the old place, which is still accepted.",
		.fix = "When convenient, move it to {name}.",
	},
	[CODE_NOT_PUBLISHED] = {
		.say = "We looked for a TXT record at {name} and found "
		    "none[; there is only: {saw}].",
		.fix = "Add a TXT record named {name} with the value: "
		    "{expected}",
		.bare_say = "There is no challenge record at {name}[; there "
		    "is only: {saw}].",
		.bare_fix = "Ask for the value to publish there.",
	},
	[CODE_TOKEN_OTHER] = {
		.say = "The TXT record at {name} holds another value than "
		    "yours[: {saw}].",
		.fix = "Add a second TXT record named {name} with the value: "
		    "{expected}",
		.bare_say = "A challenge record is published at {name}[: "
		    "{saw}].",
		.bare_fix = "Give a token with --token to compare it.",
	},
	[CODE_AT_APEX] = {
		.say = "The value is right, but it stands at {domain} "
		    "itself, not at {name}.",
		.fix = "Move the record: its name must be {name}.",
	},
	[CODE_NAME_DOUBLED] = {
		.say = "Found at {saw}: your DNS panel adds {zone} by itself.",
		.fix = "Enter only {enter} as the name of the record.",
	},
	[CODE_NS_DISAGREE] = {
		.say = "The name servers of {domain} disagree about {name}[: "
		    "{saw}].",
		.fix = "Have the stale name servers load the current zone: "
		    "check the zone's serial number and its transfers.",
	},
	[CODE_NEGATIVE_CACHED] = {
		.say = "The record at {name} is on your name servers, but "
		    "public resolvers still remember the time before it[ "
		    "({saw})]. That ends[ within {visible}] by itself[; your "
		    "zone lets them deny a name for {negttl}].",
		.fix = "Nothing to do but wait; leave the record as it is.",
	},
	[CODE_NO_DOMAIN] = {
		.say = "The domain {domain} does not exist in the DNS.",
		.fix = "Check the spelling of the domain and, at your "
		    "registrar, that it is registered, paid for and "
		    "delegated to name servers.",
	},
	[CODE_DNSSEC_BOGUS] = {
		.say = "The DNSSEC signatures of {domain} are broken[: "
		    "{saw}], so nobody may believe its records. "
		    UNCHANGED,
		.fix = "Sign the zone anew, or remove the DS record at the "
		    "registrar if the zone is not signed any more.",
	},
	[CODE_SERVFAIL] = {
		.say = "We could not get an answer about {name}: the servers "
		    "report a failure of their own[ ({saw})]. "
		    UNCHANGED,
		.fix = "The operator of these servers must see why they "
		    "can't load or resolve {domain}.",
	},
	[CODE_REFUSED] = {
		.say = "We could not get an answer about {name}: the servers "
		    "refuse our question[ ({saw})]. "
		    UNCHANGED,
		.fix = "The operator of these servers must serve {domain} "
		    "there and let anybody ask.",
	},
	[CODE_TIMEOUT] = {
		.say = "We could not get an answer about {name}: no reply "
		    "came in time[ ({saw})]. "
		    UNCHANGED,
		.fix = "The operator of these servers must see that they are "
		    "up and can be reached on port 53, by UDP and TCP.",
	},
	[CODE_LAME] = {
		.say = "We could not get an answer about {name}: the servers "
		    "that {domain} is delegated to do not serve it[ "
		    "({saw})]. "
		    UNCHANGED,
		.fix = "Make the name servers listed at the registrar those "
		    "that hold the zone of {domain}.",
	},
	[CODE_BAD_PACKET] = {
		.say = "We could not get an answer about {name}: what the "
		    "servers sent can't be read[ ({saw})]. "
		    UNCHANGED,
		.fix = "The operator of these servers must see what stands "
		    "between them and us, and whether their software is up "
		    "to date.",
	},
	[CODE_CNAME_CHAIN] = {
		.say = "We could not get an answer about {name}: its aliases "
		    "(CNAME) go in a circle or are more than 8[ ({saw})]. "
		    UNCHANGED,
		.fix = "Let {name} be a TXT record, or an alias to one.",
	},
	[CODE_BAD_JOB] = {
		.say = "The request can't be carried out as it is[: {saw}].",
		.fix = "Correct the request and post it again.",
	},
	[CODE_BAD_DOMAIN] = {
		.say = "{domain} is no valid domain name[: {saw}].",
		.fix = "Check the spelling of the domain.",
	},
	[CODE_PUBLIC_SUFFIX] = {
		.say = "{domain} is a public suffix: names are registered "
		    "below it, so nobody can own it.",
		.fix = "Give the domain that you registered, one label more.",
	},
	[CODE_PUBLIC_MAIL_DOMAIN] = {
		.say = "{domain} belongs to a public mail provider and can't "
		    "be claimed.",
		.fix = "Use a domain of your own.",
	},
	[CODE_REFUSED_DOMAIN] = {
		.say = "{domain} can't be claimed here: it is on the list of "
		    "refused domains.",
		.fix = "Ask support if you think that this is a mistake.",
	},
	[CODE_UNKNOWN_KIND] = {
		.say = "This kind of request is not known[: {saw}].",
		.fix = "Correct the kind of the request and post it again.",
	},
	[CODE_BAD_DEADLINE] = {
		.say = "The deadline is out of range[: {saw}].",
		.fix = "Give a deadline between 0 s and the longest allowed "
		    "one.",
	},
	[CODE_UNKNOWN_ORG] = {
		.say = "This organisation may not post requests here[: "
		    "{saw}].",
		.fix = "Check the organisation's id, or ask the operators to "
		    "allow it.",
	},
	[CODE_POISON] = {
		.say = "The request ended the program that worked on it "
		    "several times and was put aside.",
		.fix = "Report it to support with the id of the request.",
	},
	[CODE_RELEASED] = {
		.say = "{domain} was given up while the request was open.",
		.fix = "Claim the domain again if it is still wanted.",
	},
	[CODE_N] = {
		.say = "The reason is one that this version does not know.",
		.fix = "Use the version that the workers have.",
	},
};

static const struct row not_looked_at = {
	.say = "Nobody has looked at {name} yet.",
	.fix = "Add a TXT record named {name} with the value: {expected}",
	.bare_say = "Nobody has looked at {name} yet.",
	.bare_fix = "Ask for the value to publish there.",
};
/* clang-format on */

struct slots {
	const struct diagnosis_facts *facts;
	char zone[ZONE_LEN];  /* what a panel added to the name */
	char enter[ZONE_LEN]; /* the name without it */
};

struct out {
	char *at;
	size_t left;
	bool missing; /* a slot without a value was met */
};

static void
put(struct out *o, const char *text, size_t len)
{
	for (size_t i = 0; i < len && o->left > 0; i++) {
		bool plain = text[i] >= ' ' && text[i] <= '~';

		*o->at++ = plain ? text[i] : '?';
		o->left--;
	}
	*o->at = '\0';
}

static void
put_value(struct out *o, const char *value)
{
	size_t len = strlen(value);

	if (len == 0)
		o->missing = true;
	if (len <= VALUE_MAX) {
		put(o, value, len);
		return;
	}
	put(o, value, VALUE_MAX - 3);
	put(o, "...", 3);
}

static void
put_time(struct out *o, uint32_t seconds)
{
	char text[32];

	if (seconds == 0)
		o->missing = true;
	else if (seconds < 120)
		snprintf(text, sizeof(text), "%u s", (unsigned)seconds);
	else if (seconds < 7200)
		snprintf(text, sizeof(text), "%u min",
		    (unsigned)((seconds + 59) / 60));
	else
		snprintf(text, sizeof(text), "%u h",
		    (unsigned)((seconds / 60 + 59) / 60));
	if (seconds != 0)
		put(o, text, strlen(text));
}

static void
put_slot(struct out *o, const struct slots *s, const char *slot, size_t len)
{
	const struct diagnosis_facts *f = s->facts;
	const struct {
		const char *slot;
		const char *value;
	} texts[] = {
	    {"name", f->name},
	    {"domain", f->domain},
	    {"expected", f->expected},
	    {"saw", f->saw},
	    {"zone", s->zone},
	    {"enter", s->enter},
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (strlen(texts[i].slot) == len &&
		    memcmp(texts[i].slot, slot, len) == 0) {
			put_value(o, texts[i].value);
			return;
		}
	}
	put_time(o, *slot == 'v' ? f->visible_in_s : f->neg_ttl_s);
}

/* Writes up to the byte `until`, or to the end; returns where it stopped. */
static const char *
put_run(struct out *o, const struct slots *s, const char *t, char until)
{
	while (*t != '\0' && *t != until) {
		size_t len = strcspn(t, "{[]");

		put(o, t, len);
		t += len;
		if (*t != '{')
			break;
		len = strcspn(t, "}");
		put_slot(o, s, t + 1, len - 1);
		t += len + 1;
	}
	return t;
}

static void
fill(char *out, const struct slots *s, const char *template)
{
	struct out o = {.at = out, .left = SAY_MAX};
	const char *t = template;

	*out = '\0';
	while (*t != '\0') {
		struct out before;

		t = put_run(&o, s, t, '[');
		if (*t != '[')
			return;
		before = o;
		o.missing = false;
		t = put_run(&o, s, t + 1, ']') + 1;
		if (!o.missing)
			continue;
		o = before;
		*o.at = '\0';
	}
}

/* "N.ZONE" seen for the name N: what was added, and N without it. */
static void
split_name(struct slots *s)
{
	const struct diagnosis_facts *f = s->facts;
	size_t len = strlen(f->name), zone_len, tail;

	snprintf(s->zone, ZONE_LEN, "%s", f->domain);
	/* a saw of full length has been cut */
	if (len > 0 && strncmp(f->saw, f->name, len) == 0 &&
	    f->saw[len] == '.' && strlen(f->saw) < SAW_MAX)
		snprintf(s->zone, ZONE_LEN, "%s", f->saw + len + 1);
	snprintf(s->enter, ZONE_LEN, "%s", f->name);
	zone_len = strlen(s->zone);
	if (zone_len == 0 || len <= zone_len + 1)
		return;
	tail = len - zone_len;
	if (strcmp(f->name + tail, s->zone) == 0 && f->name[tail - 1] == '.')
		s->enter[tail - 1] = '\0';
}

void
diagnosis_say(const struct diagnosis_facts *facts, char *say, char *fix)
{
	const struct row *row = &rows[facts->code];
	struct slots s = {.facts = facts};
	bool bare;

	if (facts->code == CODE_NONE && facts->verdict != VERDICT_PASS)
		row = &not_looked_at;
	bare = facts->expected[0] == '\0' && row->bare_say != NULL;
	split_name(&s);
	fill(say, &s, bare ? row->bare_say : row->say);
	fill(fix, &s, bare ? row->bare_fix : row->fix);
}
