// SPDX-License-Identifier: BSD-3-Clause
/*
 * Sums, quantiles and loads of what the BPF programs counted; and what a refusal is explained by.
 */
#include <bpf/libbpf.h>
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/bpf/internal.h"
#include "agent/bpf/metrics.h"
#include "agent/bpf/sensors.h"
#include "agent/bpf/show.h"

START_TEST(names__complete)
{
	for (unsigned int i = 0; i < __CPC_F_MAX; i++)
		ck_assert_str_ne(cpc_bpf_reason_name(i), "?");
	for (unsigned int i = 0; i < __CPC_CLASS_MAX; i++)
		ck_assert_str_ne(cpc_bpf_class_name(i), "?");
	for (unsigned int i = 0; i < __CPC_POLICY_WORD_MAX; i++)
		ck_assert_str_ne(cpc_bpf_word_name(i), "?");
	for (unsigned int i = 0; i < __CPC_REASON_MAX; i++)
		ck_assert_str_ne(cpc_bpf_policy_reason_name(i), "?");
	ck_assert_str_eq(cpc_bpf_reason_name(__CPC_F_MAX), "?");
}
END_TEST

/* A carrier whose element was cut off has passed, and so is not a drop. */
START_TEST(dropped__cut_is_not)
{
	struct cpc_bpf_metrics m = { 0 };

	m.filter[CPC_F_PASSED].frames = 100;
	m.filter[CPC_F_HOPS].frames = 3;
	m.filter[CPC_F_EL_STALE].frames = 5;
	m.filter[CPC_F_CUT].frames = 4;
	ck_assert_uint_eq(cpc_bpf_dropped(&m), 4);
}
END_TEST

START_TEST(quantile__bounds)
{
	struct cpc_stamp_latency l = { 0 };

	ck_assert_uint_eq(cpc_bpf_quantile_us(&l, 500), 0);
	l.bucket[0] = 1;
	ck_assert_uint_eq(cpc_bpf_quantile_us(&l, 1000), 0);
	l.bucket[10] = 98;	/* 512..1023 */
	l.bucket[20] = 1;	/* 524288..1048575 */
	ck_assert_uint_eq(cpc_bpf_quantile_us(&l, 0), 0);
	ck_assert_uint_eq(cpc_bpf_quantile_us(&l, 500), 1023);
	ck_assert_uint_eq(cpc_bpf_quantile_us(&l, 990), 1023);
	ck_assert_uint_eq(cpc_bpf_quantile_us(&l, 991), 1048575);
	/* Nor does a count near the end of its range upset it. */
	l.bucket[10] = UINT64_MAX / 2;
	ck_assert_uint_eq(cpc_bpf_quantile_us(&l, 999), 1023);
}
END_TEST

START_TEST(busy__windows)
{
	const uint64_t second = 1000000000, now = 5000 * second + 7;
	struct cpc_bpf_metrics m = { 0 };

	ck_assert_uint_eq(cpc_bpf_busy_per_mille(&m, now, 10), 0);
	/*
	 * 50 ms in the last complete window, and as much in the present one, which does not count.
	 */
	m.busy[50000 % CPC_STAMP_WINDOWS] = (struct cpc_stamp_busy){ 50000, 50000000, 1 };
	m.busy[49999 % CPC_STAMP_WINDOWS] = (struct cpc_stamp_busy){ 49999, 50000000, 1 };
	ck_assert_uint_eq(cpc_bpf_busy_per_mille(&m, now, 1), 500);
	ck_assert_uint_eq(cpc_bpf_busy_per_mille(&m, now, 10), 50);
	/* Long ago is not now. */
	ck_assert_uint_eq(cpc_bpf_busy_per_mille(&m, now + 10 * second, 10), 0);
	m.busy[49999 % CPC_STAMP_WINDOWS].air_ns = UINT64_C(1) << 40;
	ck_assert_uint_eq(cpc_bpf_busy_per_mille(&m, now, 10), 1000);
	ck_assert_uint_eq(cpc_bpf_busy_per_mille(&m, now, CPC_STAMP_WINDOWS - 1), 0);
}
END_TEST

START_TEST(source__from)
{
	struct cpc_filter_source value = { .known = 1, .frames = 12 };
	struct cpc_bpf_source s;
	uint64_t key = 0;

	memcpy(&key, "\x02\x00\x01\x02\x03\x04", 6);
	value.by_reason[CPC_F_PASSED] = 5;
	value.by_reason[CPC_F_HOPS] = 3;
	value.by_reason[CPC_F_RATE_ALL] = 4;
	s = cpc_bpf_source_from(key, &value);
	ck_assert_mem_eq(s.mac, "\x02\x00\x01\x02\x03\x04", 6);
	ck_assert(s.known);
	ck_assert_uint_eq(s.dropped, 7);
}
END_TEST

START_TEST(sensors__sequence)
{
	struct cpc_sensors s = { .sequence = 7 }; /* a writer died inside */

	cpc_sensors_recover(&s);
	ck_assert_uint_eq(s.sequence, 8);
	cpc_sensors_recover(&s);
	ck_assert_uint_eq(s.sequence, 8);
	cpc_sensors_set(&s, CPC_SENSOR_GAP, -5, 99);
	ck_assert_uint_eq(s.sequence, 10);
	ck_assert_int_eq(s.sensor[CPC_SENSOR_GAP].value, -5);
	ck_assert_uint_eq(s.sensor[CPC_SENSOR_GAP].time_ns, 99);
	ck_assert_uint_eq(s.sensor[CPC_SENSOR_SPEED].time_ns, 0);
}
END_TEST

