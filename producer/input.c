/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/input.h"

#include "io/document.h"
#include "io/idna.h"
#include "io/message.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUF_MAX 65536
#define IDLE_MS 50

struct input {
	const struct command *c;
	enum job_kind kind;
	enum input_org need_org;
	const char *org; /* of what names none, "" = none */
	size_t word;	 /* next of the command line */
	const char *path;
	int fd;			 /* -1 = no file */
	void (*idle)(void *arg); /* NULL = none */
	void *idle_arg;
	uint64_t line;
	int64_t bytes, bytes_all;
	char place[INPUT_PLACE_MAX];
	size_t len;
	char text[MESSAGE_JOB_MAX + 1];
	size_t at, got; /* of buf */
	char buf[BUF_MAX];
};

/* --- opening -------------------------------------------------------------- */

/* "-" as a word is the same as -f -. */
static const char *
file_of(const struct options *o)
{
	if (o->given[OPTION_INPUT])
		return o->text[OPTION_INPUT];
	for (size_t i = 0; i < o->args_n; i++) {
		if (strcmp(o->args[i], "-") == 0)
			return "-";
	}
	return NULL;
}

static enum next
open_file(struct input *in, struct err *e)
{
	struct stat st;

	if (strcmp(in->path, "-") == 0) {
		in->fd = STDIN_FILENO;
		in->path = "stdin";
	} else {
		in->fd = open(in->path, O_RDONLY | O_CLOEXEC);
	}
	if (in->fd < 0 || fstat(in->fd, &st) != 0) {
		err_set(e, "%.200s: %s", in->path, strerror(errno));
		return STOP;
	}
	if (S_ISDIR(st.st_mode)) {
		err_set(e, "%.200s: is a folder", in->path);
		return STOP;
	}
	in->bytes_all = S_ISREG(st.st_mode) ? st.st_size : 0;
	return OK;
}

enum next
input_open(struct input **out, const struct command *c, enum job_kind kind,
    enum input_org org, struct err *e)
{
	struct input *in = calloc(1, sizeof(*in));

	*out = in;
	if (in == NULL) {
		err_set(e, "memory is out");
		return STOP;
	}
	in->c = c;
	in->fd = -1;
	in->kind = kind;
	in->need_org = org;
	in->org = command_org(c);
	in->path = file_of(&c->options);
	if (in->org[0] != '\0' && !command_word_ok(in->org, ORG_MAX)) {
		err_set(e,
		    "organisation '%.80s': 1 to %d of letters, digits, "
		    "'.', '_', '-' are wanted",
		    in->org, ORG_MAX);
		return REJECT;
	}
	if (in->path != NULL)
		return open_file(in, e);
	if (c->options.args_n == 0) {
		err_set(e, "%s wants a domain, -f FILE or -",
		    option_verb_name(c->options.verb));
		return REJECT;
	}
	if (org == INPUT_ORG_WANTED && in->org[0] == '\0') {
		err_set(e, "whose domain? say --org ORG or set "
			   "DOMAINPROOF_ORG");
		return REJECT;
	}
	return OK;
}

void
input_close(struct input *in)
{
	if (in != NULL && in->fd >= 0 && in->fd != STDIN_FILENO)
		close(in->fd);
	free(in);
}

/* --- one ------------------------------------------------------------------ */

static void
new_request(const struct input *in, struct job_request *r)
{
	*r = (struct job_request){.kind = in->kind, .deadline_ms = -1};
	snprintf(r->org, sizeof(r->org), "%s", in->org);
}

static enum input_next
judge_org(const struct input *in, const struct job_request *r, struct err *e)
{
	if (r->org[0] != '\0' || in->need_org == INPUT_ORG_OPTIONAL)
		return INPUT_ONE;
	err_set(e, "whose domain? write DOMAIN,ORG, say --org ORG or set "
		   "DOMAINPROOF_ORG");
	return INPUT_WRONG;
}

static enum input_next
take_domain(const struct input *in, const char *text, size_t len,
    struct job_request *r, struct err *e)
{
	if (idna_canonical(text, len, r->domain, e) != OK)
		return INPUT_WRONG;
	return judge_org(in, r, e);
}

static void
trim(const char **text, size_t *len)
{
	while (*len > 0 && strchr(" \t\r", (*text)[*len - 1]) != NULL)
		(*len)--;
	while (*len > 0 && (**text == ' ' || **text == '\t')) {
		(*text)++;
		(*len)--;
	}
}

