// SPDX-License-Identifier: BSD-3-Clause
/*
 * Does the agent's loader do what agent/bpf/bpf.h promises? On a veth pair in a network namespace
 * of its own: "vehicle" is filtered, "radio" is where strangers send from.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <check.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <linux/capability.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "agent/bpf/bpf.h"
#include "tests/bpf/frames.h"
#include "tests/bpf/privilege.h"

#define IF "vehicle"

static char root[64];
static struct cpc_bpf_config config;

static void sh(const char *command)
{
	ck_assert_msg(system(command) == 0, "%s", command);
}

static void make_veth(void)
{
	sh("ip link add vehicle type veth peer name radio");
	sh("ip link set vehicle up && ip link set radio up");
}

static void setup(void)
{
	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	/* Nothing but our own frames: no router solicitations, no neighbours. */
	sh("echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6");
	make_veth();
	snprintf(root, sizeof(root), "/sys/fs/bpf/cpc-test-%d", getpid());
	config = cpc_bpf_config_default(IF);
	config.root = root;
}

static void teardown(void)
{
	cpc_bpf_detach(root, IF, NULL);
	rmdir(root);
}

static struct cpc_bpf *start(void)
{
	struct cpc_error error = { "" };
	struct cpc_bpf *bpf = NULL;
	int r = cpc_bpf_new(&config, &bpf, &error);

	ck_assert_msg(r == 0, "%d: %s", r, error.text);
	return bpf;
}

/* @words: what the text has to say, each of them. */
static void ck_refused(int r, const char *const *words)
{
	struct cpc_error error = { "" };
	struct cpc_bpf *bpf = NULL;
	int got = cpc_bpf_new(&config, &bpf, &error);

	ck_assert_msg(got == r, "%d, not %d: %s", got, r, error.text);
	for (; *words; words++)
		ck_assert_msg(strstr(error.text, *words), "no '%s' in: %s", *words, error.text);
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static int packet_socket(const char *interface, int protocol)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(protocol),
				  .sll_ifindex = (int)if_nametoindex(interface) };
	int fd = socket(AF_PACKET, SOCK_RAW, htons(protocol));

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static void send_cams(int socket, uint32_t mac, int count, int cut)
{
	struct frame f;

	put_gn(&f, mac, &(struct gn){ .cut = cut });
	for (int i = 0; i < count; i++)
		ck_assert_int_eq(send(socket, f.data, f.len, 0), f.len);
}

static uint64_t filtered(enum cpc_filter_reason reason)
{
	struct cpc_bpf_metrics m;
	struct cpc_error error = { "" };
	int r = cpc_bpf_metrics_read(root, IF, &m, &error);

	ck_assert_msg(r == 0, "%s", error.text);
	return m.filter[reason].frames;
}

/* veth hands frames over asynchronously: waits until the counter is there, with a bound. */
static void await(enum cpc_filter_reason reason, uint64_t frames)
{
	uint64_t got = 0;

	for (int i = 0; i < 500; i++) {
		got = filtered(reason);
		if (got >= frames)
			break;
		poll(NULL, 0, 10);
	}
	ck_assert_uint_eq(got, frames);
}

static uint32_t xdp_id(void)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);

	ck_assert_int_eq(bpf_xdp_query((int)if_nametoindex(IF), 0, &query), 0);
	return query.prog_id;
}

