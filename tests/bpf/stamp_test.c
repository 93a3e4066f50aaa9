// SPDX-License-Identifier: BSD-3-Clause
/*
 * Does the stamp count the right class, air time, channel load and age, and leave frames alone? By
 * BPF_PROG_TEST_RUN, against the same figures computed here from the standards.
 */
#include <bpf/bpf.h>
#include <check.h>
#include <stdlib.h>
#include <time.h>

#include "agent/bpf/metrics.h"
#include "bpf/stamp.h"
#include "bpf/stamp.skel.h"
#include "tests/bpf/frames.h"
#include "tests/bpf/privilege.h"
#include "tools/v2xgen/geonet.h"

enum { CPUS_MAX = 256 };

static struct stamp_bpf *skel;

static void setup(void)
{
	skel = stamp_bpf__open_and_load();
	ck_assert_ptr_nonnull(skel);
}

static void teardown(void)
{
	stamp_bpf__destroy(skel);
}

static void run(enum cpc_stamp_direction direction, const struct frame *f)
{
	struct bpf_program *program = direction == CPC_STAMP_RX ? skel->progs.stamp_ingress :
								  skel->progs.stamp_egress;
	uint8_t out[4096];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = f->data, .data_size_in = f->len,
		    .data_out = out, .data_size_out = sizeof(out), .repeat = 1);

	ck_assert_int_eq(bpf_prog_test_run_opts(bpf_program__fd(program), &opts), 0);
	/* "Nothing said": other filters decide; and the frame is what it was. */
	ck_assert_int_eq((int)opts.retval, -1);
	ck_assert_uint_eq(opts.data_size_out, f->len);
	ck_assert_mem_eq(out, f->data, f->len);
}

static struct cpc_stamp_traffic traffic(enum cpc_stamp_direction direction, unsigned int class)
{
	struct cpc_stamp_traffic cpu[CPUS_MAX], sum = { 0 };
	uint32_t key = direction * __CPC_CLASS_MAX + class;

	ck_assert_int_eq(bpf_map_lookup_elem(bpf_map__fd(skel->maps.traffic), &key, cpu), 0);
	for (int i = 0; i < libbpf_num_possible_cpus(); i++)
		cpc_bpf_traffic_add(&sum, &cpu[i]);
	return sum;
}

static struct cpc_stamp_latency age(enum cpc_stamp_direction direction, unsigned int class)
{
	static struct cpc_stamp_latency cpu[CPUS_MAX];
	struct cpc_stamp_latency sum = { 0 };
	uint32_t key = (direction * __CPC_CLASS_MAX + class) * __CPC_LATENCY_MAX + CPC_LATENCY_AGE;

	ck_assert_int_eq(bpf_map_lookup_elem(bpf_map__fd(skel->maps.latency), &key, cpu), 0);
	for (int i = 0; i < libbpf_num_possible_cpus(); i++)
		cpc_bpf_latency_add(&sum, &cpu[i]);
	return sum;
}

static uint64_t air_ns(uint32_t frame_octets)
{
	/* 802.11 header 26, LLC/SNAP 8, FCS 4; no Ethernet header. SERVICE 16 and tail 6 bits. */
	uint32_t bits = 22 + 8 * (frame_octets - 14 + 26 + 8 + 4);

	return 40000 + (uint64_t)((bits + 47) / 48) * 8000;
}

