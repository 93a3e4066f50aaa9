// SPDX-License-Identifier: BSD-3-Clause
/*
 * libbpf speaks through one function per process. A library must not print, so it is caught, and
 * what explains a refusal ends up in a cpc_error.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/bpf/internal.h"
#include "agent/util/cleanup.h"

static __thread char heard[160];

static int listen(enum libbpf_print_level level, const char *format, va_list args)
{
	static const char mark[] = "BEGIN PROG LOAD LOG";
	CPC_FREE char *text = NULL;

	if (level != LIBBPF_WARN || vasprintf(&text, format, args) < 0)
		return 0;
	/* The first complaint is the cause, those that follow are consequences; and the verifier's
	 * own words beat libbpf's summary of them. */
	if (strstr(text, mark)) {
		cpc_bpf_log_gist(text, heard, sizeof(heard));
	} else if (!heard[0]) {
		cpc_bpf_log_gist(text, heard, sizeof(heard));
	}
	return 0;
}

void cpc_bpf_listen(void)
{
	heard[0] = '\0';
	libbpf_set_print(listen);
}

const char *cpc_bpf_heard(void)
{
	return heard;
}
