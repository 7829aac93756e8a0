/* SPDX-License-Identifier: Apache-2.0 */
/* Each (state, event) has a function of a few lines; what concerns the whole
 * crew (its mode) is settled after the event has gone to its child. */
#include "core/children.h"

#include <string.h>
#include <sys/wait.h>

struct step {
	struct children *crew;
	int64_t now;
	struct child_action *out;
	size_t n;
};

typedef void handler(struct step *s, struct child *c);

static void
act(struct step *s, const struct child *c, enum child_verb verb)
{
	s->out[s->n++] = (struct child_action){
	    .verb = verb, .child = (size_t)(c - s->crew->child)};
}

static void
nop(struct step *s, struct child *c)
{
	(void)s;
	(void)c;
}

/* -- while the crew runs ------------------------------------------------- */

static void
stop(struct step *s, struct child *c)
{
	c->state = CHILD_STOPPING;
	c->kill_due = s->now + CHILDREN_DRAIN_MS;
	act(s, c, CHILD_DO_TERM);
}

static void
kill_it(struct step *s, struct child *c)
{
	c->state = CHILD_KILLED;
	act(s, c, CHILD_DO_KILL);
}

/* What ends a crew first is what it ends with. */
static void
end_crew(struct step *s, int exit_code)
{
	if (s->crew->mode == CREW_DRAINING)
		return;
	s->crew->mode = CREW_DRAINING;
	s->crew->exit_code = exit_code;
}

static void
down(struct step *s, struct child *c)
{
	int64_t wait = CHILDREN_BACKOFF_MIN_MS;

	/* one that ran for long begins at the least wait again */
	if (s->now - c->started_at >= CHILDREN_WINDOW_MS)
		c->backoff_n = 0;
	for (unsigned i = 0; i < c->backoff_n && wait < CHILDREN_BACKOFF_MAX_MS;
	     i++)
		wait *= 2;
	if (wait < CHILDREN_BACKOFF_MAX_MS)
		c->backoff_n++;
	else
		wait = CHILDREN_BACKOFF_MAX_MS;
	c->state = CHILD_DOWN;
	c->restart_due = s->now + wait;
	if (c->role == CHILD_SCHEDULER && s->crew->mode == CREW_RUNNING)
		s->crew->mode = CREW_CYCLING;
}

/* Is this the death too many within the window? The ring holds the latest. */
static bool
died_too_often(struct child *c, int64_t now)
{
	size_t at = c->deaths_n % CHILDREN_DEATHS;
	int64_t oldest;

	c->death_at[at] = now;
	c->deaths_n++;
	if (c->deaths_n < CHILDREN_DEATHS)
		return false;
	oldest = c->death_at[(at + 1) % CHILDREN_DEATHS];
	return now - oldest < CHILDREN_WINDOW_MS;
}

static void
up_done(struct step *s, struct child *c)
{
	down(s, c);
}

static void
up_outside(struct step *s, struct child *c)
{
	down(s, c);
}

static void
up_bug(struct step *s, struct child *c)
{
	down(s, c);
	if (died_too_often(c, s->now))
		end_crew(s, EXIT_CODE_BUG);
}

static void
any_usage(struct step *s, struct child *c)
{
	c->state = CHILD_DOWN;
	c->restart_due = s->now;
	end_crew(s, EXIT_CODE_USAGE);
}

static void
down_tick(struct step *s, struct child *c)
{
	if (s->crew->mode != CREW_RUNNING || s->now < c->restart_due)
		return;
	c->state = CHILD_UP;
	c->started_at = s->now;
	act(s, c, CHILD_DO_START);
}

static void
down_cycle(struct step *s, struct child *c)
{
	c->restart_due = s->now;
	c->backoff_n = 0;
}

static void
up_cycle(struct step *s, struct child *c)
{
	c->restart_due = s->now;
	c->backoff_n = 0;
	stop(s, c);
}

