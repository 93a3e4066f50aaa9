// SPDX-License-Identifier: BSD-3-Clause
/*
 * Does the whole gateway give back what was on the bus: of the synthetic drive, of the recorded one
 * (when ../shared/data or $CPC_SHARED/data is there), and of a live interface (when $CPC_CAN names
 * one, as in the virtual machine)? And are bad files and interfaces refused by name?
 */
#include <check.h>
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent/gateway/can_io.h"
#include "agent/gateway/candump.h"
#include "agent/gateway/gateway.h"
#include "agent/util/cleanup.h"
#include "tools/candrive/drive.h"

#define LEAF_OVERLAY "agent/gateway/overlays/nissan-leaf.json"
#define SYNTHETIC_DBC "tests/data/synthetic.dbc"
#define SYNTHETIC_OVERLAY "agent/gateway/overlays/synthetic.json"

/* What a reader saw of one signal. */
struct seen {
	char path[CPC_OVERLAY_PATH_MAX + 1];
	char unit[CPC_OVERLAY_UNIT_MAX + 1];
	unsigned int count;
	double min, max, sum;
	char text[CPC_OVERLAY_TEXT_MAX + 1];
};

static struct seen seen[64];
static unsigned int seen_count, unnamed;
static size_t payload_bytes, largest;
static struct cpc_record_reader *reader;

static void setup(void)
{
	memset(seen, 0, sizeof(seen));
	seen_count = 0;
	unnamed = 0;
	payload_bytes = 0;
	largest = 0;
	ck_assert_int_eq(cpc_record_reader_new(&reader), 0);
}

static void teardown(void)
{
	cpc_record_reader_free(reader);
}

static struct seen *find(const char *path)
{
	for (unsigned int i = 0; i < seen_count; i++)
		if (strcmp(seen[i].path, path) == 0)
			return &seen[i];
	ck_assert_uint_lt(seen_count, 64);
	snprintf(seen[seen_count].path, sizeof(seen[0].path), "%s", path);
	seen[seen_count].min = INFINITY;
	seen[seen_count].max = -INFINITY;
	return &seen[seen_count++];
}

static void keep_item(void *context, const struct cpc_record_item *item)
{
	struct seen *one;
	double number;

	(void)context;
	if (!item->definition) {
		unnamed++;
		return;
	}
	one = find(item->definition->path);
	one->count++;
	snprintf(one->unit, sizeof(one->unit), "%s", item->definition->unit);
	if (item->value.kind == CPC_VALUE_TEXT) {
		snprintf(one->text, sizeof(one->text), "%s", item->value.text);
		return;
	}
	number = cpc_value_number(item->definition, &item->value);
	one->min = fmin(one->min, number);
	one->max = fmax(one->max, number);
	one->sum += number;
}

static void read_payload(void *context, const uint8_t *payload, size_t size)
{
	(void)context;
	payload_bytes += size;
	if (size > largest)
		largest = size;
	ck_assert_int_ge(cpc_record_decode(reader, payload, size, keep_item, NULL, NULL), 0);
}

static struct cpc_gateway *open_gateway(const struct cpc_gateway_config *config)
{
	struct cpc_gateway *gateway = NULL;
	struct cpc_error error = {""};
	int r = cpc_gateway_new(config, &gateway, &error);

	ck_assert_msg(r == 0, "%d: %s", r, error.text);
	return gateway;
}

static void assert_refused(const struct cpc_gateway_config *config, int wanted, const char *part)
{
	struct cpc_gateway *gateway = NULL;
	struct cpc_error error = {""};

	ck_assert_int_eq(cpc_gateway_new(config, &gateway, &error), wanted);
	ck_assert_ptr_null(gateway);
	ck_assert_msg(strstr(error.text, part), "'%s' does not hold '%s'", error.text, part);
}

/* Play frames as if live: a flush whenever the gateway wants one. */
static void feed(struct cpc_gateway *gateway, const struct cpc_can_frame *frame, uint64_t time_ms)
{
	struct cpc_gateway_stats stats;

	cpc_gateway_stats(gateway, &stats);
	while (stats.sampler.frames && time_ms >= cpc_gateway_next_ms(gateway))
		cpc_gateway_flush(gateway, cpc_gateway_next_ms(gateway), read_payload, NULL);
	cpc_gateway_frame(gateway, frame, time_ms);
}

