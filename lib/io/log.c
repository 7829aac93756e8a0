/* SPDX-License-Identifier: Apache-2.0 */
#include "io/log.h"

#include "io/clock.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A line is at most LINE_OCTETS long (PIPE_BUF: lines of several processes do
 * not mix in a pipe), one string at most TEXT_OCTETS of it. What does not fit
 * is cut, and the line then says "cut":1. */
#define LINE_OCTETS 4096
#define TEXT_OCTETS 1200
#define CUT	    ",\"cut\":1"
#define END	    "}\n"

struct line {
	char buf[LINE_OCTETS];
	size_t len;
	size_t cap; /* of buf now */
	bool cut;
};

static const char *const level_name[] = {
    [LOG_DEBUG] = "debug",
    [LOG_INFO] = "info",
    [LOG_WARN] = "warning",
    [LOG_ERROR] = "error",
};

static const char *role_name = "domainproof";
static enum log_level least_level = LOG_INFO;

/* All of the bytes or none. */
static bool
put(struct line *l, const char *bytes, size_t len)
{
	if (len > l->cap - l->len) {
		l->cut = true;
		return false;
	}
	memcpy(l->buf + l->len, bytes, len);
	l->len += len;
	return true;
}

static bool put_fmt(struct line *l, const char *fmt, ...) PRINTF(2, 3);

static bool
put_fmt(struct line *l, const char *fmt, ...)
{
	char text[160];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return put(
	    l, text, n < (int)sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

/* Length of the well-formed UTF-8 sequence at s (RFC 3629: no overlong forms,
 * no surrogates, nothing past U+10FFFF) and its code point; 0 if it is none. */
static size_t
utf8(const unsigned char *s, uint32_t *point)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t len = s[0] < 0x80		    ? 1
		     : s[0] >= 0xc2 && s[0] <= 0xdf ? 2
		     : (s[0] & 0xf0) == 0xe0	    ? 3
		     : s[0] >= 0xf0 && s[0] <= 0xf4 ? 4
						    : 0;

	if (len <= 1) {
		*point = s[0];
		return len;
	}
	*point = s[0] & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*point = *point << 6 | (s[i] & 0x3fu);
	}
	if (*point < least[len] || *point > 0x10ffff)
		return 0;
	return *point >= 0xd800 && *point <= 0xdfff ? 0 : len;
}

/* Controls (C1 too) and marks that turn the direction of writing round or
 * break lines: whoever reads the log on a terminal must not be led astray. */
static bool
must_escape(uint32_t point)
{
	return point < 0x20 || (point >= 0x7f && point < 0xa0) ||
	       (point >= 0x200e && point <= 0x200f) ||
	       (point >= 0x2028 && point <= 0x202e) ||
	       (point >= 0x2066 && point <= 0x2069) || point == 0xfeff;
}

static bool
put_point(struct line *l, const unsigned char *s, size_t len, uint32_t point)
{
	if (len == 0)
		return put(l, "\\ufffd", 6);
	if (must_escape(point))
		return put_fmt(l, "\\u%04" PRIx32, point);
	if (point == '"' || point == '\\')
		return put_fmt(l, "\\%c", (char)point);
	return put(l, (const char *)s, len);
}

/* A quoted string, cut where it does not fit, its last quote always there. */
static void
put_text(struct line *l, const char *name, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t cap = l->cap;
	bool fits;

	if (!put_fmt(l, ",\"%s\":\"", name))
		return;
	if (l->len == cap) {
		l->len -= strlen(name) + 5;
		l->cut = true;
		return;
	}
	l->cap = cap - l->len > TEXT_OCTETS ? l->len + TEXT_OCTETS : cap - 1;
	for (fits = true; fits && *s != '\0';) {
		uint32_t point;
		size_t len = utf8(s, &point);

		fits = put_point(l, s, len, point);
		s += len == 0 ? 1 : len;
	}
	l->cap = cap;
	put(l, "\"", 1);
}

static void
put_line(struct line *l, enum log_level level, const char *event,
    const struct log_field *fields)
{
	char at[CLOCK_TEXT];

	l->cap = sizeof(l->buf) - strlen(CUT END);
	clock_show(clock_wall_ms(), at);
	put_fmt(l,
	    "{\"at\":\"%s\",\"level\":\"%s\",\"role\":\"%s\",\"pid\":%ld", at,
	    level_name[level], role_name, (long)getpid());
	put_text(l, "event", event);
	for (; fields != NULL && fields->name != NULL; fields++) {
		if (fields->text != NULL)
			put_text(l, fields->name, fields->text);
		else
			put_fmt(l, ",\"%s\":%" PRId64, fields->name,
			    fields->number);
	}
	l->cap = sizeof(l->buf);
	if (l->cut)
		put(l, CUT, strlen(CUT));
	put(l, END, strlen(END));
}

void
log_open(const char *role, enum log_level least)
{
	role_name = role;
	least_level = least;
}

void
log_line(
    enum log_level level, const char *event, const struct log_field *fields)
{
	struct line l = {.len = 0};
	int sys = errno;
	ssize_t n;

	if (level < least_level)
		return;
	put_line(&l, level, event, fields);
	do
		n = write(STDERR_FILENO, l.buf, l.len);
	while (n < 0 && errno == EINTR);
	errno = sys;
}

bool
log_level_parse(const char *name, enum log_level *out)
{
	for (size_t i = 0; i < ARRAY_LEN(level_name); i++) {
		if (strcmp(name, level_name[i]) == 0) {
			*out = (enum log_level)i;
			return true;
		}
	}
	return false;
}
