/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/include.h"

#include "core/mem.h"
#include "io/clock.h"
#include "io/log.h"

#include <stdio.h>
#include <string.h>

#define SUBJECT "our include"

enum state { STATE_UNKNOWN, STATE_WELL, STATE_BROKEN };

struct waits { /* an SPF look, until the addresses are known */
	struct waits *next;
	uint64_t tag;
	struct look_wish wish;
	char subject[RECORD_KEY_MAX + 1];
};

struct include {
	struct include_conf conf;
	struct dname name;
	enum state state;
	bool told; /* that it is unknown */
	bool under_way;
	int64_t due; /* mono ms */
	size_t addresses_n;
	struct packet_addr addresses[LOOK_ADDRESSES_MAX];
	char why[SAW_MAX + 1]; /* it is not well */
	struct waits *first, *last;
};

/* --- what waits ----------------------------------------------------------- */

/* It is not the customer's record that can't be judged. */
static void
tell_undecided(const struct include *in, uint64_t tag)
{
	struct finding f = {
	    .check = CHECK_SPF,
	    .verdict = VERDICT_UNDECIDED,
	    .code = CODE_SPF_TARGET_BROKEN,
	    .mark = NO_MARK,
	};

	snprintf(f.saw, sizeof(f.saw), "%s", in->why);
	in->conf.found(in->conf.arg, tag, &f);
}

static enum next
begin_now(struct include *in, const struct look_wish *wish, const char *subject,
    uint64_t tag, struct err *e)
{
	struct look_wish w = *wish;

	if (in->state != STATE_WELL && in->conf.policy->spf_include[0]) {
		tell_undecided(in, tag);
		return OK;
	}
	snprintf(
	    w.include, sizeof(w.include), "%s", in->conf.policy->spf_include);
	w.addresses_n = in->addresses_n;
	memcpy(w.addresses, in->addresses, sizeof(w.addresses));
	return looks_begin(in->conf.looks, &w, subject, tag, e);
}

static void
begin_waiting(struct include *in)
{
	struct err e;

	while (in->first) {
		struct waits *w = in->first;

		in->first = w->next;
		if (begin_now(in, &w->wish, w->subject, w->tag, &e) != OK)
			tell_undecided(in, w->tag);
		mem_free(w);
	}
	in->last = NULL;
}

static enum next
wait_for_it(struct include *in, const struct look_wish *wish,
    const char *subject, uint64_t tag, struct err *e)
{
	struct waits *w = mem_alloc(sizeof(*w));

	if (!w) {
		err_set(e, "no memory for a look");
		return RETRY;
	}
	w->tag = tag;
	w->wish = *wish;
	snprintf(w->subject, sizeof(w->subject), "%s", subject);
	*(in->last ? &in->last->next : &in->first) = w;
	in->last = w;
	return OK;
}

enum next
include_begin(struct include *in, const struct look_wish *wish,
    const char *subject, uint64_t tag, struct err *e)
{
	if (in->state == STATE_UNKNOWN && in->under_way)
		return wait_for_it(in, wish, subject, tag, e);
	return begin_now(in, wish, subject, tag, e);
}

/* --- itself --------------------------------------------------------------- */

_Static_assert(SPF_ADDRESSES_MAX <= LOOK_ADDRESSES_MAX, "all fit into a wish");

static void
look_at_it(struct include *in)
{
	const struct policy *p = in->conf.policy;
	struct look_wish w = {.check = CHECK_SPF,
	    .ours = true,
	    .domain = in->name,
	    .registrable = in->name};
	struct err e;

	w.addresses_n = p->spf_addresses_n;
	memcpy(w.addresses, p->spf_addresses,
	    w.addresses_n * sizeof(w.addresses[0]));
	if (looks_begin(in->conf.looks, &w, SUBJECT, INCLUDE_TAG, &e) == OK)
		in->under_way = true;
	else
		in->due = clock_mono_ms() + INCLUDE_UNKNOWN_MS;
}

#define WHICH(in, f)                                                           \
	FIELDS(TEXT("include", (in)->conf.policy->spf_include),                \
	    TEXT("code", code_name((f)->code)), TEXT("why", (f)->saw))

static void
is_well(struct include *in, const struct finding *f)
{
	const struct packet_addr *addr =
	    looks_addresses(in->conf.looks, &in->addresses_n);

	memcpy(in->addresses, addr, in->addresses_n * sizeof(*addr));
	if (in->state != STATE_WELL)
		log_line(LOG_INFO, "include.well", WHICH(in, f));
	in->state = STATE_WELL;
	in->due = clock_mono_ms() + INCLUDE_WELL_MS;
}

static void
is_broken(struct include *in, const struct finding *f)
{
	if (in->state != STATE_BROKEN)
		log_line(LOG_ERROR, "include.broken", WHICH(in, f));
	in->state = STATE_BROKEN;
	in->due = clock_mono_ms() + INCLUDE_BROKEN_MS;
}

/* What was known before stays known. */
static void
is_unknown(struct include *in, const struct finding *f)
{
	if (!in->told)
		log_line(LOG_WARN, "include.unknown", WHICH(in, f));
	in->due = clock_mono_ms() + INCLUDE_UNKNOWN_MS;
}

void
include_found(struct include *in, const struct finding *f)
{
	bool unknown = f->verdict == VERDICT_UNDECIDED;

	in->under_way = false;
	snprintf(in->why, sizeof(in->why), "%s",
	    f->saw[0] ? f->saw : code_name(f->code));
	if (f->verdict == VERDICT_PASS)
		is_well(in, f);
	else if (unknown)
		is_unknown(in, f);
	else
		is_broken(in, f);
	in->told = unknown;
	begin_waiting(in);
}

void
include_serve(struct include *in, int64_t now_ms)
{
	if (in->conf.policy->spf_include[0] && !in->under_way &&
	    now_ms >= in->due)
		look_at_it(in);
}

/* --- life ----------------------------------------------------------------- */

enum next
include_open(
    struct include **out, const struct include_conf *conf, struct err *e)
{
	const char *name = conf->policy->spf_include;
	struct include *in;

	in = mem_alloc(sizeof(*in));
	if (!in) {
		err_set(e, "no memory for the include");
		return RETRY;
	}
	in->conf = *conf;
	if (name[0] && dname_from_text(&in->name, name, NULL) != DNAME_OK) {
		err_set(e, "spf.include \"%s\" is no name", name);
		mem_free(in);
		return REJECT;
	}
	if (name[0])
		look_at_it(in);
	*out = in;
	return OK;
}

void
include_close(struct include *in)
{
	if (!in)
		return;
	while (in->first) {
		struct waits *w = in->first;

		in->first = w->next;
		mem_free(w);
	}
	mem_free(in);
}
