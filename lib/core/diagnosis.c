/* SPDX-License-Identifier: Apache-2.0 */
/* Templates: {slot} is replaced by its value; what stands in [...] is left
 * out when a slot inside it has none. Values are cut at VALUE_MAX, so that a
 * sentence never loses its end. */
#include "core/diagnosis.h"

#include <stdio.h>
#include <string.h>

#define VALUE_MAX SAW_MAX
#define COPY_MAX  480 /* of a value that is to be copied */
#define COPY_HEAD 40
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
		.bare_say = "There is no record of this kind at {name}[; "
		    "there is only: {saw}].",
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
	[CODE_AT_BARE_SELECTOR] = {
		.say = "The right key stands at {saw}, not at {name}: "
		    "receivers look below _domainkey only.",
		.fix = "Move the record: its full name must be {name}[; in a "
		    "panel that adds {zone} by itself, enter {enter}].",
	},
	[CODE_AT_PARENT] = {
		.say = "The value is right, but it stands at {saw}, which "
		    "belongs to the domain above {domain}.",
		.fix = "Move the record: its full name must be {name}.",
	},
	[CODE_AT_SIBLING] = {
		.say = "The value is right, but it stands at {saw}, not at "
		    "{name}.",
		.fix = "Move the record: its name must be {name}, underscore "
		    "included.",
	},
	[CODE_WRONG_ZONE] = {
		.say = "The record exists only at {saw}, and {domain} is not "
		    "delegated to that server: nobody asks it.",
		.fix = "Add the record where the zone is served from, or "
		    "change the name servers at the registrar.",
	},
	[CODE_WRONG_NAME_REGISTERED] = {
		.say = "There is no record at {name}; {domain} is the name of "
		    "a host that receives no mail, and the mail domain seems "
		    "to be {saw}.",
		.fix = "If you meant {saw}, ask for that domain instead; else "
		    "add a TXT record named {name} with the value: {expected}",
		.bare_say = "There is no record at {name}; {domain} is the "
		    "name of a host that receives no mail, and the mail "
		    "domain seems to be {saw}.",
		.bare_fix = "If you meant {saw}, ask for that domain instead.",
	},
	[CODE_WILDCARD_SHADOW] = {
		.say = "Nothing was added at {name}: a wildcard record (*) "
		    "answers there as for any name[: {saw}].",
		.fix = "Add a TXT record named {name} with the value: "
		    "{expected}",
	},
	[CODE_CNAME_COEXISTS] = {
		.say = "At {name} some of your name servers have an alias "
		    "(CNAME) and others have data[ ({saw})]; a name can't "
		    "have both.",
		.fix = "Delete one of the two, and let all servers load the "
		    "zone.",
	},
	[CODE_CNAME_FLATTENED] = {
		.say = "{name} answers with addresses[ ({saw})] and has no "
		    "record of the right type: a proxy or \"flattening\" of "
		    "your DNS host replaces the alias.",
		.fix = "Switch proxying or CNAME flattening off for {name}.",
	},
	[CODE_TARGET_DOUBLED] = {
		.say = "The alias at {name} leads to {saw}: your DNS panel "
		    "appended the zone to its target.",
		.fix = "Write the target with a dot at its end, or use the "
		    "panel's absolute form.",
	},
	[CODE_CNAME_AS_TXT] = {
		.say = "The TXT record at {name} holds the name of a host[: "
		    "{saw}]; that is the target of an alias.",
		.fix = "Delete it and make a record of type CNAME with this "
		    "target instead, or a TXT record with the value: "
		    "{expected}",
		.bare_fix = "Delete it, and make a record of type CNAME with "
		    "this target instead.",
		.bare_say = "The TXT record at {name} holds the name of a "
		    "host[: {saw}]; that is the target of an alias.",
	},
	[CODE_STALE_PAGE] = {
		.say = "The token at {name} is the one we issued to you for "
		    "{saw}.",
		.fix = "Replace it by the value for {domain}: {expected}",
	},
	[CODE_SPLIT_INTO_RRS] = {
		.say = "The parts of the value are stored as several records "
		    "at {name}[ ({saw})]; receivers need them in one.",
		.fix = "Delete them and make ONE record; only the quoted "
		    "strings inside it may be split.",
	},
	[CODE_DUP_RECORD] = {
		.say = "There is more than one such record at {name}[: "
		    "{saw}]; which one counts is left to chance.",
		.fix = "Keep the right one and delete the others.",
	},
	[CODE_QUOTES_INSIDE] = {
		.say = "The value at {name} is right but for quotation marks "
		    "that became part of it[: {saw}].",
		.fix = "Enter the value without quotation marks; your panel "
		    "adds them itself.",
	},
	[CODE_SEMICOLON_ESCAPED] = {
		.say = "The value at {name} has backslashes in it[: {saw}]. "
		    "They are right in some zone files, but here they became "
		    "data.",
		.fix = "Enter the value without backslashes.",
	},
	[CODE_WHITESPACE] = {
		.say = "The value at {name} is right but for blanks[: {saw}], "
		    "and with them receivers do not recognise it.",
		.fix = "Enter the value again without blanks before, in or "
		    "behind it that are not in the text we gave.",
	},
	[CODE_SMART_QUOTES] = {
		.say = "The value at {name} holds characters that are no "
		    "ASCII[: {saw}], often quotation marks from a word "
		    "processor.",
		.fix = "Type or paste the value again as plain text.",
	},
	[CODE_KEY_TRUNCATED] = {
		.say = "The key at {name} is cut short[: {saw}].",
		.fix = "Enter the whole value. If the panel takes 255 "
		    "characters only, split it into quoted strings inside "
		    "ONE record, or use an alias (CNAME) or an Ed25519 key.",
	},
	[CODE_KEY_OTHER] = {
		.say = "The key at {name} is not the one we sign with[: "
		    "{saw}].",
		.fix = "Replace the record's value by: {expected}",
	},
	[CODE_KEY_REVOKED] = {
		.say = "The key at {name} is revoked: its p= is empty, so "
		    "every signature with it fails.",
		.fix = "Replace the record's value by: {expected}",
		.bare_say = "The key at {name} is revoked: its p= is empty, "
		    "so every signature with it fails.",
		.bare_fix = "Publish the key again if it is still used.",
	},
	[CODE_KEY_TESTING] = {
		.say = "The key at {name} is marked as a test (t=y): receivers "
		    "may treat the mail as if it were not signed.",
		.fix = "Remove y from the t= tag.",
	},
	[CODE_KEY_WEAK] = {
		.say = "The key at {name} is too short to be trusted[: "
		    "{saw}].",
		.fix = "Use an RSA key of 2048 bits, or Ed25519 beside it.",
	},
	[CODE_KEY_INVALID] = {
		.say = "The record at {name} holds no readable key[: {saw}].",
		.fix = "Enter the value again: {expected}",
		.bare_say = "The record at {name} holds no readable key[: "
		    "{saw}].",
		.bare_fix = "Enter the value again as it was made.",
	},
	[CODE_WRONG_TAG] = {
		.say = "A tag of the record at {name} keeps receivers from "
		    "using the key[: {saw}].",
		.fix = "Enter the value again: {expected}",
		.bare_say = "A tag of the record at {name} keeps receivers "
		    "from using the key[: {saw}].",
		.bare_fix = "Correct this tag.",
	},
	[CODE_BARE_HOST_AS_SPF] = {
		.say = "The TXT record at {domain} names our host[ ({saw})], "
		    "but it is no SPF record without v=spf1 and include:.",
		.fix = "Write it as an SPF record[: {publish}]",
	},
	[CODE_SPF_NO_INCLUDE] = {
		.say = "The SPF record of {domain} does not name our "
		    "servers[: {saw}].",
		.fix = "Add our part to it[: {publish}]",
	},
	[CODE_SPF_AFTER_ALL] = {
		.say = "Our part of the SPF record stands behind \"all\"[ "
		    "({saw})] and is never read.",
		.fix = "Move it before \"all\"[: {publish}]",
	},
	[CODE_SPF_NOT_PASS] = {
		.say = "The SPF record of {domain} does not let our servers "
		    "pass[: {saw}].",
		.fix = "Put our part first, with no sign before it[: "
		    "{publish}]",
	},
	[CODE_SPF_MULTIPLE] = {
		.say = "{domain} has more than one SPF record[ ({saw})]: an "
		    "error for ALL its mail, whoever sends it.",
		.fix = "Make one record of them[: {publish}]",
	},
	[CODE_SPF_SYNTAX] = {
		.say = "The SPF record of {domain} can't be read[: {saw}]: an "
		    "error for ALL its mail, whoever sends it.",
		.fix = "Correct it[; for example: {publish}]",
	},
	[CODE_SPF_OVER_10] = {
		.say = "The SPF record of {domain} needs more than 10 DNS "
		    "lookups[: {saw}]; receivers give up with an error.",
		.fix = "Remove includes that are not used any more, or let "
		    "some mail go out under a subdomain.",
	},
	[CODE_SPF_VOID] = {
		.say = "More than two terms of the SPF record of {domain} "
		    "lead nowhere[: {saw}]; receivers give up with an error.",
		.fix = "Remove the terms that lead nowhere.",
	},
	[CODE_SPF_INCLUDE_BROKEN] = {
		.say = "The SPF record of {domain} includes a name without a "
		    "usable SPF record[: {saw}]: an error for ALL its mail.",
		.fix = "Remove this include, or ask its owner to mend it.",
	},
	[CODE_SPF_TARGET_BROKEN] = {
		.say = "Our own SPF record can't be used at the moment[: "
		    "{saw}]. That is our fault, not yours. " UNCHANGED,
		.fix = "Nothing to do: we are told, and mend it.",
	},
	[CODE_SPF_INDIRECT] = {
		.say = "Our servers pass, but not by our own include[: "
		    "{saw}]; that ends when somebody changes those terms or "
		    "we change our addresses.",
		.fix = "When convenient, add our include to your own record.",
	},
	[CODE_SPF_NEAR_LIMIT] = {
		.say = "The SPF record of {domain} is near the limit of 10 "
		    "lookups or 2 void ones[: {saw}].",
		.fix = "Remove includes that are not used any more before "
		    "adding others.",
	},
	[CODE_SPF_PLUS_ALL] = {
		.say = "The SPF record of {domain} lets everybody pass[: "
		    "{saw}], so it protects nothing.",
		.fix = "End it with ~all or -all instead of +all.",
	},
	[CODE_SPF_WIDE_RANGE] = {
		.say = "The SPF record of {domain} lets a very large range "
		    "pass[: {saw}].",
		.fix = "Name only addresses that send your mail.",
	},
	[CODE_DANGLING_INCLUDE] = {
		.say = "The SPF record of {domain} includes a name that does "
		    "not exist[: {saw}]. Whoever registers it may send as "
		    "you.",
		.fix = "Remove this include now.",
	},
	[CODE_DMARC_INVALID] = {
		.say = "The DMARC record at {name} has a fault[: {saw}].",
		.fix = "Correct the record[: {publish}]",
	},
	[CODE_DMARC_TAG_REMOVED] = {
		.say = "The DMARC record at {name} uses tags that the standard "
		    "no longer has[: {saw}]; some receivers still read them.",
		.fix = "Remove them[: {publish}]",
	},
	[CODE_DMARC_NO_CONSENT] = {
		.say = "DMARC reports of {domain} are to go to somebody who "
		    "has not agreed to receive them[: {saw}].",
		.fix = "Ask the receiver to publish the record of consent "
		    "that {saw} lacks, or use an address of your own domain.",
	},
	[CODE_DMARC_UNALIGNED] = {
		.say = "Mail that we send for {domain} would not align for "
		    "DMARC[: {saw}].",
		.fix = "Switch DKIM on for {domain}, or relax the alignment "
		    "tags of the DMARC record.",
	},
	[CODE_DMARC_LADDER] = {
		.say = "The DMARC record is in order[: {saw}]. This is advice "
		    "and holds nothing back.",
		.fix = "When all your mail passes, take the next step[: "
		    "{publish}]",
	},
	[CODE_NOT_YOURS] = {
		.say = "Your organisation does not hold {domain}[: {saw}].",
		.fix = "Claim and verify the domain first.",
	},
	[CODE_DKIM_HELD] = {
		.say = "Another organisation signs mail for {domain} here.",
		.fix = "Ask support; only one organisation may sign for a "
		    "domain.",
	},
	[CODE_DKIM_REQUIRED] = {
		.say = "SPF and DKIM are switched on together here.",
		.fix = "Ask for both: spf and dkim.",
	},
	[CODE_NO_KEY] = {
		.say = "There is no DKIM key for {domain} yet.",
		.fix = "Leave dkim out, or bring a key with: claim {domain} "
		    "--selector S --public-key FILE",
	},
	[CODE_BAD_KEY] = {
		.say = "The public key can't be used[: {saw}].",
		.fix = "Give an RSA key of 2048 to 4096 bits or an Ed25519 "
		    "key.",
	},
	[CODE_SELECTOR_USED] = {
		.say = "This selector names another key of {domain} already.",
		.fix = "Choose a selector that was never used.",
	},
	[CODE_ROTATION_OPEN] = {
		.say = "DKIM is on for {domain} with another key.",
		.fix = "Switch dkim off first; changing keys without a gap is "
		    "a rotation.",
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
/* Nobody's servers are silent: it is we who do not ask. */
static const struct row over_budget = {
	.say = "We could not ask about {name}: {saw}. "
	    UNCHANGED,
	.fix = "Wait; we ask again by ourselves.",
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

/* A value that people copy is shown whole or not at all: half of a key would
 * be pasted as it is. */
static void
put_copied(struct out *o, const char *value)
{
	if (value == NULL || *value == '\0') {
		o->missing = true;
	} else if (strlen(value) <= COPY_MAX) {
		put(o, value, strlen(value));
	} else {
		put(o, "the long value given with this record (", 39);
		put(o, value, COPY_HEAD);
		put(o, "...)", 4);
	}
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
	if (*slot == 'e' || *slot == 'p') {
		put_copied(o, *slot == 'e' ? f->expected : f->publish);
		return;
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
	if (facts->code == CODE_TIMEOUT &&
	    strcmp(facts->saw, SAW_OVER_BUDGET) == 0)
		row = &over_budget;
	bare = facts->expected[0] == '\0' && row->bare_say != NULL;
	split_name(&s);
	fill(say, &s, bare ? row->bare_say : row->say);
	fill(fix, &s, bare ? row->bare_fix : row->fix);
}
