// SPDX-License-Identifier: BSD-3-Clause
/*
 * Does the filter drop what contradicts itself, and nothing that a standard allows? Each row of the
 * table is a frame with the verdict that its clause asks for, run by BPF_PROG_TEST_RUN through the
 * XDP and the TC program. A row states one reason; any other counter that moves fails it.
 */
#include <bpf/bpf.h>
#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "bpf/filter.h"
#include "bpf/filter.skel.h"
#include "tests/bpf/frames.h"
#include "tests/bpf/privilege.h"
#include "tools/v2xgen/frame.h"

#define HOUR 3600000000000ULL

enum { CPUS_MAX = 256, CELL = 7 };

static const struct cpc_filter_rate no_limit;

static struct filter_bpf *load(struct cpc_filter_rate source, struct cpc_filter_rate newcomers,
			       struct cpc_filter_rate all)
{
	struct filter_bpf *skel = filter_bpf__open();
	struct cpc_filter_cell cell = { .epoch = 3, .n = 4, .self = 0, .floor = { 0, 900, 0, 5 } };
	uint32_t id = CELL;

	ck_assert_ptr_nonnull(skel);
	*(struct cpc_filter_rate *)&skel->rodata->config.source = source;
	*(struct cpc_filter_rate *)&skel->rodata->config.newcomers = newcomers;
	*(struct cpc_filter_rate *)&skel->rodata->config.all = all;
	/* A second is too short for a busy machine: windows end only where a test says so. */
	*(uint64_t *)&skel->rodata->config.window_ns = HOUR;
	ck_assert_int_eq(filter_bpf__load(skel), 0);
	ck_assert_int_eq(bpf_map_update_elem(bpf_map__fd(skel->maps.cells), &id, &cell, 0), 0);
	return skel;
}

static void counts(const struct filter_bpf *skel, uint64_t frames[__CPC_F_MAX])
{
	struct cpc_filter_count cpu[CPUS_MAX];
	int cpus = libbpf_num_possible_cpus();

	ck_assert_int_le(cpus, CPUS_MAX);
	for (uint32_t i = 0; i < __CPC_F_MAX; i++) {
		frames[i] = 0;
		ck_assert_int_eq(bpf_map_lookup_elem(bpf_map__fd(skel->maps.counts), &i, cpu), 0);
		for (int c = 0; c < cpus; c++)
			frames[i] += cpu[c].frames;
	}
}

/* Runs one frame; returns the program's verdict and what is left of the frame. */
static int run(int program, const struct frame *f, struct frame *ret_out)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = f->data, .data_size_in = f->len,
		    .data_out = ret_out->data, .data_size_out = sizeof(ret_out->data), .repeat = 1);
	int r = bpf_prog_test_run_opts(program, &opts);

	ck_assert_msg(r == 0, "test run of %u octets: %s", f->len, strerror(-r));
	ret_out->len = opts.data_size_out;
	return (int)opts.retval;
}

enum fate { PASSES, DROPPED, CUT };

enum how { BY_GN, BY_WSMP, BY_RAW };

struct row {
	const char *name;
	struct gn gn;
	const char *hex;	/* BY_WSMP, BY_RAW: octets behind the Ethernet header */
	int protocol;		/* with hex */
	int more;		/* octets 0x5a behind hex */
	int with_element;
	struct element element;
	enum cpc_filter_reason reason;
	enum fate fate;
};

