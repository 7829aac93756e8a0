/* SPDX-License-Identifier: Apache-2.0 */
/* Frames between our processes: SOCK_SEQPACKET socketpairs, non-blocking,
 * close-on-exec. What is in a frame: core/wire.h. */
#pragma once
#include "core/err.h"

/* fd[0] and fd[1] are the two ends. */
enum next frame_pair(int fd[2], struct err *e) MUST_USE;

enum frame_result {
	FRAME_DONE,
	FRAME_AGAIN,  /* would block: wait for the fd */
	FRAME_CLOSED, /* the other end is gone */
};

enum frame_result frame_send(int fd, const void *bytes, size_t len) MUST_USE;
/* A frame that is longer than cap is dropped and the next one read. */
enum frame_result frame_receive(
    int fd, void *buf, size_t cap, size_t *len) MUST_USE;
