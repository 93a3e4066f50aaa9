// SPDX-License-Identifier: BSD-3-Clause
/*
 * cpchaind - the agent of one vehicle (agent/node/node.h says how its parts fit together).
 *
 * Only this file logs: lines on stderr, each with its priority in front when stderr is the journal
 * (sd-daemon(3)). Exit status: 0 a clean stop, 78 something an operator must change, 1 otherwise.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "agent/api/request.h"
#include "agent/config/config.h"
#include "agent/net/net.h"
#include "agent/node/node.h"

static bool in_journal;

static void say(int priority, const char *text)
{
	if (in_journal)
		fprintf(stderr, "<%d>%s\n", priority, text);
	else
		fprintf(stderr, "cpchaind: %s\n", text);
}

static void status(const char *text)
{
	sd_notifyf(0, "STATUS=%s", text);
}

static int fail(int code, const char *text)
{
	say(LOG_ERR, text);
	return code;
}

/* ---- options --------------------------------------------------------------------------------- */

struct options {
	const char *config;
	const char *key;
	bool check, print_id;
};

static void usage(FILE *out)
{
	fputs("usage: cpchaind [--config FILE]\n"
	      "       cpchaind --check-config [--config FILE]\n"
	      "       cpchaind --print-id [--key FILE | --config FILE]\n"
	      "\n"
	      "  --config FILE    configuration, default " CPC_CONFIG_FILE "\n"
	      "  --check-config   only read the configuration and say what is wrong with it\n"
	      "  --print-id       print this node's id for the member lists; makes the key if it\n"
	      "                   is missing\n"
	      "  --key FILE       the key file, default " CPC_CONFIG_KEY "\n",
	      out);
}

/* 0: go on, 1: done, -EINVAL. */
static int parse_options(int argc, char **argv, struct options *options)
{
	enum { CONFIG = 'c', CHECK = 'n', PRINT_ID = 'i', KEY = 'k', HELP = 'h' };
	static const struct option known[] = {
		{ "config", required_argument, NULL, CONFIG },
		{ "check-config", no_argument, NULL, CHECK },
		{ "print-id", no_argument, NULL, PRINT_ID },
		{ "key", required_argument, NULL, KEY },
		{ "help", no_argument, NULL, HELP },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "c:nik:h", known, NULL)) != -1) {
		switch (c) {
		case CONFIG:
			options->config = optarg;
			break;
		case CHECK:
			options->check = true;
			break;
		case PRINT_ID:
			options->print_id = true;
			break;
		case KEY:
			options->key = optarg;
			break;
		case HELP:
			usage(stdout);
			return 1;
		default:
			usage(stderr);
			return -EINVAL;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "cpchaind: what is '%s'?\n", argv[optind]);
		usage(stderr);
		return -EINVAL;
	}
	return 0;
}

/* ---- identity -------------------------------------------------------------------------------- */

/* The default key lies in the state directory, which may not be there yet. */
static void make_parent(const char *path)
{
	char parent[CPC_CONFIG_PATH_MAX + 1];
	char *slash;

	snprintf(parent, sizeof(parent), "%s", path);
	slash = strrchr(parent, '/');
	if (!slash || slash == parent)
		return;
	*slash = '\0';
	mkdir(parent, 0750);	/* what is wrong with it, the key's own error will say */
}

static int print_id(const char *key_file)
{
	struct cpc_identity *identity;
	uint8_t id[CPC_CONFIG_ID_BYTES];
	char text[2 * sizeof(id) + 1];
	struct cpc_error error;

	make_parent(key_file);
	if (cpc_identity_load(key_file, &identity, &error) < 0)
		return fail(CPC_EXIT_OPERATOR, error.text);
	cpc_identity_node_id(identity, id);
	cpc_identity_free(identity);
	cpc_hex(id, sizeof(id), text);
	puts(text);
	return 0;
}

static int load_identity(const struct cpc_agent_config *config, struct cpc_identity **ret_identity,
			 unsigned int *ret_self, struct cpc_error *error)
{
	uint8_t id[CPC_CONFIG_ID_BYTES];
	char text[2 * sizeof(id) + 1];
	int r;

	make_parent(config->key_file);
	r = cpc_identity_load(config->key_file, ret_identity, error);
	if (r < 0)
		return r;
	cpc_identity_node_id(*ret_identity, id);
	*ret_self = 0;
	if (config->join)
		return 0;
	r = cpc_config_find(config, id);
	if (r < 0) {
		cpc_hex(id, sizeof(id), text);
		cpc_error_set(error, "this node (key %.60s) has the id %s, which is no member's in "
			      "the configuration: if it is to join, say join = yes in [cell]",
			      config->key_file, text);
		return -EINVAL;
	}
	*ret_self = (unsigned int)r;
	return 0;
}

