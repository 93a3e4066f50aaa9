// SPDX-License-Identifier: BSD-3-Clause
/*
 * Are the twin's tags those that kmod/mac.c defines? The expected ones were computed apart from it,
 * with Python's hashlib and hmac (RFC 2104, RFC 7693) and openssl mac (RFC 4493).
 */
#include "tests/unit/core_testing.h"
#include "tools/cpc-twin/mac.h"

static const struct {
	const char *name;
	u8 id;
	u8 tag[CPC_TAG_BYTES];
} known[] = {
	{ "cmac(aes)", 1, { 0x47, 0x45, 0x80, 0x2c, 0x75, 0x0b, 0xaa, 0x22 } },
	{ "hmac(sha256)", 2, { 0x12, 0x4c, 0xc0, 0xed, 0x36, 0x83, 0xa4, 0x59 } },
	{ "blake2s", 3, { 0xda, 0x37, 0xa7, 0xe3, 0x4b, 0x0a, 0xed, 0xf8 } },
	{ "sha256/cmac(aes)", 4, { 0x8d, 0x71, 0xbb, 0x05, 0xf8, 0x5a, 0x63, 0x96 } },
	{ "blake2s/blake2s", 5, { 0x54, 0x23, 0x8b, 0x1e, 0x79, 0x6f, 0x9a, 0xed } },
};

enum { KNOWN = sizeof(known) / sizeof(known[0]), RECEIVER = 2 };

static u8 key_bytes[CPC_TWIN_KEY_BYTES];
static struct cpc_hash members;
static u8 data[100];

static void set_inputs(void)
{
	unsigned int i;

	for (i = 0; i < sizeof(key_bytes); i++)
		key_bytes[i] = (u8)i;
	memset(members.b, 0xd1, sizeof(members.b));
	for (i = 0; i < sizeof(data); i++)
		data[i] = (u8)(i * 7);
}

START_TEST(mac_find__knows_the_module_s_names_and_numbers)
{
	const struct cpc_twin_mac *mac = cpc_twin_mac_find(known[_i].name);

	ck_assert_ptr_nonnull(mac);
	ck_assert_uint_eq(cpc_twin_mac_id(mac), known[_i].id);
	ck_assert_str_eq(cpc_twin_mac_name(mac), known[_i].name);
	ck_assert_ptr_null(cpc_twin_mac_find("rot13"));
	ck_assert_ptr_null(cpc_twin_mac_find(""));
}
END_TEST

START_TEST(tag__is_the_one_that_was_computed_elsewhere)
{
	const struct cpc_twin_mac *mac = cpc_twin_mac_find(known[_i].name);
	struct cpc_twin_key *key = cpc_twin_key_new(mac, key_bytes);
	struct cpc_twin_text text;
	u8 tag[CPC_TAG_BYTES];
	unsigned int round;

	ck_assert_ptr_nonnull(key);
	/* The second time over the same key: nothing of the first computation is left in it. */
	for (round = 0; round < 2; round++) {
		ck_assert_int_eq(cpc_twin_text_init(&text, mac, &members, data, sizeof(data)), 0);
		ck_assert_int_eq(cpc_twin_tag(key, RECEIVER, &text, tag), 0);
		ck_assert_mem_eq(tag, known[_i].tag, sizeof(tag));
	}
	cpc_twin_key_free(key);
}
END_TEST

/* Receiver, member set, every byte and the key: what is not covered could be changed on the air. */
START_TEST(tag__covers_everything)
{
	const struct cpc_twin_mac *mac = cpc_twin_mac_find(known[_i].name);
	struct cpc_twin_key *key = cpc_twin_key_new(mac, key_bytes), *other;
	struct cpc_twin_text text;
	u8 tag[CPC_TAG_BYTES];
	unsigned int i;

	cpc_twin_text_init(&text, mac, &members, data, sizeof(data));
	cpc_twin_tag(key, RECEIVER + 1, &text, tag);
	ck_assert_mem_ne(tag, known[_i].tag, sizeof(tag));
	for (i = 0; i < sizeof(data); i++) {
		data[i] ^= 0x10;
		cpc_twin_text_init(&text, mac, &members, data, sizeof(data));
		cpc_twin_tag(key, RECEIVER, &text, tag);
		ck_assert_mem_ne(tag, known[_i].tag, sizeof(tag));
		data[i] ^= 0x10;
	}
	members.b[31] ^= 1;
	cpc_twin_text_init(&text, mac, &members, data, sizeof(data));
	cpc_twin_tag(key, RECEIVER, &text, tag);
	ck_assert_mem_ne(tag, known[_i].tag, sizeof(tag));
	members.b[31] ^= 1;
	key_bytes[15] ^= 1;
	other = cpc_twin_key_new(mac, key_bytes);
	cpc_twin_text_init(&text, mac, &members, data, sizeof(data));
	cpc_twin_tag(other, RECEIVER, &text, tag);
	ck_assert_mem_ne(tag, known[_i].tag, sizeof(tag));
	cpc_twin_key_free(other);
	cpc_twin_key_free(key);
}
END_TEST

static Suite *mac_suite(void)
{
	Suite *suite = suite_create("twin_mac");
	TCase *tcase = tcase_create("mac");

	tcase_add_checked_fixture(tcase, set_inputs, NULL);
	tcase_add_loop_test(tcase, mac_find__knows_the_module_s_names_and_numbers, 0, KNOWN);
	tcase_add_loop_test(tcase, tag__is_the_one_that_was_computed_elsewhere, 0, KNOWN);
	tcase_add_loop_test(tcase, tag__covers_everything, 0, KNOWN);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return run_suite(mac_suite());
}
