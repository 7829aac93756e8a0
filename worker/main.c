/* SPDX-License-Identifier: Apache-2.0 */
/* domainproofd: the options, and then the supervisor. */
#include "core/children.h"
#include "io/conf.h"
#include "worker/here.h"
#include "worker/supervisor.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static const char usage_text[] =
    "usage: domainproofd [-c FILE] [--check | --print-config[=policy]]\n"
    "\n"
    "  -c, --config FILE        settings (else $DOMAINPROOF_CONF, else\n"
    "                           /etc/domainproof/domainproofd.conf)\n"
    "      --check              read settings and policy, say whether they\n"
    "                           are right, and leave\n"
    "      --print-config       print every setting in force, as a file\n"
    "      --print-config=policy  the same for the policy\n"
    "      --version\n"
    "  -h, --help\n"
    "\n"
    "TERM drains and ends, a second one ends at once; HUP reads the files\n"
    "again. Exit codes: 0 done, 100 wrong settings or use, 101 a bug,\n"
    "111 something outside failed.\n";

enum verb { DO_RUN, DO_CHECK, DO_PRINT, DO_VERSION, DO_HELP };

struct options {
	enum verb verb;
	enum conf_file print;
	const char *path;
};

enum { OPTION_CHECK = 256, OPTION_PRINT, OPTION_VERSION };

static const struct option longs[] = {
    {"config", required_argument, NULL, 'c'},
    {"check", no_argument, NULL, OPTION_CHECK},
    {"print-config", optional_argument, NULL, OPTION_PRINT},
    {"version", no_argument, NULL, OPTION_VERSION},
    {"help", no_argument, NULL, 'h'},
    {.name = NULL},
};

static bool
parse_print(const char *which, struct options *o)
{
	o->verb = DO_PRINT;
	o->print = CONF_SETTINGS;
	if (which == NULL || strcmp(which, "settings") == 0)
		return true;
	o->print = CONF_POLICY;
	if (strcmp(which, "policy") == 0)
		return true;
	fprintf(stderr,
	    "domainproofd: --print-config: settings or policy, not %s\n",
	    which);
	return false;
}

static bool
parse(int argc, char **argv, struct options *o)
{
	int c;

	while ((c = getopt_long(argc, argv, "c:h", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			o->path = optarg;
			break;
		case 'h':
			o->verb = DO_HELP;
			return true;
		case OPTION_CHECK:
			o->verb = DO_CHECK;
			break;
		case OPTION_PRINT:
			if (!parse_print(optarg, o))
				return false;
			break;
		case OPTION_VERSION:
			o->verb = DO_VERSION;
			return true;
		default: /* getopt_long has said what is wrong */
			return false;
		}
	}
	if (optind == argc)
		return true;
	fprintf(stderr, "domainproofd: %s: takes no arguments, see --help\n",
	    argv[optind]);
	return false;
}

static void
print_line(void *arg, const char *text)
{
	fprintf(arg, "%s\n", text);
}

static int
show_settings(const struct options *o)
{
	static struct settings settings;
	static struct policy policy;
	struct err e;

	if (conf_read(o->path, &settings, &policy, &e) != OK ||
	    (o->verb == DO_CHECK && here_check(&settings, &e) != OK)) {
		fprintf(stderr, "domainproofd: %s\n", e.text);
		return EXIT_CODE_USAGE;
	}
	if (o->verb == DO_CHECK)
		printf("%s and %s (policy %s) are right\n", settings.path,
		    settings.policy_path, policy.version);
	else
		conf_print(o->print, &settings, &policy, print_line, stdout);
	conf_free(&policy);
	return fflush(stdout) == 0 ? EXIT_CODE_DONE : EXIT_CODE_OUTSIDE;
}

int
main(int argc, char **argv)
{
	struct options o = {.verb = DO_RUN};

	signal(SIGPIPE, SIG_IGN);
	if (!parse(argc, argv, &o))
		return EXIT_CODE_USAGE;
	switch (o.verb) {
	case DO_RUN:
		return supervisor_run(o.path);
	case DO_CHECK:
	case DO_PRINT:
		return show_settings(&o);
	case DO_VERSION:
		puts("domainproofd " DOMAINPROOF_VERSION);
		break;
	case DO_HELP:
		fputs(usage_text, stdout);
		break;
	}
	return EXIT_CODE_DONE;
}
