// SPDX-License-Identifier: BSD-3-Clause
/* Is an element that is taken apart and put together again the same, and does it hold additions? */
#include "tests/unit/twin_testing.h"
#include "tools/cpc-twin/draft.h"

static struct cpc_draft draft;

/* An element with something in every section. */
static size_t rich_element(u8 out[CPC_ELEMENT_MAX])
{
	struct world *w = world_new("cmac(aes)", CPC_PACING_CARRIER, 0, 5);
	unsigned int i;
	size_t len;

	for (i = 0; i < 4; i++)
		world_submit(w, i, i % 2, "an entry");
	for (i = 0; i < 150; i++)
		world_step(w);
	world_submit(w, 1, CPC_ENTRY_ORDINARY, "one that was not on the air yet");
	len = (size_t)cpc_twin_make(w->member[1], w->now_us, false, out, CPC_ELEMENT_MAX);
	world_free(w);
	return len - cpc_element_trailer(WORLD_N);
}

START_TEST(draft_read__and_write_give_the_same)
{
	u8 data[CPC_ELEMENT_MAX], again[CPC_ELEMENT_MAX];
	size_t len = rich_element(data), cut;
	int written;

	ck_assert_int_eq(cpc_draft_read(&draft, data, len, WORLD_N), 0);
	ck_assert(draft.e.records && draft.e.has_have && draft.e.answers);
	ck_assert_uint_gt(draft.items_len, 0);
	written = cpc_draft_write(&draft, WORLD_N, again, sizeof(again));
	ck_assert_int_eq(written, (int)len);
	ck_assert_mem_eq(again, data, len);
	for (cut = 0; cut < len; cut++)
		ck_assert_int_eq(cpc_draft_write(&draft, WORLD_N, again, cut), -ENOSPC);
	ck_assert_int_eq(cpc_draft_read(&draft, data, CPC_ELEMENT_HEADER_BYTES - 1, WORLD_N),
			 -EBADMSG);
}
END_TEST

/* Records stay in order of slots, within what a record can name, and at most four. */
START_TEST(draft_state__keeps_order_and_bounds)
{
	static const u32 wanted[] = { 103, 98, 101, 99 };
	unsigned int i;

	memset(&draft, 0, sizeof(draft));
	draft.e.header.version = CPC_ELEMENT_VERSION;
	draft.e.header.decided = 100;
	ck_assert_ptr_null(cpc_draft_state(&draft, 96));
	ck_assert_ptr_null(cpc_draft_state(&draft, 105));
	for (i = 0; i < 4; i++)
		cpc_draft_state(&draft, wanted[i])->view = (u8)wanted[i];
	ck_assert_uint_eq(draft.e.records, 4);
	for (i = 0; i < 4; i++) {
		ck_assert_uint_eq(draft.e.record[i].state.view, draft.e.record[i].slot);
		ck_assert(!i || draft.e.record[i].slot > draft.e.record[i - 1].slot);
	}
	ck_assert_ptr_null(cpc_draft_state(&draft, 100));
	ck_assert_ptr_eq(cpc_draft_state(&draft, 101), &draft.e.record[2].state);
	cpc_draft_forget(&draft, 99);
	cpc_draft_forget(&draft, 77);
	ck_assert_uint_eq(draft.e.records, 3);
	ck_assert_uint_eq(draft.e.record[1].slot, 101);
}
END_TEST

START_TEST(draft_add__until_it_is_full)
{
	u8 item[100] = { 0 };
	unsigned int added = 0;
	size_t before;

	memset(&draft, 0, sizeof(draft));
	do {
		before = draft.items_len;
		added++;
	} while (cpc_draft_add(&draft, CPC_ITEM_ENTRY, item, sizeof(item)));
	ck_assert_uint_eq(added - 1, CPC_ELEMENT_MAX / 103);
	ck_assert_uint_eq(draft.items_len, before);
}
END_TEST

static Suite *draft_suite(void)
{
	Suite *suite = suite_create("twin_draft");
	TCase *tcase = tcase_create("draft");

	tcase_add_test(tcase, draft_read__and_write_give_the_same);
	tcase_add_test(tcase, draft_state__keeps_order_and_bounds);
	tcase_add_test(tcase, draft_add__until_it_is_full);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return run_suite(draft_suite());
}