START_TEST(stamp__classes)
{
	static const struct { struct gn gn; int protocol; unsigned int class; } kinds[] = {
		{ { .port = 2001 }, 0, CPC_CLASS_CAM },
		{ { .port = 2002, .type = 0x40, .extended = 44, .position = 4 }, 0,
		  CPC_CLASS_DENM },
		{ { .port = 2004 }, 0, CPC_CLASS_BTP },
		{ { .type = 0x10, .next = -1, .extended = 24, .body = -1 }, 0, CPC_CLASS_GEONET },
		{ { .next = 3 }, 0, CPC_CLASS_GEONET },
		{ { .basic_next = 2 }, 0, CPC_CLASS_SECURED },
		{ { 0 }, CPC_ETHERTYPE_WSMP, CPC_CLASS_WSMP },
		{ { 0 }, CPC_ETHERTYPE_ELEMENT, CPC_CLASS_ELEMENT },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		enum cpc_stamp_direction direction = i % 2 ? CPC_STAMP_TX : CPC_STAMP_RX;
		struct cpc_stamp_traffic before = traffic(direction, kinds[i].class), after;
		struct frame f;

		put_gn(&f, 1, &kinds[i].gn);
		if (kinds[i].protocol) {
			put_ethernet(&f, 1, (uint16_t)kinds[i].protocol);
			put(&f, 0x03002004, 4);
			put(&f, 0, 4);
		}
		run(direction, &f);
		after = traffic(direction, kinds[i].class);
		ck_assert_uint_eq(after.frames - before.frames, 1);
		ck_assert_uint_eq(after.bytes - before.bytes, f.len);
		ck_assert_uint_eq(after.air_ns - before.air_ns, air_ns(f.len));
	}
}
END_TEST

START_TEST(stamp__ignores_others)
{
	struct frame f;

	put_ethernet(&f, 1, 0x86dd);
	fill(&f, 0, 60);
	run(CPC_STAMP_RX, &f);
	for (unsigned int class = 0; class < __CPC_CLASS_MAX; class++)
		ck_assert_uint_eq(traffic(CPC_STAMP_RX, class).frames, 0);
}
END_TEST

/* By hand: 86 octets behind the Ethernet header, 38 more on the air, 22 + 8 * 124 = 1014 bits. */
START_TEST(stamp__air_time_by_hand)
{
	struct frame f;

	put_gn(&f, 1, &(struct gn){ .body = 46 });
	ck_assert_uint_eq(f.len, 100);
	run(CPC_STAMP_RX, &f);
	ck_assert_uint_eq(traffic(CPC_STAMP_RX, CPC_CLASS_CAM).air_ns, 216000);
}
END_TEST

static uint64_t now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* A position taken 50 ms ago is 50 ms old, and one from the future is not counted as young. */
START_TEST(stamp__age)
{
	/* The same clock as cpc_its_time_ms(), whatever this kernel knows of leap seconds. */
	struct cpc_stamp_control control = { .tai_correction_ns = 37 * INT64_C(1000000000) -
			(int64_t)(now_ns(CLOCK_TAI) - now_ns(CLOCK_REALTIME)) };
	uint64_t now = cpc_its_time_ms(now_ns(CLOCK_REALTIME) / 1000000);
	struct cpc_stamp_latency l;
	uint32_t zero = 0;
	struct frame f;

	ck_assert_int_eq(bpf_map_update_elem(bpf_map__fd(skel->maps.control), &zero, &control, 0),
			 0);
	put_gn(&f, 1, &(struct gn){ .sent_ms = (uint32_t)now - 50 });
	run(CPC_STAMP_RX, &f);
	l = age(CPC_STAMP_RX, CPC_CLASS_CAM);
	ck_assert_uint_eq(cpc_bpf_latency_count(&l), 1);
	ck_assert_uint_ge(l.sum_us, 50000);
	ck_assert_uint_lt(l.sum_us, 10000000);
	ck_assert_uint_ge(cpc_bpf_quantile_us(&l, 500), l.sum_us);
	ck_assert_uint_le(cpc_bpf_quantile_us(&l, 500), 2 * l.sum_us);
	put_gn(&f, 1, &(struct gn){ .sent_ms = (uint32_t)now + 100000 });
	run(CPC_STAMP_RX, &f);
	put_gn(&f, 1, &(struct gn){ .sent_ms = (uint32_t)now - 700000 });
	run(CPC_STAMP_RX, &f);
	l = age(CPC_STAMP_RX, CPC_CLASS_CAM);
	ck_assert_uint_eq(cpc_bpf_latency_count(&l), 1);
	ck_assert_uint_eq(l.ahead, 1);
	ck_assert_uint_eq(l.wild, 1);
}
END_TEST