/* Programs that do nothing, as someone else would have them. */
static int foreign_program(enum bpf_prog_type type)
{
	struct bpf_insn pass[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0,
		  .imm = type == BPF_PROG_TYPE_XDP ? 2 : -1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd = bpf_prog_load(type, "stranger", "GPL", pass, 2, NULL);

	ck_assert_int_ge(fd, 0);
	return fd;
}

/* ---- attaching ------------------------------------------------------------------------------- */

static void ck_filters(enum cpc_bpf_mode mode, const char *name)
{
	struct cpc_bpf_metrics m;
	struct cpc_bpf *bpf;
	int radio = packet_socket("radio", 0);

	config.filter = mode;
	bpf = start();
	ck_assert_str_eq(cpc_bpf_mode_name(bpf), name);
	ck_assert_str_eq(cpc_bpf_note(bpf), "");
	send_cams(radio, 1, 20, 0);
	send_cams(radio, 2, 5, 1);
	await(CPC_F_PASSED, 20);
	await(CPC_F_TRUNCATED, 5);
	ck_assert_int_eq(cpc_bpf_metrics_read(root, IF, &m, NULL), 0);
	ck_assert_str_eq(m.mode, name);
	/* What was dropped never came to the stamp. */
	ck_assert_uint_eq(m.traffic[CPC_STAMP_RX][CPC_CLASS_CAM].frames, 20);
	ck_assert_uint_eq(cpc_bpf_dropped(&m), 5);
	cpc_bpf_free(bpf);
	close(radio);
}

START_TEST(loader__native)
{
	ck_filters(CPC_BPF_AUTO, "xdp native");
}
END_TEST

START_TEST(loader__generic)
{
	ck_filters(CPC_BPF_GENERIC, "xdp generic");
}
END_TEST

START_TEST(loader__tc)
{
	ck_filters(CPC_BPF_TC, "tc");
}
END_TEST

/* The daemon ends, frames are filtered all the same; the next one goes on with the counters. */
START_TEST(loader__survives)
{
	int radio = packet_socket("radio", 0);
	uint32_t first, second;
	struct cpc_bpf *bpf = start();

	cpc_bpf_free(bpf);
	first = xdp_id();
	ck_assert_uint_ne(first, 0);
	send_cams(radio, 1, 7, 1);
	await(CPC_F_TRUNCATED, 7);
	bpf = start();
	second = xdp_id();
	ck_assert_uint_ne(second, 0);
	ck_assert_uint_ne(second, first);
	ck_assert_uint_eq(filtered(CPC_F_TRUNCATED), 7);
	send_cams(radio, 1, 3, 1);
	await(CPC_F_TRUNCATED, 10);
	cpc_bpf_free(bpf);
	close(radio);
}
END_TEST

START_TEST(loader__changes_mode)
{
	static const struct { enum cpc_bpf_mode mode; const char *name; } modes[] = {
		{ CPC_BPF_GENERIC, "xdp generic" }, { CPC_BPF_NATIVE, "xdp native" },
		{ CPC_BPF_TC, "tc" }, { CPC_BPF_AUTO, "xdp native" },
	};
	int radio = packet_socket("radio", 0);
	uint64_t frames = 0;

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		struct cpc_bpf *bpf;

		config.filter = modes[i].mode;
		bpf = start();
		ck_assert_str_eq(cpc_bpf_mode_name(bpf), modes[i].name);
		send_cams(radio, 1, 2, 1);
		frames += 2; /* each counted once: only one filter is on */
		await(CPC_F_TRUNCATED, frames);
		cpc_bpf_free(bpf);
	}
	close(radio);
}
END_TEST

START_TEST(loader__detaches)
{
	struct cpc_error error = { "" };
	struct stat st;

	cpc_bpf_free(start());
	ck_assert_msg(cpc_bpf_detach(root, IF, &error) == 0, "%s", error.text);
	ck_assert_uint_eq(xdp_id(), 0);
	sh("! tc qdisc show dev vehicle | grep -q clsact");
	ck_assert_int_eq(rmdir(root), 0);
	ck_assert_int_lt(stat(root, &st), 0);
	/* Twice is as good as once. */
	ck_assert_int_eq(cpc_bpf_detach(root, IF, &error), 0);
}
END_TEST

/* An interface that went away took everything along; its successor is a fresh start. */
START_TEST(loader__interface_comes_back)
{
	struct cpc_bpf *bpf;

	cpc_bpf_free(start());
	sh("ip link del vehicle");
	ck_refused(-ENODEV, WORDS("no interface 'vehicle'"));
	make_veth();
	bpf = start();
	ck_assert_str_eq(cpc_bpf_mode_name(bpf), "xdp native");
	ck_assert_uint_ne(xdp_id(), 0);
	cpc_bpf_free(bpf);
}
END_TEST

/* ---- beside others --------------------------------------------------------------------------- */

