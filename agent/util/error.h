/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_AGENT_UTIL_ERROR_H
#define CPC_AGENT_UTIL_ERROR_H

/*
 * What library code says instead of logging: one line that names what was wrong and with
 * which value. The caller owns it and decides where it goes (log, command line, netlink).
 */
struct cpc_error {
	char text[240];
};

/* Longer texts are cut. A NULL error means that the caller does not want the text. */
void cpc_error_set(struct cpc_error *error, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
