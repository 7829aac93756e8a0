/* SPDX-License-Identifier: Apache-2.0 */
/* Where the files that come with the programs are. */
#pragma once
#include "core/err.h"

#define PLACE_MAX 4096

/* name "topics.json": given, else schemas/ beside the folder that this program
 * is in (a build tree), else below the working folder, else the installed
 * one. Always fills out[PLACE_MAX]. */
void place_of_schema(const char *given, const char *name, char *out);