/* domain[,org] */
static enum input_next
take_pair(const struct input *in, const char *text, size_t len,
    struct job_request *r, struct err *e)
{
	const char *comma = memchr(text, ',', len);
	const char *org;
	size_t org_len;

	if (comma == NULL)
		return take_domain(in, text, len, r, e);
	org = comma + 1;
	org_len = len - (size_t)(org - text);
	len = (size_t)(comma - text);
	trim(&org, &org_len);
	trim(&text, &len);
	snprintf(r->org, sizeof(r->org), "%.*s", (int)org_len, org);
	if (org_len <= ORG_MAX && strlen(r->org) == org_len &&
	    command_word_ok(r->org, ORG_MAX))
		return take_domain(in, text, len, r, e);
	err_set(e,
	    "organisation '%.*s': 1 to %d of letters, digits, '.', '_', "
	    "'-' are wanted",
	    org_len > 80 ? 80 : (int)org_len, org, ORG_MAX);
	return INPUT_WRONG;
}

/* --- job objects ---------------------------------------------------------- */

static enum next
set_missing(
    struct document *d, const char *name, const char *word, struct err *e)
{
	char json[ORG_MAX + 3];

	if (word[0] == '\0' || document_text(d, name) != NULL)
		return OK;
	snprintf(json, sizeof(json), "\"%s\"", word);
	return document_set(d, name, json, e);
}

/* The data of a job alone: put into an envelope, with what the command line
 * says where it says nothing. Its id may stand in it. NULL: e is set. */
static char *
wrap(const struct input *in, struct document *d, bool *own_id, struct err *e)
{
	const char *id = document_text(d, "id");
	char *data, *out = NULL;

	*own_id = id != NULL;
	if (id != NULL && !command_word_ok(id, JOB_ID_MAX)) {
		err_set(e,
		    "id: 1 to %d of letters, digits, '.', '_', '-' are "
		    "wanted",
		    JOB_ID_MAX);
		return NULL;
	}
	if (set_missing(d, "org", in->org, e) != OK ||
	    set_missing(d, "kind", job_kind_name(in->kind), e) != OK)
		return NULL;
	data = document_write(d);
	if (data == NULL ||
	    asprintf(&out,
		"{\"specversion\":\"1.0\",\"id\":\"%s\",\"source\":\"-\","
		"\"type\":\"domainproof.job.v1\",\"data\":%s}",
		id != NULL ? id : "none", data) < 0) {
		err_set(e, "memory is out");
		out = NULL;
	}
	document_text_free(data);
	return out;
}

static enum input_next
judge_job(const struct input *in, const char *text, bool own_id,
    struct job_request *r, struct err *e)
{
	static struct message_job m;

	message_job_read(text, strlen(text), &m);
	if (m.code != CODE_NONE) {
		err_set(e, "%s: %s", code_name(m.code), m.why);
		return INPUT_WRONG;
	}
	*r = m.request;
	if (!own_id)
		r->id[0] = '\0';
	if (in->kind == JOB_CLAIM && r->kind != JOB_CLAIM) {
		err_set(e,
		    "kind %s: claim takes claims only; post it with: "
		    "domainproof verify",
		    job_kind_name(r->kind));
		return INPUT_WRONG;
	}
	return take_domain(
	    in, m.request.domain, strlen(m.request.domain), r, e);
}

static enum input_next
take_job(const struct input *in, const char *text, size_t len,
    struct job_request *r, struct err *e)
{
	enum input_next got = INPUT_WRONG;
	struct document *d;
	bool own_id = true;
	char *whole;

	if (document_read(&d, text, len, e) != OK)
		return INPUT_WRONG;
	whole = document_text(d, "specversion") != NULL
		    ? strndup(text, len)
		    : wrap(in, d, &own_id, e);
	if (whole != NULL)
		got = judge_job(in, whole, own_id, r, e);
	free(whole);
	document_free(d);
	return got;
}

/* --- lines ---------------------------------------------------------------- */

/* Some editors begin a file with a byte order mark. */
static void
drop_mark(struct input *in)
{
	if (in->len < 3 || memcmp(in->text, "\xef\xbb\xbf", 3) != 0)
		return;
	in->len -= 3;
	memmove(in->text, in->text + 3, in->len + 1);
}