/* EN 302 636-4-1 V1.4.1 (GN), EN 302 636-5-1 V2.2.1 (BTP), IEEE 1609.3-2016 (WSMP). */
static const struct row rows[] = {
	/* -- every packet type with its extended header, GN 9.8 -- */
	{ "SHB, CAM: 9.8.4", { 0 }, .reason = CPC_F_PASSED },
	{ "SHB, DENM: 9.8.4", { .port = 2002 }, .reason = CPC_F_PASSED },
	{ "SHB, unknown BTP port", { .port = 65535 }, .reason = CPC_F_PASSED },
	{ "SHB, BTP-A: 9.7.4", { .next = 1 }, .reason = CPC_F_PASSED },
	{ "SHB, no upper layer named: 9.7.4 NH 0", { .next = -1 }, .reason = CPC_F_PASSED },
	{ "SHB, IPv6: 9.7.4 NH 3", { .next = 3, .body = 1280 }, .reason = CPC_F_PASSED },
	{ "SHB, reserved upper layer: 9.7.4 NH 15", { .next = 15 }, .reason = CPC_F_PASSED },
	{ "SHB, NH 0 and no payload", { .next = -1, .body = -1 }, .reason = CPC_F_PASSED },
	{ "SHB, payload is one BTP header", { .body = 4 }, .reason = CPC_F_PASSED },
	{ "SHB, largest payload: annex H", { .body = 1402 }, .reason = CPC_F_PASSED },
	{ "TSB: 9.8.3", { .type = 0x51, .hops = 5, .hops_max = 10, .position = 4 },
	  .reason = CPC_F_PASSED },
	{ "GUC: 9.8.2", { .type = 0x20, .extended = 48, .position = 4, .hops = 3, .hops_max = 3 },
	  .reason = CPC_F_PASSED },
	{ "GBC, circle: 9.8.5", { .type = 0x40, .extended = 44, .position = 4 },
	  .reason = CPC_F_PASSED },
	{ "GBC, rectangle: 9.8.5", { .type = 0x41, .extended = 44, .position = 4 },
	  .reason = CPC_F_PASSED },
	{ "GBC, ellipse: 9.8.5", { .type = 0x42, .extended = 44, .position = 4, .port = 2002 },
	  .reason = CPC_F_PASSED },
	{ "GAC, circle: 9.8.5", { .type = 0x30, .extended = 44, .position = 4 },
	  .reason = CPC_F_PASSED },
	{ "GAC, ellipse: 9.8.5", { .type = 0x32, .extended = 44, .position = 4 },
	  .reason = CPC_F_PASSED },
	{ "BEACON: 9.8.6", { .type = 0x10, .next = -1, .extended = 24, .body = -1 },
	  .reason = CPC_F_PASSED },
	{ "LS request: 9.8.7", { .type = 0x60, .next = -1, .extended = 36, .body = -1 },
	  .reason = CPC_F_PASSED },
	{ "LS reply: 9.8.8", { .type = 0x61, .next = -1, .extended = 48, .body = -1 },
	  .reason = CPC_F_PASSED },
	{ "hops at the maximum: 10.3.5", { .type = 0x51, .hops = 255, .hops_max = 255 },
	  .reason = CPC_F_PASSED },
	{ "no hops left: 9.6", { .hops = -1 }, .reason = CPC_F_PASSED },
	{ "octets behind the packet, which states its own length: 9.7", { .trailing = 100 },
	  .reason = CPC_F_PASSED },
	{ "one octet behind the packet", { .trailing = 1 }, .reason = CPC_F_PASSED },
	/* -- beyond us, hence not judged -- */
	{ "protocol version 0: 9.6.2", { .version = -1 }, .reason = CPC_F_UNJUDGED },
	{ "protocol version 2: 9.6.2", { .version = 2 }, .reason = CPC_F_UNJUDGED },
	{ "secured packet: 9.6.3 NH 2", { .basic_next = 2 }, .reason = CPC_F_UNJUDGED },
	{ "secured packet of 6 octets: 9.6.3", { .basic_next = 2, .cut = 92 },
	  .reason = CPC_F_UNJUDGED },
	{ "unspecified after the basic header: 9.6.3 NH 0", { .basic_next = -1 },
	  .reason = CPC_F_UNJUDGED },
	{ "header type 0, any: 9.7.4", { .type = -1 }, .reason = CPC_F_UNJUDGED },
	{ "header type 7, reserved", { .type = 0x70 }, .reason = CPC_F_UNJUDGED },
	{ "header type 15, reserved", { .type = 0xf0 }, .reason = CPC_F_UNJUDGED },
	{ "GBC of an unknown shape", { .type = 0x43 }, .reason = CPC_F_UNJUDGED },
	{ "TSB of an unknown subtype", { .type = 0x52 }, .reason = CPC_F_UNJUDGED },
	{ "beacon of an unknown subtype", { .type = 0x11 }, .reason = CPC_F_UNJUDGED },
	/* -- lengths that contradict the frame -- */
	{ "one octet short of PL", { .cut = 1 }, .reason = CPC_F_TRUNCATED, .fate = DROPPED },
	{ "PL one too large", { .claim = 61 }, .reason = CPC_F_TRUNCATED, .fate = DROPPED },
	{ "PL far too large", { .claim = 1400 }, .reason = CPC_F_TRUNCATED, .fate = DROPPED },
	{ "no payload at all where PL says some", { .cut = 60 }, .reason = CPC_F_TRUNCATED,
	  .fate = DROPPED },
	{ "inside the extended header", { .cut = 70 }, .reason = CPC_F_TRUNCATED, .fate = DROPPED },
	{ "inside the common header", { .cut = 92 }, .reason = CPC_F_TRUNCATED, .fate = DROPPED },
	{ "inside the basic header", { .cut = 98 }, .reason = CPC_F_TRUNCATED, .fate = DROPPED },
	{ "nothing behind the Ethernet header", { .cut = 100 }, .reason = CPC_F_TRUNCATED,
	  .fate = DROPPED },
	{ "GBC with room for an SHB's header only",
	  { .type = 0x40, .extended = 28, .body = -1, .next = -1 }, .reason = CPC_F_TRUNCATED,
	  .fate = DROPPED },
	{ "beacon of 23 octets", { .type = 0x10, .extended = 23, .body = -1, .next = -1 },
	  .reason = CPC_F_TRUNCATED, .fate = DROPPED },
	{ "LS request of 35 octets", { .type = 0x60, .extended = 35, .body = -1, .next = -1 },
	  .reason = CPC_F_TRUNCATED, .fate = DROPPED },
	{ "more hops left than the maximum: 10.3.5", { .hops = 2, .hops_max = 1 },
	  .reason = CPC_F_HOPS, .fate = DROPPED },
	{ "BTP-B in three octets: BTP 7.3", { .body = 3 }, .reason = CPC_F_MALFORMED,
	  .fate = DROPPED },
	{ "BTP-A in no octets: BTP 7.2", { .next = 1, .claim = -1, .body = -1 },
	  .reason = CPC_F_MALFORMED, .fate = DROPPED },
	{ "payload over itsGnMaxSduSize: annex H", { .body = 1403 }, .reason = CPC_F_OVERSIZED,
	  .fate = DROPPED },
	{ "frame over the largest MSDU", { .trailing = 2304 }, .reason = CPC_F_OVERSIZED,
	  .fate = DROPPED },
	/* -- WSMP: 8.3.2 version, 8.3.3 TPID, 4.1.2 PSID, 8.1.3 length -- */
	{ "WSM, PSID of one octet", .protocol = CPC_ETHERTYPE_WSMP, .hex = "03002010", .more = 16,
	  .reason = CPC_F_PASSED },
	{ "WSM, PSID of two octets", .protocol = CPC_ETHERTYPE_WSMP, .hex = "0300800304", .more = 4,
	  .reason = CPC_F_PASSED },
	{ "WSM, PSID of four octets", .protocol = CPC_ETHERTYPE_WSMP, .hex = "0300e000000104",
	  .more = 4, .reason = CPC_F_PASSED },
	{ "WSM, length of two octets", .protocol = CPC_ETHERTYPE_WSMP, .hex = "03002080c8",
	  .more = 200, .reason = CPC_F_PASSED },
	{ "WSM, empty", .protocol = CPC_ETHERTYPE_WSMP, .hex = "03002000", .reason = CPC_F_PASSED },
	{ "WSM, three header extensions: 8.1.1", .protocol = CPC_ETHERTYPE_WSMP,
	  .hex = "0b03040114" "0f01ac" "10010c" "002004", .more = 4, .reason = CPC_F_PASSED },
	{ "WSM, octets behind it", .protocol = CPC_ETHERTYPE_WSMP, .hex = "03002004", .more = 40,
	  .reason = CPC_F_PASSED },
	{ "WSM, version 2", .protocol = CPC_ETHERTYPE_WSMP, .hex = "02202004", .more = 4,
	  .reason = CPC_F_UNJUDGED },
	{ "WSM, another subtype", .protocol = CPC_ETHERTYPE_WSMP, .hex = "13002004", .more = 4,
	  .reason = CPC_F_UNJUDGED },
	{ "WSM, TPID 1", .protocol = CPC_ETHERTYPE_WSMP, .hex = "03012004", .more = 4,
	  .reason = CPC_F_UNJUDGED },
	{ "WSM, seven header extensions", .protocol = CPC_ETHERTYPE_WSMP,
	  .hex = "0b07" "040114" "040114" "040114" "040114" "040114" "040114" "040114" "002000",
	  .reason = CPC_F_UNJUDGED },
	{ "WSM, one octet short", .protocol = CPC_ETHERTYPE_WSMP, .hex = "03002010", .more = 15,
	  .reason = CPC_F_TRUNCATED, .fate = DROPPED },
	{ "WSM, header only", .protocol = CPC_ETHERTYPE_WSMP, .hex = "0300",
	  .reason = CPC_F_TRUNCATED, .fate = DROPPED },
	{ "WSM, nothing", .protocol = CPC_ETHERTYPE_WSMP, .hex = "", .reason = CPC_F_TRUNCATED,
	  .fate = DROPPED },
	{ "WSM, PSID of a reserved form", .protocol = CPC_ETHERTYPE_WSMP, .hex = "0300f000000104",
	  .more = 4, .reason = CPC_F_MALFORMED, .fate = DROPPED },
	{ "WSM, length of a reserved form", .protocol = CPC_ETHERTYPE_WSMP, .hex = "030020c004",
	  .more = 4, .reason = CPC_F_MALFORMED, .fate = DROPPED },
	/* -- not V2X -- */
	{ "IPv6", .protocol = 0x86dd, .hex = "60000000", .more = 44, .reason = CPC_F_OTHER },
	{ "ARP", .protocol = 0x0806, .hex = "00010800", .more = 24, .reason = CPC_F_OTHER },
	{ "802.1Q", .protocol = 0x8100, .hex = "00648947", .more = 40, .reason = CPC_F_OTHER },
	/* -- elements in frames of their own -- */
	{ "element: well-formed", .protocol = CPC_ETHERTYPE_ELEMENT, .hex = "", .with_element = 1,
	  .element = { .tag = 1 }, .reason = CPC_F_PASSED },
	{ "element: with sections", .protocol = CPC_ETHERTYPE_ELEMENT, .hex = "", .with_element = 1,
	  .element = { .tag = 2, .sections = 300, .flags = 0x19 }, .reason = CPC_F_PASSED },
	{ "element: of a cell that is not ours", .protocol = CPC_ETHERTYPE_ELEMENT, .hex = "",
	  .with_element = 1, .element = { .cell = 8, .sender = 63 }, .reason = CPC_F_PASSED },
	{ "element: of the next epoch", .protocol = CPC_ETHERTYPE_ELEMENT, .hex = "",
	  .with_element = 1, .element = { .epoch = 4 }, .reason = CPC_F_PASSED },
	{ "element: of another version", .protocol = CPC_ETHERTYPE_ELEMENT, .hex = "",
	  .with_element = 1, .element = { .version = 2 }, .reason = CPC_F_PASSED },
	{ "element: counter at the floor, which may be evidence", .protocol = CPC_ETHERTYPE_ELEMENT,
	  .hex = "", .with_element = 1, .element = { .counter = 900, .tag = 3 },
	  .reason = CPC_F_PASSED },
	{ "0x88B5: someone else's experiment", .protocol = CPC_ETHERTYPE_ELEMENT, .hex = "cafe",
	  .more = 50, .reason = CPC_F_PASSED },
	{ "0x88B5: empty", .protocol = CPC_ETHERTYPE_ELEMENT, .hex = "", .reason = CPC_F_PASSED },
	{ "element: counter below the floor", .protocol = CPC_ETHERTYPE_ELEMENT, .hex = "",
	  .with_element = 1, .element = { .counter = 899 }, .reason = CPC_F_EL_STALE,
	  .fate = DROPPED },
	{ "element: of the epoch before", .protocol = CPC_ETHERTYPE_ELEMENT, .hex = "",
	  .with_element = 1, .element = { .epoch = 2 }, .reason = CPC_F_EL_EPOCH, .fate = DROPPED },
	{ "element: of no member", .protocol = CPC_ETHERTYPE_ELEMENT, .hex = "", .with_element = 1,
	  .element = { .sender = 4 }, .reason = CPC_F_EL_SENDER, .fate = DROPPED },
	{ "element: of a sender beyond all", .protocol = CPC_ETHERTYPE_ELEMENT, .hex = "",
	  .with_element = 1, .element = { .sender = 255 }, .reason = CPC_F_EL_SENDER,
	  .fate = DROPPED },
	{ "element: under our own index", .protocol = CPC_ETHERTYPE_ELEMENT, .hex = "",
	  .with_element = 1, .element = { .sender = -1 }, .reason = CPC_F_EL_SENDER,
	  .fate = DROPPED },
	{ "element: unknown flag", .protocol = CPC_ETHERTYPE_ELEMENT, .hex = "", .with_element = 1,
	  .element = { .flags = 0x40 }, .reason = CPC_F_EL_MALFORMED, .fate = DROPPED },
	{ "element: longer than its frame", .protocol = CPC_ETHERTYPE_ELEMENT, .hex = "",
	  .with_element = 1, .element = { .claim = 53 }, .reason = CPC_F_EL_TRUNCATED,
	  .fate = DROPPED },
	{ "element: shorter than any", .protocol = CPC_ETHERTYPE_ELEMENT, .hex = "",
	  .with_element = 1, .element = { .claim = 51 }, .reason = CPC_F_EL_TRUNCATED,
	  .fate = DROPPED },
	{ "element: over the largest", .protocol = CPC_ETHERTYPE_ELEMENT, .hex = "",
	  .with_element = 1, .element = { .claim = 1401 }, .reason = CPC_F_EL_OVERSIZED,
	  .fate = DROPPED },
	{ "element: something before it", .protocol = CPC_ETHERTYPE_ELEMENT, .hex = "00",
	  .with_element = 1, .element = { .tag = 4 }, .reason = CPC_F_EL_MALFORMED,
	  .fate = DROPPED },
	{ "element: another's before it, sent again", .protocol = CPC_ETHERTYPE_ELEMENT,
	  .hex = "34005043", .with_element = 1, .element = { .tag = 7 }, .reason = CPC_F_PASSED },
	/* -- elements on carriers: whatever they are, the carrier passes -- */
	{ "carrier: well-formed element", .with_element = 1, .element = { .tag = 5 },
	  .reason = CPC_F_PASSED },
	{ "carrier: element behind trailing octets", { .trailing = 30 }, .with_element = 1,
	  .element = { .tag = 6 }, .reason = CPC_F_PASSED },
	{ "carrier: stale element", .with_element = 1, .element = { .counter = 1 },
	  .reason = CPC_F_EL_STALE, .fate = CUT },
	{ "carrier: element of no member", .with_element = 1, .element = { .sender = 9 },
	  .reason = CPC_F_EL_SENDER, .fate = CUT },
	{ "carrier: element of the epoch before", .with_element = 1, .element = { .epoch = 2 },
	  .reason = CPC_F_EL_EPOCH, .fate = CUT },
	{ "carrier: WSM with an element of no member", .protocol = CPC_ETHERTYPE_WSMP,
	  .hex = "03002010", .more = 16, .with_element = 1, .element = { .sender = 9 },
	  .reason = CPC_F_EL_SENDER, .fate = CUT },
	{ "carrier: element longer than the room behind it", .with_element = 1,
	  .element = { .claim = 100 }, .reason = CPC_F_EL_TRUNCATED },
	{ "carrier: secured, its end unknown: nothing is cut", { .basic_next = 2 },
	  .with_element = 1, .element = { .sender = 9 }, .reason = CPC_F_UNJUDGED },
	{ "carrier: element's look inside the payload", { .claim = 112 }, .with_element = 1,
	  .element = { .sender = 9 }, .reason = CPC_F_PASSED },
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };
_Static_assert(ROWS >= 60, "the table that was promised");

