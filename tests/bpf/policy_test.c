// SPDX-License-Identifier: BSD-3-Clause
/*
 * Does a policy say yes only when this vehicle's own fresh sensors agree, and no with the right
 * reason otherwise? Loaded as the agent does, run by BPF_PROG_TEST_RUN on what the module would
 * give.
 */
#include <bpf/bpf.h>
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent/bpf/bpf.h"
#include "tests/bpf/frames.h"
#include "tests/bpf/privilege.h"
#include "uapi/cpchain_policy.h"

static char root[64];
static struct cpc_bpf_policies *policies;

static void setup(void)
{
	struct cpc_error error = { "" };

	snprintf(root, sizeof(root), "/sys/fs/bpf/cpc-test-%d", getpid());
	ck_assert_msg(cpc_bpf_policies_new(root, &policies, &error) == 0, "%s", error.text);
}

static void teardown(void)
{
	cpc_bpf_policies_free(policies);
	remove_root(root, "policy");
}

static uint64_t boot_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int load(const char *name, const struct cpc_policy_config *config)
{
	struct cpc_error error = { "" };
	int fd = cpc_bpf_policy_load(policies, name, config, &error);

	ck_assert_msg(fd >= 0, "%s: %s", name, error.text);
	return fd;
}

/* A cruise at 25 m/s with 30 m ahead, each value as old as that. */
static void cruise(uint64_t age_ns)
{
	uint64_t at = boot_ns() - age_ns;

	cpc_bpf_sensor_set(policies, CPC_SENSOR_SPEED, 2500, at);
	cpc_bpf_sensor_set(policies, CPC_SENSOR_GAP, 3000, at);
	cpc_bpf_sensor_set(policies, CPC_SENSOR_BRAKE, 0, at);
}

struct question {
	int type;		/* of the proposal */
	int kind;		/* of the entry */
	int author;
	uint16_t a, b;		/* speed and gap; least and greatest speed */
	int length;		/* of the data; 0: 16 */
	int version;		/* of the context; 0: 1 */
	int magic;
};

/* BPF_PROG_TEST_RUN hides the first 14 bytes from a socket filter, as from a network's frame. */
static uint32_t ask(int program, const struct question *q)
{
	struct frame f = { .len = 0 };
	unsigned int length = (unsigned int)value_or(q->length, 16);
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = f.data, .repeat = 1);

	fill(&f, 0, 14);
	put_le(&f, (uint64_t)value_or(q->version, 1), 1);
	put_le(&f, (uint64_t)q->kind, 1);
	put_le(&f, (uint64_t)q->author, 1);
	put_le(&f, 0, 1);			/* self */
	put_le(&f, 4, 2);			/* n, reserved */
	put_le(&f, 7, 2);
	put_le(&f, 3, 2);
	put_le(&f, length, 2);
	put_le(&f, 99, 4);
	put_le(&f, q->magic ? (uint64_t)q->magic : CPC_PROPOSAL_MAGIC, 2);
	put_le(&f, 1, 1);
	put_le(&f, (uint64_t)q->type, 1);
	put_le(&f, 1234, 4);
	put_le(&f, q->a, 2);
	put_le(&f, q->b, 2);
	fill(&f, 0, 20);
	f.len = 14 + 16 + length;
	opts.data_size_in = f.len;
	ck_assert_int_eq(bpf_prog_test_run_opts(program, &opts), 0);
	return opts.retval;
}

#define ck_said(program, word, reason, ...) \
	ck_assert_uint_eq(ask(program, &(struct question){ __VA_ARGS__ }), \
			  CPC_POLICY_RESULT(word, reason))

#define JOIN .type = CPC_PROPOSAL_JOIN, .kind = CPC_ENTRY_BY_ALL, .author = 2
#define SPEED .type = CPC_PROPOSAL_SPEED, .kind = CPC_ENTRY_BY_QUORUM, .author = 2

START_TEST(platoon__agrees)
{
	int p = load(CPC_POLICY_PLATOON, NULL);

	cruise(0);
	ck_said(p, CPC_POLICY_YES, CPC_REASON_FITS, JOIN, .a = 2500, .b = 1500);
	ck_said(p, CPC_POLICY_YES, CPC_REASON_FITS, JOIN, .a = 2800, .b = 3000);
	ck_said(p, CPC_POLICY_YES, CPC_REASON_FITS, JOIN, .a = 2200, .b = 0);
	ck_said(p, CPC_POLICY_YES, CPC_REASON_OWN, .type = CPC_PROPOSAL_MERGE,
		.kind = CPC_ENTRY_BY_ALL, .author = 0, .a = 2500, .b = 1500);
	close(p);
}
END_TEST