START_TEST(new__refusals_name_file_and_value)
{
	char path[] = "/tmp/cpc-gateway-XXXXXX";
	struct cpc_gateway_config config = {.dbc_path = "/nonexistent.dbc"};
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq((int)write(fd, "\nhello\n", 7), 7);
	close(fd);
	assert_refused(&config, -ENOENT, "/nonexistent.dbc: No such file");
	config.dbc_path = NULL;
	assert_refused(&config, -EINVAL, "no DBC file");
	config.dbc_path = "/tmp";
	assert_refused(&config, -EISDIR, "/tmp: a directory");
	config.dbc_path = path;
	assert_refused(&config, -EINVAL, ": line 2: not a DBC statement at 'hello'");
	config.dbc_path = SYNTHETIC_DBC;
	config.overlay_path = path;
	assert_refused(&config, -EINVAL, ": line 2, column 5: not JSON");
	config.overlay_path = LEAF_OVERLAY; /* of another car */
	assert_refused(&config, -ENOENT, "Vehicle.Speed: the DBC has no usable signal");
	config.overlay_path = SYNTHETIC_OVERLAY;
	config.period_ms = 1;
	assert_refused(&config, -EINVAL, "period of 1 ms");
	config.period_ms = 0;
	config.interface = "no-such-can0";
	assert_refused(&config, -ENODEV, "CAN interface no-such-can0: no such interface");
	config.interface = "lo";
	assert_refused(&config, -EINVAL, "CAN interface lo: not a CAN interface");
	config.interface = "an-interface-far-too-long";
	assert_refused(&config, -EINVAL, "'an-interface-far-too-long'");
	config.interface = "";
	assert_refused(&config, -EINVAL, "CAN interface ''");
	unlink(path);
}
END_TEST

START_TEST(new__file_beyond_the_limit)
{
	char path[] = "/tmp/cpc-gateway-XXXXXX";
	struct cpc_gateway_config config = {.dbc_path = path};
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, 1 << 30), 0); /* read no further than the limit */
	close(fd);
	assert_refused(&config, -E2BIG, "16777217 bytes: a DBC file may have 16777216");
	unlink(path);
}
END_TEST

START_TEST(frame__synthetic_drive)
{
	struct cpc_gateway_config config = {
		.dbc_path = SYNTHETIC_DBC,
		.overlay_path = SYNTHETIC_OVERLAY,
	};
	struct cpc_gateway *gateway = open_gateway(&config);
	struct cpc_gateway_stats stats;
	struct cpc_can_frame frame;
	struct cpc_drive drive;
	uint64_t time_us = 0;

	cpc_drive_init(&drive, 1);
	while (time_us < 60000000) {
		cpc_drive_next(&drive, &frame, &time_us);
		feed(gateway, &frame, 100000 + time_us / 1000);
	}
	cpc_gateway_flush(gateway, 161000, read_payload, NULL);
	cpc_gateway_stats(gateway, &stats);
	ck_assert_uint_gt(stats.sampler.frames, 58000);
	ck_assert_uint_eq(stats.sampler.frames_unknown, 0);
	ck_assert_uint_eq(stats.sampler.out_of_range, 0);
	ck_assert_uint_eq(stats.sampler.unmapped, 0);
	ck_assert_uint_eq(stats.sampler.signals_seen, stats.sampler.signals);
	ck_assert_uint_eq(stats.warnings, 0);
	ck_assert_uint_eq(unnamed, 0);
	ck_assert_uint_le(largest, 512);
	ck_assert_uint_lt(payload_bytes, 60 * 512); /* one entry a second on average */
	/* Ten a second; the first and the last period may give one more. */
	ck_assert_uint_ge(find("Vehicle.Speed")->count, 599);
	ck_assert_uint_le(find("Vehicle.Speed")->count, 603);
	ck_assert_double_eq(find("Vehicle.Speed")->min, 0);
	ck_assert_double_gt(find("Vehicle.Speed")->max, 30);
	ck_assert_double_lt(find("Vehicle.Speed")->max, 140);
	ck_assert_str_eq(find("Vehicle.Speed")->unit, "km/h");
	/* Parked, then driving. */
	ck_assert_uint_eq(find("Vehicle.Powertrain.Transmission.SelectedGear")->count, 2);
	ck_assert_double_eq(find("Vehicle.Powertrain.Transmission.SelectedGear")->max, 127);
	ck_assert_uint_gt(find("Vehicle.Body.Lights.Brake.IsActive")->count, 1);
	ck_assert_double_gt(find("Vehicle.Powertrain.TractionBattery.CellVoltage.Min")->min, 3);
	cpc_gateway_free(gateway);
}
END_TEST