enum line { LINE_READ, LINE_LONG, LINE_END, LINE_BROKEN };

/* More octets into buf: their number, 0 at the end, -1 with errno. */
static ssize_t
refill(struct input *in)
{
	struct pollfd p = {.fd = in->fd, .events = POLLIN};

	while (!command_interrupted()) {
		int ready = poll(&p, 1, in->idle != NULL ? IDLE_MS : -1);
		ssize_t n;

		if (ready == 0) {
			in->idle(in->idle_arg);
			continue;
		}
		n = ready < 0 ? -1 : read(in->fd, in->buf, sizeof(in->buf));
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		in->at = 0;
		in->got = n > 0 ? (size_t)n : 0;
		return n;
	}
	errno = EINTR;
	return -1;
}

/* Moves octets of buf up to the line's end into text. True: the end was
 * there. */
static bool
move_part(struct input *in, bool *cut)
{
	const char *from = in->buf + in->at;
	size_t left = in->got - in->at;
	const char *end = memchr(from, '\n', left);
	size_t len = end != NULL ? (size_t)(end - from) : left;
	size_t room = sizeof(in->text) - 1 - in->len;

	in->at += len + (end != NULL);
	in->bytes += (int64_t)len + (end != NULL);
	if (len > room) {
		*cut = true;
		len = room;
	}
	memcpy(in->text + in->len, from, len);
	in->len += len;
	return end != NULL;
}

static enum line
read_line(struct input *in)
{
	bool cut = false, whole = false;
	ssize_t n = 1;

	in->len = 0;
	while (!whole) {
		if (in->at == in->got && (n = refill(in)) <= 0)
			break;
		whole = move_part(in, &cut);
	}
	in->text[in->len] = '\0';
	if (n < 0)
		return LINE_BROKEN;
	if (!whole && in->len == 0)
		return LINE_END;
	if (++in->line == 1)
		drop_mark(in);
	return cut ? LINE_LONG : LINE_READ;
}

static enum input_next
take_line(struct input *in, struct job_request *r, struct err *e)
{
	const char *text = in->text;
	size_t len = in->len;

	snprintf(in->place, sizeof(in->place), "%.200s:%" PRIu64, in->path,
	    in->line);
	new_request(in, r);
	trim(&text, &len);
	if (len > 0 && text[0] == '{')
		return take_job(in, text, len, r, e);
	return take_pair(in, text, len, r, e);
}

static bool
is_blank(const struct input *in)
{
	const char *text = in->text;
	size_t len = in->len;

	trim(&text, &len);
	return len == 0 || text[0] == '#';
}

static enum input_next
take_from_file(struct input *in, struct job_request *r, struct err *e)
{
	for (;;) {
		switch (read_line(in)) {
		case LINE_END:
			return INPUT_END;
		case LINE_BROKEN:
			err_set(e, "%.200s: %s", in->path, strerror(errno));
			return INPUT_BROKEN;
		case LINE_LONG:
			snprintf(in->place, sizeof(in->place),
			    "%.200s:%" PRIu64, in->path, in->line);
			err_set(e, "longer than %d octets", MESSAGE_JOB_MAX);
			return INPUT_WRONG;
		case LINE_READ:
			if (!is_blank(in))
				return take_line(in, r, e);
		}
	}
}

enum input_next
input_take(struct input *in, struct job_request *r, struct err *e)
{
	const struct options *o = &in->c->options;
	const char *word;

	while (in->word < o->args_n) {
		word = o->args[in->word++];
		if (strcmp(word, "-") == 0)
			continue;
		snprintf(in->place, sizeof(in->place), "%.200s", word);
		new_request(in, r);
		return take_domain(in, word, strlen(word), r, e);
	}
	return in->fd >= 0 ? take_from_file(in, r, e) : INPUT_END;
}

void
input_idle(struct input *in, void (*idle)(void *arg), void *arg)
{
	in->idle = idle;
	in->idle_arg = arg;
}

const char *
input_place(const struct input *in)
{
	return in->place;
}

uint64_t
input_line(const struct input *in)
{
	return in->line;
}

bool
input_many(const struct input *in)
{
	return in->fd >= 0 || in->c->options.args_n > 1;
}

int64_t
input_bytes(const struct input *in)
{
	return in->bytes;
}

int64_t
input_bytes_all(const struct input *in)
{
	return in->bytes_all;
}
