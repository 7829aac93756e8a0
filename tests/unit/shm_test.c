/* SPDX-License-Identifier: Apache-2.0 */
/* What the supervisor learns of the dead; the dying are real processes. */
#include "io/shm.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct shm *m;
static char what[RECORD_KEY_MAX + 1];

static int
set_up(void **state)
{
	struct err e;

	(void)state;
	return shm_open_crew(&m, &e) == OK ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	shm_close(m);
	return 0;
}

/* A process that dies at `name`, or behind it. */
enum death { DIES_AT_IT, DIES_AFTER_IT };

static void
die(size_t child, const char *name, enum death death)
{
	pid_t pid = fork();

	if (pid == 0) {
		shm_work_begin(m, child, name);
		if (death == DIES_AFTER_IT)
			shm_work_end(m, child);
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void
three_strikes_poison(void **state)
{
	(void)state;
	for (unsigned n = 1; n <= 4; n++) {
		/* any child, any order: the name counts */
		die(n, "acme/a.test/1", DIES_AT_IT);
		assert_int_equal(shm_blame(m, n, what), n);
		assert_string_equal(what, "acme/a.test/1");
		assert_int_equal(shm_poisoned(m, "acme/a.test/1"), n >= 3);
		assert_int_equal(shm_blame(m, n, what), 0); /* cleared */
		assert_string_equal(what, "");
	}
	assert_false(shm_poisoned(m, "acme/a.test/10"));
	assert_false(shm_poisoned(m, "acme/a.test/"));
}

static void
nobody_is_blamed_for_what_was_done(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++) {
		die(1, "acme/a.test/1", DIES_AFTER_IT);
		assert_int_equal(shm_blame(m, 1, what), 0);
	}
	assert_false(shm_poisoned(m, "acme/a.test/1"));
}

static void
a_new_child_begins_clean(void **state)
{
	(void)state;
	shm_work_begin(m, 2, "x");
	shm_beat(m, 2);
	shm_ready_set(m, 2);
	assert_true(shm_ready_get(m, 2));
	assert_int_equal(shm_beats(m, 2), 1);
	shm_reset(m, 2);
	assert_false(shm_ready_get(m, 2));
	assert_int_equal(shm_beats(m, 2), 0);
	assert_int_equal(shm_blame(m, 2, what), 0);
}

static void
strike(const char *name, unsigned times)
{
	for (unsigned i = 0; i < times; i++) {
		shm_work_begin(m, 0, name);
		assert_true(shm_blame(m, 0, what) > 0);
	}
}

static void
the_oldest_are_forgotten(void **state)
{
	char name[32];

	(void)state;
	for (int i = 0; i < SHM_POISONED_MAX + 1; i++) {
		snprintf(name, sizeof(name), "jobs/0/%d", i);
		strike(name, SHM_POISON_STRIKES);
	}
	assert_false(shm_poisoned(m, "jobs/0/0"));
	for (int i = 1; i < SHM_POISONED_MAX + 1; i++) {
		snprintf(name, sizeof(name), "jobs/0/%d", i);
		assert_true(shm_poisoned(m, name));
	}
}

/* Many suspects do not push out what is known to kill. */
static void
suspects_do_not_free_the_poisoned(void **state)
{
	char name[32];

	(void)state;
	strike("killer", SHM_POISON_STRIKES);
	for (int i = 0; i < 10 * SHM_POISONED_MAX; i++) {
		snprintf(name, sizeof(name), "suspect-%d", i);
		strike(name, 1);
	}
	assert_true(shm_poisoned(m, "killer"));
}

static void
the_longest_name_fits(void **state)
{
	char name[RECORD_KEY_MAX + 20];

	(void)state;
	memset(name, 'a', sizeof(name));
	name[RECORD_KEY_MAX] = '\0';
	strike(name, SHM_POISON_STRIKES);
	assert_true(shm_poisoned(m, name));
	assert_string_equal(what, name);
	/* longer than any of ours: cut, never past the slot */
	memset(name, 'b', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	shm_work_begin(m, 0, name);
	assert_int_equal(shm_blame(m, 0, what), 1);
	assert_int_equal(strlen(what), RECORD_KEY_MAX);
}

/* A reader in another process while the list changes under it: what is on the
 * list all the time is always found, what never was is not. */
static void
readers_see_whole_entries(void **state)
{
	atomic_int *done = mmap(NULL, sizeof(*done), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status = 0, wrong = 0;
	char name[32];
	pid_t pid;

	(void)state;
	strike("first", SHM_POISON_STRIKES);
	pid = fork();
	if (pid == 0) {
		while (!*done) {
			wrong += !shm_poisoned(m, "first");
			wrong += shm_poisoned(m, "never");
		}
		_exit(wrong != 0);
	}
	for (int i = 0; i < 20000; i++) {
		snprintf(name, sizeof(name), "jobs/0/%d", i);
		strike(name, SHM_POISON_STRIKES);
		if (i % 10 == 0)
			strike("first", SHM_POISON_STRIKES);
	}
	*done = 1;
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	munmap((void *)done, sizeof(*done));
}

#define shm_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    shm_test(three_strikes_poison),
	    shm_test(nobody_is_blamed_for_what_was_done),
	    shm_test(a_new_child_begins_clean),
	    shm_test(the_oldest_are_forgotten),
	    shm_test(suspects_do_not_free_the_poisoned),
	    shm_test(the_longest_name_fits),
	    shm_test(readers_see_whole_entries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
