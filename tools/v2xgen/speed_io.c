// SPDX-License-Identifier: BSD-3-Clause
/* A speed signal from SocketCAN; see speed_io.h. */
#include "tools/v2xgen/speed_io.h"

#include <errno.h>
#include <linux/can.h>
#include <linux/can/raw.h>
#include <math.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/util/cleanup.h"
#include "tools/v2xgen/v2xgen_io.h"

enum {
	READ_BATCH = 1000, /* frames per call: a flooded bus must not hold up the schedule */
	DBC_EXTENDED_MIN = 0x800,
};

static const double km_h_per_m_s = 3.6;

static int open_can(const char *interface, canid_t id, int *ret_fd, struct cpc_error *error)
{
	CPC_CLOSE int fd = socket(PF_CAN, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, CAN_RAW);
	const canid_t kind = CAN_EFF_FLAG | CAN_RTR_FLAG;
	struct sockaddr_can address = { .can_family = AF_CAN };
	struct can_filter filter = { .can_id = id };
	const int on = 1;

	if (fd < 0) {
		cpc_error_set(error, "CAN socket: %s", strerror(errno));
		return -errno;
	}
	address.can_ifindex = (int)if_nametoindex(interface);
	if (address.can_ifindex == 0) {
		cpc_error_set(error, "CAN interface '%.40s': %s", interface, strerror(errno));
		return -errno;
	}
	filter.can_mask = (id & CAN_EFF_FLAG ? CAN_EFF_MASK : CAN_SFF_MASK) | kind;
	if (setsockopt(fd, SOL_CAN_RAW, CAN_RAW_FILTER, &filter, sizeof(filter)) < 0 ||
	    setsockopt(fd, SOL_CAN_RAW, CAN_RAW_FD_FRAMES, &on, sizeof(on)) < 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		cpc_error_set(error, "CAN interface '%.40s': %s", interface, strerror(errno));
		return -errno;
	}
	*ret_fd = CPC_TAKE_FD(fd);
	return 0;
}

int cpc_speed_open_layout(const char *interface, const struct cpc_speed_layout *layout,
			  struct cpc_speed *ret_speed, struct cpc_error *error)
{
	struct cpc_speed speed = { .layout = *layout };
	canid_t id = layout->id;
	int r;

	if (id >= DBC_EXTENDED_MIN)
		id |= CAN_EFF_FLAG;
	r = open_can(interface, id, &speed.fd, error);
	if (r < 0)
		return r;
	*ret_speed = speed;
	return 0;
}

/* Whether @name is SIGNAL or MESSAGE.SIGNAL of this one. */
static bool is_named(const struct cpc_dbc *dbc, const struct cpc_dbc_signal *signal,
		     const char *name)
{
	const char *message = dbc->messages[signal->message].name;
	size_t length = strlen(message);

	if (strcmp(signal->name, name) == 0)
		return true;
	return strncmp(message, name, length) == 0 && name[length] == '.' &&
	       strcmp(signal->name, name + length + 1) == 0;
}

/* The one signal of that name in the file. */
static int find_signal(struct cpc_speed *speed, const char *path, const char *name,
		       struct cpc_error *error)
{
	for (uint32_t i = 0; i < speed->dbc->signal_count; i++) {
		const struct cpc_dbc_signal *signal = &speed->dbc->signals[i];

		if (!signal->usable || !is_named(speed->dbc, signal, name))
			continue;
		if (speed->signal) {
			cpc_error_set(error, "signal '%s': several in '%s'; say MESSAGE.SIGNAL",
				      name, path);
			return -ENOTUNIQ;
		}
		speed->signal = signal;
		speed->message = &speed->dbc->messages[signal->message];
	}
	if (speed->signal)
		return 0;
	cpc_error_set(error, "signal '%s': not in '%s'", name, path);
	return -ENOENT;
}

int cpc_speed_open_dbc(const char *interface, const char *dbc_path, const char *signal,
		       double factor, struct cpc_speed *ret_speed, struct cpc_error *error)
{
	CPC_CLEANUP(cpc_speed_close) struct cpc_speed speed = {
		.fd = -1, .layout.factor = factor,
	};
	CPC_FREE char *text = NULL;
	struct cpc_error detail = { 0 };
	size_t size;
	canid_t id;
	int r;

	r = cpc_v2x_read_file(dbc_path, CPC_SPEED_DBC_SIZE_MAX, &text, &size, error);
	if (r < 0)
		return r;
	r = cpc_dbc_new(text, size, &speed.dbc, &detail);
	if (r < 0) {
		cpc_error_set(error, "DBC file '%.80s': %s", dbc_path, detail.text);
		return r;
	}
	r = find_signal(&speed, dbc_path, signal, error);
	if (r < 0)
		return r;
	id = speed.message->id | (speed.message->extended ? CAN_EFF_FLAG : 0);
	r = open_can(interface, id, &speed.fd, error);
	if (r < 0)
		return r;
	*ret_speed = speed;
	speed = (struct cpc_speed){ .fd = -1 };
	return 0;
}

void cpc_speed_close(struct cpc_speed *speed)
{
	cpc_cleanup_close(&speed->fd);
	cpc_dbc_free(speed->dbc);
	*speed = (struct cpc_speed){ .fd = -1 };
}

/* The signal's value in km/h, or NAN. */
static double decode(const struct cpc_speed *speed, const struct canfd_frame *frame)
{
	struct cpc_dbc_reading reading;
	uint32_t raw = 0;

	if (speed->dbc) {
		if (cpc_dbc_read(speed->dbc, speed->signal, frame->data, frame->len, &reading) < 0)
			return NAN;
		return reading.value * speed->layout.factor;
	}
	if (speed->layout.start + speed->layout.octets > frame->len)
		return NAN;
	for (unsigned int i = 0; i < speed->layout.octets; i++)
		raw = raw << 8 | frame->data[speed->layout.start + i];
	return raw * speed->layout.factor;
}

void cpc_speed_read(struct cpc_speed *speed, uint64_t now_ms)
{
	for (unsigned int i = 0; i < READ_BATCH; i++) {
		struct canfd_frame frame;
		ssize_t size = recv(speed->fd, &frame, sizeof(frame), 0);
		double km_h;

		if (size != CAN_MTU && size != CANFD_MTU)
			break;
		km_h = decode(speed, &frame);
		if (!isfinite(km_h))
			continue;
		speed->speed_m_s = km_h / km_h_per_m_s;
		speed->updated_ms = now_ms;
		speed->frames++;
	}
}

double cpc_speed_now(const struct cpc_speed *speed, uint64_t now_ms)
{
	if (speed->frames == 0 || now_ms - speed->updated_ms > CPC_SPEED_STALE_MS)
		return NAN;
	return speed->speed_m_s;
}
