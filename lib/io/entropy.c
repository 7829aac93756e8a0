/* SPDX-License-Identifier: Apache-2.0 */
#include "io/entropy.h"

#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define SAMPLE 16 /* octets: equal by chance once in 2^128 */

enum next
entropy_get(void *out, size_t len, struct err *e)
{
	uint8_t *p = out;

	while (len > 0) {
		ssize_t n = getrandom(p, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			err_set(e, "getrandom gives no random octets: %s",
			    strerror(errno));
			return STOP;
		}
		p += n;
		len -= (size_t)n;
	}
	return OK;
}

/* Two samples from /dev/urandom, each by an open of its own. */
static enum next
device_sample(uint8_t out[SAMPLE], struct err *e)
{
	int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
	struct stat st;
	ssize_t n;

	if (fd < 0) {
		err_set(e, "cannot open /dev/urandom: %s", strerror(errno));
		return STOP;
	}
	if (fstat(fd, &st) != 0 || !S_ISCHR(st.st_mode)) {
		err_set(e, "/dev/urandom is not a device");
		close(fd);
		return STOP;
	}
	n = read(fd, out, SAMPLE);
	close(fd);
	if (n == SAMPLE)
		return OK;
	err_set(e, "cannot read /dev/urandom: %s", strerror(errno));
	return STOP;
}

enum next
entropy_check(struct err *e)
{
	uint8_t a[SAMPLE], b[SAMPLE], c[SAMPLE], d[SAMPLE];

	if (entropy_get(a, SAMPLE, e) != OK || entropy_get(b, SAMPLE, e) != OK)
		return STOP;
	if (device_sample(c, e) != OK || device_sample(d, e) != OK)
		return STOP;
	errno = 0;
	if (memcmp(a, b, SAMPLE) == 0) {
		err_set(e, "getrandom repeats itself");
		return STOP;
	}
	if (memcmp(c, d, SAMPLE) == 0) {
		err_set(e, "/dev/urandom repeats itself");
		return STOP;
	}
	return OK;
}