static void build(const struct row *row, uint32_t mac, struct frame *f)
{
	if (row->protocol) {
		put_ethernet(f, mac, (uint16_t)row->protocol);
		for (const char *hex = row->hex; hex[0]; hex += 2)
			put(f, strtoul((char[]){ hex[0], hex[1], 0 }, NULL, 16), 1);
		fill(f, 0x5a, (unsigned int)row->more);
	} else {
		put_gn(f, mac, &row->gn);
	}
	if (row->with_element)
		put_element(f, &row->element);
}

/* The row's own counter moved, CUT did if it is cut, PASSED did if it went on; nothing else. */
static uint64_t expected(const struct row *row, enum cpc_filter_reason reason)
{
	if (reason == row->reason)
		return 1;
	if (reason == CPC_F_CUT)
		return row->fate == CUT;
	if (reason == CPC_F_PASSED) /* a bad element that could not be cut is counted, and passes */
		return row->fate == PASSES && row->reason >= CPC_F_EL_TRUNCATED;
	return 0;
}

static void check_row(const struct filter_bpf *skel, int program, const struct row *row, int drop,
		      int pass, uint32_t mac)
{
	uint64_t before[__CPC_F_MAX], after[__CPC_F_MAX];
	struct frame in, out, bare;
	struct row carrier = *row;
	int verdict;

	build(row, mac, &in);
	carrier.with_element = row->with_element && row->fate != CUT;
	build(&carrier, mac, &bare);
	counts(skel, before);
	verdict = run(program, &in, &out);
	counts(skel, after);
	ck_assert_msg(verdict == (row->fate == DROPPED ? drop : pass), "%s: verdict %d", row->name,
		      verdict);
	for (int i = 0; i < __CPC_F_MAX; i++)
		ck_assert_msg(after[i] - before[i] == expected(row, (enum cpc_filter_reason)i),
			      "%s: counter %d moved by %llu", row->name, i,
			      (unsigned long long)(after[i] - before[i]));
	if (row->fate == DROPPED)
		return;
	ck_assert_msg(out.len == bare.len && !memcmp(out.data, bare.data, out.len),
		      "%s: %u octets became %u, not %u", row->name, in.len, out.len, bare.len);
}

