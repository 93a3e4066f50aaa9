// SPDX-License-Identifier: BSD-3-Clause
/*
 * change_io_test.c - a change or a proposal is followed until it is decided, in effect or out of
 * time, against a daemon that says what the test tells it to.
 */
#include "core_testing.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/ctl/propose_io.h"

enum { ANSWERS_MAX = 8 };

static char dir[40], path[64];
static int listener;
static pthread_t daemon_thread;
static const char *const *script;	/* the answers, in order; the last one again and again */
static char asked[ANSWERS_MAX][100];	/* the first questions */
static unsigned int questions;

static struct cpc_ctl_command command;
static struct cpc_error error;
static json_t *answer;
static char *news;
static size_t news_len;

/* Serves one client until it goes. */
static void *serve(void *unused)
{
	int fd = accept(listener, NULL, NULL);
	FILE *in = fdopen(fd, "r+");
	const char *const *next = script;
	char line[400];

	setvbuf(in, NULL, _IONBF, 0);
	while (fgets(line, sizeof(line), in)) {
		if (questions < ANSWERS_MAX)
			snprintf(asked[questions], sizeof(asked[0]), "%.*s",
				 (int)strcspn(line, "\n"), line);
		questions++;
		if (!*next)
			break;
		fprintf(in, "%s\n", *next);
		next += next[1] != NULL;
	}
	fclose(in);
	return unused;
}

static void setup(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	strcpy(dir, "/tmp/change_io_test.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/control", dir);
	strcpy(address.sun_path, path);
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
}

static void teardown(void)
{
	close(listener);
	unlink(path);
	rmdir(dir);
	json_decref(answer);
	free(news);
}

/* The command's line; the daemon answers by @answers, a list that NULL ends. */
static enum cpc_ctl_outcome run(const char *words, const char *const *answers)
{
	enum cpc_ctl_outcome outcome;
	char text[200], *argv[20], *save = NULL, *word;
	int argc = 0;
	FILE *out;

