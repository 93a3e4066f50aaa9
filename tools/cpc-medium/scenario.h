/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_TOOLS_MEDIUM_SCENARIO_H
#define CPC_TOOLS_MEDIUM_SCENARIO_H

/*
 * A scenario: who stands where, what the air does to frames, and what changes when. A text file of
 * one command per line; '#' begins a comment. Units: m, s, Mbit/s, per cent, dB; up to three
 * decimals. (Lines, not INI sections: what holds from the beginning and what changes "at T" is then
 * the same sentence.)
 *
 *   rate 6                    3, 6 or 12 Mbit/s, the whole channel (6)
 *   seed 1                    of all that is random (1)
 *   capture 10                a frame so many dB above another survives it (0: never)
 *   stations 4 [SPACING]      0..3 in a row, SPACING metres apart (0)
 *   station 2 150 -20         or each at its place: number, x, y
 *   range 300 [SENSE]         metres: received within 300; sensed, and disturbing, within SENSE
 *                             (as far as it is received, and not less; 500)
 *   loss 30 [burst 4] [good 0] [bad 100] [link 0 2]
 *                             30 % on average; without burst each frame for itself, with it in
 *                             bursts of 4 frames in the mean (Gilbert-Elliott), losing 0 % in good
 *                             and 100 % in bad times; on all links, or from station 0 to 2
 *   partition 0 1 | 2 3       groups that neither hear nor disturb each other; who is not named is
 *                             in a group with all the others not named
 *   heal                      no groups
 *   at 2.5 partition 0 | 1 2  any of range, loss, station, partition, heal: after 2.5 s; times
 *                             ascend
 *
 * Stations have to be given before others name them. Errors name the line and the value.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/util/error.h"

enum cpc_scenario_limits {
	CPC_STATIONS_MAX = 64,		/* a cell's largest size (CPC_MEMBERS_MAX) */
	CPC_CHANGES_MAX = 1024,		/* commands in a scenario; further ones are refused */
	CPC_SCENARIO_LINE_MAX = 400,	/* bytes of a line, longer ones are refused */
	CPC_SCENARIO_BYTES_MAX = 1 << 18, /* of a file, longer ones are refused */
	CPC_RANGE_MAX_M = 100000,	/* also of coordinates */
	CPC_SCENARIO_SECONDS_MAX = 1000000,
	CPC_ALL_STATIONS = 255,
};

enum cpc_change_type {
	CPC_CHANGE_PLACE, CPC_CHANGE_RANGE, CPC_CHANGE_LOSS, CPC_CHANGE_GROUPS,
};

/* A loss process; probabilities in millionths. Independent loss has good == bad. */
struct cpc_loss {
	uint32_t good_ppm, bad_ppm;		/* loss in good and in bad times */
	uint32_t to_bad_ppm, to_good_ppm;	/* transitions, once per frame */
};

struct cpc_change {
	uint64_t at_us;
	enum cpc_change_type type;
	union {
		struct {
			uint8_t station;
			int32_t x_mm, y_mm;
		} place;
		struct {
			uint32_t receive_mm, sense_mm;
		} range;
		struct {
			uint8_t from, to;	/* both CPC_ALL_STATIONS: every link */
			struct cpc_loss loss;
		} loss;
		uint8_t group[CPC_STATIONS_MAX];
	};
};

struct cpc_scenario {
	unsigned int rate_mbit_s;
	uint64_t seed;
	uint8_t capture_db;
	uint8_t stations;
	unsigned int changes;
	struct cpc_change change[CPC_CHANGES_MAX];	/* ascending in time */
};

/* No stations, 6 Mbit/s, no loss. */
void cpc_scenario_init(struct cpc_scenario *scenario);

/*
 * Reads a whole scenario. Returns 0, or -EINVAL with a text "NAME:LINE: ..." that names what was
 * wrong; then @ret_scenario is what it was. At least one station is needed.
 */
int cpc_scenario_parse(const char *name, const char *text, size_t len,
		       struct cpc_scenario *ret_scenario, struct cpc_error *error);

/*
 * One command that changes a running @scenario, as after "at": returns 0 and the change (at_us is
 * 0), or -EINVAL with a text.
 */
int cpc_scenario_command(const struct cpc_scenario *scenario, const char *line,
			 struct cpc_change *ret_change, struct cpc_error *error);

/*
 * The process that loses @average_ppm in bursts of @burst_milli / 1000 frames in the mean (0:
 * independently). -ERANGE if there is none: the average lies outside good and bad, or the good
 * times between such bursts would have to be shorter than a frame.
 */
int cpc_loss_make(uint32_t average_ppm, uint32_t burst_milli, uint32_t good_ppm, uint32_t bad_ppm,
		  struct cpc_loss *ret_loss);

#endif
