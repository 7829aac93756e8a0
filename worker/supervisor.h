/* SPDX-License-Identifier: Apache-2.0 */
/* The supervisor: reads settings and policy, starts a crew of one scheduler
 * and n resolvers, replaces those that die, and says which work they died of.
 * What to do when is decided by core/children; this carries it out. It holds
 * no connection, no secret and no library's state, so that its children begin
 * clean. */
#pragma once

/* Runs a crew until it has ended. path of the settings, NULL: see conf_read.
 * Returns an exit code (core/children.h). */
int supervisor_run(const char *path);
