/* SPDX-License-Identifier: Apache-2.0 */
/* What a service manager is told (systemd's sd_notify protocol: datagrams to
 * the socket named by NOTIFY_SOCKET). Without a manager all of it does
 * nothing. One thread. */
#pragma once
#include "core/err.h"

struct notify {
	int fd;		  /* -1: nobody listens */
	int64_t watch_ms; /* how often notify_say("WATCHDOG=1") is awaited, at
			   * the latest; 0 = not */
};

/* Reads the environment and takes the variables out of it, so that no child
 * speaks for us. A socket that can't be reached is logged and left. */
void notify_open(struct notify *n);
void notify_say(const struct notify *n, const char *text);
void notify_close(struct notify *n);
