// SPDX-License-Identifier: BSD-3-Clause
/* server_test.c - the control socket: answers in order, followers, and clients that misbehave. */
#include "core_testing.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/api/server.h"

static sd_event *event;
static struct cpc_api *api;
static struct cpc_error error;
static char path[80];
static unsigned int entries;	/* in the made-up log: slots 1..entries */

static json_t *answer(void *ctx, const struct cpc_api_request *request, struct cpc_error *err)
{
	(void)ctx;
	if (request->op == CPC_API_CELL) {
		cpc_error_set(err, "no cell today");
		return NULL;
	}
	return json_pack("{s:i}", "op", request->op);
}

static int log_start(void *ctx, const struct cpc_api_request *request,
		     struct cpc_api_cursor *ret_cursor, struct cpc_error *err)
{
	(void)ctx;
	(void)err;
	*ret_cursor = (struct cpc_api_cursor){ .place = { .slot = request->since },
					       .left = request->limit,
					       .limited = request->limit > 0,
					       .follow = request->follow };
	return 0;
}

static int log_next(void *ctx, struct cpc_api_cursor *cursor, unsigned int limit,
		    cpc_api_entry_fn fn, void *fn_ctx, struct cpc_error *err)
{
	int count = 0, stop = 0;

	(void)ctx;
	(void)err;
	while (!stop && limit-- && cursor->place.slot < entries) {
		json_t *entry = json_pack("{s:i, s:s}", "slot", (int)++cursor->place.slot, "text",
					  "some text that takes room in the buffers of a client");

		stop = fn(fn_ctx, entry);
		json_decref(entry);
		count++;
	}
	return count;
}

static const struct cpc_api_ops ops = { answer, log_start, log_next };

static void setup(void)
{
	char dir[] = "/tmp/cpchain-test-XXXXXX";

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/run/control", dir);
	ck_assert_int_ge(sd_event_new(&event), 0);
	ck_assert_msg(cpc_api_new(event, path, &ops, NULL, &api, &error) == 0, "%s", error.text);
	entries = 0;
}

static void teardown(void)
{
	cpc_api_free(api);
	sd_event_unref(event);
	ck_assert_int_eq(access(path, F_OK), -1);
	*strrchr(path, '/') = '\0';
	rmdir(path);
	*strrchr(path, '/') = '\0';
	ck_assert_int_eq(rmdir(path), 0);
}

static void turn(void)
{
	int i;

	for (i = 0; i < 50 && sd_event_run(event, 0) > 0; i++)
		;
}

static int dial(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	strcpy(address.sun_path, path);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	turn();
	return fd;
}

static void say(int fd, const char *text)
{
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	turn();
}

/* What the client got so far; ends with a NUL. Returns -1 if it was closed without more. */
static ssize_t hear(int fd, char *out, size_t size)
{
	size_t got = 0;
	ssize_t r = 1;

	while (got < size - 1) {
		r = read(fd, out + got, size - 1 - got);
		if (r <= 0)
			break;
		got += (size_t)r;
		turn();
	}
	out[got] = '\0';
	return got == 0 && r == 0 ? -1 : (ssize_t)got;
}

START_TEST(new__mode_and_second_daemon)
{
	struct cpc_api *second = NULL;
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0660);
	ck_assert_int_eq(cpc_api_new(event, path, &ops, NULL, &second, &error), -EADDRINUSE);
	ck_assert_ptr_nonnull(strstr(error.text, "another cpchaind"));
}
END_TEST

START_TEST(new__takes_over_a_dead_daemons_socket)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct cpc_api *second = NULL;
	int fd;

	snprintf(address.sun_path, sizeof(address.sun_path), "%.90s-dead", path);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);	/* the file stays */
	ck_assert_int_eq(cpc_api_new(event, address.sun_path, &ops, NULL, &second, &error), 0);
	cpc_api_free(second);
}
END_TEST

START_TEST(request__answers_in_order)
{
	char text[1000];
	int fd = dial();

	say(fd, "{\"op\":\"status\"}\n{\"op\":\"cell\"}\n{\"op\":");
	say(fd, "\"stats\"}\nrubbish\n");
	ck_assert_int_gt(hear(fd, text, sizeof(text)), 0);
	ck_assert_ptr_nonnull(strstr(text,
			"{\"op\":0,\"ok\":true}\n"
			"{\"ok\":false,\"error\":\"no cell today\"}\n"
			"{\"op\":2,\"ok\":true}\n"
			"{\"ok\":false,\"error\":\"not JSON"));
	close(fd);
}
END_TEST

START_TEST(request__bytes_that_are_not_utf8_get_an_answer)
{
	char text[1000];
	int fd = dial();

	say(fd, "{\"op\":\"\xff\xfe\"}\n");
	ck_assert_int_gt(hear(fd, text, sizeof(text)), 0);
	ck_assert_ptr_nonnull(strstr(text, "{\"ok\":false,\"error\":"));
	close(fd);
}
END_TEST

