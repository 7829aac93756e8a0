/* SPDX-License-Identifier: Apache-2.0 */
#include "io/frame.h"

#include <assert.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>

enum next
frame_pair(int fd[2], struct err *e)
{
	int type = SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC;

	if (socketpair(AF_UNIX, type, 0, fd) == 0)
		return OK;
	err_set(e, "socketpair: %s", strerror(errno));
	return RETRY;
}

enum frame_result
frame_send(int fd, const void *bytes, size_t len)
{
	ssize_t n;

	assert(len > 0); /* an empty frame looks like the end */
	do
		n = send(fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return FRAME_DONE;
	return errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM
		   ? FRAME_AGAIN
		   : FRAME_CLOSED;
}

enum frame_result
frame_receive(int fd, void *buf, size_t cap, size_t *len)
{
	ssize_t n;

	*len = 0;
	do
		n = recv(fd, buf, cap, MSG_TRUNC | MSG_DONTWAIT);
	while ((n < 0 && errno == EINTR) || n > (ssize_t)cap);
	if (n > 0) {
		*len = (size_t)n;
		return FRAME_DONE;
	}
	return n < 0 && (errno == EAGAIN || errno == ENOMEM) ? FRAME_AGAIN
							     : FRAME_CLOSED;
}
