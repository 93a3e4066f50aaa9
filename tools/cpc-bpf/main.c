// SPDX-License-Identifier: BSD-3-Clause
/*
 * cpc-bpf: the agent's BPF programs without the agent, for tests and for finding out what a machine
 * can do.
 *
 *   cpc-bpf attach IF [auto|native|generic|tc|off] [nostamp]
 *   cpc-bpf detach IF
 *   cpc-bpf show IF [json]            counters; with the worst ten sources
 *   cpc-bpf cell IF CELL EPOCH N SELF
 *   cpc-bpf allow|deny|forget IF MAC
 *   cpc-bpf capture IF FILE SECONDS   pcapng
 *   cpc-bpf policy NAME|OBJECT        loads and pins it, says its descriptor works
 *   cpc-bpf sensors SPEED GAP BRAKE [SECONDS]   cm/s, cm, 0 or 1; as of now, and kept fresh so long
 *   cpc-bpf measure SECONDS           run times are measured meanwhile
 *
 * CPC_BPF_ROOT in the environment names another place to pin than /sys/fs/bpf/cpchain.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/bpf/bpf.h"
#include "agent/bpf/show.h"
#include "agent/util/cleanup.h"

enum { WORST = 10, FRESH_MS = 50 };

static const char *root;
static struct cpc_error error;

static uint64_t now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int usage(void)
{
	cpc_error_set(&error, "usage: cpc-bpf attach|detach|show|cell|allow|deny|forget|capture|"
			      "policy|sensors|measure ...");
	return -EINVAL;
}

static int mode_from(const char *name, enum cpc_bpf_mode *ret_mode)
{
	static const char *const names[] = { "auto", "native", "generic", "tc", "off" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(name, names[i])) {
			*ret_mode = (enum cpc_bpf_mode)i;
			return 0;
		}
	cpc_error_set(&error, "no mode '%s'", name);
	return -EINVAL;
}

static int attach(int argc, char **argv)
{
	struct cpc_bpf_config config;
	struct cpc_bpf *bpf;
	int r;

	if (argc < 1)
		return usage();
	config = cpc_bpf_config_default(argv[0]);
	config.root = root;
	r = argc > 1 ? mode_from(argv[1], &config.filter) : 0;
	config.no_stamp = argc > 2 && !strcmp(argv[2], "nostamp");
	if (r == 0)
		r = cpc_bpf_new(&config, &bpf, &error);
	if (r < 0)
		return r;
	printf("%s%s%s\n", cpc_bpf_mode_name(bpf), *cpc_bpf_note(bpf) ? ": " : "",
	       cpc_bpf_note(bpf));
	cpc_bpf_free(bpf);
	return 0;
}

static int show(int argc, char **argv)
{
	static struct cpc_bpf_metrics metrics;
	struct cpc_bpf_source worst[WORST];
	uint64_t tai = now_ns(CLOCK_REALTIME) + 37 * UINT64_C(1000000000);
	int r;

	if (argc < 1)
		return usage();
	r = cpc_bpf_metrics_read(root, argv[0], &metrics, &error);
	if (r < 0)
		return r;
	if (argc > 1) {
		json_t *json = cpc_bpf_json(&metrics, tai);

		json_dumpf(json, stdout, JSON_COMPACT);
		putchar('\n');
		json_decref(json);
		return 0;
	}
	cpc_bpf_show(stdout, &metrics, tai);
	r = cpc_bpf_sources_read(root, argv[0], worst, WORST, &error);
	if (r > 0)
		cpc_bpf_show_sources(stdout, worst, (size_t)r);
	return r < 0 && r != -ENOENT ? r : 0;
}

/* Settings need the maps alone; taking over what is attached is the way to them. */
static int take_over(const char *interface, struct cpc_bpf **ret_bpf)
{
	static struct cpc_bpf_metrics metrics;
	struct cpc_bpf_config config = cpc_bpf_config_default(interface);
	int r = cpc_bpf_metrics_read(root, interface, &metrics, &error);

	config.root = root;
	if (!strcmp(metrics.mode, "tc"))
		config.filter = CPC_BPF_TC;
	return r < 0 ? r : cpc_bpf_new(&config, ret_bpf, &error);
}

static int cell(int argc, char **argv)
{
	struct cpc_filter_cell state = { 0 };
	struct cpc_bpf *bpf;
	int r;

	if (argc != 5)
		return usage();
	r = take_over(argv[0], &bpf);
	if (r < 0)
		return r;
	state.epoch = (uint16_t)atoi(argv[2]);
	state.n = (uint8_t)atoi(argv[3]);
	state.self = (uint8_t)atoi(argv[4]);
	r = cpc_bpf_cell_set(bpf, (uint16_t)atoi(argv[1]), &state, &error);
	cpc_bpf_free(bpf);
	return r;
}

