/* SPDX-License-Identifier: Apache-2.0 */
/* From what was asked for to what is posted: the way that all verbs share that
 * post jobs. */
#pragma once
#include "producer/command.h"
#include "producer/post.h"

struct send_calls {
	poster_told_fn *told;
	/* what the options ask for (checks, functions, selector and key): for
	 * requests that say nothing of it themselves; NULL = nothing */
	const struct job_request *wish;
	/* NULL, or called after each job, and when there is nothing to read
	 * for a moment. */
	void (*between)(void *arg);
	void (*idle)(void *arg);
	void *arg;
};

/* Reads, judges and posts everything; what is wrong is complained of with its
 * place and counted, the others go on. False: nothing could be posted at all
 * (complained and counted). With --dry-run prints the messages instead. */
bool send_all(struct command *c, enum job_kind kind,
    const struct send_calls *calls) MUST_USE;
/* A receipt as a line on stdout, or a complaint. */
void send_receipt(struct command *c, const struct receipt *r);
