/* SPDX-License-Identifier: Apache-2.0 */
/* usage: hostile -a ADDR... [-p PORT] [-s SCRIPT] [-o HISTORY] [-S SEED]
 *
 * Serves until TERM. Says "ready" when it listens, and at the end one line of
 * counts. Without -s the script is standard input. */
#include "tests/dns/hostile.h"

#include "io/dns.h"

#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static volatile sig_atomic_t stopped;

static void
on_signal(int sig)
{
	(void)sig;
	stopped = 1;
}

static void
die(const char *what)
{
	fprintf(stderr, "hostile: %s\n", what);
	exit(100);
}

static char *
read_all(const char *path)
{
	FILE *f = path ? fopen(path, "r") : stdin;
	char *text = mem_alloc(SCRIPT_TEXT_MAX + 2);
	size_t len;

	if (!f || !text)
		die("the script can't be read");
	len = fread(text, 1, SCRIPT_TEXT_MAX + 1, f);
	text[len] = '\0';
	if (f != stdin)
		fclose(f);
	return text;
}

static void
add_addr(struct hostile_conf *c, const char *text)
{
	if (c->addrs_n == HOSTILE_ADDRS_MAX ||
	    !dns_addr_parse(text, &c->addrs[c->addrs_n++], &c->port))
		die("not an address, or too many");
}

static void
serve(struct hostile *h)
{
	const struct hostile_counts *n = hostile_counts(h);

	puts("ready");
	fflush(stdout);
	while (!stopped)
		hostile_serve(h, 1000);
	printf("queries %llu packets %llu forged %llu unsent %llu\n",
	    (unsigned long long)n->queries, (unsigned long long)n->packets,
	    (unsigned long long)n->forged, (unsigned long long)n->unsent);
}

int
main(int argc, char **argv)
{
	struct sigaction stop = {.sa_handler = on_signal};
	struct hostile_conf conf = {.port = 53, .seed = 1};
	const char *path = NULL;
	struct script script;
	struct hostile *h = NULL;
	struct err e;
	char *text;
	int c;

	while ((c = getopt(argc, argv, "a:p:s:o:S:")) != -1)
		switch (c) {
		case 'a':
			add_addr(&conf, optarg);
			break;
		case 'p':
			conf.port = (uint16_t)atoi(optarg);
			break;
		case 's':
			path = optarg;
			break;
		case 'o':
			conf.history = fopen(optarg, "a");
			if (!conf.history)
				die("the history can't be written");
			break;
		case 'S':
			conf.seed = strtoull(optarg, NULL, 10);
			break;
		default:
			die("see its head comment");
		}
	text = read_all(path);
	if (script_read(&script, text, &e) != OK)
		die(e.text);
	conf.script = &script;
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGINT, &stop, NULL);
	if (conf.addrs_n == 0 || hostile_open(&h, &conf, &e) != OK)
		die(conf.addrs_n ? e.text : "no address");
	serve(h);
	hostile_close(h);
	if (conf.history)
		fclose(conf.history);
	script_free(&script);
	mem_free(text);
	return 0;
}
