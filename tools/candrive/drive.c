// SPDX-License-Identifier: BSD-3-Clause
#include "tools/candrive/drive.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "tools/common/random.h"

/* Where a signal's value comes from. */
enum source {
	FROM_SPEED,
	FROM_WHEEL, /* speed, with a little noise of its own */
	FROM_ACCELERATION,
	FROM_STEERING,
	FROM_THROTTLE,
	FROM_BRAKE,
	FROM_BRAKING,
	FROM_GEAR,
	FROM_TORQUE,
	FROM_RPM,
	FROM_MOTOR_TEMPERATURE,
	FROM_VOLTS,
	FROM_AMPERES,
	FROM_CHARGE,
	FROM_ENERGY,
	FROM_ODOMETER,
	FROM_OUTSIDE,
	FROM_PAGE, /* multiplexor: 0, 1, 2 and again */
	FROM_CELL_MIN,
	FROM_CELL_MAX,
	FROM_CELL_TEMPERATURE,
	FROM_COUNTER,
	FROM_CHECKSUM, /* of the bytes before */
	FROM_FILLER,   /* what nobody has decoded yet */
};

struct signal {
	const char *name;
	int page; /* -1: always there; -2: the multiplexor */
	unsigned int start, bits;
	bool big_endian, is_signed;
	double factor, offset, min, max;
	const char *unit;
	enum source source;
};

struct message {
	uint32_t id;
	bool extended;
	const char *name;
	unsigned int size, period_ms;
	struct signal signals[8];
};

enum { ALWAYS = -1, PAGE = -2 };

#define COUNTER(byte)                                                                       \
	{                                                                                   \
		"Counter", ALWAYS, (byte)*8, 4, false, false, 1, 0, 0, 15, "", FROM_COUNTER \
	}
#define CHECKSUM                                                                         \
	{                                                                                \
		"Checksum", ALWAYS, 56, 8, false, false, 1, 0, 0, 255, "", FROM_CHECKSUM \
	}
#define FILLER                                                                      \
	{                                                                           \
		"Unknown", ALWAYS, 0, 32, false, false, 1, 0, 0, 0, "", FROM_FILLER \
	}

