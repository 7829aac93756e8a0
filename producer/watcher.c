/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/watcher.h"

#include "producer/post.h"

#include <stdlib.h>

#define TIMEOUT_MS 5000

struct watcher {
	struct poster *poster;
	bool complained;
};

static void
on_told(void *arg, const struct receipt *r)
{
	struct watcher *w = arg;

	if (r->stored || w->complained)
		return;
	w->complained = true;
	fprintf(stderr,
	    "domainproof: the workers could not be told that somebody "
	    "watches: %s; changes show later\n",
	    r->e->text);
}

struct watcher *
watcher_open(struct command *c)
{
	struct watcher *w = calloc(1, sizeof(*w));
	struct err e = {.text = "memory is out"};

	if (w == NULL ||
	    poster_open(&w->poster,
		&(struct poster_conf){.brokers = c->settings.kafka.brokers,
		    .prefix = c->settings.kafka.prefix,
		    .timeout_ms = TIMEOUT_MS},
		on_told, w, &e) != OK) {
		fprintf(stderr,
		    "domainproof: %s; the workers are not told that somebody "
		    "watches, and changes show later\n",
		    e.text);
		free(w);
		return NULL;
	}
	return w;
}

void
watcher_say(struct watcher *w, const char *org, const char *domain)
{
	struct job_request r = {.kind = JOB_WATCH, .deadline_ms = -1};
	struct err e;

	snprintf(r.org, sizeof(r.org), "%s", org);
	snprintf(r.domain, sizeof(r.domain), "%s", domain);
	if (poster_new_id(&r, &e) == OK)
		(void)!poster_send(w->poster, &r, TOPIC_JOBS, 0, &e);
}

void
watcher_serve(struct watcher *w, int64_t wait_ms)
{
	poster_serve(w->poster, wait_ms);
}

void
watcher_close(struct watcher *w)
{
	if (w == NULL)
		return;
	poster_close(w->poster);
	free(w);
}
