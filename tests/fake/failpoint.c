/* SPDX-License-Identifier: Apache-2.0 */
/* Dies at a named place, told by the environment:
 *
 *   DOMAINPROOF_FAILPOINT="NAME[=DETAIL][@N][:END][,...]"
 *
 * At the N-th arrival (1 when not given) at NAME, with that DETAIL if one is
 * given, the process gets SIGKILL; with :abort it calls abort(), with :stop it
 * stops as by SIGSTOP. Arrivals are counted per process and per entry.
 *
 * With DOMAINPROOF_FAILPOINT_ONCE=DIR each entry does that only once for all
 * processes together; it then leaves the file DIR/I, I = 0 for the first. */
#include "io/failpoint.h"

#include "tests/fake/failpoint.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ENTRIES_MAX 16

void (*fake_failpoint)(const char *name, const char *detail);

enum end { END_KILL, END_ABORT, END_STOP };

struct entry {
	char *name;
	char *detail; /* NULL: any */
	unsigned long at;
	unsigned long arrived;
	enum end end;
};

static struct entry entries[ENTRIES_MAX];
static size_t entries_n;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void
refuse(const char *text)
{
	fprintf(stderr, "DOMAINPROOF_FAILPOINT: %s\n", text);
	exit(100);
}

/* Cuts text at the last `sep`; what stands behind it, or NULL. */
static char *
cut(char *text, char sep)
{
	char *p = strrchr(text, sep);

	if (p == NULL)
		return NULL;
	*p = '\0';
	return p + 1;
}

static enum end
end_parse(const char *word)
{
	if (word == NULL)
		return END_KILL;
	if (strcmp(word, "abort") == 0)
		return END_ABORT;
	if (strcmp(word, "stop") != 0)
		refuse("the end is neither abort nor stop");
	return END_STOP;
}

static void
entry_parse(char *text)
{
	struct entry *en = &entries[entries_n];
	const char *n;
	char *rest;

	if (entries_n == ENTRIES_MAX)
		refuse("too many entries");
	en->end = end_parse(cut(text, ':'));
	n = cut(text, '@');
	en->at = n == NULL ? 1 : strtoul(n, &rest, 10);
	if (n != NULL && (*n == '\0' || *rest != '\0' || en->at == 0))
		refuse("no number behind @");
	en->detail = strchr(text, '=');
	if (en->detail != NULL)
		*en->detail++ = '\0';
	en->name = text;
	entries_n++;
}

static void
parse(void)
{
	const char *env = getenv("DOMAINPROOF_FAILPOINT");
	char *text, *save = NULL;

	if (env == NULL || (text = strdup(env)) == NULL)
		return; /* the copy lives as long as the process */
	for (text = strtok_r(text, ",", &save); text != NULL;
	     text = strtok_r(NULL, ",", &save))
		entry_parse(text);
}

/* The first of all processes that are to end by this entry. */
static bool
first(const struct entry *en)
{
	const char *dir = getenv("DOMAINPROOF_FAILPOINT_ONCE");
	char path[PATH_MAX];
	int fd;

	if (dir == NULL)
		return true;
	snprintf(path, sizeof(path), "%s/%zu", dir, (size_t)(en - entries));
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static bool
arrives(struct entry *en, const char *name, const char *detail)
{
	if (strcmp(en->name, name) != 0)
		return false;
	if (en->detail != NULL &&
	    (detail == NULL || strcmp(en->detail, detail) != 0))
		return false;
	return ++en->arrived == en->at && first(en);
}

static void
die(enum end end)
{
	switch (end) {
	case END_KILL:
		raise(SIGKILL);
		break;
	case END_ABORT:
		abort();
	case END_STOP:
		kill(getpid(), SIGSTOP); /* every thread */
		break;
	}
}

void
failpoint(const char *name, const char *detail)
{
	size_t i;

	if (fake_failpoint != NULL)
		fake_failpoint(name, detail);
	pthread_once(&once, parse);
	pthread_mutex_lock(&lock);
	for (i = 0; i < entries_n; i++) {
		if (arrives(&entries[i], name, detail))
			die(entries[i].end);
	}
	pthread_mutex_unlock(&lock);
}
