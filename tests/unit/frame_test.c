/* SPDX-License-Identifier: Apache-2.0 */
#include "io/frame.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int fd[2];
static uint8_t buf[70000];
static size_t len;

static int
set_up(void **state)
{
	struct err e;

	(void)state;
	return frame_pair(fd, &e) == OK ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	close(fd[0]);
	close(fd[1]);
	return 0;
}

static void
frames_keep_their_bounds(void **state)
{
	(void)state;
	memset(buf, 7, sizeof(buf));
	assert_int_equal(frame_send(fd[0], "ab", 2), FRAME_DONE);
	assert_int_equal(frame_send(fd[0], buf, 60000), FRAME_DONE);
	assert_int_equal(
	    frame_receive(fd[1], buf, sizeof(buf), &len), FRAME_DONE);
	assert_int_equal(len, 2);
	assert_memory_equal(buf, "ab", 2);
	assert_int_equal(
	    frame_receive(fd[1], buf, sizeof(buf), &len), FRAME_DONE);
	assert_int_equal(len, 60000);
	assert_int_equal(
	    frame_receive(fd[1], buf, sizeof(buf), &len), FRAME_AGAIN);
	assert_int_equal(len, 0);
}

static void
a_frame_too_long_is_dropped(void **state)
{
	(void)state;
	assert_int_equal(frame_send(fd[1], "12345", 5), FRAME_DONE);
	assert_int_equal(frame_send(fd[1], "1234", 4), FRAME_DONE);
	assert_int_equal(frame_receive(fd[0], buf, 4, &len), FRAME_DONE);
	assert_int_equal(len, 4);
	assert_int_equal(frame_receive(fd[0], buf, 4, &len), FRAME_AGAIN);
}

static void
a_full_line_says_again(void **state)
{
	enum frame_result r = FRAME_DONE;
	size_t n = 0, got = 0;

	(void)state;
	while (n < 10000 && (r = frame_send(fd[0], buf, 4000)) == FRAME_DONE)
		n++;
	assert_int_equal(r, FRAME_AGAIN);
	while (frame_receive(fd[1], buf, sizeof(buf), &len) == FRAME_DONE)
		got++;
	assert_int_equal(got, n);
	assert_int_equal(frame_send(fd[0], buf, 4000), FRAME_DONE);
}

static void
what_was_sent_is_read_before_the_end(void **state)
{
	(void)state;
	assert_int_equal(frame_send(fd[0], "x", 1), FRAME_DONE);
	close(fd[0]);
	fd[0] = -1;
	assert_int_equal(
	    frame_receive(fd[1], buf, sizeof(buf), &len), FRAME_DONE);
	assert_int_equal(
	    frame_receive(fd[1], buf, sizeof(buf), &len), FRAME_CLOSED);
	/* and no SIGPIPE */
	assert_int_equal(frame_send(fd[1], "x", 1), FRAME_CLOSED);
}

static void
not_inherited_by_programs(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_true((fcntl(fd[i], F_GETFD) & FD_CLOEXEC) != 0);
		assert_true((fcntl(fd[i], F_GETFL) & O_NONBLOCK) != 0);
	}
}

#define frame_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    frame_test(frames_keep_their_bounds),
	    frame_test(a_frame_too_long_is_dropped),
	    frame_test(a_full_line_says_again),
	    frame_test(what_was_sent_is_read_before_the_end),
	    frame_test(not_inherited_by_programs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
