// SPDX-License-Identifier: BSD-3-Clause
/*
 * cpchainctl - asks cpchaind over its control socket and shows the answer.
 *
 * Exit status: 0 done, 1 the daemon refuses or cannot be reached, 2 the command line is wrong; of
 * a proposal: 0 accepted, 1 rejected, 2 an error, 3 not decided in time; of a change of members the
 * same, where 0 is that it is in effect.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/bpf/bpf.h"
#include "agent/ctl/ask_io.h"
#include "agent/ctl/command.h"
#include "agent/ctl/propose_io.h"
#include "agent/ctl/show.h"
#include "agent/ctl/show_bpf.h"
#include "agent/ctl/show_change.h"
#include "agent/log/limits.h"
#include "agent/util/cleanup.h"

static int fail(int status, const char *text)
{
	fprintf(stderr, "cpchainctl: %s\n", text);
	return status;
}

/* What a submit carries: the text, a file, or standard input. One byte more than fits is read. */
static int read_payload(const struct cpc_ctl_command *command, char *out, size_t *ret_len,
			struct cpc_error *error)
{
	CPC_FCLOSE FILE *opened = NULL;
	FILE *file = stdin;

	if (command->text) {
		*ret_len = strnlen(command->text, CPC_PAYLOAD_MAX + 1);
		memcpy(out, command->text, *ret_len);
	} else {
		if (strcmp(command->file, "-") != 0)
			file = opened = fopen(command->file, "re");
		if (!file) {
			cpc_error_set(error, "%.180s: %s", command->file, strerror(errno));
			return -errno;
		}
		*ret_len = fread(out, 1, CPC_PAYLOAD_MAX + 1, file);
	}
	if (*ret_len == 0 || *ret_len > CPC_PAYLOAD_MAX) {
		cpc_error_set(error, *ret_len ? "more than %d bytes do not fit into an entry" :
			      "nothing to submit: an entry carries 1 to %d bytes", CPC_PAYLOAD_MAX);
		return -EMSGSIZE;
	}
	return 0;
}

static void show(const struct cpc_ctl_command *command, const json_t *answer)
{
	if (command->json) {
		json_dumpf(answer, stdout, JSON_COMPACT | JSON_REAL_PRECISION(12));
		putchar('\n');
		return;
	}
	switch (command->verb) {
	case CPC_CTL_STATUS:
		cpc_show_status(stdout, answer);
		break;
	case CPC_CTL_CELL:
		cpc_show_cell(stdout, answer);
		break;
	case CPC_CTL_STATS:
		cpc_show_stats(stdout, answer);
		break;
	case CPC_CTL_SUBMIT:
		printf("entry %s is queued (%lld wait, %lld are submitted and not yet decided)\n",
		       json_string_value(json_object_get(answer, "id")),
		       (long long)json_integer_value(json_object_get(answer, "waiting")),
		       (long long)json_integer_value(json_object_get(answer, "in_flight")));
		break;
	case CPC_CTL_VERDICT:
		puts("the verdict is given");
		break;
	case CPC_CTL_PROPOSE:
		cpc_show_proposal(stdout, answer);
		break;
	case CPC_CTL_PROPOSALS:
		cpc_show_proposals(stdout, answer);
		break;
	case CPC_CTL_CHANGE:
		if (command->wait_s)
			cpc_show_change(stdout, answer);
		else
			puts("asked; `cpchainctl cell` shows what becomes of it");
		break;
	case CPC_CTL_BPF:
		cpc_show_bpf(stdout, answer);
		break;
	case CPC_CTL_BPF_POLICY:
		printf("on entries by %s %s votes from now on\n", command->kind,
		       strcmp(command->policy, "none") == 0 ? "no policy" : command->policy);
		break;
	case CPC_CTL_BPF_DETACH:
	case CPC_CTL_CAPTURE:
	case CPC_CTL_HELP:
	case CPC_CTL_LOG:
		break;
	}
}

/* One answer line. Returns -EAGAIN to read on, else the exit status. */
static int take_line(const struct cpc_ctl_command *command, const char *line, size_t len)
{
	json_t *answer = json_loadb(line, len, JSON_ALLOW_NUL, NULL), *entry;
	const char *error;
	int status = 0;

	if (!answer)
		return fail(EXIT_FAILURE, "the daemon's answer is not understood: is it of this "
					  "version?");
	entry = json_object_get(answer, "entry");
	error = json_string_value(json_object_get(answer, "error"));
	if (entry && command->json) {
		json_dumpf(entry, stdout, JSON_COMPACT | JSON_REAL_PRECISION(12));
		putchar('\n');
	} else if (entry) {
		cpc_show_entry(stdout, entry);
	} else if (!json_is_true(json_object_get(answer, "ok"))) {
		status = fail(EXIT_FAILURE, error ? error : "refused, without a reason");
	} else if (command->verb != CPC_CTL_LOG) {
		show(command, answer);
	}
	json_decref(answer);
	return entry ? -EAGAIN : status;
}