START_TEST(stamp__channel_load)
{
	struct cpc_bpf_metrics m = { 0 };
	uint64_t air = 0, frames = 0;
	struct frame f;

	put_gn(&f, 1, &(struct gn){ .body = 400 });
	for (int i = 0; i < 30; i++)
		run(i % 2 ? CPC_STAMP_TX : CPC_STAMP_RX, &f);
	for (uint32_t i = 0; i < CPC_STAMP_WINDOWS; i++) {
		ck_assert_int_eq(bpf_map_lookup_elem(bpf_map__fd(skel->maps.busy), &i, &m.busy[i]),
				 0);
		air += m.busy[i].air_ns;
		frames += m.busy[i].frames;
	}
	ck_assert_uint_eq(frames, 30);
	ck_assert_uint_eq(air, 30 * air_ns(f.len));
}
END_TEST

/* No reader, no records; a reader with a small snap gets that much. */
static int see(void *context, void *data, size_t size)
{
	const struct cpc_stamp *stamp = data;

	(void)size;
	memcpy(context, stamp, sizeof(*stamp));
	return 0;
}

START_TEST(stamp__records)
{
	struct cpc_stamp_control control = { .capture = 1, .snap = 20 };
	struct cpc_stamp stamp = { 0 };
	struct ring_buffer *ring = ring_buffer__new(bpf_map__fd(skel->maps.stamps), see, &stamp,
						    NULL);
	uint64_t before;
	uint32_t zero = 0;
	struct frame f;

	put_gn(&f, 1, &(struct gn){ .port = 2002 });
	run(CPC_STAMP_RX, &f);
	ck_assert_int_eq(ring_buffer__consume(ring), 0);
	ck_assert_int_eq(bpf_map_update_elem(bpf_map__fd(skel->maps.control), &zero, &control, 0),
			 0);
	before = now_ns(CLOCK_TAI);
	run(CPC_STAMP_TX, &f);
	ck_assert_int_eq(ring_buffer__consume(ring), 1);
	ck_assert_uint_ge(stamp.tai_ns, before);
	ck_assert_uint_le(stamp.tai_ns, now_ns(CLOCK_TAI));
	ck_assert_uint_eq(stamp.hardware_ns, 0);
	ck_assert_uint_eq(stamp.length, f.len);
	ck_assert_uint_eq(stamp.captured, 20);
	ck_assert_uint_eq(stamp.direction, CPC_STAMP_TX);
	ck_assert_uint_eq(stamp.class, CPC_CLASS_DENM);
	control.snap = CPC_STAMP_SNAP_MAX;
	bpf_map_update_elem(bpf_map__fd(skel->maps.control), &zero, &control, 0);
	/* Full after a mebibyte: what does not fit is counted, and nothing waits. */
	for (int i = 0; i < 12000; i++)
		run(CPC_STAMP_RX, &f);
	ck_assert_uint_gt(traffic(CPC_STAMP_RX, CPC_CLASS_DENM).lost, 0);
	ck_assert_uint_eq(traffic(CPC_STAMP_RX, CPC_CLASS_DENM).frames, 12001);
	ck_assert_uint_eq((uint64_t)ring_buffer__consume(ring) +
			  traffic(CPC_STAMP_RX, CPC_CLASS_DENM).lost, 12000);
	ring_buffer__free(ring);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("stamp");
	TCase *tcase = tcase_create("stamp");
	SRunner *runner = srunner_create(suite);
	int failed;

	if (!may_use_bpf())
		return skip_all();
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, stamp__classes);
	tcase_add_test(tcase, stamp__ignores_others);
	tcase_add_test(tcase, stamp__air_time_by_hand);
	tcase_add_test(tcase, stamp__age);
	tcase_add_test(tcase, stamp__channel_load);
	tcase_add_test(tcase, stamp__records);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
