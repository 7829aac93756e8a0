/* SPDX-License-Identifier: Apache-2.0 */
/* Random octets: they come, they differ, and where /dev/urandom is missing or
 * is an ordinary file the start is refused. */
#include "io/entropy.h"

#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void
comes_and_differs(void **state)
{
	static const uint8_t none[64];
	uint8_t a[64] = {0}, b[64] = {0}, large[70000];
	struct err e;

	(void)state;
	assert_int_equal(entropy_get(a, sizeof(a), &e), OK);
	assert_int_equal(entropy_get(b, sizeof(b), &e), OK);
	assert_memory_not_equal(a, b, sizeof(a));
	assert_memory_not_equal(a, none, sizeof(a));
	/* more than getrandom gives without being interruptible */
	memset(large, 0, sizeof(large));
	assert_int_equal(entropy_get(large, sizeof(large), &e), OK);
	assert_memory_not_equal(
	    large + sizeof(large) - sizeof(none), none, sizeof(none));
	assert_int_equal(entropy_get(NULL, 0, &e), OK);
	assert_int_equal(entropy_check(&e), OK);
}

enum device { DEVICE_MISSING, DEVICE_FILE };

/* In a root of its own: 0 = refused with a reason, 1 = not, 2 = may not try
 * (no user namespaces here and not root). */
static int
child(enum device device, const char *root)
{
	struct err e = {.text = ""};
	int fd;

	if (geteuid() != 0 && unshare(CLONE_NEWUSER) != 0)
		return 2;
	if (chroot(root) != 0 || chdir("/") != 0)
		return 2;
	if (device == DEVICE_FILE) {
		mkdir("/dev", 0755);
		fd = open("/dev/urandom", O_CREAT | O_WRONLY, 0644);
		if (fd < 0 ||
		    write(fd, "0123456789abcdef0123456789abcdef", 32) != 32)
			return 2;
		close(fd);
	}
	return entropy_check(&e) == STOP &&
		       strstr(e.text, device == DEVICE_FILE
					  ? "/dev/urandom is not a device"
					  : "cannot open /dev/urandom") != NULL
		   ? 0
		   : 1;
}

static void
refuse(enum device device)
{
	char root[] = "/tmp/entropy.XXXXXX", path[64];
	int status;
	pid_t pid;

	assert_non_null(mkdtemp(root));
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(child(device, root));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	snprintf(path, sizeof(path), "%s/dev/urandom", root);
	unlink(path);
	snprintf(path, sizeof(path), "%s/dev", root);
	rmdir(path);
	rmdir(root);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
		skip();
	assert_int_equal(status, 0);
}

static void
refuses_without_the_device(void **state)
{
	(void)state;
	refuse(DEVICE_MISSING);
}

static void
refuses_a_file_in_its_place(void **state)
{
	(void)state;
	refuse(DEVICE_FILE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(comes_and_differs),
	    cmocka_unit_test(refuses_without_the_device),
	    cmocka_unit_test(refuses_a_file_in_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