START_TEST(platoon__refuses)
{
	int p = load(CPC_POLICY_PLATOON, NULL);

	cruise(0);
	ck_said(p, CPC_POLICY_NO, CPC_REASON_SPEED, JOIN, .a = 2801, .b = 1500);
	ck_said(p, CPC_POLICY_NO, CPC_REASON_SPEED, JOIN, .a = 2199, .b = 1500);
	ck_said(p, CPC_POLICY_NO, CPC_REASON_GAP, JOIN, .a = 2500, .b = 3001);
	ck_said(p, CPC_POLICY_NO, CPC_REASON_KIND, .type = CPC_PROPOSAL_JOIN,
		.kind = CPC_ENTRY_BY_QUORUM, .a = 2500, .b = 1500);
	ck_said(p, CPC_POLICY_NO, CPC_REASON_MALFORMED, JOIN, .a = 2500, .b = 1500, .length = 15);
	/* behind it stands what is its sender's own */
	ck_said(p, CPC_POLICY_YES, CPC_REASON_FITS, JOIN, .a = 2500, .b = 1500, .length = 25);
	cpc_bpf_sensor_set(policies, CPC_SENSOR_GAP, 400, boot_ns());
	ck_said(p, CPC_POLICY_NO, CPC_REASON_GAP, JOIN, .a = 2500, .b = 0);
	cruise(0);
	cpc_bpf_sensor_set(policies, CPC_SENSOR_BRAKE, 1, boot_ns());
	ck_said(p, CPC_POLICY_NO, CPC_REASON_BRAKE, JOIN, .a = 2500, .b = 1500);
	close(p);
}
END_TEST

/* Missing, old and impossible values are all the same: no. */
START_TEST(platoon__stale)
{
	int p = load(CPC_POLICY_PLATOON, NULL);

	ck_said(p, CPC_POLICY_NO, CPC_REASON_STALE, JOIN, .a = 2500, .b = 1500);
	cruise(600000000);
	ck_said(p, CPC_POLICY_NO, CPC_REASON_STALE, JOIN, .a = 2500, .b = 1500);
	for (enum cpc_sensor s = 0; s < __CPC_SENSOR_MAX; s++) {
		cruise(0);
		cpc_bpf_sensor_set(policies, s, 0, boot_ns() - 600000000);
		ck_said(p, CPC_POLICY_NO, CPC_REASON_STALE, JOIN, .a = 2500, .b = 1500);
		cpc_bpf_sensor_set(policies, s, 0, boot_ns() + 3600000000000);
		ck_said(p, CPC_POLICY_NO, CPC_REASON_STALE, JOIN, .a = 2500, .b = 1500);
	}
	close(p);
}
END_TEST

START_TEST(platoon__abstains)
{
	int p = load(CPC_POLICY_PLATOON, NULL);

	cruise(0);
	ck_said(p, CPC_POLICY_NOT_YET, CPC_REASON_UNKNOWN, SPEED, .a = 2000, .b = 3000);
	ck_said(p, CPC_POLICY_NOT_YET, CPC_REASON_UNKNOWN, JOIN, .magic = 0x1234);
	ck_said(p, CPC_POLICY_NOT_YET, CPC_REASON_UNKNOWN, JOIN, .version = 2);
	ck_said(p, CPC_POLICY_NOT_YET, CPC_REASON_UNKNOWN, JOIN, .length = 3);
	ck_said(p, CPC_POLICY_NOT_YET, CPC_REASON_UNKNOWN, JOIN, .length = -1);
	close(p);
}
END_TEST

START_TEST(speed__table)
{
	int p = load(CPC_POLICY_SPEED, NULL);

	ck_said(p, CPC_POLICY_NO, CPC_REASON_STALE, SPEED, .a = 2000, .b = 3000);
	cruise(0);
	ck_said(p, CPC_POLICY_YES, CPC_REASON_FITS, SPEED, .a = 2000, .b = 3000);
	ck_said(p, CPC_POLICY_YES, CPC_REASON_FITS, SPEED, .a = 0, .b = 1667);
	ck_said(p, CPC_POLICY_NO, CPC_REASON_SPEED, SPEED, .a = 0, .b = 1666);
	ck_said(p, CPC_POLICY_YES, CPC_REASON_FITS, SPEED, .a = 3333, .b = 3611);
	ck_said(p, CPC_POLICY_NO, CPC_REASON_SPEED, SPEED, .a = 3334, .b = 3611);
	ck_said(p, CPC_POLICY_NO, CPC_REASON_LIMIT, SPEED, .a = 3612, .b = 4000);
	ck_said(p, CPC_POLICY_NO, CPC_REASON_MALFORMED, SPEED, .a = 3000, .b = 2000);
	ck_said(p, CPC_POLICY_NO, CPC_REASON_MALFORMED, SPEED, .a = 2000, .b = 3000, .length = 12);
	ck_said(p, CPC_POLICY_NOT_YET, CPC_REASON_UNKNOWN, JOIN, .a = 2500, .b = 1500);
	close(p);
}
END_TEST

