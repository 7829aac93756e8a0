/* SPDX-License-Identifier: Apache-2.0 */
/* Redis of the scenario tests, linked in place of io/redis.c: hashes with
 * versions and marks, as the scripts of the real door treat them. */
#pragma once
#include "io/redis.h"

void fake_redis_wipe(void);
/* Every call fails until it is up again; what is stored stays. */
void fake_redis_down(bool down);
/* The n-th redis_run from now (1 = the next) takes no effect and fails. */
void fake_redis_lose(unsigned n);
/* A field of a hash, NULL when either is missing. */
const char *fake_redis_field(const char *key, const char *name);
/* -1: missing. */
int64_t fake_redis_mark(int32_t partition);
/* Calls see for every hash, in no order. */
void fake_redis_each(void (*see)(void *arg, const char *key), void *arg);