START_TEST(request__too_long_a_line_is_told_and_closed)
{
	static char line[CPC_API_LINE_MAX + 10];
	char text[1000];
	int fd = dial();

	memset(line, ' ', sizeof(line) - 1);
	say(fd, line);
	ck_assert_int_gt(hear(fd, text, sizeof(text)), 0);
	ck_assert_ptr_nonnull(strstr(text, "a request of more than 16384 bytes"));
	turn();
	ck_assert_int_eq(hear(fd, text, sizeof(text)), -1);
	close(fd);
}
END_TEST

START_TEST(connect__too_many_clients)
{
	int fd[CPC_API_CLIENTS_MAX + 1];
	char text[1000];
	unsigned int i;

	for (i = 0; i <= CPC_API_CLIENTS_MAX; i++)
		fd[i] = dial();
	ck_assert_int_gt(hear(fd[CPC_API_CLIENTS_MAX], text, sizeof(text)), 0);
	ck_assert_ptr_nonnull(strstr(text, "too many clients"));
	close(fd[0]);
	turn();
	fd[0] = dial();	/* there is room again */
	say(fd[0], "{\"op\":\"status\"}\n");
	ck_assert_int_gt(hear(fd[0], text, sizeof(text)), 0);
	ck_assert_ptr_nonnull(strstr(text, "\"ok\":true"));
	for (i = 0; i <= CPC_API_CLIENTS_MAX; i++)
		close(fd[i]);
}
END_TEST

static unsigned int count_entries(const char *text)
{
	static const char start[] = "{\"entry\":{\"slot\":";
	unsigned int count = 0;

	bool at_start = true;

	/* not strstr(): the sanitizer's measures the whole rest each time */
	for (; *text; text++) {
		count += at_start && strncmp(text, start, sizeof(start) - 1) == 0;
		at_start = *text == '\n';
	}
	return count;
}

START_TEST(log__to_the_end_and_limited)
{
	static char text[100000];
	int fd = dial();

	entries = 200;
	say(fd,
	    "{\"op\":\"log\",\"since\":50}\n{\"op\":\"log\",\"limit\":7}\n{\"op\":\"status\"}\n");
	ck_assert_int_gt(hear(fd, text, sizeof(text)), 0);
	ck_assert_uint_eq(count_entries(text), 157);
	ck_assert_ptr_nonnull(strstr(text, "{\"ok\":true,\"end\":true}\n{\"op\":0"));
	close(fd);
}
END_TEST

START_TEST(log__follower_gets_what_comes)
{
	static char text[100000];
	int fd = dial();
	unsigned int i;

	say(fd, "{\"op\":\"log\",\"follow\":true}\n");
	ck_assert_int_eq(hear(fd, text, sizeof(text)), 0);
	for (i = 1; i <= 20; i++) {
		entries += i;
		cpc_api_log_grew(api);
		turn();
		hear(fd, text, sizeof(text));
		ck_assert_uint_eq(count_entries(text), i);
	}
	close(fd);
	turn();
	cpc_api_log_grew(api);
}
END_TEST

/* Who does not read costs one buffer, and gets everything once it does. */
START_TEST(log__slow_reader)
{
	static char text[8 << 20];
	int fd = dial();

	entries = 50000;
	say(fd, "{\"op\":\"log\"}\n");
	hear(fd, text, sizeof(text));
	ck_assert_uint_eq(count_entries(text), entries);
	ck_assert_ptr_nonnull(strstr(text, "\"end\":true"));
	close(fd);
}
END_TEST

START_TEST(close__with_a_log_half_sent)
{
	int fd = dial();

	entries = 50000;
	say(fd, "{\"op\":\"log\",\"follow\":true}\n");
	close(fd);
	turn();
	cpc_api_log_grew(api);
	turn();
	fd = dial();
	say(fd, "{\"op\":\"log\"}\n");
	shutdown(fd, SHUT_WR);
	turn();
	close(fd);
	turn();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("server");
	TCase *tc = tcase_create("server");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, new__mode_and_second_daemon);
	tcase_add_test(tc, new__takes_over_a_dead_daemons_socket);
	tcase_add_test(tc, request__answers_in_order);
	tcase_add_test(tc, request__bytes_that_are_not_utf8_get_an_answer);
	tcase_add_test(tc, request__too_long_a_line_is_told_and_closed);
	tcase_add_test(tc, connect__too_many_clients);
	tcase_add_test(tc, log__to_the_end_and_limited);
	tcase_add_test(tc, log__follower_gets_what_comes);
	tcase_add_test(tc, log__slow_reader);
	tcase_add_test(tc, close__with_a_log_half_sent);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
