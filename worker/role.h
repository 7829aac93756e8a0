/* SPDX-License-Identifier: Apache-2.0 */
/* What a child of the supervisor is given to do its work with. A role's main
 * function runs in a fresh process: one thread, privileges dropped, only the
 * descriptors below (and 0, 1, 2) open, SIGTERM blocked and readable from
 * role_stop_fd, SIGINT, SIGHUP and SIGPIPE ignored. It returns an exit code
 * (core/children.h: enum exit_code).
 *
 * It calls shm_beat(role->shm, role->child) at least every ROLE_BEAT_MS as
 * long as its loop is well, also when it has nothing to do. */
#pragma once
#include "core/children.h"
#include "io/conf.h"
#include "io/shm.h"

#include <sys/types.h>

#define ROLE_BEAT_MS 1000

struct role {
	const struct settings *settings;
	const struct policy *policy;
	struct shm *shm;
	enum child_role kind;
	unsigned index; /* among its kind */
	size_t child;	/* index for shm_* */
	int stop_fd;	/* signalfd of SIGTERM */
	/* scheduler */
	int supervisor_fd; /* frames WIRE_GONE, WIRE_POISON come from here */
	int ready_fd;	   /* eventfd, see role_ready */
	size_t resolvers_n;
	int resolver_fd[CHILDREN_MAX]; /* frames to and from resolver i */
	/* resolver */
	int scheduler_fd; /* closed by the other side: leave with 0 */
};

/* Readable when the role must drain and return; there is nothing to read out
 * of it. */
int role_stop_fd(const struct role *r);
/* The scheduler, once, when it has joined its group and polls: the
 * supervisor then tells the service manager. Resolvers need not. */
void role_ready(const struct role *r);

int scheduler_main(const struct role *r);
int resolver_main(const struct role *r);

/* In the child, right after the fork: everything that the head of this file
 * promises; makes stop_fd. parent: getpid() of the supervisor before the fork.
 * A failure is logged; the child then leaves with the code returned. -1: all
 * is well. */
int role_enter(struct role *r, pid_t parent);