	snprintf(text, sizeof(text), "cpchainctl --socket %s %s", path, words);
	for (word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	ck_assert_msg(cpc_ctl_parse(argc, argv, &command, &error) == 0, "%s", error.text);
	script = answers;
	ck_assert_int_eq(pthread_create(&daemon_thread, NULL, serve, NULL), 0);
	out = open_memstream(&news, &news_len);
	outcome = command.verb == CPC_CTL_PROPOSE ?
		  cpc_ctl_propose(&command, &answer, &error) :
		  cpc_ctl_change(&command, command.json ? NULL : out, &answer, &error);
	fclose(out);
	pthread_join(daemon_thread, NULL);
	return outcome;
}

#define ASKED "{\"ok\":true,\"id\":3}"
#define STATE(rest) "{\"ok\":true,\"id\":3,\"what\":\"leave\"," rest "}"
#define WORD(who, word) "{\"member\":\"" who "\",\"word\":\"" word "\"}"

/* Each state is told once, however often it is heard. */
START_TEST(change__to_its_end)
{
	static const char *const answers[] = {
		ASKED,
		STATE("\"state\":\"waiting\",\"text\":\"asked car1 to propose it\""),
		STATE("\"state\":\"open\",\"words\":[" WORD("car1", "yes") "]"),
		STATE("\"state\":\"open\",\"words\":[" WORD("car1", "yes") "," WORD("car2", "no")
		      "]"),
		STATE("\"state\":\"accepted\",\"slot\":41,\"end\":45"),
		STATE("\"state\":\"accepted\",\"slot\":41,\"end\":45"),
		STATE("\"state\":\"done\",\"epoch\":3,\"members\":5"),
		NULL
	};

	ck_assert_int_eq(run("leave", answers), CPC_CTL_ACCEPTED);
	ck_assert_str_eq(news, "asked car1 to propose it\n"
			       "open: car1 yes\n"
			       "accepted in slot 41, in effect after slot 45\n"
			       "in effect: epoch 3 with 5 members\n");
	ck_assert_str_eq(asked[0], "{\"op\":\"leave\"}");
	ck_assert_str_eq(asked[1], "{\"op\":\"change\"}");
	ck_assert_uint_eq(questions, 7);
	ck_assert_int_eq(json_integer_value(json_object_get(answer, "epoch")), 3);
}
END_TEST

/* Words that come after a refusal are waited for, and one that never comes is not for long. */
START_TEST(change__rejected)
{
	static const char *const late[] = {
		ASKED,
		STATE("\"state\":\"rejected\",\"slot\":9,\"words\":[" WORD("car2", "silent") "]"),
		STATE("\"state\":\"rejected\",\"slot\":9,\"words\":[" WORD("car2", "no") "]"),
		NULL
	};
	const char *const never[] = { late[0], late[1], NULL };

	ck_assert_int_eq(run("leave", _i ? never : late), CPC_CTL_REJECTED);
	ck_assert_str_eq(news, "REJECTED in slot 9\n");
	if (_i)
		ck_assert_uint_gt(questions, 3);
	else
		ck_assert_uint_eq(questions, 3);
}
END_TEST

static const struct {
	const char *line, *said, *text;
} errors[] = {
	{ "leave", STATE("\"state\":\"failed\",\"text\":\"the cell is gone\""),
	  "leave: the cell is gone" },
	{ "remove car3", STATE("\"state\":\"failed\""), "remove: failed, without a reason" },
	{ "leave", "{\"ok\":true,\"id\":4,\"state\":\"open\"}",
	  "leave: the daemon speaks of change 4 now, not of 3" },
	{ "leave", "{\"ok\":true,\"state\":\"none\"}", "speaks of change 0 now, not of 3" },
	{ "leave", "{\"ok\":false,\"error\":\"not running yet: modprobe\"}",
	  "not running yet: modprobe" },
	{ "leave", "what?", "not understood" },
	{ "leave", NULL, "has closed the connection" },
};

START_TEST(change__what_went_wrong)
{
	const char *answers[] = { ASKED, errors[_i].said, NULL };

	/* The script's end is the connection's when there is nothing to say. */
	if (!errors[_i].said)
		answers[0] = NULL;
	ck_assert_int_eq(run(errors[_i].line, answers), CPC_CTL_ERROR);
	ck_assert_msg(strstr(error.text, errors[_i].text), "'%s' lacks '%s'", error.text,
		      errors[_i].text);
	ck_assert_str_eq(news, "");
}
END_TEST

START_TEST(change__refused_at_once)
{
	static const char *const answers[] = {
		"{\"ok\":false,\"error\":\"there is no member car9\"}", NULL
	};

	ck_assert_int_eq(run("remove car9", answers), CPC_CTL_ERROR);
	ck_assert_str_eq(error.text, "there is no member car9");
	ck_assert_uint_eq(questions, 1);
}
END_TEST

START_TEST(change__not_in_time)
{
	static const char *const answers[] = { ASKED, STATE("\"state\":\"open\""), NULL };

	ck_assert_int_eq(run("leave --wait 1 --json", answers), CPC_CTL_UNDECIDED);
	ck_assert_str_eq(json_string_value(json_object_get(answer, "state")), "open");
	ck_assert_uint_gt(questions, 2);
	ck_assert_str_eq(news, "");	/* in JSON there are no lines in between */
}
END_TEST

START_TEST(change__only_asked)
{
	static const char *const answers[] = { ASKED, NULL };

	ck_assert_int_eq(run("split 9 car3 car4 --wait 0", answers), CPC_CTL_ACCEPTED);
	ck_assert_uint_eq(questions, 1);
	ck_assert_int_eq(json_integer_value(json_object_get(answer, "id")), 3);
}
END_TEST

/* A proposal is followed by the same rule: until decided, and for the words behind that. */
START_TEST(propose__words_after_the_decision)
{
	static const char *const answers[] = {
		"{\"ok\":true,\"id\":\"00000000000000ab\"}",
		"{\"ok\":true,\"state\":\"open\"}",
		"{\"ok\":true,\"state\":\"accepted\",\"words\":[" WORD("car2", "silent") "]}",
		"{\"ok\":true,\"state\":\"accepted\",\"words\":[" WORD("car2", "yes") "]}",
		NULL
	};

	ck_assert_int_eq(run("propose speed --zone 1 --min 10 --max 20 --for 5", answers),
			 CPC_CTL_ACCEPTED);
	ck_assert_uint_eq(questions, 4);
	ck_assert_str_eq(asked[1], "{\"op\":\"proposal\",\"id\":\"00000000000000ab\"}");
}
END_TEST

START_TEST(propose__refused_by_the_module)
{
	static const char *const answers[] = {
		"{\"ok\":true,\"id\":\"00000000000000ab\"}",
		"{\"ok\":true,\"state\":\"refused\",\"words\":[" WORD("car2", "silent") "]}", NULL
	};

	ck_assert_int_eq(run("propose speed --zone 1 --min 10 --max 20 --for 5", answers),
			 CPC_CTL_ERROR);
	ck_assert_uint_eq(questions, 2);
	ck_assert_ptr_nonnull(strstr(error.text, "the module does not take it"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("change_io");
	TCase *tc = tcase_create("change_io");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, change__to_its_end);
	tcase_add_loop_test(tc, change__rejected, 0, 2);
	tcase_add_loop_test(tc, change__what_went_wrong, 0, sizeof(errors) / sizeof(errors[0]));
	tcase_add_test(tc, change__refused_at_once);
	tcase_add_test(tc, change__not_in_time);
	tcase_add_test(tc, change__only_asked);
	tcase_add_test(tc, propose__words_after_the_decision);
	tcase_add_test(tc, propose__refused_by_the_module);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
