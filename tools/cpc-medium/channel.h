/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_TOOLS_MEDIUM_CHANNEL_H
#define CPC_TOOLS_MEDIUM_CHANNEL_H

/*
 * One 802.11p channel in virtual time: who may send when, who hears it, and what gets lost.
 *
 *    station 0                     the air                       station 1
 *    [ voice  ]-.  AIFS + backoff                                  received: all of
 *    [ video  ]--+-- earliest --> ======frame======               - in range, same group
 *    [ best e.]--'    wins        ^               ^               - no overlap with another
 *    [ backgr.]             whoever senses it     end: outcome      frame heard there (or far
 *       queues              holds its backoff     per receiver      above it: capture)
 *                                                                 - not itself sending
 *                                                                 - not lost on this link
 *
 * Carrier sense goes by distance: two stations too far apart to sense each other both send, and
 * whoever is between them gets neither (hidden terminals). A frame is sensed CPC_AIR_CCA_US after
 * it began, so that two whose backoff ends together collide. Groups (a partition) are as if far
 * away. A frame to one station is acknowledged and retried, one to all is neither (10.3.6).
 *
 * Left out, all below what is measured with it: propagation delay (under 1 us per 300 m), EIFS, NAV
 * (but the air is held until the ACK's end), loss of ACKs, fragmentation, RTS, other rates.
 *
 * Pure: time comes with each call and never goes back; everything random comes from the scenario's
 * seed, so the same calls have the same outcome. The caller owns the memory (about 1.5 MB) and
 * serialises. Frames are named by the caller's tag; the channel never sees their contents.
 */
#include <stdbool.h>
#include <stdint.h>

#include "tools/cpc-medium/air.h"
#include "tools/cpc-medium/scenario.h"

enum cpc_channel_limits {
	CPC_CHANNEL_QUEUE_MAX = 64,	/* frames per station and category; more are dropped */
	CPC_CHANNEL_WINDOW_US = 100000,	/* of the busy ratio, as ETSI TS 102 687 measures it */
	CPC_CHANNEL_WINDOWS_MAX = 600,	/* of them remembered per station: the last minute */
	CPC_CHANNEL_RETRIES = 7,	/* dot11ShortRetryLimit, of a frame to one station */
};

#define CPC_CHANNEL_NEVER UINT64_MAX

/* Why a receiver did not get a frame; the first that applies, in this order. */
enum cpc_channel_cause {
	CPC_LOST_PARTITION,
	CPC_LOST_RANGE,
	CPC_LOST_COLLISION,	/* overlap, or the receiver was sending itself */
	CPC_LOST_LOSS,
};
enum { CPC_LOST_CAUSES = 4 };

struct cpc_channel_frame {
	uint64_t tag;
	uint64_t queued_us;	/* set by the channel */
	uint16_t octets;	/* of the MPDU, without FCS */
	uint8_t from;
	uint8_t to;		/* CPC_ALL_STATIONS, or who has to acknowledge */
	uint8_t ac;		/* enum cpc_ac */
};

/* The end of a frame's way: it was sent, or retried too often. */
struct cpc_channel_done {
	struct cpc_channel_frame frame;
	uint64_t start_us, end_us;	/* on the air, the last time */
	uint64_t received;		/* stations, by bit; of a frame to one: that one at most */
	uint8_t attempts;
};

/* Frames and receivers, since the start or the last reset. */
struct cpc_channel_counts {
	uint64_t sent;			/* transmissions begun, retries included */
	uint64_t dropped;		/* not taken: the queue was full */
	uint64_t retries;
	uint64_t air_us;
	uint64_t delivered;		/* per receiver */
	uint64_t lost[CPC_LOST_CAUSES];	/* per receiver */
};

struct cpc_channel_link {
	uint64_t random;
	struct cpc_loss loss;
	bool bad;
	int8_t rssi_dbm;
	bool received, sensed;		/* within range */
	uint32_t delivered;
	uint32_t lost[CPC_LOST_CAUSES];
};

