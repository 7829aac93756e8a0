/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for jobs to end, by asking Redis now and then. */
#pragma once
#include "producer/post.h"
#include "producer/view.h"

#define AWAIT_MAX 10000 /* jobs at once */

struct await;

/* Told once per job: ended, or (code EXIT_PENDING, EXIT_UNKNOWN) not in time.
 * A job that joined another has been followed to that one's end. */
typedef void await_told_fn(
    void *arg, struct redis *r, const struct job_view *v, enum exit_word code);

enum next await_open(struct await **out, const struct command *c,
    await_told_fn *told, void *arg, struct err *e) MUST_USE;
/* The receipts of those whose end may never be seen from here: Redis can't be
 * asked, or somebody pressed ^C. Once at most; the waiting may go on, and their
 * end be told all the same. */
void await_lost(struct await *a, poster_told_fn *lost);
/* As the receipt says (its partition may be -1, its domain ""). REJECT: there
 * are AWAIT_MAX already. */
enum next await_add(
    struct await *a, const struct receipt *r, struct err *e) MUST_USE;
/* Until all have ended, limit_ms is over, or a signal. RETRY: Redis can't be
 * asked for AWAIT_DOWN_MS now; who is still waited for has not been told. */
#define AWAIT_DOWN_MS 10000
enum next await_run(struct await *a, int64_t limit_ms, struct err *e) MUST_USE;
void await_forget(struct await *a);    /* who has not been told */
size_t await_n(const struct await *a); /* not told yet */
void await_close(struct await *a);

/* Pauses between two questions: 100 ms, growing to 1 s. Starts at *pause 0;
 * returns at once on a signal. */
void await_pause(int64_t *pause_ms, int64_t until_mono);
