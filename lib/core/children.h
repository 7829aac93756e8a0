/* SPDX-License-Identifier: Apache-2.0 */
/* The supervisor's mind: which child to start, to signal or to wait for, and
 * when to give up. (children, event, now) -> actions, as a table of
 * state x event. Pure; times are monotonic ms.
 *
 * Exit codes: 0 done; 100 wrong settings or use: never restarted, the crew
 * ends with 100; 111 the outside failed: restarted with backoff; 101 or a
 * signal: a bug: restarted with backoff, and after CHILDREN_DEATHS within
 * CHILDREN_WINDOW_MS the crew ends with 101. A child that was not asked to end
 * and leaves with 0 is restarted as after 111. The scheduler's end ends the
 * crew of children: the others are stopped and all start afresh. A resolver
 * is replaced alone. What a child that was asked to end leaves with does not
 * matter, but for 100. */
#pragma once
#include "core/err.h"

#define CHILDREN_MAX		64
#define CHILDREN_DEATHS		5 /* bugs of one child within the window */
#define CHILDREN_WINDOW_MS	60000
#define CHILDREN_BACKOFF_MIN_MS 100 /* doubles up to the maximum */
#define CHILDREN_BACKOFF_MAX_MS 10000
#define CHILDREN_DRAIN_MS	25000 /* TERM, then KILL after this */

enum exit_code {
	EXIT_CODE_DONE = 0,
	EXIT_CODE_USAGE = 100,
	EXIT_CODE_BUG = 101,
	EXIT_CODE_OUTSIDE = 111,
};

enum child_role { CHILD_SCHEDULER, CHILD_RESOLVER, CHILD_ROLE_N };

enum child_state {
	CHILD_DOWN, /* to be started at restart_due */
	CHILD_UP,
	CHILD_STOPPING, /* TERM sent, KILL at kill_due */
	CHILD_KILLED,	/* KILL sent */
	CHILD_GONE,	/* will not be started again */
	CHILD_STATE_N,
};

enum child_event {
	CHILD_EV_EXIT_DONE,
	CHILD_EV_EXIT_USAGE,
	CHILD_EV_EXIT_OUTSIDE,
	CHILD_EV_EXIT_BUG, /* 101, any other code, a signal */
	CHILD_EV_TICK,	   /* time passed */
	CHILD_EV_STOP,	   /* the crew must drain */
	CHILD_EV_STOP_NOW, /* at once */
	CHILD_EV_CYCLE,	   /* new settings: drain all, then start all */
	CHILD_EVENT_N,
};

struct child {
	enum child_role role;
	unsigned index; /* among its role */
	enum child_state state;
	int64_t restart_due;
	int64_t kill_due;
	int64_t started_at; /* monotonic ms */
	unsigned backoff_n;
	unsigned deaths_n;
	int64_t death_at[CHILDREN_DEATHS]; /* of bugs, a ring */
};

enum crew_mode {
	CREW_RUNNING,
	CREW_CYCLING,  /* the scheduler died: stop all, then start all */
	CREW_DRAINING, /* TERM: end with exit_code */
};

struct children {
	size_t n;
	struct child child[CHILDREN_MAX];
	enum crew_mode mode;
	int exit_code;
};

enum child_verb { CHILD_DO_START, CHILD_DO_TERM, CHILD_DO_KILL };

struct child_action {
	enum child_verb verb;
	size_t child; /* index into children.child */
};

void children_init(struct children *c, unsigned resolvers, int64_t now);
/* child: index the event is about; ignored by TICK, STOP, STOP_NOW and CYCLE,
 * which go to all. Writes what to do to out[CHILDREN_MAX], returns how many. */
size_t children_step(struct children *c, size_t child, enum child_event ev,
    int64_t now, struct child_action *out);
enum child_event children_event_of(int wait_status);
/* None has a process: what a crew shares may be made anew. */
bool children_all_down(const struct children *c);
/* Everything has ended and nothing will start: leave with exit_code. */
bool children_ended(const struct children *c);
/* When the next TICK matters, INT64_MAX if never. */
int64_t children_next_due(const struct children *c);
