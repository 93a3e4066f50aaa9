/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_AGENT_NET_LIMITS_H
#define CPC_AGENT_NET_LIMITS_H

/*
 * Every bound of agent/net, and what happens when it is hit. Bytes, or milliseconds for _MS.
 *
 * The intervals are long where nothing is wrong: a cell whose sessions are up costs the radio
 * channel one announcement per node and one ping per pair and direction in 15 seconds.
 */
enum cpc_net_limits {
	/* what one peer can make us hold */
	CPC_NET_BLOB_MAX = 256 * 1024,	/* a DECISIONS blob, and ops->serve's buffer */
	CPC_NET_FRAME_MAX = CPC_NET_BLOB_MAX + 1,	/* larger: session closed */
	CPC_NET_TX_HIGH = 64 * 1024,	/* unsent bytes above which that peer is neither served nor
					 * told anything; nor read, when a blob is on top */
	CPC_NET_FETCH_BURST = 32,	/* fetches answered at once, then one per ... */
	CPC_NET_FETCH_GAP_MS = 30,	/* ... this; a second one meanwhile: closed */
	CPC_NET_TELL_MAX = 4096,	/* one TELL; a larger one: malformed, session closed */
	CPC_NET_TELL_BURST = 32,	/* TELLs and OFFERs taken at once, then one per ... */
	CPC_NET_TELL_GAP_MS = 30,	/* ... this; a faster peer is read more slowly, so that TCP
					 * holds it back. Our own cpc_net_tell(): -EAGAIN */
	CPC_NET_EPOCHS_MAX = 4,		/* epochs that we offer, and as many that only the peer
					 * does; a further one of its own: its oldest goes */

	/* who has a place */
	CPC_NET_PEERS_MAX = 128,	/* in all; cpc_net_know() of a further one: -ENOSPC */
	CPC_NET_STRANGERS_MAX = 32,	/* of them not known by cpc_net_know(), so that 96 places
					 * are always for those; a further one: refused */

	/* what strangers can make us hold */
	CPC_NET_HALF_OPEN_MAX = 64,	/* inbound connections not yet authenticated; a further one
					 * takes the place of the oldest, so that a flood of stalled
					 * ones cannot keep out a peer */
	CPC_NET_HANDSHAKE_BYTES_MAX = 16 * 1024,	/* before TLS is up; more: closed */
	CPC_NET_CERTIFICATES_MAX = 2048,	/* the peer's list; larger: refused. Of those
						 * for P-256, 400 to 900 bytes each, two pass */
	CPC_NET_ACCEPT_BATCH = 8,	/* accepted per wake-up, so that sessions get their turn */
	CPC_NET_DATAGRAM_BATCH = 16,	/* announcements read per wake-up */
	CPC_NET_HINTS_MAX = 4,		/* addresses per peer; a random unproven one goes */
	CPC_NET_MISSING_MAX = 16,	/* missed peers in one announcement; others in the next */
	CPC_NET_VERIFY_BURST = 32,	/* announcements checked at once, then one
					 * per ... */
	CPC_NET_VERIFY_GAP_MS = 20,	/* ... this; others are ignored, the next one is soon */
	CPC_NET_REPLY_GAP_MS = 100,	/* between two unicast announcements; none sooner */

	/* time */
	CPC_NET_SESSION_DEADLINE_MS = 15000,	/* from connect() or accept() to a session */
	CPC_NET_PING_IDLE_MS = 15000,	/* nothing received for so long: ping */
	CPC_NET_PING_GAP_MS = 2000,	/* between two pings that go unanswered */
	CPC_NET_DEAD_MS = 30000,	/* nothing received for so long: the session is dead */
	CPC_NET_PROBE_DEAD_MS = 8000,	/* the same after a sign that the peer lost the session */
	CPC_NET_BACKOFF_MIN_MS = 250,	/* after the first failed connect; doubles each time */
	CPC_NET_BACKOFF_MAX_MS = 8000,
	CPC_NET_BACKOFF_HEARD_MS = 1000,	/* the most once the peer is heard */
	CPC_NET_ANNOUNCE_FAST_MS = 1000,	/* while the session of a known peer is missing */
	CPC_NET_SEEK_FAST_MS = 30000,	/* so long who is in no cell asks at that pace */
	CPC_NET_ANNOUNCE_SLOW_MS = 15000,	/* while none is */
	CPC_NET_ANNOUNCE_RETRY_MS = 250,	/* while there is no address to send from */
	CPC_NET_INTERFACE_POLL_MS = 2000,	/* besides rtnetlink's hints */
};

#endif