START_TEST(loader__foreign_xdp)
{
	int stranger = foreign_program(BPF_PROG_TYPE_XDP), radio = packet_socket("radio", 0);
	int ifindex = (int)if_nametoindex(IF);
	struct cpc_bpf *bpf;
	uint32_t theirs;

	ck_assert_int_eq(bpf_xdp_attach(ifindex, stranger, XDP_FLAGS_SKB_MODE, NULL), 0);
	theirs = xdp_id();
	config.filter = CPC_BPF_GENERIC;
	ck_refused(-EBUSY, WORDS("another XDP program", IF, "'stranger'"));
	config.filter = CPC_BPF_AUTO;
	bpf = start();
	ck_assert_str_eq(cpc_bpf_mode_name(bpf), "tc");
	ck_assert_ptr_nonnull(strstr(cpc_bpf_note(bpf), "'stranger'"));
	send_cams(radio, 1, 4, 1);
	await(CPC_F_TRUNCATED, 4);
	ck_assert_uint_eq(xdp_id(), theirs);
	cpc_bpf_free(bpf);
	ck_assert_int_eq(cpc_bpf_detach(root, IF, NULL), 0);
	ck_assert_uint_eq(xdp_id(), theirs);
	close(stranger);
	close(radio);
}
END_TEST

START_TEST(loader__foreign_tc)
{
	int stranger = foreign_program(BPF_PROG_TYPE_SCHED_CLS);
	struct bpf_tc_hook hook = { .sz = sizeof(hook), .ifindex = (int)if_nametoindex(IF),
				    .attach_point = BPF_TC_INGRESS };
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = stranger, .handle = 1, .priority = 1);

	cpc_bpf_free(start());
	ck_assert_int_eq(bpf_tc_attach(&hook, &opts), 0);
	ck_assert_int_eq(cpc_bpf_detach(root, IF, NULL), 0);
	/* Their filter, and the qdisc that we made but that they use now, are still there. */
	sh("tc filter show dev vehicle ingress | grep -q stranger");
	sh("! tc filter show dev vehicle ingress | grep -q stamp");
	close(stranger);
}
END_TEST

/* ---- what may be wrong ----------------------------------------------------------------------- */

START_TEST(loader__no_file_system)
{
	config.root = "/tmp/cpc-no-bpffs/cpchain";
	ck_refused(-ENOENT, WORDS("no BPF file system", "/tmp/cpc-no-bpffs"));
	ck_assert_uint_eq(xdp_id(), 0);
}
END_TEST

static void drop_privilege(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { { 0 } };

	ck_assert_int_eq(syscall(SYS_capset, &header, none), 0);
}

START_TEST(loader__no_privilege)
{
	struct cpc_bpf *bpf = NULL;

	cpc_bpf_free(start()); /* the folders are there: it is the loading that fails */
	drop_privilege();
	ck_refused(-EPERM, WORDS("no privilege", "CAP_BPF"));
	ck_assert_ptr_null(bpf);
}
END_TEST

/* Pinned by a version whose map looked otherwise: replaced, not stumbled over. */
START_TEST(loader__old_maps)
{
	struct cpc_bpf_path path;
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "counts", 4, 4, 1, NULL);

	ck_assert_int_eq(cpc_bpf_folder(root, IF, NULL), 0);
	ck_assert_int_eq(cpc_bpf_path(root, IF, "counts", &path, NULL), 0);
	ck_assert_int_eq(bpf_obj_pin(fd, path.text), 0);
	close(fd);
	cpc_bpf_free(start());
	ck_assert_uint_eq(filtered(CPC_F_PASSED), 0);
}
END_TEST

