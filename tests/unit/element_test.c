// SPDX-License-Identifier: BSD-3-Clause
/* element_test.c - the element's codec: sizes, round trips, truncations, bounds. */
#include "core_testing.h"

#include <cpchain/element.h>

static const unsigned int sizes[] = { 4, 5, 7, 10, 16, 64 };

/* The element of a test, with what struct cpc_element only reads. */
struct sample {
	unsigned int n;
	struct cpc_element e;
	u8 payload[300];
	size_t payload_len;
};

static void random_state(struct cpc_state *s, u64 *seed)
{
	unsigned int p, step;
	u8 view = 0;

	memset(s, 0, sizeof(*s));
	for (step = random_below(seed, 4);; step--) {
		unsigned int later = random_below(seed, 3);

		for (p = 0; p < CPC_PHASES; p++) {
			struct cpc_digest v = test_value(p ? later : random_below(seed, 3));

			if (random_below(seed, 2))
				cpc_state_vote(s, p, &v);
		}
		if (!step)
			return;
		view = (u8)(view + 1 + random_below(seed, random_below(seed, 4) ? 3 : 70));
		cpc_state_enter(s, view);
	}
}

static void random_sample(struct sample *t, u64 *seed)
{
	struct cpc_element *e = &t->e;
	u32 slot;
	unsigned int i;

	memset(t, 0, sizeof(*t));
	t->n = sizes[random_below(seed, 6)];
	e->header = (struct cpc_header){
		.version = CPC_ELEMENT_VERSION,
		.sender = (u8)random_below(seed, t->n),
		.cell = (u16)random_next(seed),
		.epoch = (u16)random_next(seed),
		.counter = (u32)random_next(seed),
		.decided = random_below(seed, 5) ? (u32)random_next(seed) >> 1 : 0,
	};
	random_bytes(seed, e->header.log_hash, sizeof(e->header.log_hash));
	e->has_have = random_below(seed, 2);
	for (i = 0; e->has_have && i < t->n; i++)
		e->have[i] = (u8)random_below(seed, CPC_LANE_WINDOW + 1);
	slot = e->header.decided > 3 ? e->header.decided - 3 : 1;
	for (; slot <= e->header.decided + CPC_OPEN_MAX && e->records < CPC_OPEN_MAX; slot++)
		if (random_below(seed, 2)) {
			e->record[e->records].slot = slot;
			random_state(&e->record[e->records++].state, seed);
		}
	for (i = random_below(seed, 4); i > 0; i--) {
		struct cpc_answer *a = &e->answer[e->answers++];

		a->lane = (u8)random_below(seed, t->n);
		a->verdict = (u8)random_below(seed, 2);
		a->why = (u8)random_below(seed, CPC_WHY_MAX);
		a->seq = 1 + random_below(seed, 1000);
		random_bytes(seed, &a->head, sizeof(a->head));
	}
	e->hears = ~(u64)0;
	if (random_below(seed, 2))
		e->hears = random_next(seed) >> (64 - t->n) >> 1;
	e->header.flags = (u16)(e->records | (e->has_have ? CPC_ELEMENT_HAVE : 0) |
				(e->answers ? CPC_ELEMENT_ANSWERS : 0) |
				(e->hears != ~(u64)0 ? CPC_ELEMENT_HEARD : 0));
	t->payload_len = random_below(seed, 2) ? random_below(seed, sizeof(t->payload)) : 0;
	random_bytes(seed, t->payload, t->payload_len);
}

