/* SPDX-License-Identifier: Apache-2.0 */
#include "io/notify.h"

#include "io/log.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A path, or "@name" for the abstract name space. */
static int
reach(const char *name)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	size_t len = strlen(name);
	int fd;

	if ((*name != '/' && *name != '@') || len >= sizeof(to.sun_path)) {
		errno = EINVAL;
		return -1;
	}
	memcpy(to.sun_path, name, len);
	if (*name == '@')
		to.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	len += offsetof(struct sockaddr_un, sun_path);
	if (fd >= 0 &&
	    connect(fd, (struct sockaddr *)&to, (socklen_t)len) != 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* Half of what the manager allows, as its manual asks for. */
static int64_t
watch_ms(void)
{
	const char *usec = getenv("WATCHDOG_USEC");
	const char *pid = getenv("WATCHDOG_PID");

	if (usec == NULL || (pid != NULL && atol(pid) != getpid()))
		return 0;
	return strtoll(usec, NULL, 10) / 2000;
}

void
notify_open(struct notify *n)
{
	const char *name = getenv("NOTIFY_SOCKET");

	*n = (struct notify){.fd = -1};
	if (name != NULL && *name != '\0') {
		n->fd = reach(name);
		if (n->fd < 0)
			log_line(LOG_WARN, "notify.unreachable",
			    FIELDS(TEXT("socket", name),
				TEXT("why", strerror(errno))));
	}
	if (n->fd >= 0)
		n->watch_ms = watch_ms();
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

void
notify_say(const struct notify *n, const char *text)
{
	if (n->fd >= 0 && send(n->fd, text, strlen(text), MSG_NOSIGNAL) < 0)
		log_line(LOG_WARN, "notify.lost",
		    FIELDS(TEXT("text", text), TEXT("why", strerror(errno))));
}

void
notify_close(struct notify *n)
{
	if (n->fd >= 0)
		close(n->fd);
	n->fd = -1;
}