static const struct message messages[] = {
	{0x0a0,
	 false,
	 "VehicleMotion",
	 8,
	 10,
	 {{"Speed", ALWAYS, 7, 16, true, false, 0.01, 0, 0, 300, "km/h", FROM_SPEED},
	  {"Acceleration", ALWAYS, 23, 12, true, true, 0.01, 0, -20, 20, "m/s^2",
	   FROM_ACCELERATION},
	  COUNTER(6),
	  CHECKSUM}},
	{0x0b4,
	 false,
	 "WheelSpeeds",
	 8,
	 10,
	 {{"FrontLeft", ALWAYS, 0, 16, false, false, 0.01, 0, 0, 300, "km/h", FROM_WHEEL},
	  {"FrontRight", ALWAYS, 16, 16, false, false, 0.01, 0, 0, 300, "km/h", FROM_WHEEL},
	  {"RearLeft", ALWAYS, 32, 16, false, false, 0.01, 0, 0, 300, "km/h", FROM_WHEEL},
	  {"RearRight", ALWAYS, 48, 16, false, false, 0.01, 0, 0, 300, "km/h", FROM_WHEEL}}},
	{0x0c6,
	 false,
	 "Steering",
	 8,
	 10,
	 {{"Angle", ALWAYS, 4, 14, false, true, 0.1, 0, -800, 800, "deg", FROM_STEERING},
	  COUNTER(6),
	  CHECKSUM}},
	{0x120,
	 false,
	 "Pedals",
	 8,
	 10,
	 {{"Accelerator", ALWAYS, 0, 8, false, false, 0.5, 0, 0, 100, "%", FROM_THROTTLE},
	  {"BrakePressure", ALWAYS, 14, 10, true, false, 0.2, -2, -2, 200, "bar", FROM_BRAKE},
	  {"BrakeLight", ALWAYS, 32, 1, false, false, 1, 0, 0, 1, "", FROM_BRAKING},
	  COUNTER(6),
	  CHECKSUM}},
	{0x1da,
	 false,
	 "Motor",
	 8,
	 10,
	 {{"Torque", ALWAYS, 2, 11, true, true, 0.5, 0, -400, 400, "Nm", FROM_TORQUE},
	  {"Speed", ALWAYS, 23, 15, true, true, 1, 0, -16000, 16000, "rpm", FROM_RPM},
	  {"Temperature", ALWAYS, 40, 8, false, false, 1, -40, -40, 215, "degC",
	   FROM_MOTOR_TEMPERATURE},
	  CHECKSUM}},
	{0x1db,
	 false,
	 "Battery",
	 8,
	 10,
	 {{"Current", ALWAYS, 7, 13, true, true, 0.1, 0, -400, 400, "A", FROM_AMPERES},
	  {"Voltage", ALWAYS, 23, 12, true, false, 0.125, 0, 0, 500, "V", FROM_VOLTS},
	  COUNTER(6),
	  CHECKSUM}},
	{0x2c1, false, "Body1", 8, 10, {FILLER}},
	{0x2c4, false, "Body2", 8, 10, {FILLER}},
	{0x320, false, "Body3", 6, 10, {FILLER}},
	{0x355,
	 false,
	 "Gearbox",
	 4,
	 20,
	 {{"Gear", ALWAYS, 4, 3, false, false, 1, 0, 0, 4, "", FROM_GEAR}, COUNTER(1)}},
	{0x55b,
	 false,
	 "Charge",
	 8,
	 100,
	 {{"StateOfCharge", ALWAYS, 7, 10, true, false, 0.1, 0, 0, 100, "%", FROM_CHARGE},
	  {"Energy", ALWAYS, 16, 16, false, false, 0.01, 0, 0, 100, "kWh", FROM_ENERGY},
	  {"Outside", ALWAYS, 48, 8, false, false, 0.5, -40.5, -40, 60, "degC", FROM_OUTSIDE}}},
	{0x5c0,
	 false,
	 "Cells",
	 8,
	 100,
	 {{"Page", PAGE, 0, 3, false, false, 1, 0, 0, 2, "", FROM_PAGE},
	  {"LowestVoltage", 0, 8, 12, false, false, 0.001, 1, 1, 5, "V", FROM_CELL_MIN},
	  {"HighestVoltage", 1, 8, 12, false, false, 0.001, 1, 1, 5, "V", FROM_CELL_MAX},
	  {"Temperature", 2, 15, 8, true, true, 0.5, 0, -40, 60, "degC", FROM_CELL_TEMPERATURE}}},
	{0x18fee000,
	 true,
	 "Distance",
	 8,
	 100,
	 {{"Odometer", ALWAYS, 0, 32, false, false, 5, 0, 0, 21055406000, "m", FROM_ODOMETER}}},
};

enum { MESSAGES = sizeof(messages) / sizeof(messages[0]) };
static_assert(MESSAGES <= sizeof(((struct cpc_drive *)0)->counters), "one counter each");

#define MASS_KG 1750.0
#define DRAG 0.40 /* half of air density times drag coefficient times front, in kg/m */
#define ROLLING_N 170.0
#define GRAVITY 9.81
#define WHEEL_M 0.315 /* radius */
#define GEAR_RATIO 8.2
#define POWER_W 110000.0 /* of the motor, at the wheels */
#define CAPACITY_KWH 58.0
#define PI 3.14159265358979323846

/* From 0 up to but not including 1. */
static double random_unit(struct cpc_drive *drive)
{
	return (double)(cpc_random_next(&drive->random) >> 11) * 0x1p-53;
}

void cpc_drive_init(struct cpc_drive *drive, uint64_t seed)
{
	*drive = (struct cpc_drive){.random = seed};
	drive->charge_kwh = CAPACITY_KWH * (0.5 + 0.45 * random_unit(drive));
	drive->odometer_m = floor(20000000 * random_unit(drive));
	drive->motor_celsius = 24;
	drive->limit_ms = 13.9;
	drive->decide_us = 2000000; /* stands for two seconds first */
}

/* Towns, country roads, motorways, and now and then a red light. */
static void decide(struct cpc_drive *drive)
{
	static const double limits_ms[] = {8.3, 13.9, 13.9, 19.4, 27.8, 33.3};
	double dice = random_unit(drive);

	if (dice < 0.3)
		drive->limit_ms = limits_ms[cpc_random_next(&drive->random) % 6];
	if (dice > 0.85 && drive->limit_ms < 20)
		drive->wanted_ms = 0;
	else
		drive->wanted_ms = drive->limit_ms * (0.85 + 0.2 * random_unit(drive));
	drive->decide_us = drive->time_us + 4000000 + cpc_random_next(&drive->random) % 8000000;
}