static size_t encode(const struct sample *t, u8 *out, size_t size)
{
	struct cpc_writer w = cpc_writer_init(out, size);
	const struct cpc_element *e = &t->e;
	unsigned int i;

	cpc_header_write(&w, &e->header);
	if (e->has_have)
		cpc_have_write(&w, e->have, t->n);
	for (i = 0; i < e->records; i++)
		cpc_record_write(&w, &e->record[i], e->header.decided);
	if (e->answers)
		cpc_write_u8(&w, e->answers);
	for (i = 0; i < e->answers; i++) {
		cpc_write_u8(&w, e->answer[i].lane);
		cpc_write_u8(&w, (u8)(e->answer[i].why << 1 | e->answer[i].verdict));
		cpc_write_le32(&w, e->answer[i].seq);
		cpc_write_bytes(&w, e->answer[i].head.b, CPC_DIGEST_BYTES);
	}
	if (e->header.flags & CPC_ELEMENT_HEARD)
		cpc_heard_write(&w, e->hears, t->n);
	cpc_write_bytes(&w, t->payload, t->payload_len);
	ck_assert(!w.failed);
	return w.used;
}

static void put_trailer(u8 *frame, size_t *len, size_t start, unsigned int n)
{
	struct cpc_writer w;

	memset(frame + *len, 0x55, CPC_TAG_BYTES * (n - 1));
	*len += CPC_TAG_BYTES * (n - 1);
	w = cpc_writer_init(frame + *len, CPC_ELEMENT_FOOTER_BYTES);
	cpc_element_write_footer(&w, *len + CPC_ELEMENT_FOOTER_BYTES - start);
	ck_assert(!w.failed && w.used == CPC_ELEMENT_FOOTER_BYTES);
	*len += CPC_ELEMENT_FOOTER_BYTES;
}

START_TEST(size__an_open_slot_and_an_idle_element_keep_to_the_aim)
{
	static const unsigned int cells[] = { 4, 7, 10, 16 };
	struct sample t = { .n = cells[_i] };
	struct cpc_digest value = test_value(1);
	u8 out[200];
	unsigned int p;

	t.e.header.version = CPC_ELEMENT_VERSION;
	ck_assert_uint_le(encode(&t, out, sizeof(out)) + cpc_element_trailer(t.n),
			  32 + 8 * (t.n - 1));
	t.e.has_have = true;
	t.e.records = 1;
	t.e.record[0].slot = 1;
	for (p = 0; p < CPC_PHASES; p++)
		cpc_state_vote(&t.e.record[0].state, p, &value);
	ck_assert_uint_le(encode(&t, out, sizeof(out)) + cpc_element_trailer(t.n),
			  56 + 8 * (t.n - 1));
}
END_TEST

START_TEST(locate__finds_the_element_behind_any_carrier)
{
	unsigned int round;
	u64 seed = 2;

	for (round = 0; round < 500; round++) {
		size_t carrier = random_below(&seed, 300), len;
		struct cpc_location at;
		struct sample t;
		u8 frame[2600];

		random_sample(&t, &seed);
		random_bytes(&seed, frame, carrier);
		len = carrier + encode(&t, frame + carrier, 1000);
		if (len - carrier + cpc_element_trailer(t.n) > CPC_ELEMENT_MAX)
			continue;
		put_trailer(frame, &len, carrier, t.n);
		ck_assert_int_eq(cpc_element_locate(frame, len, &at), CPC_LOCATE_FOUND);
		ck_assert_uint_eq(at.start, carrier);
		ck_assert_uint_eq(at.len, len - carrier);
		ck_assert_uint_eq(at.header.counter, t.e.header.counter);
		ck_assert_uint_eq(at.header.sender, t.e.header.sender);
	}
}
END_TEST

