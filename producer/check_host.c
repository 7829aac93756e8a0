/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/check_host.h"

#include "core/txt.h"
#include "io/clock.h"
#include "producer/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERVE_MS 200
#define MEMORY	 (512u * 1024u) /* the evaluation and all answers */

struct evaluation {
	struct asks *asks;
	size_t left; /* questions under way */
	struct look_ask want[SPF_ASK_MAX];
	struct ask ask[SPF_ASK_MAX];
	struct answer got[SPF_ASK_MAX];
	struct arena arena;
	_Alignas(16) uint8_t memory[MEMORY];
};

static const struct answer *
on_read(void *arg, struct ask *a, const struct lookup_answer *raw)
{
	struct evaluation *v = arg;
	struct answer *out = &v->got[a->place];

	*out = (struct answer){.outcome = OUTCOME_TIMEOUT};
	if (raw->bytes != NULL)
		packet_read(
		    out, raw->bytes, raw->len, raw->id, &a->want->q, &v->arena);
	return out;
}

static void
on_done(void *arg, struct ask *a)
{
	struct evaluation *v = arg;

	(void)a;
	v->left--;
}

/* False: time is over, or somebody pressed ^C. */
static bool
ask_all(struct evaluation *v, const struct spf *s, size_t *n, int64_t until)
{
	const struct question *q = spf_asks(s, n);

	v->left = *n;
	for (size_t i = 0; i < *n; i++) {
		v->want[i] = (struct look_ask){
		    .target = LOOK_RESOLVER, .q = q[i], .shared = true};
		v->ask[i] = (struct ask){.want = &v->want[i], .place = i};
		asks_begin(v->asks, &v->ask[i]);
	}
	while (v->left > 0) {
		if (clock_mono_ms() >= until || command_interrupted())
			return false;
		(void)asks_serve(v->asks, SERVE_MS, -1);
	}
	return true;
}

static void
take(struct check_host *out, const struct spf_verdict *v)
{
	*out = (struct check_host){
	    .result = v->result, .lookups = v->lookups, .voids = v->voids};
	if (v->explanation != NULL) {
		out->has_explanation = true;
		snprintf(out->explanation, sizeof(out->explanation), "%s",
		    v->explanation);
	}
	if (v->problem == SPF_SYNTAX && v->where.fault != NULL)
		snprintf(out->why, sizeof(out->why), "octet %u of %.60s: %.40s",
		    v->where.fault_at,
		    v->where.domain != NULL ? v->where.domain : "the record",
		    v->where.fault);
}

enum next
check_host(struct check_host *out, const struct asks_conf *conf,
    const struct spf_query *q, const char *record, struct err *e)
{
	struct evaluation *v = calloc(1, sizeof(*v));
	struct asks_calls calls = {.read = on_read, .done = on_done, .arg = v};
	int64_t until = clock_mono_ms() + SPF_TIME_MAX_S * 1000;
	enum next how = RETRY;
	struct spf *s = NULL;
	size_t n = 0;

	if (v == NULL) {
		err_set(e, "memory is out");
		return RETRY;
	}
	arena_init(&v->arena, v->memory, sizeof(v->memory));
	s = spf_begin(q, &v->arena);
	how = s == NULL ? RETRY : asks_open(&v->asks, conf, &calls, e);
	if (how != OK)
		goto done;
	if (record != NULL)
		spf_assume(s, (const uint8_t *)record, strlen(record));
	while (spf_step(s, v->got, n) == SPF_ASK) {
		if (!ask_all(v, s, &n, until)) {
			spf_expire(s);
			break;
		}
	}
	take(out, spf_verdict(s));
done:
	asks_close(v->asks);
	free(v);
	return how;
}