START_TEST(loader__settings_and_lists)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 5 };
	struct cpc_filter_cell cell = { .n = 3 };
	struct cpc_bpf_source worst[4];
	int radio = packet_socket("radio", 0);
	struct cpc_bpf *bpf;

	config.settings.source = (struct cpc_filter_rate){ 3600000000000, 4 * 3600000000000 };
	bpf = start();
	send_cams(radio, 1, 15, 0);
	await(CPC_F_RATE_SOURCE, 10);
	ck_assert_int_eq(cpc_bpf_list_mac(bpf, mac, CPC_LIST_DENY, NULL), 0);
	send_cams(radio, 5, 3, 0);
	await(CPC_F_DENIED, 3);
	ck_assert_int_eq(cpc_bpf_list_mac(bpf, mac, 0, NULL), 0);
	send_cams(radio, 5, 1, 0);
	await(CPC_F_PASSED, 6);
	ck_assert_int_eq(cpc_bpf_sources_read(root, IF, worst, 4, NULL), 2);
	ck_assert_uint_eq(worst[0].mac[5], 1);
	ck_assert_uint_eq(worst[0].dropped, 10);
	ck_assert_uint_eq(worst[1].dropped, 3);
	ck_assert_int_eq(cpc_bpf_list_mac(bpf, mac, 7, NULL), -EINVAL);
	ck_assert_int_eq(cpc_bpf_list_station(bpf, 4711, CPC_LIST_ALLOW, NULL), 0);
	ck_assert_int_eq(cpc_bpf_cell_set(bpf, 1, &cell, NULL), -EINVAL);
	cell.n = 4;
	ck_assert_int_eq(cpc_bpf_cell_set(bpf, 1, &cell, NULL), 0);
	ck_assert_int_eq(cpc_bpf_cell_del(bpf, 1, NULL), 0);
	ck_assert_int_eq(cpc_bpf_cell_del(bpf, 1, NULL), 0);
	cpc_bpf_free(bpf);
	close(radio);
}
END_TEST

/* ---- capture --------------------------------------------------------------------------------- */

static int drain(struct cpc_bpf_capture *capture, int frames)
{
	struct pollfd p = { .fd = cpc_bpf_capture_fd(capture), .events = POLLIN };
	int got = 0;

	while (got < frames && poll(&p, 1, 5000) == 1) {
		int n = cpc_bpf_capture_dispatch(capture, NULL);

		ck_assert_int_ge(n, 0);
		got += n;
	}
	return got;
}

START_TEST(capture__frames)
{
	struct cpc_bpf_capture *capture = NULL, *second = NULL;
	int radio = packet_socket("radio", 0), vehicle = packet_socket(IF, 0);
	struct cpc_error error = { "" };
	FILE *file = tmpfile();

	cpc_bpf_free(start());
	send_cams(radio, 1, 3, 0);
	ck_assert_int_eq(cpc_bpf_capture_new(root, IF, fileno(file), 2048, &capture, &error), 0);
	ck_assert_int_eq(cpc_bpf_capture_new(root, IF, fileno(file), 2048, &second, &error),
			 -EBUSY);
	ck_assert_ptr_nonnull(strstr(error.text, "captures on vehicle already"));
	send_cams(radio, 1, 10, 0);
	send_cams(vehicle, 2, 5, 0);
	ck_assert_int_eq(drain(capture, 15), 15);
	cpc_bpf_capture_free(capture);
	/* Section and interface blocks, then 15 packets of 114 octets in blocks of 160. */
	ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
	ck_assert_int_eq(ftell(file), 40 + 48 + 15 * 160);
	fclose(file);
	/* Somebody else may now, and so after a capture that was killed. */
	file = tmpfile();
	ck_assert_int_eq(cpc_bpf_capture_new(root, IF, fileno(file), 64, &second, &error), 0);
	cpc_bpf_capture_free(second);
	fclose(file);
	close(radio);
	close(vehicle);
}
END_TEST

static TCase *cases(void)
{
	TCase *tcase = tcase_create("loader");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, loader__native);
	tcase_add_test(tcase, loader__generic);
	tcase_add_test(tcase, loader__tc);
	tcase_add_test(tcase, loader__survives);
	tcase_add_test(tcase, loader__changes_mode);
	tcase_add_test(tcase, loader__detaches);
	tcase_add_test(tcase, loader__interface_comes_back);
	tcase_add_test(tcase, loader__foreign_xdp);
	tcase_add_test(tcase, loader__foreign_tc);
	tcase_add_test(tcase, loader__no_file_system);
	tcase_add_test(tcase, loader__no_privilege);
	tcase_add_test(tcase, loader__old_maps);
	tcase_add_test(tcase, loader__settings_and_lists);
	tcase_add_test(tcase, capture__frames);
	return tcase;
}

int main(void)
{
	Suite *suite = suite_create("loader");
	SRunner *runner = srunner_create(suite);
	int failed;

	if (!may_use_bpf())
		return skip_all();
	suite_add_tcase(suite, cases());
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
