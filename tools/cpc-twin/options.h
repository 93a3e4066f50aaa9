/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_TOOLS_TWIN_OPTIONS_H
#define CPC_TOOLS_TWIN_OPTIONS_H

/*
 * options.h - the command line. A cell comes from a configuration file, as the daemon's, or from
 * --test-keys with the cell's values beside it. Pure.
 */
#include "agent/config/config.h"
#include "agent/util/error.h"
#include "tools/cpc-twin/mac.h"

enum {
	CPC_TWIN_SIZE_MIN = 8,		/* an entry's own number fits */
	CPC_TWIN_HZ_MAX = 100,
};

struct cpc_twin_options {
	const char *config;		/* NULL: test keys */
	bool test_keys;
	bool has_self, has_pacing;
	unsigned int self;
	struct cpc_agent_config cell;	/* of test keys, and what overrides a file's */
	const struct cpc_twin_mac *mac;
	u32 carrier_hz;			/* 0: no carriers */
	u32 phase_ms;			/* of the first carrier */
	u32 submit_ms;			/* 0: no entries by the clock */
	u32 window;			/* own entries always kept open; 0: none */
	u8 kind;			/* of what is submitted, enum cpc_entry_kind */
	u32 size;			/* bytes of an entry */
	u32 seconds;			/* 0: until a signal */
	u32 stop_after;			/* own entries, then none is submitted; 0: no end */
	u64 seed;			/* 0: from the system */
	u32 lies;			/* enum cpc_lie_mode */
	const char *log;		/* a line per decided slot goes there; NULL: nowhere */
	bool help;
};

/* 0 or -EINVAL with a text that names the option and its value. */
int cpc_twin_options_parse(int argc, char **argv, struct cpc_twin_options *ret_options,
			   struct cpc_error *error);

extern const char cpc_twin_usage[];

/*
 * The test cells' key between two members and their node ids, which build/cellctl gives to the
 * module as well.
 */
void cpc_twin_test_key(u16 cell, u16 epoch, unsigned int a, unsigned int b,
		       u8 ret_key[CPC_TWIN_KEY_BYTES]);
void cpc_twin_test_node_id(unsigned int member, u8 ret_node_id[32]);

#endif
