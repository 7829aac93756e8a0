/* SPDX-License-Identifier: Apache-2.0 */
/* Tells the pool that somebody is watching: while it is told so every few
 * minutes, the workers look every half minute. Without Kafka one sees what
 * happens all the same, only later. One thread. */
#pragma once
#include "producer/command.h"

#define WATCHER_AGAIN_MS 240000 /* the pool forgets after 5 min */

struct watcher;

/* NULL: Kafka can't be reached, or memory is out; said on stderr. */
struct watcher *watcher_open(struct command *c);
/* Somebody watches this claim. */
void watcher_say(struct watcher *w, const char *org, const char *domain);
/* Hands over what is under way, waits up to wait_ms for it. */
void watcher_serve(struct watcher *w, int64_t wait_ms);
void watcher_close(struct watcher *w); /* NULL is fine */
