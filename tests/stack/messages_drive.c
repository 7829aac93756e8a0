/* SPDX-License-Identifier: Apache-2.0 */
/* Every message that we can write, with each code and verdict in it, a line
 * each: the schema's name, a tab, the message. test_messages.py holds them
 * against the schemas, which are closed. */
#include "io/message.h"

#include <stdio.h>
#include <string.h>

#define NOW 1795525200000 /* 2026-11-24T13:00:00Z */

static const struct policy policy = {
    .version = "0123456789abcdef",
    .service = "example",
    .spf_include = "spf.mailco.test",
    .default_sender = "mail@mailco.test",
};
static const struct message_who who = {
    .org = "acme", .domain = "mail.example.test", .id = "order-4711"};
static struct claim_key key = {
    .selector = "s2026",
    .key = {.type = DKIM_ED25519, .bits = 256, .len = 32},
};

static char out[MESSAGE_OUT_MAX];

struct world {
	enum verdict verdict;
	enum code code;
	struct finding finding[CHECK_N];
	struct claim claim;
	struct job job;
	struct job_end end;
};

static void
say(const char *schema, size_t len)
{
	printf("%s\t%.*s\n", schema, (int)len, out);
}

static void
make_finding(struct world *w, enum check check)
{
	struct finding *f = &w->finding[check];

	*f = (struct finding){
	    .check = check,
	    .verdict = w->verdict,
	    .code = w->code,
	    .name = "name.test",
	    .expected = "expected",
	    .found_n = 1,
	    .found = {{.len = 3, .bytes = "\"\\\xff"}},
	    .servers_n = 1,
	    .mark = w->code % 2 == 0 ? 2 : NO_MARK,
	    .also_n = w->code % 3,
	    .also = {CODE_SPF_PLUS_ALL, CODE_KEY_WEAK},
	    .publish = "publish",
	    .has_cost = check == CHECK_SPF,
	    .lookups = 10,
	    .tree_n = w->code % 2,
	    .visible_in_s = w->code == CODE_NEGATIVE_CACHED ? 60 : 0,
	};
	w->claim.check[check] = (struct check_state){
	    .looked_at = ((int)w->code + (int)check) % 3 == 0 ? 0 : NOW,
	    .undecided_since_at = w->verdict == VERDICT_UNDECIDED ? NOW : 0,
	    .verdict = w->verdict,
	    .code = w->code,
	};
	w->job.verdict[check] = (uint8_t)w->verdict;
	w->job.code[check] = (uint8_t)w->code;
}

/* All statuses come by, as the codes do. */
static void
make_world(struct world *w, enum code code, enum verdict verdict)
{
	static uint8_t packed[sizeof(struct claim_key)];
	struct writer wr;

	writer_init(&wr, packed, sizeof(packed));
	record_put_key(&wr, &key);
	*w = (struct world){.code = code, .verdict = verdict};
	w->claim = (struct claim){
	    .ver = 7,
	    .generation = 1,
	    .status = (enum claim_status)(code % CLAIM_STATUS_N),
	    .keys_n = verdict % 2,
	    .keys = packed,
	    .keys_len = (uint16_t)wr.len,
	};
	for (unsigned fn = 0; fn < FUNCTION_N; fn++)
		w->claim.function[fn] = (struct function_state){
		    .status =
			(enum function_status)((code + fn) % FUNCTION_STATUS_N),
		    .since_at = fn == 0 ? 0 : NOW,
		};
	w->job = (struct job){
	    .kind = (enum job_kind)(code % JOB_KIND_N),
	    .checks = (1u << CHECK_N) - 1,
	    .passed = 1u << CHECK_SPF,
	    .accepted_at = NOW,
	    .due_at = NOW,
	    .deadline_at = NOW,
	    .looks = 1,
	};
	w->end = (struct job_end){
	    .kind = w->job.kind,
	    .outcome = END_EXPIRED,
	    .code = code,
	    .accepted_at = NOW,
	    .deadline_at = NOW,
	    .settled_at = NOW,
	};
	for (unsigned c = 0; c < CHECK_N; c++)
		make_finding(w, (enum check)c);
}

static void
say_result(const struct world *w, const struct finding *const findings[CHECK_N])
{
	say("result", message_result(out, sizeof(out), &who, &w->end, LANE_BULK,
			  &w->claim, w->job.checks, findings, NULL, &policy));
}

static void
say_results(struct world *w)
{
	const struct finding *const nothing[CHECK_N] = {NULL};
	const struct finding *const all[CHECK_N] = {
	    &w->finding[0], &w->finding[1], &w->finding[2], &w->finding[3]};

	say_result(w, all);
	say_result(w, nothing);
	w->end.outcome = END_VERIFIED; /* whatever the claim remembers */
	w->end.code = CODE_NONE;
	say_result(w, nothing);
	if (w->verdict == VERDICT_PASS)
		say_result(w, all);
	say("job-doc", message_job_doc(out, sizeof(out), &who, NULL, &w->end));
}

static void
say_event(const struct world *w, struct message_news news)
{
	news.at = NOW;
	news.job = w->code % 2 == 0 ? &w->job : NULL;
	say("event",
	    message_event(out, sizeof(out), &who, &w->claim, &news, &policy));
}

static void
say_events(struct world *w)
{
	say_event(w, (struct message_news){.name = "look.done",
			 .was = claim_status_name(w->claim.status),
			 .function = FUNCTION_N,
			 .finding = &w->finding[w->code % CHECK_N]});
	for (unsigned fn = 0; fn < FUNCTION_N; fn++)
		say_event(w, (struct message_news){.name = "function.changed",
				 .was = function_status_name(FUNCTION_LAPSING),
				 .function = (enum function)fn,
				 .finding = fn == 0 ? NULL : &w->finding[0]});
	w->claim.keys_n = 1;
	say_event(w, (struct message_news){.name = "record.issued",
			 .was = claim_status_name(w->claim.status),
			 .function = FUNCTION_DKIM});
}

static void
say_docs(const struct world *w)
{
	say("claim-doc", message_claim_doc(out, sizeof(out), &who, &w->claim,
			     w->code % 2 == 0 ? &w->job : NULL,
			     w->code % 3 == 0 ? 0 : NOW, &policy));
	say("job-doc", message_job_doc(out, sizeof(out), &who, &w->job, NULL));
}

static void
say_job(enum job_kind kind)
{
	struct job_request r = {.org = "acme",
	    .id = "x",
	    .domain = "a.test",
	    .kind = kind,
	    .checks = 1u << CHECK_SPF | 1u << CHECK_DMARC,
	    .functions = (1u << FUNCTION_N) - 1,
	    .target = "t",
	    .deadline_ms = kind == JOB_VERIFY ? 0 : -1,
	    .selector = "s1",
	    .key = key.key};

	if (kind != JOB_CLAIM)
		memset(r.selector, 0, sizeof(r.selector));
	say("job", message_job_write(out, sizeof(out), &r, "tests", NOW));
}

int
main(void)
{
	static struct world w;

	for (unsigned c = CODE_NONE; c < CODE_N; c++) {
		/* rejections begin with a small letter */
		if (code_name((enum code)c)[0] >= 'a')
			continue;
		for (unsigned v = 0; v < VERDICT_N; v++) {
			make_world(&w, (enum code)c, (enum verdict)v);
			say_docs(&w);
			say_results(&w);
			say_events(&w);
		}
	}
	for (unsigned k = 0; k < JOB_KIND_N; k++)
		say_job((enum job_kind)k);
	return 0;
}
