/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_AGENT_CTL_PROPOSE_IO_H
#define CPC_AGENT_CTL_PROPOSE_IO_H

/* The commands that are more than a question and its answer. */
#include <stdio.h>

#include "agent/ctl/command.h"

enum cpc_ctl_outcome {
	CPC_CTL_ACCEPTED = 0,	/* a change of members: in effect */
	CPC_CTL_REJECTED = 1,
	CPC_CTL_ERROR = 2,
	CPC_CTL_UNDECIDED = 3,
};

/*
 * Proposes and waits until it is decided, or until the time is over; then *ret_answer is how it
 * stands, a new reference. CPC_CTL_ERROR with a text, and without an answer.
 */
enum cpc_ctl_outcome cpc_ctl_propose(const struct cpc_ctl_command *command, json_t **ret_answer,
				     struct cpc_error *error);

/*
 * Asks for a change of members and waits until it is in effect, rejected or failed, or until the
 * time is over; each new state is a line in @news, unless that is NULL. Then *ret_answer is how it
 * stands, a new reference; without a time to wait it is what the daemon said to the question.
 * CPC_CTL_ERROR with a text, and with the answer if there was one.
 */
enum cpc_ctl_outcome cpc_ctl_change(const struct cpc_ctl_command *command, FILE *news,
				    json_t **ret_answer, struct cpc_error *error);

/* Writes what is stamped into the file. Returns the number of frames, or -errno with a text. */
int cpc_ctl_capture(const struct cpc_ctl_command *command, struct cpc_error *error);

/* Takes filter and stamps off, by the daemon or, with an interface named, without one. */
int cpc_ctl_detach(const struct cpc_ctl_command *command, struct cpc_error *error);

#endif