/* Loaded once for all rows, since a verifier takes its time. */
static struct filter_bpf *table;

static void setup_table(void)
{
	table = load(no_limit, no_limit, no_limit);
}

static void teardown_table(void)
{
	filter_bpf__destroy(table);
}

START_TEST(filter_xdp__table)
{
	check_row(table, bpf_program__fd(table->progs.filter_xdp), &rows[_i], 1, 2, 77);
}
END_TEST

START_TEST(filter_tc__table)
{
	check_row(table, bpf_program__fd(table->progs.filter_tc), &rows[_i], 2, -1, 77);
}
END_TEST

/* The next whole frame of a pcapng file (draft-ietf-opsawg-pcapng 4.3), little-endian as ours. */
static bool next_captured(FILE *file, struct frame *f)
{
	uint32_t block[2], packet[5];

	while (fread(block, sizeof(block), 1, file) == 1) {
		long rest = (long)block[1] - (long)sizeof(block);

		ck_assert(rest >= 4 && rest < 1 << 20);
		if (block[0] != 6) {
			fseek(file, rest, SEEK_CUR);
			continue;
		}
		ck_assert_uint_eq(fread(packet, sizeof(packet), 1, file), 1);
		rest -= (long)sizeof(packet);
		f->len = packet[3];
		ck_assert(f->len <= sizeof(f->data) && (long)f->len <= rest);
		ck_assert_uint_eq(fread(f->data, f->len, 1, file), 1);
		fseek(file, rest - (long)f->len, SEEK_CUR);
		if (packet[3] == packet[4])
			return true;
	}
	return false;
}