static int list(uint32_t verdict, int argc, char **argv)
{
	uint8_t m[6];
	struct cpc_bpf *bpf;
	int r;

	if (argc != 2 || sscanf(argv[1], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &m[0], &m[1], &m[2],
				&m[3], &m[4], &m[5]) != 6)
		return usage();
	r = take_over(argv[0], &bpf);
	if (r < 0)
		return r;
	r = cpc_bpf_list_mac(bpf, m, verdict, &error);
	cpc_bpf_free(bpf);
	return r;
}

static int capture(int argc, char **argv)
{
	CPC_CLOSE int fd = -1;
	struct cpc_bpf_capture *c;
	uint64_t end;
	int r, frames = 0;

	if (argc != 3)
		return usage();
	fd = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0) {
		cpc_error_set(&error, "cannot write '%s': %s", argv[1], strerror(errno));
		return -errno;
	}
	r = cpc_bpf_capture_new(root, argv[0], fd, CPC_STAMP_SNAP_MAX, &c, &error);
	if (r < 0)
		return r;
	fprintf(stderr, "capturing\n");
	end = now_ns(CLOCK_MONOTONIC) + strtoull(argv[2], NULL, 10) * 1000000000;
	while (r >= 0 && now_ns(CLOCK_MONOTONIC) < end) {
		struct pollfd p = { .fd = cpc_bpf_capture_fd(c), .events = POLLIN };

		poll(&p, 1, 100);
		r = cpc_bpf_capture_dispatch(c, &error);
		frames += r > 0 ? r : 0;
	}
	cpc_bpf_capture_free(c);
	printf("%d frames\n", frames);
	return r < 0 ? r : 0;
}

static int policy(int argc, char **argv)
{
	struct cpc_bpf_policies *p;
	int r;

	if (argc != 1)
		return usage();
	r = cpc_bpf_policies_new(root, &p, &error);
	if (r < 0)
		return r;
	r = cpc_bpf_policy_load(p, argv[0], NULL, &error);
	if (r >= 0)
		close(r);
	cpc_bpf_policies_free(p);
	return r < 0 ? r : 0;
}

static int sensors(int argc, char **argv)
{
	struct cpc_bpf_policies *p;
	uint64_t end;
	int r, said = 0;

	if (argc != __CPC_SENSOR_MAX && argc != __CPC_SENSOR_MAX + 1)
		return usage();
	r = cpc_bpf_policies_new(root, &p, &error);
	if (r < 0)
		return r;
	end = now_ns(CLOCK_MONOTONIC);
	if (argc > __CPC_SENSOR_MAX)
		end += strtoull(argv[__CPC_SENSOR_MAX], NULL, 10) * 1000000000;
	for (;;) {
		for (int i = 0; i < __CPC_SENSOR_MAX; i++)
			cpc_bpf_sensor_set(p, (enum cpc_sensor)i, atoll(argv[i]),
					   now_ns(CLOCK_BOOTTIME));
		if (now_ns(CLOCK_MONOTONIC) >= end)
			break;
		if (!said++)
			fprintf(stderr, "keeping them fresh\n");
		poll(NULL, 0, FRESH_MS);
	}
	cpc_bpf_policies_free(p);
	return 0;
}

static int measure(int argc, char **argv)
{
	CPC_CLOSE int fd = argc == 1 ? cpc_bpf_measure(&error) : usage();

	if (fd < 0)
		return fd;
	fprintf(stderr, "measuring\n");
	poll(NULL, 0, atoi(argv[0]) * 1000);
	return 0;
}

static int run(const char *verb, int argc, char **argv)
{
	if (!strcmp(verb, "attach"))
		return attach(argc, argv);
	if (!strcmp(verb, "detach") && argc == 1)
		return cpc_bpf_detach(root, argv[0], &error);
	if (!strcmp(verb, "show"))
		return show(argc, argv);
	if (!strcmp(verb, "cell"))
		return cell(argc, argv);
	if (!strcmp(verb, "allow"))
		return list(CPC_LIST_ALLOW, argc, argv);
	if (!strcmp(verb, "deny"))
		return list(CPC_LIST_DENY, argc, argv);
	if (!strcmp(verb, "forget"))
		return list(0, argc, argv);
	if (!strcmp(verb, "capture"))
		return capture(argc, argv);
	if (!strcmp(verb, "policy"))
		return policy(argc, argv);
	if (!strcmp(verb, "sensors"))
		return sensors(argc, argv);
	return !strcmp(verb, "measure") ? measure(argc, argv) : usage();
}

int main(int argc, char **argv)
{
	int r;

	root = getenv("CPC_BPF_ROOT");
	r = argc < 2 ? usage() : run(argv[1], argc - 2, argv + 2);
	if (r < 0)
		fprintf(stderr, "cpc-bpf: %s\n", *error.text ? error.text : strerror(-r));
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
