/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_AGENT_CTL_SHOW_CHANGE_H
#define CPC_AGENT_CTL_SHOW_CHANGE_H

/*
 * Changes of members for a person to read. Names and texts come from other vehicles: what could
 * drive the terminal is shown, not sent.
 */
#include <jansson.h>
#include <stdio.h>

/* "change of members: car3 leaves; car5 joins", of an entry's or a question's "change". */
void cpc_show_members(FILE *out, const json_t *change);

/* Where a change stands: "accepted in slot 41, in effect after slot 45". No end of line. */
void cpc_show_change_state(FILE *out, const json_t *answer);

/* The end of it, its states told already: the words, and that it is not in effect if it is not. */
void cpc_show_change(FILE *out, const json_t *answer);

#endif
