/* SPDX-License-Identifier: Apache-2.0 */
#include "io/slot.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* The holder writes its number into the file, for people. */
static long
holder(int fd)
{
	char text[24] = "";

	if (pread(fd, text, sizeof(text) - 1, 0) <= 0)
		return 0;
	return strtol(text, NULL, 10);
}

static void
sign(int fd)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

	/* on a full disk the lock holds all the same */
	if (ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)n, 0) != n)
		(void)!ftruncate(fd, 0);
}

enum next
slot_lock(
    int *fd, const char *dir, const char *pool, const char *slot, struct err *e)
{
	char path[PATH_MAX];

	*fd = -1;
	if (mkdir(dir, 0755) != 0 && errno != EEXIST) {
		err_set(e, "pool.run_dir %s: %s", dir, strerror(errno));
		return STOP;
	}
	snprintf(path, sizeof(path), "%s/%s-%s.lock", dir, pool, slot);
	*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (*fd < 0) {
		err_set(e, "%s: %s", path, strerror(errno));
		return STOP;
	}
	if (flock(*fd, LOCK_EX | LOCK_NB) == 0) {
		sign(*fd);
		return OK;
	}
	err_set(e,
	    "slot %s of pool %s is held by process %ld (%s): stop it, or give "
	    "this crew another pool.slot",
	    slot, pool, holder(*fd), path);
	close(*fd);
	*fd = -1;
	return REJECT;
}
