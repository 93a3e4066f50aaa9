/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * main.h - what was chosen when the module was loaded.
 */
#ifndef CPC_KMOD_MAIN_H
#define CPC_KMOD_MAIN_H

struct cpc_mac;

/* The MAC algorithm of new cells (module parameter "mac"). */
const struct cpc_mac *cpc_mac_chosen(void);

#endif
