/* SPDX-License-Identifier: Apache-2.0 */
/* Opening the door to a Kafka that does not answer: who is told to stop does
 * not wait for it. */
#include "io/kafka.h"

#include "io/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <cmocka.h>

#define NOBODY "127.0.0.9:1"

static void
told_to_stop_while_nobody_answers(void **state)
{
	(void)state;
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	const struct itimerspec soon = {.it_value.tv_nsec = 100000000};
	const struct kafka_conf conf = {
	    .brokers = NOBODY,
	    .prefix = "domainproof.",
	    .pool = "pool",
	    .slot = "1",
	    .session_ms = 10000,
	    .txn_ms = 10000,
	    .queue_kb = 1024,
	    .compression = "none",
	    .stop_fd = fd,
	};
	int64_t begin = clock_mono_ms();
	struct kafka *k;
	struct err e;

	assert_true(fd > 0);
	assert_int_equal(timerfd_settime(fd, 0, &soon, NULL), 0);
	assert_int_equal(kafka_open(&k, &conf, -1, &e), RETRY);
	assert_null(k);
	assert_non_null(strstr(e.text, "stop"));
	assert_in_range(clock_mono_ms() - begin, 100, 8000);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(told_to_stop_while_nobody_answers)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
