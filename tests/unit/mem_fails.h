/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that runs out: a test that includes this is linked with
 * --wrap=mem_alloc (Makefile), and the call after `mem_left` others fails. */
#pragma once
#include "core/mem.h"

static unsigned mem_left = UINT32_MAX;

void *__real_mem_alloc(size_t len);
void *__wrap_mem_alloc(size_t len);

void *
__wrap_mem_alloc(size_t len)
{
	if (mem_left == 0)
		return NULL;
	mem_left--;
	return __real_mem_alloc(len);
}
