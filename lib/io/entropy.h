/* SPDX-License-Identifier: Apache-2.0 */
/* Random octets from the kernel, and nowhere else. Any thread may call. */
#pragma once
#include "core/err.h"

/* STOP when the kernel gives none. */
enum next entropy_get(void *out, size_t len, struct err *e) MUST_USE;
/* At start: getrandom and /dev/urandom both work and do not repeat; c-ares
 * falls back to guessable ids without the latter. STOP otherwise. */
enum next entropy_check(struct err *e) MUST_USE;
