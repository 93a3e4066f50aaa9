/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_AGENT_CTL_SHOW_BPF_H
#define CPC_AGENT_CTL_SHOW_BPF_H

/* The daemon's answers about BPF programs and proposals, for a person to read. */
#include <jansson.h>
#include <stdio.h>

void cpc_show_bpf(FILE *out, const json_t *answer);

/* "join of platoon 7 at 79.2 km/h, 20 m ahead, as number 3", without an end of line. */
void cpc_show_manoeuvre(FILE *out, const json_t *proposal);

/* Who said what and why, a line per member. */
void cpc_show_words(FILE *out, const json_t *entry);

/* An own proposal: what, who said what and why, and what became of it. */
void cpc_show_proposal(FILE *out, const json_t *answer);
/* The same of every member's last conditional entry. */
void cpc_show_proposals(FILE *out, const json_t *answer);

#endif
