/* SPDX-License-Identifier: Apache-2.0 */
/* What a verb is to work on: domains of the command line, lines of files, job
 * objects; one at a time, so that a million lines need no more memory than
 * one. */
#pragma once
#include "core/job.h"
#include "producer/command.h"

#define INPUT_PLACE_MAX 300

struct input;

enum input_org { INPUT_ORG_WANTED, INPUT_ORG_OPTIONAL };

/* kind: of what names no kind itself. REJECT: nothing to work on. STOP: a file
 * that can't be read. Closed by input_close. */
enum next input_open(struct input **out, const struct command *c,
    enum job_kind kind, enum input_org org, struct err *e) MUST_USE;
void input_close(struct input *in);

enum input_next {
	INPUT_ONE, /* *r is filled: domain canonical, id "" if none is given */
	INPUT_WRONG, /* e says what; input_place where */
	INPUT_END,
	INPUT_BROKEN, /* the file can't be read further */
};
enum input_next input_take(
    struct input *in, struct job_request *r, struct err *e);
/* Called whenever no input is there for a moment (a pipe that is slow). */
void input_idle(struct input *in, void (*idle)(void *arg), void *arg);
/* "FILE:LINE" of what was taken last, or the word itself. */
const char *input_place(const struct input *in);
uint64_t input_line(const struct input *in); /* 0 = a word */
/* There may be more than one: ids get numbers. */
bool input_many(const struct input *in);
/* Octets read of the file and its size, 0 = not known. */
int64_t input_bytes(const struct input *in);
int64_t input_bytes_all(const struct input *in);