/* One step of 10 ms. */
static void move(struct cpc_drive *drive)
{
	const double dt = 0.01;
	double wanted, force, resistance, wheel_kw;

	if (drive->time_us >= drive->decide_us)
		decide(drive);
	resistance = drive->speed_ms > 0 ? ROLLING_N + DRAG * drive->speed_ms * drive->speed_ms : 0;
	wanted = fmax(-3.2, fmin(2.6, 0.45 * (drive->wanted_ms - drive->speed_ms)));
	wanted = fmin(wanted, (POWER_W / fmax(1, drive->speed_ms) - resistance) / MASS_KG);
	drive->acceleration += (wanted - drive->acceleration) * dt / 0.4;
	drive->speed_ms += drive->acceleration * dt;
	if (drive->speed_ms <= 0.02 && drive->wanted_ms == 0) {
		drive->speed_ms = 0;
		drive->acceleration = 0;
	}
	drive->speed_ms = fmax(0, drive->speed_ms);
	drive->odometer_m += drive->speed_ms * dt;
	force = MASS_KG * drive->acceleration + resistance;
	drive->throttle = fmin(1, fmax(0, force / 6000));
	/* The motor brakes with up to 2,500 N, the discs do the rest. */
	drive->brake = fmin(1, fmax(0, (-force - 2500) / 8000));
	if (drive->wanted_ms == 0 && drive->speed_ms < 3)
		drive->brake = fmax(drive->brake, 0.12);
	force = fmax(force, -2500);
	drive->torque_nm = force * WHEEL_M / GEAR_RATIO;
	wheel_kw = force * drive->speed_ms / 1000;
	drive->power_kw = 0.6 + (wheel_kw > 0 ? wheel_kw / 0.92 : wheel_kw * 0.85);
	drive->volts = 320 + 80 * drive->charge_kwh / CAPACITY_KWH - 0.07 * drive->amperes;
	drive->amperes = drive->power_kw * 1000 / drive->volts; /* out of the battery */
	drive->charge_kwh = fmax(0.5, drive->charge_kwh - drive->power_kw * dt / 3600);
	drive->motor_celsius +=
		(fabs(drive->power_kw) * 0.02 - (drive->motor_celsius - 24) * 0.01) * dt;
	/* Bends come and go; slower where the car is faster. */
	drive->steering_deg += (random_unit(drive) - 0.5) * 8 / (1 + drive->speed_ms) -
			       drive->steering_deg * dt * 0.2;
}

static double gear_of(const struct cpc_drive *drive)
{
	return drive->time_us < 1500000 ? 0 : 4; /* parked, then drive */
}

static double value_of(struct cpc_drive *drive, enum source source, unsigned int slot)
{
	double cell = drive->volts / 96;

	switch (source) {
	case FROM_SPEED:
		return drive->speed_ms * 3.6;
	case FROM_WHEEL:
		return drive->speed_ms * 3.6 * (1 + (random_unit(drive) - 0.5) * 0.004);
	case FROM_ACCELERATION:
		return drive->acceleration;
	case FROM_STEERING:
		return drive->steering_deg;
	case FROM_THROTTLE:
		return drive->throttle * 100;
	case FROM_BRAKE:
		return drive->brake * 150;
	case FROM_BRAKING:
		return drive->brake > 0.02 || drive->acceleration < -1.3;
	case FROM_GEAR:
		return gear_of(drive);
	case FROM_TORQUE:
		return drive->torque_nm;
	case FROM_RPM:
		return drive->speed_ms / WHEEL_M * GEAR_RATIO * 60 / (2 * PI);
	case FROM_MOTOR_TEMPERATURE:
		return drive->motor_celsius;
	case FROM_VOLTS:
		return drive->volts;
	case FROM_AMPERES:
		return -drive->amperes; /* as VSS has it: positive into the battery */
	case FROM_CHARGE:
		return drive->charge_kwh / CAPACITY_KWH * 100;
	case FROM_ENERGY:
		return drive->charge_kwh;
	case FROM_ODOMETER:
		return drive->odometer_m;
	case FROM_OUTSIDE:
		return 11.5;
	case FROM_PAGE:
		return drive->counters[slot] % 3;
	case FROM_CELL_MIN:
		return cell - 0.012;
	case FROM_CELL_MAX:
		return cell + 0.009;
	case FROM_CELL_TEMPERATURE:
		return 18 + (drive->motor_celsius - 24) / 3;
	case FROM_COUNTER:
		return drive->counters[slot] & 15;
	case FROM_FILLER:
		return (double)(cpc_random_next(&drive->random) & 0x0f0f0f0f);
	case FROM_CHECKSUM:
		break;
	}
	return 0;
}

