/* SPDX-License-Identifier: Apache-2.0 */
/* A broker's consumer group: classic protocol, eager, range, static members.
 * Rules shown here:
 * - a newcomer begins a rebalance: each member gives up all it has, in its own
 *   time; when the last has, or its session is over, there is a new generation;
 * - a member that comes back under its instance id takes its old place without
 *   a rebalance, and the older bearer is fenced;
 * - offsets are checked by member and generation, not by who owns the
 *   partition; and who claims neither is not checked at all. */
#include "tests/fake/broker.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define MEMBERS_MAX 64

struct member {
	char instance[BROKER_ID_MAX + 1];
	int64_t id;
	struct broker_client *client; /* NULL: its process is gone */
	bool joined; /* has given up all, waits for the others */
	bool silent;
	int64_t silent_since;
	int64_t session_ms;
	size_t owned_n;
	int32_t owned[KAFKA_PARTITIONS_MAX];
};

static struct {
	int32_t generation;
	bool rebalancing;
	int64_t last_id;
	size_t n;
	struct member *members; /* by instance id, as range assigns them */
	struct broker_client *clients;
} group;

void
broker_changed(void)
{
	struct broker_client *c;

	for (c = group.clients; c != NULL; c = c->next)
		c->changed(c);
}

static struct member *
member_of(const char *instance)
{
	size_t i;

	for (i = 0; i < group.n; i++) {
		if (strcmp(group.members[i].instance, instance) == 0)
			return &group.members[i];
	}
	return NULL;
}

/* The client that is this member, and may be told so. */
static struct broker_client *
listener(const struct member *m)
{
	return m->client != NULL && !m->silent ? m->client : NULL;
}

/* --- generations --- */

static void
tell_gained(const struct member *m, struct broker_client *c)
{
	c->group.generation = group.generation;
	c->group.member = m->id;
	c->owned_n = m->owned_n;
	memcpy(c->owned, m->owned, m->owned_n * sizeof(m->owned[0]));
	c->gained = true;
	c->lost = c->giving_up = false;
}

static void
tell_lost(struct broker_client *c)
{
	c->gained = false;
	c->lost = c->giving_up = true;
}

/* Contiguous ranges in the order of the members' names, the first ones a
 * partition longer. */
static void
assign_range(void)
{
	int32_t share = broker.partitions_n / (int32_t)group.n;
	int32_t longer = broker.partitions_n % (int32_t)group.n, p = 0;
	struct member *m;
	size_t i;

	for (i = 0; i < group.n; i++) {
		m = &group.members[i];
		m->owned_n = 0;
		while ((int32_t)m->owned_n < share + ((int32_t)i < longer))
			m->owned[m->owned_n++] = p++;
	}
}

static void
complete_if_all_joined(void)
{
	size_t i;

	if (!group.rebalancing)
		return;
	for (i = 0; i < group.n; i++) {
		if (!group.members[i].joined)
			return;
	}
	group.rebalancing = false;
	if (group.n == 0)
		return;
	group.generation++;
	assign_range();
	for (i = 0; i < group.n; i++) {
		if (listener(&group.members[i]) != NULL)
			tell_gained(&group.members[i], group.members[i].client);
	}
}

static void
rebalance(void)
{
	struct member *m;
	size_t i;

	for (i = 0; !group.rebalancing && i < group.n; i++) {
		m = &group.members[i];
		m->joined = m->owned_n == 0 && !m->silent;
		if (!m->joined && listener(m) != NULL)
			tell_lost(m->client);
	}
	group.rebalancing = true;
	complete_if_all_joined();
}

/* --- coming and going --- */

static struct member *
insert(const char *instance)
{
	size_t i = group.n;

	if (group.members == NULL)
		group.members = calloc(MEMBERS_MAX, sizeof(*group.members));
	if (group.members == NULL || group.n == MEMBERS_MAX)
		abort();
	while (i > 0 && strcmp(group.members[i - 1].instance, instance) > 0) {
		group.members[i] = group.members[i - 1];
		i--;
	}
	group.n++;
	memset(&group.members[i], 0, sizeof(group.members[i]));
	strcpy(group.members[i].instance, instance);
	return &group.members[i];
}