START_TEST(locate__says_why_not)
{
	struct sample t = { .n = CPC_MEMBERS_FEW };
	struct cpc_location at = { .start = 4711 };
	u8 frame[1600];
	size_t len, smallest;

	t.e.header.version = CPC_ELEMENT_VERSION;
	len = encode(&t, frame, sizeof(frame));
	put_trailer(frame, &len, 0, CPC_MEMBERS_FEW);
	smallest = len;
	ck_assert_int_eq(cpc_element_locate(frame, len, &at), CPC_LOCATE_FOUND);
	at.start = 4711;
	/* Bytes cut off in front: the length points before the frame. */
	ck_assert_int_eq(cpc_element_locate(frame + 1, len - 1, &at), CPC_LOCATE_TRUNCATED);
	frame[len - 4]--;
	ck_assert_int_eq(cpc_element_locate(frame, len, &at), CPC_LOCATE_TRUNCATED);
	frame[len - 4]++;
	frame[0] = CPC_ELEMENT_VERSION + 1;
	ck_assert_int_eq(cpc_element_locate(frame, len, &at), CPC_LOCATE_VERSION);
	frame[0]--;
	frame[len - 1] ^= 1;
	ck_assert_int_eq(cpc_element_locate(frame, len, &at), CPC_LOCATE_NONE);
	frame[len - 1] ^= 1;
	for (len = 0; len < smallest; len++)
		ck_assert_int_eq(cpc_element_locate(frame, len, &at), CPC_LOCATE_NONE);
	frame[smallest - 4] = (CPC_ELEMENT_MAX + 1) & 0xff;
	frame[smallest - 3] = (CPC_ELEMENT_MAX + 1) >> 8;
	memmove(frame + sizeof(frame) - 4, frame + smallest - 4, 4);
	ck_assert_int_eq(cpc_element_locate(frame, sizeof(frame), &at), CPC_LOCATE_OVERSIZED);
	ck_assert_uint_eq(at.start, 4711);
}
END_TEST

START_TEST(decode__round_trip_of_any_sane_element)
{
	unsigned int round, i;
	u64 seed = 4;

	for (round = 0; round < 4000; round++) {
		struct cpc_element got;
		struct sample t;
		u8 wire[1400];
		size_t len;

		random_sample(&t, &seed);
		len = encode(&t, wire, sizeof(wire));
		ck_assert_int_eq(cpc_element_decode(wire, len, t.n, &got), 0);
		ck_assert_mem_eq(&got.header, &t.e.header, sizeof(got.header));
		ck_assert_int_eq(got.has_have, t.e.has_have);
		ck_assert_mem_eq(got.have, t.e.have, sizeof(got.have));
		ck_assert_uint_eq(got.records, t.e.records);
		for (i = 0; i < got.records; i++) {
			ck_assert_uint_eq(got.record[i].slot, t.e.record[i].slot);
			ck_assert_mem_eq(&got.record[i].state, &t.e.record[i].state,
					 sizeof(struct cpc_state));
		}
		ck_assert_uint_eq(got.answers, t.e.answers);
		ck_assert_mem_eq(got.answer, t.e.answer, sizeof(got.answer));
		ck_assert_uint_eq(got.hears, t.e.hears);
		ck_assert_uint_eq(got.items.left, t.payload_len);
		ck_assert_mem_eq(got.items.at, t.payload, t.payload_len);
	}
}
END_TEST

START_TEST(decode__every_truncation_is_refused_or_only_shortens_the_payload)
{
	unsigned int round;
	u64 seed = 5;

	for (round = 0; round < 300; round++) {
		struct cpc_element got;
		struct sample t;
		u8 wire[1400];
		size_t len, cut;

		random_sample(&t, &seed);
		len = encode(&t, wire, sizeof(wire));
		for (cut = 0; cut < len; cut++) {
			/* An exact allocation: the sanitizer sees a read past it. */
			u8 *copy = malloc(cut ? cut : 1);
			int r;

			ck_assert_ptr_nonnull(copy);
			memcpy(copy, wire, cut);
			r = cpc_element_decode(copy, cut, t.n, &got);
			ck_assert_int_eq(r, cut < len - t.payload_len ? -EBADMSG : 0);
			free(copy);
		}
	}
}
END_TEST

