// SPDX-License-Identifier: BSD-3-Clause
/* Receiving: from an interface or a capture file, decoded, printed and summed up. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/util/cleanup.h"
#include "tools/v2xgen/frame.h"
#include "tools/v2xgen/station.h"
#include "tools/v2xgen/v2xgen_io.h"
#include "tools/v2xgen/verbs.h"

enum {
	BUFFER_SIZE = 65536,
};

struct receiver {
	const struct cpc_v2x_options *options;
	uint64_t frames, refused, bytes;
	uint64_t refused_by[4]; /* in the order of reasons[] */
	uint64_t trailing_frames, trailing_bytes;
	uint64_t kernel_drops;
	struct cpc_stations stations;
};

static const int reasons[] = { -ENODATA, -EBADMSG, -EOPNOTSUPP, -EPROTONOSUPPORT };

/* A DE in its unit, or null where it says unavailable. */
static void print_scaled(const char *name, int32_t value, int32_t unavailable, double scale,
			 int digits)
{
	if (value == unavailable)
		printf(",\"%s\":null", name);
	else
		printf(",\"%s\":%.*f", name, digits, value * scale);
}

static void print_json(const struct cpc_v2x_received *received)
{
	const uint8_t *mac = received->source;

	printf("{\"station\":%u,\"source\":\"%02x:%02x:%02x:%02x:%02x:%02x\"",
	       received->station_id, mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	if (received->carrier == CPC_V2X_CAM) {
		const struct cpc_cam *cam = &received->cam;

		print_scaled("latitude", cam->latitude, CPC_CAM_LATITUDE_UNAVAILABLE, 1e-7, 7);
		print_scaled("longitude", cam->longitude, CPC_CAM_LONGITUDE_UNAVAILABLE, 1e-7, 7);
		print_scaled("speed", cam->speed_cm_s, CPC_CAM_SPEED_UNAVAILABLE, 0.01, 2);
		print_scaled("heading", cam->heading, CPC_CAM_HEADING_UNAVAILABLE, 0.1, 1);
		printf(",\"generation_delta_time\":%d,\"gn_timestamp\":%u,\"path_points\":%u",
		       cam->generation_delta_time_ms, received->geonet.source.timestamp_ms,
		       cam->path_count);
	} else {
		printf(",\"psid\":%u,\"payload_bytes\":%zu", received->psid,
		       received->payload_size);
	}
	printf(",\"bytes\":%zu,\"protocol_bytes\":%zu,\"trailing_bytes\":%zu"
	       ",\"digest\":\"%016" PRIx64 "\"}\n",
	       received->bytes, received->protocol_bytes, received->trailing_bytes,
	       received->digest);
}

static void print_text(const struct cpc_v2x_received *received)
{
	const struct cpc_cam *cam = &received->cam;

	printf("station %u: ", received->station_id);
	if (received->carrier == CPC_V2X_WSMP)
		printf("WSM of PSID 0x%x, %zu bytes", received->psid, received->payload_size);
	else
		printf("%.7f %.7f, %s%.2f m/s, %.1f deg, generationDeltaTime %d",
		       cam->latitude * 1e-7, cam->longitude * 1e-7,
		       cam->speed_cm_s == CPC_CAM_SPEED_UNAVAILABLE ? "unknown, " : "",
		       cam->speed_cm_s * 0.01, cam->heading * 0.1, cam->generation_delta_time_ms);
	printf("; %zu bytes = %zu protocol + %zu trailing, digest %016" PRIx64 "\n",
	       received->bytes, received->protocol_bytes, received->trailing_bytes,
	       received->digest);
}

static void count_refusal(struct receiver *receiver, int r, size_t size)
{
	const char *word = cpc_v2x_decode_error(r);

	receiver->refused++;
	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
		if (reasons[i] == r)
			receiver->refused_by[i]++;
	if (!receiver->options->quiet)
		printf(receiver->options->json ? "{\"refused\":\"%s\",\"bytes\":%zu}\n" :
						 "refused: %s, %zu bytes\n", word, size);
}

static void take(struct receiver *receiver, const uint8_t *frame, size_t size)
{
	struct cpc_v2x_received received;
	int r = cpc_v2x_frame_decode(frame, size, &received);

	if (r < 0) {
		count_refusal(receiver, r, size);
		return;
	}
	receiver->frames++;
	receiver->bytes += size;
	receiver->trailing_frames += received.trailing_bytes > 0;
	receiver->trailing_bytes += received.trailing_bytes;
	if (received.carrier == CPC_V2X_CAM)
		cpc_stations_add(&receiver->stations, received.station_id,
				 received.geonet.source.timestamp_ms, received.digest);
	else
		cpc_stations_count(&receiver->stations, received.station_id, received.digest);
	if (receiver->options->quiet)
		return;
	if (receiver->options->json)
		print_json(&received);
	else
		print_text(&received);
}

/* What is known of a station's losses: a number, or a word for "nothing". */
static const char *lost_text(const struct cpc_station *station, const char *unknown,
			     char buffer[32])
{
	if (cpc_station_period_ms(station) == 0)
		return unknown;
	snprintf(buffer, 32, "%" PRIu64, cpc_station_lost(station));
	return buffer;
}

static void summary_json(const struct receiver *receiver)
{
	printf("{\"frames\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"refused\":%" PRIu64
	       ",\"refused_by\":{", receiver->frames, receiver->bytes, receiver->refused);
	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
		printf("%s\"%s\":%" PRIu64, i ? "," : "", cpc_v2x_decode_error(reasons[i]),
		       receiver->refused_by[i]);
	printf("},\"trailing_frames\":%" PRIu64 ",\"trailing_bytes\":%" PRIu64
	       ",\"kernel_drops\":%" PRIu64 ",\"overflow_frames\":%" PRIu64 ",\"stations\":[",
	       receiver->trailing_frames, receiver->trailing_bytes, receiver->kernel_drops,
	       receiver->stations.overflow_frames);
	for (size_t i = 0; i < receiver->stations.count; i++) {
		const struct cpc_station *station = &receiver->stations.stations[i];
		char buffer[32];

		printf("%s{\"station\":%u,\"frames\":%" PRIu64 ",\"lost\":%s"
		       ",\"repeated\":%" PRIu64 ",\"period_ms\":%.2f,\"digest\":\"%016" PRIx64
		       "\"}", i ? "," : "", station->id, station->frames,
		       lost_text(station, "null", buffer), station->backward,
		       cpc_station_period_ms(station), station->digest);
	}
	printf("]}\n");
}

static void summary_text(const struct receiver *receiver)
{
	printf("%" PRIu64 " frames, %" PRIu64 " bytes, %" PRIu64 " refused, %" PRIu64
	       " frames with %" PRIu64 " trailing bytes, %" PRIu64 " dropped by the kernel\n",
	       receiver->frames, receiver->bytes, receiver->refused, receiver->trailing_frames,
	       receiver->trailing_bytes, receiver->kernel_drops);
	for (size_t i = 0; i < receiver->stations.count; i++) {
		const struct cpc_station *station = &receiver->stations.stations[i];
		char buffer[32];

		printf("station %u: %" PRIu64 " frames, %s lost, %" PRIu64
		       " repeated, period %.1f ms, digest %016" PRIx64 "\n", station->id,
		       station->frames, lost_text(station, "unknown", buffer), station->backward,
		       cpc_station_period_ms(station), station->digest);
	}
}

static void summary(const struct receiver *receiver)
{
	if (receiver->options->json)
		summary_json(receiver);
	else
		summary_text(receiver);
}

static bool enough(const struct receiver *receiver)
{
	return receiver->options->count > 0 && receiver->frames >= receiver->options->count;
}

static int receive_loop(struct receiver *receiver, const struct cpc_v2x_link *link, int stop_fd,
			struct cpc_error *error)
{
	const double seconds = receiver->options->seconds;
	const uint64_t end_ns = cpc_v2x_monotonic_ns() + (uint64_t)(seconds * 1e9);
	struct pollfd fds[] = {
		{ .fd = link->fd, .events = POLLIN },
		{ .fd = stop_fd, .events = POLLIN },
	};

	while (!enough(receiver)) {
		static uint8_t frame[BUFFER_SIZE];
		uint64_t now_ns = cpc_v2x_monotonic_ns();
		int timeout_ms = -1;
		ssize_t size;

		if (seconds > 0) {
			if (now_ns >= end_ns)
				break;
			timeout_ms = (int)fmin((double)(end_ns - now_ns) / 1e6 + 1, 1e9);
		}
		if (poll(fds, 2, timeout_ms) < 0 && errno != EINTR)
			return -errno;
		if (fds[1].revents)
			break;
		if (!fds[0].revents)
			continue;
		size = recv(link->fd, frame, sizeof(frame), MSG_DONTWAIT);
		if (size >= 0) {
			take(receiver, frame, (size_t)size);
		} else if (errno != EAGAIN && errno != EINTR && errno != ENETDOWN) {
			/* A radio that was taken down may come up again; others are final. */
			cpc_error_set(error, "interface '%s': receive: %s",
				      receiver->options->iface, strerror(errno));
			return -errno;
		}
	}
	return 0;
}

static void link_done(struct cpc_v2x_link *link)
{
	cpc_cleanup_close(&link->fd);
}

int cpc_v2x_verb_recv(const struct cpc_v2x_options *options, struct cpc_error *error)
{
	const uint16_t ethertype = options->wsmp ? CPC_WSMP_ETHERTYPE : CPC_GEONET_ETHERTYPE;
	CPC_CLEANUP(link_done) struct cpc_v2x_link link = { .fd = -1 };
	CPC_CLOSE int stop_fd = -1;
	struct receiver receiver = { .options = options };
	int r;

	r = cpc_v2x_open_stop(&stop_fd, error);
	if (r == 0)
		r = cpc_v2x_open_receiver(options->iface, ethertype, &link, error);
	if (r < 0)
		return r;
	fprintf(stderr, "v2xgen: listening on %s\n", options->iface);
	r = receive_loop(&receiver, &link, stop_fd, error);
	receiver.kernel_drops = cpc_v2x_receiver_drops(&link);
	summary(&receiver);
	if (r == 0 && options->count > 0 && !enough(&receiver)) {
		fprintf(stderr, "v2xgen: %" PRIu64 " of %.0f frames came\n", receiver.frames,
			options->count);
		return 2;
	}
	return r;
}

int cpc_v2x_verb_read(const struct cpc_v2x_options *options, struct cpc_error *error)
{
	CPC_CLEANUP(cpc_v2x_pcap_done) struct cpc_v2x_pcap pcap = { 0 };
	struct receiver receiver = { .options = options };
	const uint8_t *frame;
	size_t size;
	int r;

	r = cpc_v2x_pcap_open(options->in, &pcap, error);
	if (r < 0)
		return r;
	while ((r = cpc_v2x_pcap_next(&pcap, &frame, &size)) > 0)
		take(&receiver, frame, size);
	summary(&receiver);
	if (r < 0)
		cpc_error_set(error, "file '%s': ends inside a frame", options->in);
	return r;
}