/* ---- running --------------------------------------------------------------------------------- */

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	(void)info;
	(void)userdata;
	sd_notify(0, "STOPPING=1");
	return sd_event_exit(sd_event_source_get_event(source), 0);
}

/* SIGHUP: policies are loaded anew, from a configuration that must be good as a whole. */
struct reload {
	const char *file;
	struct cpc_node *node;
};

static int on_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	const struct reload *reload = userdata;
	static struct cpc_agent_config fresh;
	struct cpc_error error;

	(void)source;
	(void)info;
	if (cpc_config_load(reload->file, &fresh, &error) < 0) {
		say(LOG_ERR, error.text);
		return 0;
	}
	say(LOG_NOTICE, "policies are loaded anew; other settings need a restart");
	cpc_node_reload(reload->node, &fresh);
	return 0;
}

static int prepare_loop(sd_event *event, struct cpc_error *error)
{
	sigset_t signals;
	int r;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	r = sd_event_add_signal(event, NULL, SIGTERM, on_signal, NULL);
	if (r >= 0)
		r = sd_event_add_signal(event, NULL, SIGINT, on_signal, NULL);
	if (r >= 0)
		r = sd_event_set_watchdog(event, true);
	if (r < 0)
		cpc_error_set(error, "event loop: %s", strerror(-r));
	return r;
}

static bool for_operator(int code)
{
	return code == -EINVAL || code == -ESTALE || code == -EEXIST || code == -EADDRINUSE ||
	       code == -EBUSY || code == -EPERM;
}

static int run(const char *file, const struct cpc_agent_config *config,
	       const struct cpc_identity *identity, unsigned int self)
{
	struct cpc_node_setup setup = { .config = config, .identity = identity, .self = self,
					.say = say, .status = status };
	struct reload reload = { .file = file };
	struct cpc_error error;
	struct cpc_node *node;
	int r;

	r = sd_event_default(&setup.event);
	if (r < 0)
		return fail(EXIT_FAILURE, "no event loop");
	r = prepare_loop(setup.event, &error);
	if (r >= 0)
		r = cpc_node_new(&setup, &node, &error);
	if (r >= 0) {
		reload.node = node;
		sd_event_add_signal(setup.event, NULL, SIGHUP, on_reload, &reload);
	}
	if (r < 0) {
		sd_event_unref(setup.event);
		return fail(for_operator(r) ? CPC_EXIT_OPERATOR : EXIT_FAILURE, error.text);
	}
	sd_notify(0, "READY=1");
	r = sd_event_loop(setup.event);
	cpc_node_stop(node);
	cpc_node_free(node);
	sd_event_unref(setup.event);
	if (r < 0)
		return fail(EXIT_FAILURE, strerror(-r));
	if (r == 0)
		say(LOG_INFO, "stopped");
	return r;
}

int main(int argc, char **argv)
{
	struct options options = { .config = CPC_CONFIG_FILE };
	struct cpc_identity *identity = NULL;
	struct cpc_agent_config config;
	struct cpc_error error;
	unsigned int self;
	int r;

	in_journal = getenv("JOURNAL_STREAM");
	r = parse_options(argc, argv, &options);
	if (r != 0)
		return r > 0 ? 0 : 2;
	if (options.print_id && options.key)
		return print_id(options.key);
	if (options.print_id && strcmp(options.config, CPC_CONFIG_FILE) == 0)
		return print_id(CPC_CONFIG_KEY);
	if (cpc_config_load(options.config, &config, &error) < 0)
		return fail(CPC_EXIT_OPERATOR, error.text);
	if (options.print_id)
		return print_id(config.key_file);
	if (options.check) {
		printf("%s: good: cell %u epoch %u, %u members\n", options.config, config.cell,
		       config.epoch, config.n);
		return 0;
	}
	r = load_identity(&config, &identity, &self, &error);
	if (r < 0)
		r = fail(CPC_EXIT_OPERATOR, error.text);
	else
		r = run(options.config, &config, identity, self);
	cpc_identity_free(identity);
	return r;
}