/* The two vehicles of the issue: the same proposal, other settings, and the counters say why. */
START_TEST(policy__settings_and_counters)
{
	struct cpc_policy_config careful = { .max_age_ns = 500000000, .speed_tolerance_cm_s = 300,
					     .gap_min_cm = 5000 };
	struct cpc_bpf_policy_metrics m;
	int p = load(CPC_POLICY_PLATOON, &careful);

	cruise(0);
	ck_said(p, CPC_POLICY_NO, CPC_REASON_GAP, JOIN, .a = 2500, .b = 1500);
	ck_said(p, CPC_POLICY_NO, CPC_REASON_GAP, JOIN, .a = 2500, .b = 1500);
	close(p);
	/* Replaced in place: the sensors are still there, the counters go on. */
	p = load(CPC_POLICY_PLATOON, NULL);
	ck_said(p, CPC_POLICY_YES, CPC_REASON_FITS, JOIN, .a = 2500, .b = 1500);
	close(p);
	ck_assert_int_eq(cpc_bpf_policy_metrics_read(root, "platoon", &m, NULL), 0);
	ck_assert_str_eq(m.program.name, "policy_platoon");
	ck_assert_uint_eq(m.verdicts[CPC_POLICY_NO][CPC_REASON_GAP], 2);
	ck_assert_uint_eq(m.verdicts[CPC_POLICY_YES][CPC_REASON_FITS], 1);
	ck_assert_int_eq(cpc_bpf_policy_remove(policies, CPC_POLICY_PLATOON, NULL), 0);
	ck_assert_int_eq(cpc_bpf_policy_metrics_read(root, "platoon", &m, NULL), -ENOENT);
}
END_TEST

static void *write_sensors(void *stop)
{
	while (!__atomic_load_n((bool *)stop, __ATOMIC_RELAXED))
		cruise(0);
	return NULL;
}

/* While somebody writes all the time, a reader gets the values or none, never half of them. */
START_TEST(policy__sensors_are_whole)
{
	int p = load(CPC_POLICY_PLATOON, NULL), yes = 0;
	bool stop = false;
	pthread_t writer;

	cruise(0);
	ck_assert_int_eq(pthread_create(&writer, NULL, write_sensors, &stop), 0);
	/* A writer that lost the processor in mid-write keeps readers from values for that long. */
	for (int i = 0; i < 3000 || (!yes && i < 3000000); i++) {
		uint32_t said = ask(p, &(struct question){ JOIN, .a = 2500, .b = 1500 });

		if (said == CPC_POLICY_RESULT(CPC_POLICY_YES, CPC_REASON_FITS))
			yes++;
		else
			ck_assert_uint_eq(said, CPC_POLICY_RESULT(CPC_POLICY_NO, CPC_REASON_STALE));
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(writer, NULL);
	ck_assert_int_gt(yes, 0);
	close(p);
}
END_TEST

static void ck_refused(const char *path, int r, const char *words)
{
	struct cpc_error error = { "" };

	ck_assert_int_eq(cpc_bpf_policy_load(policies, path, NULL, &error), r);
	ck_assert_msg(strstr(error.text, words) && strstr(error.text, "/"), "%s", error.text);
}

START_TEST(policy__broken_objects)
{
	char path[] = "/tmp/cpc-policy-XXXXXX";
	int fd = mkstemp(path);

	ck_refused("/nowhere/p.bpf.o", -ENOENT, "No such file");
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, "this is no object", 17), 17);
	ck_refused(path, -EINVAL, "not a usable BPF object");
	close(fd);
	unlink(path);
}
END_TEST

/* A program that reads where it must not: the verifier's own words reach the user. */
START_TEST(policy__refused_by_verifier)
{
	const char *build = getenv("CPC_BUILD");
	char object[256];

	snprintf(object, sizeof(object), "%s/tests/bpf/broken.bpf.o", build ? build : "build");
	ck_refused(object, -EACCES, "verifier refuses");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("policy");
	TCase *tcase = tcase_create("policy");
	SRunner *runner = srunner_create(suite);
	int failed;

	if (!may_use_bpf())
		return skip_all();
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, platoon__agrees);
	tcase_add_test(tcase, platoon__refuses);
	tcase_add_test(tcase, platoon__stale);
	tcase_add_test(tcase, platoon__abstains);
	tcase_add_test(tcase, speed__table);
	tcase_add_test(tcase, policy__settings_and_counters);
	tcase_add_test(tcase, policy__sensors_are_whole);
	tcase_add_test(tcase, policy__broken_objects);
	tcase_add_test(tcase, policy__refused_by_verifier);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
