/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/post.h"

#include "core/diagnosis.h"
#include "io/clock.h"
#include "io/entropy.h"
#include "io/idna.h"
#include "io/message.h"
#include "io/post.h"

#include <stdlib.h>
#include <string.h>

#define POSTER_SOURCE  "domainproof"
#define POSTER_WAIT_MS 50 /* while the queue is full */

/* Of each message under way: what its receipt says. post.c bounds how many
 * there are. */
struct sent {
	struct poster *poster;
	uint64_t tag;
	char org[ORG_MAX + 1];
	char domain[DNAME_TEXT_MAX + 1];
	char id[JOB_ID_MAX + 1];
};

struct poster {
	struct post *door;
	poster_told_fn *told;
	void *arg;
};

static void
on_done(void *arg, void *message_arg, bool ok, int32_t partition,
    int64_t offset, const struct err *e)
{
	struct sent *s = message_arg;
	struct receipt r = {
	    .org = s->org,
	    .domain = s->domain,
	    .id = s->id,
	    .tag = s->tag,
	    .stored = ok,
	    .partition = partition,
	    .offset = offset,
	    .e = e,
	};

	(void)arg;
	s->poster->told(s->poster->arg, &r);
	free(s);
}

enum next
poster_open(struct poster **out, const struct poster_conf *conf,
    poster_told_fn *told, void *arg, struct err *e)
{
	struct poster *p = calloc(1, sizeof(*p));
	enum next next;

	*out = NULL;
	if (p == NULL) {
		err_set(e, "memory is out");
		return STOP;
	}
	p->told = told;
	p->arg = arg;
	next = post_open(&p->door,
	    &(struct post_conf){.brokers = conf->brokers,
		.prefix = conf->prefix,
		.timeout_ms = conf->timeout_ms},
	    on_done, p, e);
	if (next != OK) {
		free(p);
		return next;
	}
	*out = p;
	return OK;
}

void
poster_close(struct poster *p)
{
	if (p == NULL)
		return;
	post_close(p->door);
	free(p);
}

enum next
poster_send(struct poster *p, const struct job_request *r, enum topic lane,
    uint64_t tag, struct err *e)
{
	char message[MESSAGE_JOB_MAX];
	size_t len = poster_message(message, sizeof(message), r);
	struct sent *s = calloc(1, sizeof(*s));
	enum next next;

	if (len == 0 || s == NULL) {
		err_set(e, len == 0 ? "the job is too long" : "memory is out");
		free(s);
		return len == 0 ? REJECT : STOP;
	}
	s->poster = p;
	s->tag = tag;
	memcpy(s->org, r->org, sizeof(s->org));
	memcpy(s->domain, r->domain, sizeof(s->domain));
	memcpy(s->id, r->id, sizeof(s->id));
	/* a full queue empties: each message in it fails after its time */
	while ((next = post_send(
		    p->door, lane, r->domain, message, len, s, e)) == RETRY)
		post_serve(p->door, POSTER_WAIT_MS);
	if (next != OK)
		free(s);
	return next;
}

void
poster_serve(struct poster *p, int64_t wait_ms)
{
	post_serve(p->door, wait_ms);
}

enum next
poster_finish(struct poster *p, int64_t limit_ms, struct err *e)
{
	return post_flush(p->door, limit_ms, e);
}

/* What a code leaves open. */
static const char *
why_of(enum code code, const struct job_request *r, const struct policy *policy)
{
	if (code != CODE_BAD_JOB)
		return "";
	if ((r->functions & 1u << FUNCTION_SPF) != 0 &&
	    policy->spf_include[0] == '\0')
		return "this service has no SPF include (spf.include of the "
		       "policy)";
	return r->functions == 0 ? "no function is named" : "";
}

enum next
poster_judge(
    const struct job_request *r, const struct policy *policy, struct err *e)
{
	char say[SAY_MAX + 1], fix[SAY_MAX + 1];
	struct domain_facts facts;
	enum code code;

	idna_facts(r->domain, &facts);
	code = job_judge(r, &facts, policy);
	if (code == CODE_NONE)
		return OK;
	diagnosis_say(&(struct diagnosis_facts){.code = code,
			  .domain = r->domain,
			  .name = "",
			  .expected = "",
			  .saw = why_of(code, r, policy)},
	    say, fix);
	err_set(e, "%s: %.180s %.160s", code_name(code), say, fix);
	return REJECT;
}

size_t
poster_message(char *out, size_t cap, const struct job_request *r)
{
	return message_job_write(out, cap, r, POSTER_SOURCE, clock_wall_ms());
}

enum next
poster_new_id(struct job_request *r, struct err *e)
{
	uint8_t octets[TOKEN_OCTETS];
	char text[TOKEN_TEXT_MAX + 1];
	enum next next = entropy_get(octets, sizeof(octets), e);

	if (next != OK)
		return next;
	token_show(octets, text);
	memcpy(r->id, text, POSTER_ID_LEN);
	r->id[POSTER_ID_LEN] = '\0';
	return OK;
}