static void put_bits(uint8_t *data, const struct signal *signal, uint64_t raw)
{
	unsigned int at = signal->start;

	for (unsigned int i = 0; i < signal->bits; i++) {
		unsigned int bit = signal->big_endian ? signal->bits - 1 - i : i;

		if (raw >> bit & 1)
			data[at / 8] |= (uint8_t)(1 << at % 8);
		at = !signal->big_endian ? at + 1 : at % 8 == 0 ? at + 15 : at - 1;
	}
}

static void encode(struct cpc_drive *drive, unsigned int slot, struct cpc_can_frame *frame)
{
	const struct message *message = &messages[slot];
	unsigned int sum = message->id & 0xff;

	*frame = (struct cpc_can_frame){
		.id = message->id,
		.extended = message->extended,
		.size = (uint8_t)message->size,
	};
	for (const struct signal *signal = message->signals; signal->name; signal++) {
		double value, limit = ldexp(1, (int)signal->bits - signal->is_signed) - 1;

		if (signal->page >= 0 && signal->page != drive->counters[slot] % 3)
			continue;
		value = value_of(drive, signal->source, slot);
		value = round((value - signal->offset) / signal->factor);
		value = fmax(signal->is_signed ? -limit - 1 : 0, fmin(limit, value));
		if (signal->source == FROM_CHECKSUM) {
			for (unsigned int i = 0; i + 1 < message->size; i++)
				sum += frame->data[i];
			value = sum & 0xff;
		}
		put_bits(frame->data, signal, (uint64_t)(int64_t)value);
	}
	drive->counters[slot] = (uint8_t)((drive->counters[slot] + 1) % 48); /* of 3 and 16 */
}

/* Messages of one period are spread over it, as real nodes with clocks of their own are. */
static bool is_due(const struct cpc_drive *drive, unsigned int slot)
{
	unsigned int period_ms = messages[slot].period_ms;

	return drive->ticks % period_ms == slot * 7 % period_ms;
}

void cpc_drive_next(struct cpc_drive *drive, struct cpc_can_frame *ret_frame, uint64_t *ret_time_us)
{
	for (;;) {
		if (drive->slot == MESSAGES) {
			drive->slot = 0;
			drive->ticks++;
			drive->time_us = drive->ticks * (uint64_t)1000;
		}
		if (drive->slot == 0 && drive->ticks % 10 == 0)
			move(drive);
		if (is_due(drive, drive->slot))
			break;
		drive->slot++;
	}
	encode(drive, drive->slot, ret_frame);
	/* A frame of 8 bytes takes about 250 us at 500 kbit/s; one follows the other. */
	*ret_time_us = drive->time_us + drive->slot * (uint64_t)70;
	drive->slot++;
}

void cpc_drive_print_dbc(FILE *file)
{
	fprintf(file, "VERSION \"synthetic drive\"\n\nNS_ :\n\nBS_:\n\nBU_: Car Gateway\n\n");
	for (unsigned int m = 0; m < MESSAGES; m++) {
		const struct message *message = &messages[m];

		fprintf(file, "BO_ %u %s: %u Car\n",
			message->id | (message->extended ? 0x80000000u : 0), message->name,
			message->size);
		for (const struct signal *signal = message->signals; signal->name; signal++) {
			char page[16] = "";

			if (signal->page >= 0)
				snprintf(page, sizeof(page), " m%d", signal->page);
			else if (signal->page == PAGE)
				snprintf(page, sizeof(page), " M");
			fprintf(file,
				" SG_ %s%s : %u|%u@%d%c (%.10g,%.10g) [%.12g|%.12g] \"%s\" "
				"Gateway\n",
				signal->name, page, signal->start, signal->bits,
				!signal->big_endian, signal->is_signed ? '-' : '+', signal->factor,
				signal->offset, signal->min, signal->max, signal->unit);
		}
		fprintf(file, "\n");
	}
	fprintf(file, "CM_ \"Generated by candrive --dbc; a car that does not exist.\";\n");
	fprintf(file, "VAL_ %u Gear 0 \"Park\" 1 \"Reverse\" 2 \"Neutral\" 4 \"Drive\" ;\n",
		0x355u);
	fprintf(file, "VAL_ %u BrakeLight 0 \"off\" 1 \"on\" ;\n", 0x120u);
}