START_TEST(decode__flipped_bits_never_yield_what_no_correct_member_could_send)
{
	unsigned int round, i, accepted = 0, refused = 0;
	u64 seed = 6;

	for (round = 0; round < 20000; round++) {
		struct cpc_element got;
		struct sample t;
		u8 wire[1400];
		size_t len;

		random_sample(&t, &seed);
		len = encode(&t, wire, sizeof(wire));
		for (i = 1 + random_below(&seed, 4); i > 0; i--)
			wire[random_below(&seed, (unsigned int)len)] ^=
				(u8)(1u << random_below(&seed, 8));
		if (cpc_element_decode(wire, len, t.n, &got)) {
			refused++;
			continue;
		}
		accepted++;
		ck_assert_uint_lt(got.header.sender, t.n);
		ck_assert_uint_le(got.records, CPC_OPEN_MAX);
		ck_assert_uint_le(got.answers, CPC_ANSWERS_MAX);
		for (i = 0; i < got.records; i++) {
			ck_assert(cpc_state_sane(&got.record[i].state));
			ck_assert_uint_ne(got.record[i].slot, 0);
			ck_assert(i == 0 || got.record[i].slot > got.record[i - 1].slot);
		}
		for (i = 0; i < t.n; i++)
			ck_assert_uint_le(got.have[i], CPC_LANE_WINDOW);
		ck_assert(got.hears == ~(u64)0 || t.n == 64 || !(got.hears >> t.n));
	}
	ck_assert_uint_gt(accepted, 100);
	ck_assert_uint_gt(refused, 100);
}
END_TEST

START_TEST(decode__refuses_bad_headers)
{
	struct sample t = { .n = 4 };
	struct cpc_element got;
	u8 wire[64];
	size_t len;
	unsigned int i;

	t.e.header.version = CPC_ELEMENT_VERSION;
	for (i = 0; i < 5; i++) {
		struct sample bad = t;

		bad.e.header.version += i == 1;
		bad.e.header.sender = i == 2 ? 4 : 3;
		bad.e.header.flags = i == 3 ? CPC_ELEMENT_FLAGS_KNOWN + 1 : 0;
		len = encode(&bad, wire, sizeof(wire));
		if (i == 4)
			wire[6] = CPC_OPEN_MAX + 1;
		ck_assert_int_eq(cpc_element_decode(wire, len, 4, &got), i ? -EBADMSG : 0);
	}
}
END_TEST

START_TEST(decode__refuses_to_hear_members_that_there_are_not)
{
	struct sample t = { .n = sizes[_i] };
	struct cpc_element got;
	unsigned int bit;
	u8 wire[64];
	size_t len;

	t.e.header.version = CPC_ELEMENT_VERSION;
	t.e.header.flags = CPC_ELEMENT_HEARD;
	for (bit = 0; bit < (t.n + 7) / 8 * 8; bit++) {
		t.e.hears = (u64)1 << bit;
		len = encode(&t, wire, sizeof(wire));
		ck_assert_uint_eq(len, CPC_ELEMENT_HEADER_BYTES + (t.n + 7) / 8);
		ck_assert_int_eq(cpc_element_decode(wire, len, t.n, &got),
				 bit < t.n ? 0 : -EBADMSG);
		ck_assert_int_eq(cpc_element_decode(wire, len - 1, t.n, &got), -EBADMSG);
	}
}
END_TEST

START_TEST(record__slots_outside_the_window_are_refused)
{
	u32 decided;

	for (decided = 0; decided < 10; decided++) {
		unsigned int shape;

		for (shape = 0; shape < 8; shape++) {
			u8 wire[3] = { (u8)shape, 0, 0 };
			struct cpc_reader r = cpc_reader_init(wire, sizeof(wire));
			struct cpc_slot_record got;
			int slot = (int)decided + (int)shape - 3;

			ck_assert_int_eq(cpc_record_read(&r, decided, &got),
					 slot >= 1 ? 0 : -EBADMSG);
			if (slot >= 1)
				ck_assert_uint_eq(got.slot, slot);
		}
	}
}
END_TEST