/* What our own stack sends, at every size it can have, with and without trailing octets. */
START_TEST(filter_xdp__v2xgen_passes)
{
	struct filter_bpf *skel = load(no_limit, no_limit, no_limit);
	struct cpc_v2x_motion motion = { .unix_ms = 1700000000000, .latitude_deg = 48,
					 .longitude_deg = 11, .speed_m_s = 20, .heading_deg = 90 };
	struct cpc_v2x_config config = { .carrier = CPC_V2X_CAM, .station_id = 4711,
					 .mac = { 2, 0, 0, 0, 0, 1 } };

	for (int i = 0; i < 60; i++) {
		struct cpc_v2x_sender sender;
		struct frame in, out;
		size_t size;

		config.carrier = i % 2 ? CPC_V2X_WSMP : CPC_V2X_CAM;
		config.trailing = (size_t)i % 7 * 9;
		ck_assert_int_eq(cpc_v2x_sender_init(&sender, &config, NULL), 0);
		motion.unix_ms += 100;
		ck_assert_int_eq(cpc_v2x_sender_frame(&sender, &motion, in.data, sizeof(in.data),
						      &size), 0);
		in.len = (uint32_t)size;
		ck_assert_int_eq(run(bpf_program__fd(skel->progs.filter_xdp), &in, &out), 2);
		ck_assert_uint_eq(in.len, out.len);
	}
	filter_bpf__destroy(skel);
}
END_TEST

