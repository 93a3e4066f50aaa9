// SPDX-License-Identifier: BSD-3-Clause
#include "agent/util/error.h"

#include <stdarg.h>
#include <stdio.h>

void cpc_error_set(struct cpc_error *error, const char *format, ...)
{
	va_list args;

	if (!error)
		return;
	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
}