/* -- while it ends ------------------------------------------------------- */

static void
gone(struct step *s, struct child *c)
{
	(void)s;
	c->state = CHILD_GONE;
}

/* It ended as it was asked to; settle() says whether it comes back. */
static void
ended(struct step *s, struct child *c)
{
	c->state = CHILD_DOWN;
	c->restart_due = s->now;
}

static void
stopping_tick(struct step *s, struct child *c)
{
	if (s->now >= c->kill_due)
		kill_it(s, c);
}

/* clang-format off */
static handler *const table[CHILD_STATE_N][CHILD_EVENT_N] = {
[CHILD_DOWN] = {
	[CHILD_EV_EXIT_DONE]    = nop, /* the first five cannot be */
	[CHILD_EV_EXIT_USAGE]   = nop,
	[CHILD_EV_EXIT_OUTSIDE] = nop,
	[CHILD_EV_EXIT_BUG]     = nop,
	[CHILD_EV_TICK]         = down_tick,
	[CHILD_EV_STOP]         = gone,
	[CHILD_EV_STOP_NOW]     = gone,
	[CHILD_EV_CYCLE]        = down_cycle,
},
[CHILD_UP] = {
	[CHILD_EV_EXIT_DONE]    = up_done,
	[CHILD_EV_EXIT_USAGE]   = any_usage,
	[CHILD_EV_EXIT_OUTSIDE] = up_outside,
	[CHILD_EV_EXIT_BUG]     = up_bug,
	[CHILD_EV_TICK]         = nop,
	[CHILD_EV_STOP]         = stop,
	[CHILD_EV_STOP_NOW]     = kill_it,
	[CHILD_EV_CYCLE]        = up_cycle,
},
[CHILD_STOPPING] = {
	[CHILD_EV_EXIT_DONE]    = ended,
	[CHILD_EV_EXIT_USAGE]   = any_usage,
	[CHILD_EV_EXIT_OUTSIDE] = ended,
	[CHILD_EV_EXIT_BUG]     = ended,
	[CHILD_EV_TICK]         = stopping_tick,
	[CHILD_EV_STOP]         = nop,
	[CHILD_EV_STOP_NOW]     = kill_it,
	[CHILD_EV_CYCLE]        = nop,
},
[CHILD_KILLED] = {
	[CHILD_EV_EXIT_DONE]    = ended,
	[CHILD_EV_EXIT_USAGE]   = any_usage,
	[CHILD_EV_EXIT_OUTSIDE] = ended,
	[CHILD_EV_EXIT_BUG]     = ended,
	[CHILD_EV_TICK]         = nop,
	[CHILD_EV_STOP]         = nop,
	[CHILD_EV_STOP_NOW]     = nop,
	[CHILD_EV_CYCLE]        = nop,
},
[CHILD_GONE] = {
	[CHILD_EV_EXIT_DONE]    = nop,
	[CHILD_EV_EXIT_USAGE]   = nop,
	[CHILD_EV_EXIT_OUTSIDE] = nop,
	[CHILD_EV_EXIT_BUG]     = nop,
	[CHILD_EV_TICK]         = nop,
	[CHILD_EV_STOP]         = nop,
	[CHILD_EV_STOP_NOW]     = nop,
	[CHILD_EV_CYCLE]        = nop,
},
};
/* clang-format on */

/* -- the crew ------------------------------------------------------------ */

static bool
all_in(const struct children *c, enum child_state a, enum child_state b)
{
	for (size_t i = 0; i < c->n; i++) {
		if (c->child[i].state != a && c->child[i].state != b)
			return false;
	}
	return true;
}

static void
stop_others(struct step *s)
{
	for (size_t i = 0; i < s->crew->n; i++) {
		if (s->crew->child[i].state == CHILD_UP)
			stop(s, &s->crew->child[i]);
	}
}