/*
 * What vehicle 2 of the demonstration heard: its own capture, tests/bpf/demo.pcapng, made by
 * tests/vm/50-demo.sh. Nothing of it may be dropped or cut, with the cell known.
 */
START_TEST(filter_xdp__all_that_the_demo_heard_passes)
{
	enum { OWN = 1, DEMO_CELL = 1, MOST = 4000 };
	struct filter_bpf *skel = load(no_limit, no_limit, no_limit);
	struct cpc_filter_cell cell = { .epoch = 1, .n = 4, .self = OWN };
	static const uint8_t own[6] = { 2, 0, 0, 0, OWN, 0 };
	uint32_t id = DEMO_CELL, frames = 0, elements = 0;
	FILE *file = fopen("tests/bpf/demo.pcapng", "rb");
	struct frame in, out;

	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(bpf_map_update_elem(bpf_map__fd(skel->maps.cells), &id, &cell, 0), 0);
	while (frames < MOST && next_captured(file, &in)) {
		if (memcmp(in.data + 6, own, sizeof(own)) == 0)
			continue;
		ck_assert_int_eq(run(bpf_program__fd(skel->progs.filter_xdp), &in, &out), 2);
		ck_assert_uint_eq(in.len, out.len);
		frames++;
		elements += in.data[in.len - 2] == 'P' && in.data[in.len - 1] == 'C';
	}
	fclose(file);
	ck_assert_uint_ge(frames, 60);
	ck_assert_uint_ge(elements, 40);
	filter_bpf__destroy(skel);
}
END_TEST

/* ---- memory of what was here ----------------------------------------------------------------- */

static int run_element(const struct filter_bpf *skel, const struct element *e)
{
	struct frame in, out;

	put_ethernet(&in, 5, CPC_ETHERTYPE_ELEMENT);
	put_element(&in, e);
	return run(bpf_program__fd(skel->progs.filter_xdp), &in, &out);
}

/* The same element twice is a replay; another content or counter is not. */
START_TEST(filter_xdp__replay)
{
	struct filter_bpf *skel = load(no_limit, no_limit, no_limit);

	ck_assert_int_eq(run_element(skel, &(struct element){ .tag = 9 }), 2);
	ck_assert_int_eq(run_element(skel, &(struct element){ .tag = 9 }), 1);
	ck_assert_int_eq(run_element(skel, &(struct element){ .tag = 9, .counter = 1001 }), 2);
	ck_assert_int_eq(run_element(skel, &(struct element){ .tag = 10 }), 2);
	ck_assert_int_eq(run_element(skel, &(struct element){ .tag = 9, .sender = 2 }), 2);
	filter_bpf__destroy(skel);
}
END_TEST