START_TEST(frame__without_an_overlay)
{
	struct cpc_gateway_config config = {.dbc_path = SYNTHETIC_DBC, .overlay_path = ""};
	struct cpc_gateway *gateway = open_gateway(&config);
	struct cpc_can_frame frame;
	struct cpc_drive drive;
	uint64_t time_us = 0;

	cpc_drive_init(&drive, 2);
	while (time_us < 10000000) {
		cpc_drive_next(&drive, &frame, &time_us);
		feed(gateway, &frame, time_us / 1000);
	}
	cpc_gateway_flush(gateway, 11000, read_payload, NULL);
	ck_assert_uint_ge(find("Vehicle.CAN.VehicleMotion.Speed")->count, 10);
	ck_assert_uint_le(find("Vehicle.CAN.VehicleMotion.Speed")->count, 12);
	ck_assert_uint_ge(find("Vehicle.CAN.Distance.Odometer")->count, 9);
	ck_assert_str_eq(find("Vehicle.CAN.Battery.Voltage")->unit, "V");
	cpc_gateway_free(gateway);
}
END_TEST

/* ---- the recorded drive ------------------------------------------------------------------ */

static const char *shared(const char *name)
{
	static char path[512];
	const char *root = getenv("CPC_SHARED");

	snprintf(path, sizeof(path), "%s/data/%s", root ? root : "../shared", name);
	return path;
}

struct series {
	unsigned int count;
	double min, max, sum;
};

static void add(struct series *series, double value)
{
	if (!series->count++) {
		series->min = value;
		series->max = value;
	}
	series->min = fmin(series->min, value);
	series->max = fmax(series->max, value);
	series->sum += value;
}

static struct cpc_dbc *load_leaf_dbc(void)
{
	CPC_FCLOSE FILE *file = fopen(shared("nissan-leaf-ze1-ev-can.dbc"), "r");
	CPC_FREE char *text = malloc(1 << 20);
	struct cpc_dbc *dbc = NULL;

	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(cpc_dbc_new(text, fread(text, 1, 1 << 20, file), &dbc, NULL), 0);
	return dbc;
}

typedef void (*line_fn)(void *context, const struct cpc_candump_line *line);

static unsigned int each_line(line_fn use, void *context)
{
	CPC_FREE char *command = NULL;
	struct cpc_candump_line line;
	unsigned int count = 0;
	char text[512];
	FILE *log;

	ck_assert_int_gt(
		asprintf(&command, "xz -dc '%s'", shared("nissan-leaf-eplus-drive.candump.xz")), 0);
	log = popen(command, "r");
	ck_assert_ptr_nonnull(log);
	while (fgets(text, sizeof(text), log)) {
		ck_assert_int_eq(cpc_candump_parse(text, strlen(text), &line, NULL), 1);
		use(context, &line);
		count++;
	}
	ck_assert_int_eq(pclose(log), 0);
	return count;
}

struct leaf {
	struct cpc_dbc *dbc;
	const struct cpc_dbc_signal *speed, *voltage, *current, *charge;
	struct series speeds, voltages, currents, charges;
};

static void read_if(const struct cpc_dbc *dbc, const struct cpc_dbc_signal *signal,
		    const struct cpc_can_frame *frame, double factor, struct series *series)
{
	struct cpc_dbc_reading reading;

	if (cpc_dbc_message(dbc, frame->id, frame->extended) != &dbc->messages[signal->message])
		return;
	if (cpc_dbc_read(dbc, signal, frame->data, frame->size, &reading) == 0)
		add(series, reading.value * factor);
}

static void read_leaf(void *context, const struct cpc_candump_line *line)
{
	struct leaf *leaf = context;

	read_if(leaf->dbc, leaf->speed, &line->frame, 0.01, &leaf->speeds);
	read_if(leaf->dbc, leaf->voltage, &line->frame, 1, &leaf->voltages);
	read_if(leaf->dbc, leaf->current, &line->frame, 1, &leaf->currents);
	read_if(leaf->dbc, leaf->charge, &line->frame, 0.1, &leaf->charges);
}

