// SPDX-License-Identifier: BSD-3-Clause
/* Does an announcement say what its member said, and is a change of any bit of it found out? */
#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "agent/net/identity.h"

static struct cpc_identity *identity;
static const uint8_t address[16] = { 0xfe, 0x80, [15] = 9 };

static struct cpc_announce announcement(void)
{
	struct cpc_announce announce = { .cell = 0x0102, .epoch = 0x0304, .port = 0x0506, .n = 2,
					 .missing = { { 7, 8, 9, 10 }, { 0xff } } };
	uint8_t text[CPC_ANNOUNCE_SIGNED_MAX];
	int len;

	if (!identity)
		ck_assert_int_eq(cpc_identity_generate(&identity, NULL), 0);
	memcpy(announce.spki, identity->spki, sizeof(announce.spki));
	len = cpc_identity_sign(identity, text, cpc_announce_signed(&announce, address, text),
				announce.signature);
	ck_assert_int_gt(len, 0);
	announce.signature_len = (uint8_t)len;
	return announce;
}

static bool genuine(const struct cpc_announce *announce, const uint8_t *from)
{
	EVP_PKEY *key;
	uint8_t text[CPC_ANNOUNCE_SIGNED_MAX], id[CPC_NODE_ID_BYTES];
	size_t len;
	bool good;

	cpc_identity_of(announce->spki, id);
	if (memcmp(id, identity->node_id, sizeof(id)) != 0)
		return false;
	key = cpc_identity_public_key(announce->spki);
	ck_assert_ptr_nonnull(key);
	len = cpc_announce_signed(announce, from, text);
	good = cpc_identity_verify(key, text, len, announce->signature, announce->signature_len);
	EVP_PKEY_free(key);
	return good;
}

START_TEST(cpc_announce_decode__gives_back_what_was_encoded)
{
	struct cpc_announce announce = announcement(), got;
	uint8_t bytes[CPC_ANNOUNCE_MAX];
	static const uint8_t head[] = { 'C', 'P', 'C', 'a', 2, 2, 1, 4, 3, 6, 5,
					2, 7, 8, 9, 10, 0xff, 0, 0, 0 };
	size_t len = cpc_announce_encode(&announce, bytes);

	ck_assert_mem_eq(bytes, head, sizeof(head));
	ck_assert_int_eq(cpc_announce_decode(bytes, len, &got), 0);
	ck_assert_mem_eq(&got, &announce, sizeof(got));
	ck_assert(genuine(&got, address));
	cpc_identity_free(identity);
}
END_TEST

START_TEST(cpc_announce_decode__refuses_any_other_length)
{
	struct cpc_announce announce = announcement(), got;
	uint8_t bytes[CPC_ANNOUNCE_MAX + 1] = { 0 };
	size_t len = cpc_announce_encode(&announce, bytes);

	for (size_t cut = 0; cut < len; cut++) {
		uint8_t *copy = malloc(cut ? cut : 1);

		memcpy(copy, bytes, cut);
		ck_assert_int_eq(cpc_announce_decode(copy, cut, &got), -EBADMSG);
		free(copy);
	}
	ck_assert_int_eq(cpc_announce_decode(bytes, len + 1, &got), -EBADMSG);
	cpc_identity_free(identity);
}
END_TEST

START_TEST(cpc_announce_decode__refuses_values_that_mean_nothing)
{
	struct cpc_announce announce = announcement(), bad, got;
	uint8_t bytes[CPC_ANNOUNCE_MAX];
	size_t len;

	bad = announce;
	bad.port = 0;
	len = cpc_announce_encode(&bad, bytes);
	ck_assert_int_eq(cpc_announce_decode(bytes, len, &got), -EBADMSG);
	bad = announce;
	bad.cell = 0;
	len = cpc_announce_encode(&bad, bytes);
	ck_assert_int_eq(cpc_announce_decode(bytes, len, &got), -EBADMSG);
	/* One more than the longest list, with all its bytes there. */
	bad = announce;
	bad.n = CPC_NET_MISSING_MAX;
	len = cpc_announce_encode(&bad, bytes);
	ck_assert_int_eq(cpc_announce_decode(bytes, len, &got), 0);
	ck_assert_uint_eq(got.n, CPC_NET_MISSING_MAX);
	bytes[11]++;
	ck_assert_int_eq(cpc_announce_decode(bytes, len, &got), -EBADMSG);
	/* The version before this one, in which other things were said. */
	len = cpc_announce_encode(&announce, bytes);
	bytes[4] = 1;
	ck_assert_int_eq(cpc_announce_decode(bytes, len, &got), -EBADMSG);
	cpc_identity_free(identity);
}
END_TEST

START_TEST(cpc_announce_misses__who_is_in_the_list)
{
	struct cpc_announce announce = announcement();
	static const uint8_t in[32] = { 7, 8, 9, 10, 11 }, out[32] = { 7, 8, 9, 11 };

	ck_assert(cpc_announce_misses(&announce, in));
	ck_assert(!cpc_announce_misses(&announce, out));
	announce.n = 0;
	ck_assert(!cpc_announce_misses(&announce, in));
	cpc_identity_free(identity);
}
END_TEST

START_TEST(cpc_announce_signed__covers_every_bit_and_the_address)
{
	struct cpc_announce announce = announcement(), got;
	uint8_t bytes[CPC_ANNOUNCE_MAX], elsewhere[16];
	size_t len = cpc_announce_encode(&announce, bytes);

	for (size_t bit = 0; bit < 8 * len; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (cpc_announce_decode(bytes, len, &got) == 0)
			ck_assert_msg(!genuine(&got, address), "bit %zu", bit);
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	memcpy(elsewhere, address, sizeof(elsewhere));
	elsewhere[15]++;
	ck_assert_int_eq(cpc_announce_decode(bytes, len, &got), 0);
	ck_assert(genuine(&got, address));
	ck_assert(!genuine(&got, elsewhere));
	cpc_identity_free(identity);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("announce");
	TCase *tests = tcase_create("announce");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, cpc_announce_decode__gives_back_what_was_encoded);
	tcase_add_test(tests, cpc_announce_decode__refuses_any_other_length);
	tcase_add_test(tests, cpc_announce_decode__refuses_values_that_mean_nothing);
	tcase_add_test(tests, cpc_announce_misses__who_is_in_the_list);
	tcase_add_test(tests, cpc_announce_signed__covers_every_bit_and_the_address);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