/* A stranger who claims any counters, as many as he likes, silences nobody. */
START_TEST(filter_xdp__poison)
{
	struct filter_bpf *skel = load(no_limit, no_limit, no_limit);

	ck_assert_int_eq(run_element(skel, &(struct element){ .counter = 0x7fffffff }), 2);
	for (int i = 1; i <= 200; i++)
		ck_assert_int_eq(run_element(skel, &(struct element){ .counter = 1000 + i,
								      .tag = -i }), 2);
	for (int i = 1; i <= 200; i++)
		ck_assert_int_eq(run_element(skel, &(struct element){ .counter = 1000 + i,
								      .tag = i }), 2);
	filter_bpf__destroy(skel);
}
END_TEST

/* ---- rates ----------------------------------------------------------------------------------- */

/* A bucket of @burst frames that does not fill up while the test runs. */
static struct cpc_filter_rate bucket(unsigned int burst)
{
	return (struct cpc_filter_rate){ HOUR, (burst - 1) * HOUR };
}

static uint64_t monotonic_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int run_from(const struct filter_bpf *skel, uint32_t mac, uint32_t station)
{
	struct frame in, out;

	put_gn(&in, mac, &(struct gn){ .station = station });
	return run(bpf_program__fd(skel->progs.filter_xdp), &in, &out);
}

START_TEST(filter_xdp__source_rate)
{
	struct filter_bpf *skel = load(bucket(5), no_limit, no_limit);
	struct cpc_filter_source source;
	uint64_t key = 0, n[__CPC_F_MAX];

	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(run_from(skel, 1, 0), i < 5 ? 2 : 1);
	ck_assert_int_eq(run_from(skel, 2, 0), 2);
	counts(skel, n);
	ck_assert_uint_eq(n[CPC_F_RATE_SOURCE], 15);
	memcpy(&key, (uint8_t[]){ 2, 0, 0, 0, 0, 1 }, 6);
	ck_assert_int_eq(bpf_map_lookup_elem(bpf_map__fd(skel->maps.sources), &key, &source), 0);
	ck_assert_uint_eq(source.frames, 20);
	ck_assert_uint_eq(source.by_reason[CPC_F_RATE_SOURCE], 15);
	ck_assert_uint_eq(source.by_reason[CPC_F_PASSED], 5);
	filter_bpf__destroy(skel);
}
END_TEST

/* Ten thousand made-up addresses get what newcomers share; who is known or listed goes on. */
START_TEST(filter_xdp__spoofed_flood)
{
	struct filter_bpf *skel = load(bucket(100), bucket(50), no_limit);
	struct cpc_filter_list_key member = { .kind = CPC_LIST_MAC, .id = { 2, 0, 0, 0, 0, 9 } };
	struct cpc_filter_source source = { .known = 1, .window_ns = monotonic_ns() };
	uint32_t allow = CPC_LIST_ALLOW;
	int listed = bpf_map__fd(skel->maps.listed);
	uint64_t key = 0;
	int passed = 0;

	ck_assert_int_eq(bpf_map_update_elem(listed, &member, &allow, 0), 0);
	memcpy(&key, (uint8_t[]){ 2, 0, 0, 0, 0, 8 }, 6);
	ck_assert_int_eq(bpf_map_update_elem(bpf_map__fd(skel->maps.sources), &key, &source, 0), 0);
	for (uint32_t i = 0; i < 10000; i++)
		passed += run_from(skel, 1000 + i, 0) == 2;
	ck_assert_int_eq(passed, 50);
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(run_from(skel, 9, 0), 2);
		ck_assert_int_eq(run_from(skel, 8, 0), 2);
	}
	ck_assert_int_eq(run_from(skel, 99999, 0), 1);
	filter_bpf__destroy(skel);
}
END_TEST

/* Whoever floods under a listed member's address does not eat up what a station may send. */
START_TEST(filter_xdp__member_may_fill_the_channel)
{
	struct filter_bpf *skel = load(bucket(5), bucket(5), bucket(50));
	struct cpc_filter_list_key member = { .kind = CPC_LIST_MAC, .id = { 2, 0, 0, 0, 0, 9 } };
	uint32_t allow = CPC_LIST_ALLOW;
	uint64_t n[__CPC_F_MAX];

	ck_assert_int_eq(bpf_map_update_elem(bpf_map__fd(skel->maps.listed), &member, &allow, 0),
			 0);
	for (int i = 0; i < 60; i++)
		ck_assert_int_eq(run_from(skel, 9, 0), i < 50 ? 2 : 1);
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(run_from(skel, 10, 0), i < 5 ? 2 : 1);
	counts(skel, n);
	ck_assert_uint_eq(n[CPC_F_RATE_SOURCE] + n[CPC_F_RATE_NEW], 15);
	filter_bpf__destroy(skel);
}
END_TEST

