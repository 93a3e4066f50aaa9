// SPDX-License-Identifier: BSD-3-Clause
/*
 * fuzz_element.c - bytes from anybody with a radio: find the element, split it, read all of it.
 *
 * Whatever is accepted must be within the limits, and must survive being written and read again.
 */
#include <stdlib.h>

#include <cpchain/cut.h>
#include <cpchain/element.h>
#include <cpchain/lane.h>

#define MUST(condition) ((condition) ? (void)0 : abort())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_entry(const struct cpc_item *item, unsigned int n)
{
	u8 again[CPC_BODY_MAX];
	struct cpc_entry entry;
	int len;

	if (cpc_entry_decode(item->data, item->len, n, &entry))
		return;
	MUST(entry.author < n && entry.seq && entry.len && entry.len <= CPC_ENTRY_DATA_MAX);
	len = cpc_entry_encode(&entry, again, sizeof(again));
	MUST(len > 0 && (size_t)len == item->len && !memcmp(again, item->data, item->len));
}

static void check_cut(const struct cpc_item *item, unsigned int n)
{
	struct cpc_reader r = cpc_reader_init(item->data, item->len);
	u8 again[CPC_CUT_BYTES_MAX];
	struct cpc_writer w = cpc_writer_init(again, sizeof(again));
	struct cpc_cut cut;
	unsigned int i;

	if (cpc_cut_read(&r, n, &cut))
		return;
	for (i = 0; i < cut.lanes; i++)
		MUST(cut.lane[i].lane < n && cut.lane[i].seq &&
		     (!i || cut.lane[i].lane > cut.lane[i - 1].lane));
	cpc_cut_write(&w, &cut);
	MUST(!w.failed && w.used == item->len - r.left && !memcmp(again, item->data, w.used));
}

static void check_record(const struct cpc_slot_record *record, u32 decided)
{
	u8 again[256];
	struct cpc_writer w = cpc_writer_init(again, sizeof(again));
	struct cpc_slot_record back;
	struct cpc_reader r;

	MUST(cpc_state_sane(&record->state));
	MUST(record->slot && record->slot <= (u64)decided + CPC_OPEN_MAX);
	cpc_record_write(&w, record, decided);
	MUST(!w.failed);
	r = cpc_reader_init(again, w.used);
	MUST(!cpc_record_read(&r, decided, &back) && !r.left);
	MUST(!memcmp(&back, record, sizeof(back)));
}

static void check_element(const u8 *data, size_t len, unsigned int n)
{
	struct cpc_element e;
	struct cpc_item item;
	unsigned int i;

	if (cpc_element_decode(data, len, n, &e))
		return;
	MUST(e.header.sender < n && e.records <= CPC_OPEN_MAX && e.answers <= CPC_ANSWERS_MAX);
	for (i = 0; i < e.records; i++)
		check_record(&e.record[i], e.header.decided);
	for (i = 0; i < n; i++)
		MUST(e.have[i] <= CPC_LANE_WINDOW);
	for (i = 0; i < e.answers; i++)
		MUST(e.answer[i].lane < n && e.answer[i].verdict <= 1 && e.answer[i].seq);
	MUST(e.hears == ~(u64)0 || n == 64 || !(e.hears >> n));
	while (cpc_element_item(&e.items, &item) > 0) {
		MUST(item.data >= data && item.data + item.len <= data + len);
		check_entry(&item, n);
		check_cut(&item, n);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned int cells[] = { 4, 7, 10, 16, 64 };
	struct cpc_location at;
	unsigned int n;

	if (!size)
		return 0;
	n = cells[data[0] % 5];
	/* Both as a frame from the air and, to get deeper at once, as the element itself. */
	if (cpc_element_locate(data + 1, size - 1, &at) == CPC_LOCATE_FOUND) {
		MUST(at.start + at.len == size - 1 && at.len <= CPC_ELEMENT_MAX);
		if (at.len >= CPC_ELEMENT_HEADER_BYTES + cpc_element_trailer(n))
			check_element(data + 1 + at.start, at.len - cpc_element_trailer(n), n);
	}
	check_element(data + 1, size - 1, n);
	return 0;
}
