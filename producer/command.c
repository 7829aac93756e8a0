/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/command.h"

#include "io/pubkey.h"

#include "io/idna.h"
#include "producer/show.h"

#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* EXIT_USAGE is never one of several. */
static const int worst_first[] = {EXIT_BUG, EXIT_DOWN, EXIT_REFUSED,
    EXIT_UNKNOWN, EXIT_NEGATIVE, EXIT_NO_ANSWER, EXIT_PENDING, EXIT_GOOD};

static size_t
rank(int code)
{
	size_t i = 0;

	while (i < ARRAY_LEN(worst_first) && worst_first[i] != code)
		i++;
	return i;
}

void
command_count(struct command *c, enum exit_word code)
{
	if (rank((int)code) < rank(c->worst))
		c->worst = (int)code;
}

int
command_fail(struct command *c, enum exit_word code, const char *fmt, ...)
{
	char text[ERR_TEXT_MAX * 2], shown[ERR_TEXT_MAX * 4];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	show_line(text, shown, sizeof(shown));
	fprintf(stderr, "domainproof: %s\n", shown);
	if (code == EXIT_USAGE || code == EXIT_INTERRUPTED)
		c->worst = (int)code;
	else
		command_count(c, code);
	return c->worst;
}

bool
command_settings(struct command *c)
{
	struct err e;

	if (conf_read(c->options.text[OPTION_CONF], &c->settings, &c->policy,
		&e) == OK) {
		c->has_settings = true;
		return true;
	}
	conf_free(&c->policy);
	command_fail(c, EXIT_USAGE, "%s%s", e.text,
	    access(c->settings.path, F_OK) == 0
		? ""
		: "; name the settings with -c FILE or DOMAINPROOF_CONF");
	return false;
}

bool
command_names(struct command *c)
{
	struct err e;

	if (idna_open(
		c->has_settings ? c->settings.dns.suffix_list : NULL, &e) == OK)
		return true;
	command_fail(c, EXIT_DOWN, "%s", e.text);
	return false;
}

const char *
command_org(const struct command *c)
{
	const char *org = c->options.text[OPTION_ORG];

	if (org == NULL)
		org = getenv("DOMAINPROOF_ORG");
	return org != NULL ? org : "";
}

bool
command_word_ok(const char *text, size_t max)
{
	size_t len = strlen(text);

	return len >= 1 && len <= max &&
	       text[strspn(text,
		   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		   "0123456789._-")] == '\0';
}

bool
command_job(struct command *c, const char *id)
{
	if (!command_word_ok(command_org(c), ORG_MAX))
		command_fail(c, EXIT_USAGE,
		    "whose job? say --org ORG or set DOMAINPROOF_ORG");
	else if (!command_word_ok(id, JOB_ID_MAX))
		command_fail(c, EXIT_USAGE,
		    "--job wants 1 to %d of letters, digits, '.', '_', '-'",
		    JOB_ID_MAX);
	else
		return true;
	return false;
}

bool
command_key(struct command *c, char *selector, struct dkim_public *key)
{
	const char *name = c->options.text[OPTION_SELECTOR];
	const char *file = c->options.text[OPTION_PUBLIC_KEY];
	struct err e;
	enum next next;

	selector[0] = '\0';
	if (name != NULL && !dkim_selector_ok(name)) {
		command_fail(c, EXIT_USAGE,
		    "--selector '%.80s': labels of letters, digits and inner "
		    "hyphens, at most %d octets, are wanted",
		    name, DKIM_SELECTOR_MAX);
		return false;
	}
	if (file != NULL && name == NULL) {
		command_fail(c, EXIT_USAGE, "--public-key wants --selector S");
		return false;
	}
	if (name != NULL)
		snprintf(selector, DKIM_SELECTOR_MAX + 1, "%s", name);
	if (file == NULL)
		return true;
	next = pubkey_read(key, file, &e);
	if (next == OK)
		return true;
	command_fail(c, next == REJECT ? EXIT_USAGE : EXIT_DOWN, "%s", e.text);
	return false;
}

bool
command_can_ask(struct command *c, const char *because)
{
	if (c->options.given[OPTION_YES] || isatty(STDIN_FILENO) == 1)
		return true;
	command_fail(c, EXIT_USAGE,
	    "nobody can be asked here: add --yes if it may %s", because);
	return false;
}

bool
command_confirm(struct command *c)
{
	char line[16] = "";

	if (c->options.given[OPTION_YES])
		return true;
	fprintf(stderr, "Do it? Type yes: ");
	if (fgets(line, sizeof(line), stdin) != NULL &&
	    strcmp(line, "yes\n") == 0)
		return true;
	command_fail(c, EXIT_NEGATIVE, "not confirmed, nothing was changed");
	return false;
}

/* --- interruption --------------------------------------------------------- */

static volatile sig_atomic_t interrupted;

/* A second one does not wait for anything. */
static void
on_signal(int number)
{
	(void)number;
	if (interrupted)
		_exit(EXIT_INTERRUPTED);
	interrupted = 1;
}

void
command_signals(void)
{
	struct sigaction now = {.sa_handler = on_signal};

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&now.sa_mask);
	sigaction(SIGINT, &now, NULL);
	sigaction(SIGTERM, &now, NULL);
}

bool
command_interrupted(void)
{
	return interrupted != 0;
}