/* Nobody starts before the scheduler does. */
static void
start_over(struct children *c)
{
	int64_t first = c->child[0].restart_due;

	c->mode = CREW_RUNNING;
	for (size_t i = 1; i < c->n; i++) {
		if (c->child[i].restart_due < first)
			c->child[i].restart_due = first;
	}
}

static void
settle(struct step *s)
{
	struct children *c = s->crew;

	switch (c->mode) {
	case CREW_RUNNING:
		break;
	case CREW_CYCLING:
		stop_others(s);
		if (all_in(c, CHILD_DOWN, CHILD_DOWN))
			start_over(c);
		break;
	case CREW_DRAINING:
		stop_others(s);
		for (size_t i = 0; i < c->n; i++) {
			if (c->child[i].state == CHILD_DOWN)
				c->child[i].state = CHILD_GONE;
		}
		break;
	}
}

static bool
is_for_all(enum child_event ev)
{
	switch (ev) {
	case CHILD_EV_EXIT_DONE:
	case CHILD_EV_EXIT_USAGE:
	case CHILD_EV_EXIT_OUTSIDE:
	case CHILD_EV_EXIT_BUG:
	case CHILD_EVENT_N:
		break;
	case CHILD_EV_TICK:
	case CHILD_EV_STOP:
	case CHILD_EV_STOP_NOW:
	case CHILD_EV_CYCLE:
		return true;
	}
	return false;
}

void
children_init(struct children *c, unsigned resolvers, int64_t now)
{
	*c = (struct children){.n = 1 + resolvers, .mode = CREW_RUNNING};
	for (size_t i = 0; i < c->n; i++) {
		c->child[i] = (struct child){
		    .role = i == 0 ? CHILD_SCHEDULER : CHILD_RESOLVER,
		    .index = i == 0 ? 0 : (unsigned)i - 1,
		    .state = CHILD_DOWN,
		    .restart_due = now,
		    .started_at = now,
		};
	}
}

size_t
children_step(struct children *c, size_t child, enum child_event ev,
    int64_t now, struct child_action *out)
{
	struct step s = {.crew = c, .now = now, .out = out};

	if (ev == CHILD_EV_STOP || ev == CHILD_EV_STOP_NOW)
		end_crew(&s, EXIT_CODE_DONE);
	if (ev == CHILD_EV_CYCLE && c->mode == CREW_DRAINING)
		return 0;
	if (ev == CHILD_EV_CYCLE)
		c->mode = CREW_CYCLING;
	for (size_t i = 0; i < c->n; i++) {
		if (is_for_all(ev) || i == child)
			table[c->child[i].state][ev](&s, &c->child[i]);
	}
	settle(&s);
	return s.n;
}

enum child_event
children_event_of(int wait_status)
{
	if (!WIFEXITED(wait_status))
		return CHILD_EV_EXIT_BUG;
	switch (WEXITSTATUS(wait_status)) {
	case EXIT_CODE_DONE:
		return CHILD_EV_EXIT_DONE;
	case EXIT_CODE_USAGE:
		return CHILD_EV_EXIT_USAGE;
	case EXIT_CODE_OUTSIDE:
		return CHILD_EV_EXIT_OUTSIDE;
	default:
		return CHILD_EV_EXIT_BUG;
	}
}

bool
children_all_down(const struct children *c)
{
	return all_in(c, CHILD_DOWN, CHILD_GONE);
}

bool
children_ended(const struct children *c)
{
	return all_in(c, CHILD_GONE, CHILD_GONE);
}

int64_t
children_next_due(const struct children *c)
{
	int64_t first = INT64_MAX;

	for (size_t i = 0; i < c->n; i++) {
		const struct child *child = &c->child[i];
		int64_t due = INT64_MAX;

		if (child->state == CHILD_STOPPING)
			due = child->kill_due;
		if (child->state == CHILD_DOWN && c->mode == CREW_RUNNING)
			due = child->restart_due;
		if (due < first)
			first = due;
	}
	return first;
}