static const struct cpc_dbc_signal *leaf_signal(const struct cpc_dbc *dbc, uint32_t id,
						const char *name)
{
	return cpc_dbc_signal_named(dbc, cpc_dbc_message(dbc, id, false), name);
}

/* The numbers that were worked out by hand when the drive was recorded. */
START_TEST(drive__every_frame_decodes_to_the_known_values)
{
	struct leaf leaf = {.dbc = load_leaf_dbc()};

	leaf.speed = leaf_signal(leaf.dbc, 0x284, "AverageRearSpeedSensor");
	leaf.voltage = leaf_signal(leaf.dbc, 0x1db, "LB_Total_Voltage");
	leaf.current = leaf_signal(leaf.dbc, 0x1db, "LB_Current");
	leaf.charge = leaf_signal(leaf.dbc, 0x55b, "LB_SOC");
	ck_assert_uint_eq(each_line(read_leaf, &leaf), 41602);
	ck_assert_uint_eq(leaf.speeds.count, 1527);
	ck_assert_double_eq_tol(leaf.speeds.max, 120.77, 1e-9);
	ck_assert_double_eq_tol(leaf.speeds.sum / leaf.speeds.count, 65.68, 0.005);
	ck_assert_double_eq(leaf.voltages.min, 367.5);
	ck_assert_double_eq(leaf.voltages.max, 395);
	ck_assert_double_eq_tol(leaf.voltages.sum / leaf.voltages.count, 385.49, 0.005);
	ck_assert_double_eq(leaf.currents.min, -430);
	ck_assert_double_eq(leaf.currents.max, 61.5);
	ck_assert_double_eq_tol(leaf.charges.max, 92.6, 1e-9);
	ck_assert_double_eq_tol(leaf.charges.min, 91.8, 1e-9);
	cpc_dbc_free(leaf.dbc);
}
END_TEST

static void feed_line(void *context, const struct cpc_candump_line *line)
{
	feed(context, &line->frame, line->time_us / 1000 - 1699999000000);
}

START_TEST(drive__through_the_gateway)
{
	char dbc_path[512];
	struct cpc_gateway_config config = {
		.dbc_path = dbc_path,
		.overlay_path = LEAF_OVERLAY,
	};
	struct cpc_gateway_stats stats;
	struct cpc_gateway *gateway;
	struct seen *speed;

	strcpy(dbc_path, shared("nissan-leaf-ze1-ev-can.dbc"));
	gateway = open_gateway(&config);
	each_line(feed_line, gateway);
	cpc_gateway_flush(gateway, cpc_gateway_next_ms(gateway), read_payload, NULL);
	cpc_gateway_stats(gateway, &stats);
	ck_assert_uint_eq(stats.warnings, 0);
	ck_assert_uint_eq(stats.sampler.frames, 41602);
	ck_assert_uint_eq(stats.sampler.out_of_range, 0);
	ck_assert_uint_eq(stats.sampler.signals_seen, stats.sampler.signals);
	ck_assert_uint_eq(unnamed, 0);
	speed = find("Vehicle.Speed");
	ck_assert_uint_ge(speed->count, 300);
	ck_assert_uint_le(speed->count, 310);
	ck_assert_double_gt(speed->max, 120);
	ck_assert_double_le(speed->max, 120.77);
	ck_assert_double_eq_tol(speed->sum / speed->count, 65.68, 1);
	ck_assert_double_ge(find("Vehicle.Powertrain.TractionBattery.CurrentVoltage")->min, 367.5);
	ck_assert_double_le(find("Vehicle.Powertrain.TractionBattery.CurrentVoltage")->max, 395);
	ck_assert_double_eq_tol(
		find("Vehicle.Powertrain.TractionBattery.StateOfCharge.Current")->max, 92.6, 1e-9);
	ck_assert_double_eq(find("Vehicle.Powertrain.Transmission.SelectedGear")->max, 127);
	cpc_gateway_free(gateway);
}
END_TEST

/* ---- a live interface --------------------------------------------------------------------- */

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Until the gateway has seen so many frames, for at most 10 s. */
static void dispatch_until(struct cpc_gateway *gateway, uint64_t frames)
{
	struct pollfd poll_fd = {.fd = cpc_gateway_fd(gateway), .events = POLLIN};
	uint64_t end_ms = now_ms() + 10000;
	struct cpc_gateway_stats stats;
	struct cpc_error error = {""};

	do {
		ck_assert_int_eq(poll(&poll_fd, 1, 10000), 1);
		ck_assert_msg(cpc_gateway_dispatch(gateway, now_ms(), &error) >= 0, "%s",
			      error.text);
		cpc_gateway_stats(gateway, &stats);
	} while (stats.sampler.frames < frames && now_ms() < end_ms);
	ck_assert_uint_eq(stats.sampler.frames, frames);
}

