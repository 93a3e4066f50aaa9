// SPDX-License-Identifier: BSD-3-Clause
/* decision_codec_test.c - decisions between agents: what is written is read, nothing else is. */
#include "log_testing.h"

static struct world *world;

static void setup(void)
{
	world = calloc(1, sizeof(*world));
	world_init(world, 11);
	world_run(world, 60);
}

static void teardown(void)
{
	free(world);
}

START_TEST(encode__round_trip)
{
	CPC_BUFFER struct cpc_buffer first = cpc_buffer_init(CPC_DECISION_BYTES_MAX);
	CPC_BUFFER struct cpc_buffer second = cpc_buffer_init(CPC_DECISION_BYTES_MAX);
	struct cpc_log_decision d, back;
	u32 slot;

	for (slot = 1; slot <= world->tip.slot; slot++) {
		struct cpc_reader r;

		world_get(world, slot, &d);
		cpc_buffer_truncate(&first, 0);
		cpc_buffer_truncate(&second, 0);
		ck_assert_int_eq(cpc_decision_encode(&d, &first), 0);
		r = cpc_reader_init(first.data, first.len);
		ck_assert_int_eq(cpc_decision_decode(&r, &back), 1);
		ck_assert_int_eq(cpc_decision_decode(&r, &d), 0);
		ck_assert_int_eq(cpc_decision_encode(&back, &second), 0);
		ck_assert_uint_eq(first.len, second.len);
		ck_assert_mem_eq(first.data, second.data, first.len);
		ck_assert_uint_eq(back.slot, slot);
	}
}
END_TEST

START_TEST(encode__all_or_nothing)
{
	struct cpc_log_decision d;
	size_t limit, whole;
	u32 slot = 1;

	do	/* one with entries */
		world_get(world, slot++, &d);
	while (d.lanes == 0);
	{
		CPC_BUFFER struct cpc_buffer out = cpc_buffer_init(CPC_DECISION_BYTES_MAX);

		ck_assert_int_eq(cpc_decision_encode(&d, &out), 0);
		whole = out.len;
	}
	for (limit = 0; limit < whole; limit++) {
		CPC_BUFFER struct cpc_buffer out = cpc_buffer_init(limit);

		ck_assert_int_eq(cpc_decision_encode(&d, &out), -ENOBUFS);
		ck_assert_uint_eq(out.len, 0);
	}
}
END_TEST

START_TEST(decode__largest_decision_fits_the_limit)
{
	CPC_BUFFER struct cpc_buffer out = cpc_buffer_init(CPC_DECISION_BYTES_MAX);
	static u8 body[CPC_BODY_MAX];
	struct cpc_log_decision d = { .slot = 9, .lanes = CPC_CUT_LANES_MAX }, back;
	struct cpc_reader r;
	unsigned int i, k;

	for (i = 0; i < CPC_CUT_LANES_MAX; i++) {
		d.lane[i].lane = (u8)i;
		d.lane[i].from = 1;
		d.lane[i].seq = CPC_LOG_ENTRIES_MAX;
		for (k = 0; k < CPC_LOG_ENTRIES_MAX; k++)
			d.lane[i].entry[k] = (struct cpc_log_entry){ body, sizeof(body) };
	}
	ck_assert_int_eq(cpc_decision_encode(&d, &out), 0);
	ck_assert_uint_eq(out.len, CPC_DECISION_BYTES_MAX);
	r = cpc_reader_init(out.data, out.len);
	ck_assert_int_eq(cpc_decision_decode(&r, &back), 1);
	ck_assert_uint_eq(back.lane[15].entry[14].len, CPC_BODY_MAX);
}
END_TEST

START_TEST(decode__every_truncation_is_refused)
{
	CPC_BUFFER struct cpc_buffer out = cpc_buffer_init(CPC_DECISION_BYTES_MAX);
	struct cpc_log_decision d, back;
	size_t len;
	u32 slot = 1;

	do
		world_get(world, slot++, &d);
	while (d.lanes < 2);
	ck_assert_int_eq(cpc_decision_encode(&d, &out), 0);
	for (len = 1; len < out.len; len++) {
		struct cpc_reader r = cpc_reader_init(out.data, len);

		ck_assert_int_eq(cpc_decision_decode(&r, &back), -EBADMSG);
	}
}
END_TEST

START_TEST(decode__bounds)
{
	/* offset and value of one byte that makes a good decision a bad one */
	static const struct {
		size_t at;
		u8 value;
	} bad[] = {
		{ 0, 2 },		/* version */
		{ 5, 2 },		/* a flag nobody knows */
		{ 5, 1 },		/* void, with lanes */
		{ 54, 17 },		/* lanes */
		{ 55, 64 },		/* lane */
		{ 60, 0 },		/* seq below from */
		{ 60, 17 },		/* more entries than a window holds */
	};
	CPC_BUFFER struct cpc_buffer out = cpc_buffer_init(CPC_DECISION_BYTES_MAX);
	static const u8 body[30];
	struct cpc_log_decision d = { .slot = 1, .lanes = 1 }, back;
	unsigned int i;

	d.lane[0] = (struct cpc_log_lane){ .from = 2, .seq = 2, .entry = { { body, 30 } } };
	ck_assert_int_eq(cpc_decision_encode(&d, &out), 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		u8 kept = out.data[bad[i].at];
		struct cpc_reader r = cpc_reader_init(out.data, out.len);

		out.data[bad[i].at] = bad[i].value;
		ck_assert_msg(cpc_decision_decode(&r, &back) == -EBADMSG, "byte %zu = %u",
			      bad[i].at, bad[i].value);
		out.data[bad[i].at] = kept;
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("decision_codec");
	TCase *tc = tcase_create("codec");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, encode__round_trip);
	tcase_add_test(tc, encode__all_or_nothing);
	tcase_add_test(tc, decode__largest_decision_fits_the_limit);
	tcase_add_test(tc, decode__every_truncation_is_refused);
	tcase_add_test(tc, decode__bounds);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