START_TEST(sensors__from_signal)
{
	enum cpc_sensor sensor;
	int64_t value;

	ck_assert(cpc_sensor_from_signal("Vehicle.Speed", 90, &sensor, &value));
	ck_assert_int_eq(sensor, CPC_SENSOR_SPEED);
	ck_assert_int_eq(value, 2500);
	ck_assert(cpc_sensor_from_signal("Vehicle.Chassis.Brake.PedalPosition", 4.9, &sensor,
					 &value));
	ck_assert_int_eq(value, 0);
	ck_assert(cpc_sensor_from_signal("Vehicle.Chassis.Brake.PedalPosition", 5, &sensor,
					 &value));
	ck_assert_int_eq(value, 1);
	ck_assert(cpc_sensor_from_signal("Vehicle.ADAS.ObstacleDetection.Front.Center.Distance",
					 12.34, &sensor, &value));
	ck_assert_int_eq(value, 1234);
	ck_assert(!cpc_sensor_from_signal("Vehicle.Speed", 0.0 / 0.0, &sensor, &value));
	ck_assert(!cpc_sensor_from_signal("Vehicle.Speed", 501, &sensor, &value));
	ck_assert(!cpc_sensor_from_signal("Vehicle.Spee", 5, &sensor, &value));
}
END_TEST

static void ck_says(enum cpc_bpf_stage stage, int r, int returned, const char *words)
{
	struct cpc_error error = { "" };

	ck_assert_int_eq(cpc_bpf_explain(stage, "wlan0", r, "gist", &error), returned);
	ck_assert_msg(strstr(error.text, words), "no '%s' in: %s", words, error.text);
	ck_assert_msg(strstr(error.text, "wlan0"), "%s", error.text);
}

START_TEST(explain__causes)
{
	ck_says(CPC_BPF_STAGE_LOAD, -EPERM, -EPERM, "no privilege");
	ck_says(CPC_BPF_STAGE_LOAD, -EACCES, -EACCES, "verifier refuses it: gist");
	ck_says(CPC_BPF_STAGE_LOAD, -EINVAL, -EINVAL, "verifier refuses it: gist");
	ck_says(CPC_BPF_STAGE_LOAD, -ENOSYS, -ENOSYS, "no bpf() system call");
	ck_says(CPC_BPF_STAGE_LOAD, -ESRCH, -ESRCH, "no BTF");
	ck_says(CPC_BPF_STAGE_XDP, -EOPNOTSUPP, -EOPNOTSUPP, "no XDP of this kind");
	ck_says(CPC_BPF_STAGE_XDP, -EBUSY, -EBUSY, "another XDP program");
	ck_says(CPC_BPF_STAGE_TC, -ENOENT, -ENOENT, "no clsact");
	ck_says(CPC_BPF_STAGE_OPEN, -LIBBPF_ERRNO__FORMAT, -EINVAL, "not a usable BPF object");
	ck_says(CPC_BPF_STAGE_MAP, -ENOMEM, -ENOMEM, "Cannot allocate memory");
}
END_TEST

START_TEST(log_gist__cases)
{
	char gist[40];

	cpc_bpf_log_gist("-- BEGIN PROG LOAD LOG --\n1: (95) exit\nR0 !read_ok\n"
			 "verification time 9 usec\nstack depth 0\nprocessed 2 insns\n"
			 "-- END PROG LOAD LOG --\n", gist, sizeof(gist));
	ck_assert_str_eq(gist, "R0 !read_ok");
	cpc_bpf_log_gist("", gist, sizeof(gist));
	ck_assert_str_eq(gist, "");
	cpc_bpf_log_gist("\n\nprocessed 2 insns", gist, sizeof(gist));
	ck_assert_str_eq(gist, "");
	cpc_bpf_log_gist("a line that is much longer than what there is room for", gist,
			 sizeof(gist));
	ck_assert_str_eq(gist, "a line that is much longer than what th");
}
END_TEST

START_TEST(show__all)
{
	struct cpc_bpf_metrics m = { .mode = "tc", .program = { { "filter_tc", 7, 10, 500 } } };
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	json_t *json;

	m.filter[CPC_F_HOPS].frames = 3;
	m.traffic[CPC_STAMP_TX][CPC_CLASS_DENM].frames = 11;
	cpc_bpf_show(out, &m, 0);
	fclose(out);
	ck_assert_ptr_nonnull(strstr(text, "filter: tc, 3 dropped"));
	ck_assert_ptr_nonnull(strstr(text, "mean 50 ns"));
	ck_assert_ptr_nonnull(strstr(text, "hops"));
	ck_assert_ptr_nonnull(strstr(text, "tx denm"));
	ck_assert_ptr_null(strstr(text, "cam"));
	free(text);
	json = cpc_bpf_json(&m, 0);
	ck_assert_int_eq(json_integer_value(json_object_get(json, "dropped")), 3);
	json_decref(json);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bpf_metrics");
	TCase *tcase = tcase_create("bpf_metrics");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, names__complete);
	tcase_add_test(tcase, dropped__cut_is_not);
	tcase_add_test(tcase, quantile__bounds);
	tcase_add_test(tcase, busy__windows);
	tcase_add_test(tcase, source__from);
	tcase_add_test(tcase, sensors__sequence);
	tcase_add_test(tcase, sensors__from_signal);
	tcase_add_test(tcase, explain__causes);
	tcase_add_test(tcase, log_gist__cases);
	tcase_add_test(tcase, show__all);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