START_TEST(live__frames_of_every_kind_arrive)
{
	struct cpc_gateway_config config = {
		.interface = getenv("CPC_CAN"),
		.dbc_path = SYNTHETIC_DBC,
		.overlay_path = SYNTHETIC_OVERLAY,
	};
	struct cpc_gateway *gateway = open_gateway(&config);
	struct cpc_can_frame frame = {.id = 0xa0, .size = 8, .data = {0x27, 0x10}};
	struct cpc_error error = {""};
	struct cpc_gateway_stats stats;
	int fd = -1;

	ck_assert_msg(cpc_can_open(config.interface, 0, &fd, &error) == 0, "%s", error.text);
	ck_assert_int_eq(cpc_gateway_dispatch(gateway, now_ms(), &error), 0); /* does not wait */
	ck_assert_int_eq(cpc_can_send(fd, &frame), 0);			      /* 100 km/h */
	frame.remote = true;
	ck_assert_int_eq(cpc_can_send(fd, &frame), 0);
	frame.remote = false;
	frame.id = 0x18fee000;
	frame.extended = true;
	ck_assert_int_eq(cpc_can_send(fd, &frame), 0);
	frame.fd = true;
	frame.size = 64;
	ck_assert_int_eq(cpc_can_send(fd, &frame), 0);
	dispatch_until(gateway, 4);
	cpc_gateway_flush(gateway, now_ms(), read_payload, NULL);
	cpc_gateway_stats(gateway, &stats);
	ck_assert_uint_eq(stats.sampler.frames_ignored, 1);
	ck_assert_uint_eq(stats.sampler.frames_unknown, 0);
	ck_assert_uint_eq(stats.sampler.clock_jumps, 0);
	ck_assert_double_eq_tol(find("Vehicle.Speed")->max, 100, 1e-9);
	ck_assert_uint_ge(find("Vehicle.TraveledDistance")->count, 1);
	close(fd);
	cpc_gateway_free(gateway);
}
END_TEST

static void set_link(const char *state)
{
	char command[64];

	snprintf(command, sizeof(command), "ip link set %.15s %s", getenv("CPC_CAN"), state);
	ck_assert_int_eq(system(command), 0);
}

START_TEST(live__interface_down_is_told_and_survived)
{
	struct cpc_gateway_config config = {
		.interface = getenv("CPC_CAN"),
		.dbc_path = SYNTHETIC_DBC,
	};
	struct cpc_gateway *gateway = open_gateway(&config);
	struct cpc_can_frame frame = {.id = 0xa0, .size = 8};
	struct cpc_error error = {""};
	int fd = -1;

	set_link("down");
	ck_assert_int_eq(cpc_gateway_dispatch(gateway, now_ms(), &error), -ENETDOWN);
	ck_assert_ptr_nonnull(strstr(error.text, config.interface));
	assert_refused(&config, -ENETDOWN, "is down: ip link set");
	set_link("up");
	ck_assert_int_eq(cpc_can_open(config.interface, 0, &fd, &error), 0);
	ck_assert_int_eq(cpc_can_send(fd, &frame), 0);
	dispatch_until(gateway, 1);
	close(fd);
	cpc_gateway_free(gateway);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("gateway");
	TCase *tests = tcase_create("gateway");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tests, 60);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, new__refusals_name_file_and_value);
	tcase_add_test(tests, new__file_beyond_the_limit);
	tcase_add_test(tests, frame__synthetic_drive);
	tcase_add_test(tests, frame__without_an_overlay);
	if (access(shared("nissan-leaf-eplus-drive.candump.xz"), R_OK) == 0) {
		tcase_add_test(tests, drive__every_frame_decodes_to_the_known_values);
		tcase_add_test(tests, drive__through_the_gateway);
	} else {
		printf("gateway: SKIP the recorded drive: no %s\n",
		       shared("nissan-leaf-eplus-drive.candump.xz"));
	}
	if (getenv("CPC_CAN")) {
		tcase_add_test(tests, live__frames_of_every_kind_arrive);
		tcase_add_test(tests, live__interface_down_is_told_and_survived);
	}
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
