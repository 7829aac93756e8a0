/* SPDX-License-Identifier: Apache-2.0 */
/* Shared memory between the supervisor and its children, made before the
 * fork: who was working on what when it died (the poison slots), heartbeats
 * and counters. Writers are single; a slot is published by its `set` flag last
 * and cleared first, so that a death in between blames nobody. */
#pragma once
#include "core/children.h"
#include "core/record.h"

#define SHM_POISON_STRIKES 3
#define SHM_POISONED_MAX   64

struct shm; /* mapped; the same address in all children */

enum next shm_open_crew(struct shm **out, struct err *e) MUST_USE;

/* Child `child` (index in struct children) works on `what`: "T/P/OFFSET" of a
 * message being decoded, or "org/domain/id" of a look being evaluated. */
void shm_work_begin(struct shm *m, size_t child, const char *what);
void shm_work_end(struct shm *m, size_t child);
/* Supervisor, after the child's death by a bug: counts a strike for what its
 * slot names, clears the slot. Returns strikes (0 = the slot was empty) and
 * copies the name to what[RECORD_KEY_MAX + 1]. At SHM_POISON_STRIKES it
 * becomes poisoned. */
unsigned shm_blame(struct shm *m, size_t child, char *what);
/* Was this blamed SHM_POISON_STRIKES times? The oldest are forgotten past
 * SHM_POISONED_MAX. */
bool shm_poisoned(const struct shm *m, const char *what);

void shm_beat(struct shm *m, size_t child); /* the loop is alive */
uint64_t shm_beats(const struct shm *m, size_t child);

/* Supervisor, before it starts `child`: nothing begun, not ready, no beats. */
void shm_reset(struct shm *m, size_t child);
void shm_ready_set(struct shm *m, size_t child); /* start-up is over */
bool shm_ready_get(const struct shm *m, size_t child);
/* Tests and reloads: unmaps. NULL is fine. */
void shm_close(struct shm *m);