START_TEST(record__old_votes_keep_their_view_at_any_age)
{
	struct cpc_slot_record record = { .slot = 1 }, got;
	struct cpc_digest value = test_value(1);
	unsigned int view;

	for (view = 1; view <= CPC_VIEW_MAX; view++) {
		u8 wire[64];
		struct cpc_writer w = cpc_writer_init(wire, sizeof(wire));
		struct cpc_reader r;

		memset(&record.state, 0, sizeof(record.state));
		cpc_state_vote(&record.state, CPC_PHASE_1, &value);
		cpc_state_enter(&record.state, (u8)view);
		cpc_record_write(&w, &record, 0);
		r = cpc_reader_init(wire, w.used);
		ck_assert_int_eq(cpc_record_read(&r, 0, &got), 0);
		ck_assert_uint_eq(r.left, 0);
		ck_assert_mem_eq(&got.state, &record.state, sizeof(got.state));
	}
}
END_TEST

START_TEST(item__walks_items_and_stops_at_a_broken_one)
{
	u8 wire[64];
	struct cpc_writer w = cpc_writer_init(wire, sizeof(wire));
	struct cpc_reader r;
	struct cpc_item item;

	cpc_item_write(&w, CPC_ITEM_ENTRY, "abc", 3);
	cpc_item_write(&w, 200, "", 0);
	cpc_item_write(&w, CPC_ITEM_CLAIM, "0123456789ab", 12);
	r = cpc_reader_init(wire, w.used);
	ck_assert_int_eq(cpc_element_item(&r, &item), 1);
	ck_assert(item.type == CPC_ITEM_ENTRY && item.len == 3 && !memcmp(item.data, "abc", 3));
	ck_assert_int_eq(cpc_element_item(&r, &item), 1);
	ck_assert(item.type == 200 && item.len == 0);
	ck_assert_int_eq(cpc_element_item(&r, &item), 1);
	ck_assert(item.type == CPC_ITEM_CLAIM && item.len == 12);
	ck_assert_int_eq(cpc_element_item(&r, &item), 0);
	ck_assert_int_eq(cpc_element_item(&r, &item), 0);
	r = cpc_reader_init(wire, w.used - 1);
	ck_assert_int_eq(cpc_element_item(&r, &item), 1);
	ck_assert_int_eq(cpc_element_item(&r, &item), 1);
	ck_assert_int_eq(cpc_element_item(&r, &item), -EBADMSG);
	ck_assert_int_eq(cpc_element_item(&r, &item), -EBADMSG);
}
END_TEST

START_TEST(tag_index__every_receiver_has_its_own)
{
	unsigned int sender, receiver;

	for (sender = 0; sender < 16; sender++) {
		unsigned int used = 0;

		for (receiver = 0; receiver < 16; receiver++)
			if (receiver != sender)
				used |= 1u << cpc_tag_index(sender, receiver);
		ck_assert_uint_eq(used, 0x7fff);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("element");
	TCase *tests = tcase_create("element");

	tcase_add_loop_test(tests, size__an_open_slot_and_an_idle_element_keep_to_the_aim, 0, 4);
	tcase_add_test(tests, locate__finds_the_element_behind_any_carrier);
	tcase_add_test(tests, locate__says_why_not);
	tcase_add_test(tests, decode__round_trip_of_any_sane_element);
	tcase_add_test(tests, decode__every_truncation_is_refused_or_only_shortens_the_payload);
	tcase_add_test(tests, decode__flipped_bits_never_yield_what_no_correct_member_could_send);
	tcase_add_test(tests, decode__refuses_bad_headers);
	tcase_add_loop_test(tests, decode__refuses_to_hear_members_that_there_are_not, 0, 6);
	tcase_add_test(tests, record__slots_outside_the_window_are_refused);
	tcase_add_test(tests, record__old_votes_keep_their_view_at_any_age);
	tcase_add_test(tests, item__walks_items_and_stops_at_a_broken_one);
	tcase_add_test(tests, tag_index__every_receiver_has_its_own);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
