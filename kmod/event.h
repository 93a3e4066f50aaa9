/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * event.h - what agents are told without asking: the multicast group "events".
 */
#ifndef CPC_KMOD_EVENT_H
#define CPC_KMOD_EVENT_H

#include <linux/workqueue.h>

struct cpc_cell;

/* Tells what has gathered in cell->news (the function of cell->tell). */
void cpc_event_work(struct work_struct *work);

/* The cell came or went. May sleep. */
void cpc_event_cell(const struct cpc_cell *cell, bool up);

#endif
