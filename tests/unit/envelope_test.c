// SPDX-License-Identifier: BSD-3-Clause
/* envelope_test.c - what surrounds a payload in a lane entry. */
#include "core_testing.h"

#include "agent/log/envelope.h"
#include "agent/log/proposal.h"

START_TEST(encode__round_trip)
{
	u8 payload[CPC_PAYLOAD_MAX], out[CPC_ENTRY_DATA_MAX];
	u64 seed = 3;
	size_t len;

	random_bytes(&seed, payload, sizeof(payload));
	for (len = 1; len <= CPC_PAYLOAD_MAX; len++) {
		struct cpc_envelope e = { .type = (u8)(len % 3), .local_id = random_next(&seed),
					  .payload = payload, .len = len }, back;
		int r = cpc_envelope_encode(&e, out, sizeof(out));

		ck_assert_int_eq(r, (int)len + CPC_ENVELOPE_BYTES);
		ck_assert_int_eq(cpc_envelope_decode(out, (size_t)r, &back), 0);
		ck_assert_uint_eq(back.type, e.type);
		ck_assert_uint_eq(back.local_id, e.local_id);
		ck_assert_uint_eq(back.len, len);
		ck_assert_mem_eq(back.payload, payload, len);
	}
}
END_TEST

/* A policy reads the proposal at the very beginning of the data. */
START_TEST(encode__a_proposal_comes_first)
{
	struct cpc_proposal p = { .type = CPC_PROPOSAL_JOIN, .platoon = 7, .speed_cm_s = 2200 };
	u8 proposal[CPC_PROPOSAL_BYTES], out[CPC_ENTRY_DATA_MAX];
	struct cpc_envelope e = { .type = CPC_PAYLOAD_PROPOSAL, .local_id = 99,
				  .payload = proposal, .len = sizeof(proposal) }, back;
	int r;

	cpc_proposal_encode(&p, proposal);
	r = cpc_envelope_encode(&e, out, sizeof(out));
	ck_assert_int_eq(r, CPC_PROPOSAL_BYTES + CPC_ENVELOPE_BYTES);
	ck_assert_mem_eq(out, proposal, sizeof(proposal));
	ck_assert_int_eq(cpc_envelope_decode(out, (size_t)r, &back), 0);
	ck_assert_uint_eq(back.type, CPC_PAYLOAD_PROPOSAL);
	ck_assert_uint_eq(back.local_id, 99);
	ck_assert_uint_eq(back.len, sizeof(proposal));
	ck_assert_mem_eq(back.payload, proposal, sizeof(proposal));
	/* Without the envelope it is a foreign program's. */
	ck_assert_int_eq(cpc_envelope_decode(out, sizeof(proposal), &back), -EBADMSG);
	out[CPC_PROPOSAL_BYTES] = 1 << 4 | CPC_PAYLOAD_TEXT;
	ck_assert_int_eq(cpc_envelope_decode(out, (size_t)r, &back), -EBADMSG);
	out[0] = 1 << 4 | CPC_PAYLOAD_PROPOSAL;
	ck_assert_int_eq(cpc_envelope_decode(out, (size_t)r, &back), -EBADMSG);
	proposal[0] = 0;
	ck_assert_int_eq(cpc_envelope_encode(&e, out, sizeof(out)), -EINVAL);
}
END_TEST

START_TEST(encode__bounds)
{
	u8 payload[CPC_PAYLOAD_MAX + 1] = { 0 }, out[CPC_ENTRY_DATA_MAX];
	struct cpc_envelope e = { .payload = payload };

	ck_assert_int_eq(cpc_envelope_encode(&e, out, sizeof(out)), -EMSGSIZE);
	e.len = CPC_PAYLOAD_MAX + 1;
	ck_assert_int_eq(cpc_envelope_encode(&e, out, sizeof(out)), -EMSGSIZE);
	e.len = CPC_PAYLOAD_MAX;
	ck_assert_int_eq(cpc_envelope_encode(&e, out, sizeof(out)), CPC_ENTRY_DATA_MAX);
	ck_assert_int_eq(cpc_envelope_encode(&e, out, sizeof(out) - 1), -EMSGSIZE);
}
END_TEST

START_TEST(decode__foreign_data_is_refused)
{
	static const u8 text[] = "an entry that some other program put into the lane";
	static const u8 empty[CPC_ENVELOPE_BYTES] = { 0x10 };
	struct cpc_envelope e;
	size_t len;

	ck_assert_int_eq(cpc_envelope_decode(text, sizeof(text), &e), -EBADMSG);
	for (len = 0; len <= sizeof(empty); len++)
		ck_assert_int_eq(cpc_envelope_decode(empty, len, &e), -EBADMSG);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("envelope");
	TCase *tc = tcase_create("envelope");

	tcase_add_test(tc, encode__round_trip);
	tcase_add_test(tc, encode__a_proposal_comes_first);
	tcase_add_test(tc, encode__bounds);
	tcase_add_test(tc, decode__foreign_data_is_refused);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
