// SPDX-License-Identifier: BSD-3-Clause
/* verify_test.c - a decision follows from the log before it, or is refused. */
#include "log_testing.h"

static struct world *world;

static void setup(void)
{
	world = calloc(1, sizeof(*world));
	world_init(world, 5);
	world_run(world, 100);
}

static void teardown(void)
{
	free(world);
}

/* The tip before the first slot from @slot on that has at least two lanes, and that slot. */
static u32 tip_before(u32 slot, struct cpc_log_tip *tip, struct cpc_log_decision *d)
{
	u32 s;

	cpc_log_tip_init(tip, WORLD_N, &world_members);
	for (s = 1;; s++) {
		world_get(world, s, d);
		if (s >= slot && d->lanes >= 2)
			return s;
		ck_assert_int_eq(cpc_log_verify(tip, d, tip, NULL), 0);
	}
}

START_TEST(sha256__known_answer)
{
	/* FIPS 180-4's example "abc" */
	static const u8 expected[] = { 0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea };
	u8 out[CPC_HASH_BYTES];

	cpc_sha256("abc", 3, out);
	ck_assert_mem_eq(out, expected, sizeof(expected));
}
END_TEST

START_TEST(members_digest__every_part_counts)
{
	uint8_t ids[4][32] = { { 1 }, { 2 }, { 3 }, { 4 } };
	struct cpc_hash base, other;
	const uint8_t(*p)[32] = (const uint8_t(*)[32])ids;

	cpc_members_digest(7, 1, 5, p, 4, &base);
	cpc_members_digest(8, 1, 5, p, 4, &other);
	ck_assert_mem_ne(base.b, other.b, 32);
	cpc_members_digest(7, 2, 5, p, 4, &other);
	ck_assert_mem_ne(base.b, other.b, 32);
	cpc_members_digest(7, 1, 6, p, 4, &other);
	ck_assert_mem_ne(base.b, other.b, 32);
	cpc_members_digest(7, 1, 5, p, 3, &other);
	ck_assert_mem_ne(base.b, other.b, 32);
	ids[3][31] = 1;
	cpc_members_digest(7, 1, 5, p, 4, &other);
	ck_assert_mem_ne(base.b, other.b, 32);
}
END_TEST

START_TEST(verify__a_whole_log_follows)
{
	struct cpc_log_tip tip;
	struct cpc_log_decision d;
	u32 slot;

	cpc_log_tip_init(&tip, WORLD_N, &world_members);
	for (slot = 1; slot <= world->tip.slot; slot++) {
		struct cpc_error error;

		world_get(world, slot, &d);
		ck_assert_msg(cpc_log_verify(&tip, &d, &tip, &error) == 0, "%s", error.text);
	}
	ck_assert_mem_eq(&tip.log_hash, &world->tip.log_hash, 32);
	ck_assert_mem_eq(tip.seq, world->tip.seq, sizeof(tip.seq));
}
END_TEST

START_TEST(verify__only_the_next_slot)
{
	struct cpc_log_tip tip, before;
	struct cpc_log_decision d;
	u32 slot = tip_before(5, &tip, &d);
	struct cpc_error error;

	before = tip;
	world_get(world, slot + 1, &d);
	ck_assert_int_eq(cpc_log_verify(&tip, &d, &tip, &error), -ENOENT);
	ck_assert_mem_eq(&tip, &before, sizeof(tip));
}
END_TEST

/* Each way to tamper must be noticed; the tip stays as it was. */
START_TEST(verify__tampering_is_noticed)
{
	struct cpc_log_tip tip, next;
	struct cpc_log_decision good, bad;
	u8 body[CPC_BODY_MAX];
	struct cpc_error error;
	u32 slot = tip_before(20, &tip, &good);
	char name[32];

	snprintf(name, sizeof(name), "slot %u", slot);
	ck_assert_int_eq(cpc_log_verify(&tip, &good, &next, NULL), 0);
	switch (_i) {
	case 0:
		bad = good;
		bad.log_hash.b[31] ^= 1;
		break;
	case 1:
		bad = good;
		bad.value.b[0] ^= 1;
		break;
	case 2:		/* a refusal shown as consent */
		bad = good;
		bad.lane[0].accepted ^= 1;
		break;
	case 3:
		bad = good;
		bad.lane[0].head.b[15] ^= 1;
		break;
	case 4:		/* an entry's last byte */
		bad = good;
		memcpy(body, bad.lane[1].entry[0].body, bad.lane[1].entry[0].len);
		body[bad.lane[1].entry[0].len - 1] ^= 1;
		bad.lane[1].entry[0].body = body;
		break;
	case 5:		/* an entry withheld */
		bad = good;
		bad.lane[0].entry[0].body = NULL;
		break;
	case 6:		/* a lane left out */
		bad = good;
		bad.lanes--;
		break;
	case 7:		/* called void, to make its entries disappear */
		bad = good;
		bad.is_void = true;
		bad.lanes = 0;
		break;
	case 8:		/* another lane's number */
		bad = good;
		bad.lane[0].lane = WORLD_N;
		break;
	case 9:		/* a hole in the lane */
		bad = good;
		bad.lane[0].from++;
		bad.lane[0].seq++;
		break;
	default:
		ck_abort();
	}
	next = tip;
	ck_assert_int_eq(cpc_log_verify(&tip, &bad, &next, &error), -EBADMSG);
	ck_assert_msg(strstr(error.text, name), "%s: %s", name, error.text);
	ck_assert_mem_eq(&tip, &next, sizeof(tip));
}
END_TEST

/* A peer's own consistent log is as good as any: only the log hash tells, and it differs. */
START_TEST(verify__another_log_has_another_hash)
{
	struct world *other = calloc(1, sizeof(*other));

	world_init(other, 6);
	world_run(other, world->tip.slot);
	ck_assert_mem_ne(&other->tip.log_hash, &world->tip.log_hash, 32);
	free(other);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("verify");
	TCase *tc = tcase_create("verify");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, sha256__known_answer);
	tcase_add_test(tc, members_digest__every_part_counts);
	tcase_add_test(tc, verify__a_whole_log_follows);
	tcase_add_test(tc, verify__only_the_next_slot);
	tcase_add_loop_test(tc, verify__tampering_is_noticed, 0, 10);
	tcase_add_test(tc, verify__another_log_has_another_hash);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
