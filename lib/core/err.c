/* SPDX-License-Identifier: Apache-2.0 */
#include "core/err.h"

#include <stdarg.h>
#include <stdio.h>

void
err_set(struct err *e, const char *fmt, ...)
{
	va_list ap;

	e->sys = errno;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	errno = e->sys;
}