/* Well behaved for a window: known. Refused more than passed in a later one: no longer. */
START_TEST(filter_xdp__known)
{
	struct filter_bpf *skel = load(no_limit, bucket(1), no_limit);
	struct cpc_filter_source source = { 0 };
	int map = bpf_map__fd(skel->maps.sources);
	uint64_t key = 0;

	memcpy(&key, (uint8_t[]){ 2, 0, 0, 0, 0, 7 }, 6);
	ck_assert_int_eq(run_from(skel, 7, 0), 2);
	ck_assert_int_eq(bpf_map_lookup_elem(map, &key, &source), 0);
	ck_assert_uint_eq(source.known, 0);
	source.window_ns -= 2 * HOUR; /* as if it had begun long ago */
	source.window_passed = 2;     /* seldom: nobody's station */
	ck_assert_int_eq(bpf_map_update_elem(map, &key, &source, 0), 0);
	ck_assert_int_eq(run_from(skel, 7, 0), 1);
	source.window_passed = 3;
	ck_assert_int_eq(bpf_map_update_elem(map, &key, &source, 0), 0);
	ck_assert_int_eq(run_from(skel, 7, 0), 2); /* the newcomers' bucket is empty: it is known */
	source.window_passed = 3;
	source.window_dropped = 4;
	ck_assert_int_eq(bpf_map_update_elem(map, &key, &source, 0), 0);
	ck_assert_int_eq(run_from(skel, 7, 0), 1);
	filter_bpf__destroy(skel);
}
END_TEST

START_TEST(filter_xdp__shared_rate)
{
	struct filter_bpf *skel = load(no_limit, no_limit, bucket(10));
	struct cpc_filter_source source = { .known = 1, .window_ns = monotonic_ns() };
	int passed = 0;
	uint64_t n[__CPC_F_MAX];

	for (uint8_t i = 0; i < 30; i++) {
		uint64_t key = 0;

		memcpy(&key, (uint8_t[]){ 2, 0, 0, 0, 0, i }, 6);
		ck_assert_int_eq(bpf_map_update_elem(bpf_map__fd(skel->maps.sources), &key, &source,
						     0), 0);
		passed += run_from(skel, i, 0) == 2;
	}
	ck_assert_int_eq(passed, 10);
	counts(skel, n);
	ck_assert_uint_eq(n[CPC_F_RATE_ALL], 20);
	filter_bpf__destroy(skel);
}
END_TEST

START_TEST(filter_xdp__lists)
{
	struct filter_bpf *skel = load(no_limit, no_limit, no_limit);
	struct cpc_filter_list_key mac = { .kind = CPC_LIST_MAC, .id = { 2, 0, 0, 0, 0, 3 } };
	struct cpc_filter_list_key id = { .kind = CPC_LIST_STATION };
	uint32_t verdict = CPC_LIST_DENY, station = 4711;
	int map = bpf_map__fd(skel->maps.listed);

	memcpy(id.id, &station, sizeof(station));
	ck_assert_int_eq(bpf_map_update_elem(map, &id, &verdict, 0), 0);
	ck_assert_int_eq(run_from(skel, 1, 4711), 1);
	ck_assert_int_eq(run_from(skel, 1, 4712), 2);
	ck_assert_int_eq(bpf_map_update_elem(map, &mac, &verdict, 0), 0);
	ck_assert_int_eq(run_from(skel, 3, 4712), 1);
	ck_assert_int_eq(bpf_map_delete_elem(map, &mac), 0);
	ck_assert_int_eq(run_from(skel, 3, 4712), 2);
	filter_bpf__destroy(skel);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("filter");
	TCase *xdp = tcase_create("xdp table"), *tc = tcase_create("tc table");
	TCase *tcase = tcase_create("filter");
	SRunner *runner = srunner_create(suite);
	int failed;

	if (!may_use_bpf())
		return skip_all();
	tcase_set_timeout(tcase, 60);
	tcase_add_unchecked_fixture(xdp, setup_table, teardown_table);
	tcase_add_loop_test(xdp, filter_xdp__table, 0, ROWS);
	suite_add_tcase(suite, xdp);
	tcase_add_unchecked_fixture(tc, setup_table, teardown_table);
	tcase_add_loop_test(tc, filter_tc__table, 0, ROWS);
	suite_add_tcase(suite, tc);
	tcase_add_test(tcase, filter_xdp__v2xgen_passes);
	tcase_add_test(tcase, filter_xdp__all_that_the_demo_heard_passes);
	tcase_add_test(tcase, filter_xdp__replay);
	tcase_add_test(tcase, filter_xdp__poison);
	tcase_add_test(tcase, filter_xdp__source_rate);
	tcase_add_test(tcase, filter_xdp__spoofed_flood);
	tcase_add_test(tcase, filter_xdp__member_may_fill_the_channel);
	tcase_add_test(tcase, filter_xdp__known);
	tcase_add_test(tcase, filter_xdp__shared_rate);
	tcase_add_test(tcase, filter_xdp__lists);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