static void
become(struct member *m, struct broker_client *c)
{
	m->id = ++group.last_id;
	m->client = c;
	m->silent = false;
	m->session_ms = c->session_ms;
	c->group.member = m->id;
}

static void
replace(struct member *m, struct broker_client *c)
{
	if (m->client != NULL && m->client != c)
		m->client->fenced = true;
	become(m, c);
	if (!group.rebalancing) {
		tell_gained(m, c);
		return;
	}
	m->joined = true;
	m->owned_n = 0;
	complete_if_all_joined();
}

static void
enter(struct broker_client *c)
{
	struct member *m = member_of(c->group.instance);

	if (m != NULL) {
		replace(m, c);
	} else {
		m = insert(c->group.instance);
		become(m, c);
		if (group.rebalancing) /* joins the one that is running */
			m->joined = true;
		rebalance();
	}
	broker_changed();
}

void
broker_join(struct broker_client *c)
{
	assert(strlen(c->group.instance) > 0);
	c->group.generation = -1;
	c->group.member = 0;
	c->next = group.clients;
	group.clients = c;
	enter(c);
}

/* The place that this client still has in the group, or NULL. */
static struct member *
place_of(const struct broker_client *c)
{
	struct member *m = member_of(c->group.instance);

	return m != NULL && m->client == c ? m : NULL;
}

void
broker_release(struct broker_client *c)
{
	struct member *m = place_of(c);
	bool answers = c->giving_up;

	c->gained = c->lost = c->giving_up = false;
	c->owned_n = 0;
	if (!answers || c->fenced)
		return;
	if (m == NULL) { /* its session was over: comes anew */
		enter(c);
		return;
	}
	m->joined = true;
	m->owned_n = 0;
	complete_if_all_joined();
	broker_changed();
}

void
broker_stopped(struct broker_client *c)
{
	struct member *m = place_of(c);

	if (m == NULL || m->silent)
		return;
	m->silent = true;
	m->silent_since = broker.now;
}

/* What it missed: its session, a rebalance, or a generation. */
void
broker_continued(struct broker_client *c)
{
	struct member *m = place_of(c);

	if (m == NULL) {
		if (!c->fenced) {
			c->group.generation = -1;
			c->group.member = 0;
			tell_lost(c);
		}
		return;
	}
	m->silent = false;
	if (group.rebalancing && !m->joined)
		tell_lost(c);
	else if (!group.rebalancing && c->group.generation != group.generation)
		tell_gained(m, c);
	broker_changed();
}

void
broker_gone(struct broker_client *c)
{
	struct member *m = place_of(c);
	struct broker_client **at = &group.clients;

	broker_stopped(c);
	if (m != NULL)
		m->client = NULL;
	while (*at != NULL && *at != c)
		at = &(*at)->next;
	if (*at == c)
		*at = c->next;
}

void
broker_sessions_expire(void)
{
	bool removed = false;
	size_t i = 0;

	while (i < group.n) {
		struct member *m = &group.members[i];

		if (!m->silent ||
		    broker.now - m->silent_since < m->session_ms) {
			i++;
			continue;
		}
		memmove(m, m + 1, (group.n - i - 1) * sizeof(*m));
		group.n--;
		removed = true;
	}
	if (removed && group.rebalancing)
		complete_if_all_joined();
	else if (removed)
		rebalance();
}

/* --- the fence of offsets --- */

enum broker_answer
broker_group_checks(const struct broker_group_metadata *g)
{
	const struct member *m = NULL;
	size_t i;

	/* Kept for clients older than this check: whoever says nothing about
	 * itself is let through. */
	if (g->generation < 0 && g->member == 0 && g->instance[0] == '\0')
		return BROKER_OK;
	if (g->instance[0] != '\0') {
		m = member_of(g->instance);
		if (m != NULL && m->id != g->member)
			return BROKER_FENCED_INSTANCE;
	}
	for (i = 0; m == NULL && i < group.n; i++) {
		if (group.members[i].id == g->member)
			m = &group.members[i];
	}
	if (m == NULL)
		return BROKER_UNKNOWN_MEMBER;
	return g->generation == group.generation ? BROKER_OK
						 : BROKER_ILLEGAL_GENERATION;
}

void
broker_group_free(void)
{
	free(group.members);
	memset(&group, 0, sizeof(group));
}
