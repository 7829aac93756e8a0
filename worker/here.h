/* SPDX-License-Identifier: Apache-2.0 */
/* What settings ask of this machine that their file alone does not show: the
 * user to become, the list of suffixes, an address that can be one. Looked at
 * before a crew lives by them, at start, at HUP and for --check, so that wrong
 * ones never end a crew that runs. Nothing is connected to. */
#pragma once
#include "io/conf.h"

/* STOP with file:line. */
enum next here_check(const struct settings *s, struct err *e) MUST_USE;
/* Besides: this process can become that user. Not for --check, which anybody
 * may call. */
enum next here_check_rights(const struct settings *s, struct err *e) MUST_USE;