struct cpc_channel_queue {
	struct cpc_channel_frame frame[CPC_CHANNEL_QUEUE_MAX];
	unsigned int head, used;
	unsigned int retries;		/* of the first frame */
	uint16_t cw;
	uint32_t backoff;		/* slots left when idle_since_us was set */
};

struct cpc_channel_tx {
	bool on;
	uint8_t ac;
	uint64_t start_us, end_us;
	uint64_t sensing;		/* who is kept from sending, by bit */
	uint64_t reached, parted;	/* in range; in another group */
	uint64_t deaf;			/* were sending meanwhile */
	int8_t disturbed_dbm[CPC_STATIONS_MAX];	/* strongest other frame there */
};

struct cpc_channel_station {
	int32_t x_mm, y_mm;
	uint8_t group;
	uint64_t random;
	struct cpc_channel_queue queue[CPC_ACS];
	struct cpc_channel_tx tx;
	uint64_t sensed;		/* stations on the air that this one senses, itself too */
	uint64_t idle_since_us;		/* while sensed is 0 */
	int committed;			/* category that will begin before it can sense, or -1 */
	uint64_t committed_us;
	/* busy ratio */
	uint64_t busy_since_us;		/* while sensed is not 0: accounted up to there */
	uint64_t busy_us;		/* in all */
	uint64_t window;		/* number of the current one */
	uint32_t window_busy_us;
	uint64_t windows;		/* completed */
	uint16_t busy_permille[CPC_CHANNEL_WINDOWS_MAX];	/* ring, of the last completed */
	uint16_t busiest_permille;
	struct cpc_channel_counts counts;	/* as a sender */
};

struct cpc_channel {
	const struct cpc_scenario *scenario;
	unsigned int next_change;
	uint64_t start_us, now_us, reset_us;
	uint32_t receive_mm, sense_mm;
	struct cpc_channel_station station[CPC_STATIONS_MAX];
	struct cpc_channel_link link[CPC_STATIONS_MAX][CPC_STATIONS_MAX];	/* from, to */
};

/* @scenario stays the caller's and has to outlive the channel; its times count from @now_us. */
void cpc_channel_init(struct cpc_channel *channel, const struct cpc_scenario *scenario,
		      uint64_t now_us);

/*
 * Queues a frame. Returns 0, -EINVAL for a station, category or length that there is not, or
 * -ENOBUFS when the queue is full. Call cpc_channel_advance() up to @now_us first.
 */
int cpc_channel_send(struct cpc_channel *channel, uint64_t now_us,
		     const struct cpc_channel_frame *frame);

/* When something happens next: call cpc_channel_advance() then. CPC_CHANNEL_NEVER: only after a
 * cpc_channel_send(). */
uint64_t cpc_channel_next_us(const struct cpc_channel *channel);

/*
 * Lets time go on to @now_us or to the next frame's end, whichever comes first. True, and the
 * frame, if one ended: then call it again.
 */
bool cpc_channel_advance(struct cpc_channel *channel, uint64_t now_us,
			 struct cpc_channel_done *ret_done);

/* Changes the air now, beside the scenario. */
void cpc_channel_apply(struct cpc_channel *channel, const struct cpc_change *change);

int cpc_channel_rssi_dbm(const struct cpc_channel *channel, unsigned int from, unsigned int to);

/*
 * Busy: some frame is sensed, one's own included. Of the last completed window, and of all time
 * since the last reset, in thousandths.
 */
unsigned int cpc_channel_busy_permille(struct cpc_channel *channel, unsigned int station);
unsigned int cpc_channel_busy_mean_permille(struct cpc_channel *channel, unsigned int station);
/* Copies the last completed windows, oldest first; returns how many. */
unsigned int cpc_channel_windows(struct cpc_channel *channel, unsigned int station,
				 uint16_t ret_permille[CPC_CHANNEL_WINDOWS_MAX]);

/* Forgets all counts and windows; what is on the air stays. */
void cpc_channel_reset(struct cpc_channel *channel);

/* Every invariant; tests call it after each step. */
void cpc_channel_check(const struct cpc_channel *channel);

#endif
