/* SPDX-License-Identifier: Apache-2.0 */
/* A settings file (first octet even) or a policy file (odd): refused with
 * file:line, or taken, and then what is printed of it reads the same. */
#include "io/conf.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);
/* libconfig 1.5 forgets the string that a syntax error cuts short. */
const char *__lsan_default_suppressions(void);

const char *
__lsan_default_suppressions(void)
{
	return "leak:libconfig.so";
}

static struct settings settings[2];
static struct policy policy[2];

static void
must(bool holds)
{
	if (!holds)
		abort();
}

/* A file that has no name, by a path that leads to it. */
static int
make_file(const void *bytes, size_t len, char *path, size_t cap)
{
	int fd = memfd_create("conf", MFD_CLOEXEC);

	must(fd >= 0 && fchmod(fd, 0600) == 0);
	must(len == 0 || write(fd, bytes, len) == (ssize_t)len);
	snprintf(path, cap, "/proc/self/fd/%d", fd);
	return fd;
}

static enum next
read_two(const void *conf, size_t conf_len, const void *rules, size_t rules_len,
    size_t into, struct err *e)
{
	char conf_path[64], rules_path[64];
	int conf_fd = make_file(conf, conf_len, conf_path, sizeof(conf_path));
	int rules_fd =
	    make_file(rules, rules_len, rules_path, sizeof(rules_path));
	enum next next;

	setenv("DOMAINPROOF_POLICY", rules_path, 1);
	next = conf_read(conf_path, &settings[into], &policy[into], e);
	close(conf_fd);
	close(rules_fd);
	return next;
}

static void
print_to(void *arg, const char *text)
{
	must(strchr(text, '\n') == NULL);
	fprintf(arg, "%s\n", text);
}

static char *
print(enum conf_file which, size_t of)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	must(out != NULL);
	conf_print(which, &settings[of], &policy[of], print_to, out);
	must(fclose(out) == 0);
	return text;
}

static void
same_again(void)
{
	char *conf = print(CONF_SETTINGS, 0), *rules = print(CONF_POLICY, 0);
	char *again;
	struct err e;

	must(read_two(conf, strlen(conf), rules, strlen(rules), 1, &e) == OK);
	must(conf_fixed_differs(&settings[0], &settings[1]) == NULL);
	memcpy(settings[1].policy_path, settings[0].policy_path,
	    sizeof(settings[0].policy_path));
	again = print(CONF_SETTINGS, 1);
	must(strcmp(conf, again) == 0);
	free(again);
	again = print(CONF_POLICY, 1);
	must(strcmp(rules, again) == 0);
	free(again);
	free(conf);
	free(rules);
	conf_free(&policy[1]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const char conf[] = "";
	static const char rules[] = "service: { name = \"example\"; };\n"
				    "claim: { public_domains = \"\"; };\n";
	enum next next;
	struct err e;

	if (len == 0)
		return 0;
	if (bytes[0] % 2 == 0)
		next = read_two(
		    bytes + 1, len - 1, rules, sizeof(rules) - 1, 0, &e);
	else
		next = read_two(conf, 0, bytes + 1, len - 1, 0, &e);
	if (next == OK)
		same_again();
	else
		must(strncmp(e.text, "/proc/self/fd/", 14) == 0 &&
		     strpbrk(e.text, "\n\r\033") == NULL);
	conf_free(&policy[0]);
	return 0;
}
