/* SPDX-License-Identifier: Apache-2.0 */
/* The name under which a crew is known, held by a lock on a file: two crews of
 * one pool and slot on one machine would fence each other at the broker. */
#pragma once
#include "core/err.h"

/* Locks <dir>/<pool>-<slot>.lock, making dir if needed; *fd holds it until it
 * is closed or the process dies. REJECT: another process holds it (e names
 * it). STOP: dir is not usable. */
enum next slot_lock(int *fd, const char *dir, const char *pool,
    const char *slot, struct err *e) MUST_USE;