static int read_answers(const struct cpc_ctl_command *command, int fd)
{
	CPC_FCLOSE FILE *stream = fdopen(dup(fd), "re");
	CPC_FREE char *line = NULL;
	size_t size = 0;
	ssize_t len;
	int status;

	if (!stream)
		return fail(EXIT_FAILURE, strerror(errno));
	while ((len = getline(&line, &size, stream)) > 0) {
		if (len > CPC_CTL_ANSWER_MAX)
			break;
		status = take_line(command, line, (size_t)len);
		if (status != -EAGAIN)
			return status;
		if (command->follow && fflush(stdout) == EOF)
			return EXIT_FAILURE;
	}
	return fail(EXIT_FAILURE, "the daemon has closed the connection: see its journal "
				  "(journalctl -u cpchaind)");
}

static int propose(const struct cpc_ctl_command *command)
{
	json_t *answer = NULL;
	struct cpc_error error;
	enum cpc_ctl_outcome outcome = cpc_ctl_propose(command, &answer, &error);

	if (outcome == CPC_CTL_ERROR)
		return fail(CPC_CTL_ERROR, error.text);
	show(command, answer);
	json_decref(answer);
	return outcome;
}

static int change(const struct cpc_ctl_command *command)
{
	json_t *answer = NULL;
	struct cpc_error error;
	enum cpc_ctl_outcome outcome = cpc_ctl_change(command, command->json ? NULL : stdout,
						      &answer, &error);

	if (answer && (command->json || outcome != CPC_CTL_ERROR))
		show(command, answer);
	json_decref(answer);
	return outcome == CPC_CTL_ERROR ? fail(CPC_CTL_ERROR, error.text) : (int)outcome;
}

static int capture(const struct cpc_ctl_command *command)
{
	struct cpc_error error;
	int frames = cpc_ctl_capture(command, &error);

	if (frames < 0)
		return fail(EXIT_FAILURE, error.text);
	printf("%d frames\n", frames);
	return 0;
}

static int detach(const struct cpc_ctl_command *command)
{
	struct cpc_error error = { "cannot detach" };

	if (cpc_ctl_detach(command, &error) < 0)
		return fail(EXIT_FAILURE, error.text);
	puts("filter and stamps are off");
	return 0;
}

/* The daemon stands elsewhere: a path is told to it from the root. */
static int whole_path(struct cpc_ctl_command *command, char **ret_path, struct cpc_error *error)
{
	const char *policy = command->policy;

	if (!strcmp(policy, "none") || !strcmp(policy, CPC_POLICY_PLATOON) ||
	    !strcmp(policy, CPC_POLICY_SPEED))
		return 0;
	*ret_path = realpath(policy, NULL);
	if (!*ret_path) {
		cpc_error_set(error, "'%.160s' is no shipped policy (platoon, speed, none), and no "
			      "file: %s", policy, strerror(errno));
		return -errno;
	}
	command->policy = *ret_path;
	return 0;
}

/* -EAGAIN: a plain question for the daemon; else the exit status. */
static int run_here(const struct cpc_ctl_command *command)
{
	if (command->verb == CPC_CTL_HELP) {
		fputs(cpc_ctl_usage, stdout);
		return 0;
	}
	if (command->verb == CPC_CTL_PROPOSE)
		return propose(command);
	if (command->verb == CPC_CTL_CHANGE)
		return change(command);
	if (command->verb == CPC_CTL_CAPTURE)
		return capture(command);
	return command->verb == CPC_CTL_BPF_DETACH ? detach(command) : -EAGAIN;
}

int main(int argc, char **argv)
{
	struct cpc_ctl_command command;
	struct cpc_error error;
	char payload[CPC_PAYLOAD_MAX + 1];
	CPC_FREE char *path = NULL;
	CPC_CLOSE int fd = -1;
	size_t len = 0;
	json_t *request;
	int r;

	if (cpc_ctl_parse(argc, argv, &command, &error) < 0) {
		fail(2, error.text);
		fputs("try: cpchainctl --help\n", stderr);
		return 2;
	}
	if (command.verb == CPC_CTL_BPF_POLICY && whole_path(&command, &path, &error) < 0)
		return fail(2, error.text);
	r = run_here(&command);
	if (r != -EAGAIN)
		return r;
	if (command.verb == CPC_CTL_SUBMIT && read_payload(&command, payload, &len, &error) < 0)
		return fail(2, error.text);
	fd = cpc_ctl_connect(command.socket, &error);
	if (fd < 0)
		return fail(EXIT_FAILURE, error.text);
	request = cpc_ctl_request(&command, payload, len);
	r = cpc_ctl_send(fd, request);
	json_decref(request);
	if (r < 0)
		return fail(EXIT_FAILURE, strerror(-r));
	return read_answers(&command, fd);
}
