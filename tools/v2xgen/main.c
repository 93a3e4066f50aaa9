// SPDX-License-Identifier: BSD-3-Clause
/*
 * v2xgen: stands in for a vehicle's V2X stack, so that tests and the demo have the frames that a
 * real one sends, and a receiver that sees of them what a real one would.
 *
 *   track or CAN --> motion --> CAM --> BTP-B --> GeoNetworking --> AF_PACKET --> wlan
 *                   (frame)    (cam, uper)       (geonet)          (v2xgen_io)
 *   wlan --> AF_PACKET for 0x8947 only --> frame --> per station: frames, losses, digests (station)
 *
 * It knows nothing of CPChain. What CPChain's module appends to a frame is to v2xgen what it is to
 * any receiver: octets behind the packet's end, which recv counts as trailing and ignores.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tools/v2xgen/options.h"
#include "tools/v2xgen/verbs.h"

int main(int argc, char **argv)
{
	struct cpc_v2x_options options;
	struct cpc_error error = { 0 };
	int r;

	r = cpc_v2x_options_parse(argc, argv, &options, &error);
	if (r == -ECANCELED) {
		fputs(cpc_v2x_usage, stdout);
		return 0;
	}
	if (r == 0) {
		setvbuf(stdout, NULL, _IOLBF, 0);
		switch (options.verb) {
		case CPC_V2X_SEND:
			r = cpc_v2x_verb_send(&options, &error);
			break;
		case CPC_V2X_RECV:
			r = cpc_v2x_verb_recv(&options, &error);
			break;
		case CPC_V2X_PCAP:
			r = cpc_v2x_verb_pcap(&options, &error);
			break;
		case CPC_V2X_READ:
			r = cpc_v2x_verb_read(&options, &error);
			break;
		}
	}
	if (r < 0)
		fprintf(stderr, "v2xgen: %s\n", error.text[0] ? error.text : strerror(-r));
	return r < 0 ? 1 : r;
}
