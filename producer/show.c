/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/show.h"

#include "core/json.h"
#include "io/clock.h"
#include "io/idna.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WIDTH	  78
#define BAR_WIDTH 24
#define DRAW_MS	  100

/* --- text ----------------------------------------------------------------- */

/* Characters that a terminal shows as themselves, in the order they stand. */
static bool
is_plain(uint32_t c)
{
	static const struct {
		uint32_t from, to;
	} odd[] = {
	    {0, 0x1f}, {0x7f, 0x9f}, {0x200b, 0x200f}, /* no width, direction */
	    {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfeff, 0xfeff},
	    {0xfff9, 0xfffb}, {0xe0000, 0x10ffff}, /* tags, private use */
	};

	for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
		if (c >= odd[i].from && c <= odd[i].to)
			return false;
	}
	return true;
}

void
show_line(const char *text, char *out, size_t cap)
{
	const uint8_t *p = (const uint8_t *)text;
	size_t left = strlen(text), n = 0;

	while (left > 0) {
		uint32_t c = 0;
		size_t len = json_utf8(p, left, &c);
		bool plain = len > 0 && is_plain(c);

		if (!plain)
			len = 1;
		if (n + (plain ? len : 4) >= cap)
			break;
		if (plain) {
			memcpy(out + n, p, len);
			n += len;
		} else {
			n += (size_t)snprintf(out + n, cap - n, "\\%03u", *p);
		}
		p += len;
		left -= len;
	}
	out[n] = '\0';
}

void
show_domain(const char *domain, char *out)
{
	char u[4 * DNAME_TEXT_MAX + 1], both[SHOW_DOMAIN_MAX];

	idna_show(domain, u);
	if (strcmp(u, domain) == 0)
		snprintf(both, sizeof(both), "%s", domain);
	else
		snprintf(both, sizeof(both), "%s (%s)", u, domain);
	show_line(both, out, SHOW_DOMAIN_MAX);
}

void
show_span(int64_t ms, char *out)
{
	static const struct {
		int64_t ms;
		const char *name;
	} unit[] = {
	    {86400000, "d"},
	    {3600000, "h"},
	    {60000, "min"},
	    {1000, "s"},
	};
	size_t i = 0;

	if (ms < 0)
		ms = 0;
	/* two of a unit, before it is used: 90 min says more than 1 h */
	while (i < ARRAY_LEN(unit) - 1 && ms < 2 * unit[i].ms)
		i++;
	snprintf(out, SHOW_SPAN_MAX, "%" PRId64 " %s", ms / unit[i].ms,
	    unit[i].name);
}

/* --- colours -------------------------------------------------------------- */

bool
show_colours(FILE *f)
{
	const char *no = getenv("NO_COLOR");

	return isatty(fileno(f)) == 1 && (no == NULL || no[0] == '\0');
}

enum tint
show_tint(const char *shield)
{
	static const enum tint tints[] = {
	    [SHIELD_GREY] = TINT_GREY,
	    [SHIELD_AMBER] = TINT_AMBER,
	    [SHIELD_GREEN] = TINT_GREEN,
	    [SHIELD_RED] = TINT_RED,
	};

	for (size_t i = 0; i < ARRAY_LEN(tints); i++) {
		if (strcmp(shield_name((enum shield)i), shield) == 0)
			return tints[i];
	}
	return TINT_NONE;
}

void
show_dot(FILE *f, enum tint tint)
{
	static const char *const code[] = {
	    [TINT_NONE] = "0",
	    [TINT_GREY] = "90",
	    [TINT_AMBER] = "33",
	    [TINT_GREEN] = "32",
	    [TINT_RED] = "31",
	};

	if (show_colours(f))
		fprintf(f, "\033[%sm●\033[0m", code[tint]);
	else
		fputs("●", f);
}

/* --- lines ---------------------------------------------------------------- */

static size_t
columns_of(const char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += ((uint8_t)text[i] & 0xc0) != 0x80;
	return n;
}

void
show_padded(FILE *f, const char *text, size_t columns)
{
	size_t used = columns_of(text, strlen(text));

	fputs(text, f);
	fprintf(f, "%*s", used < columns ? (int)(columns - used) : 0, "");
}

void
show_paragraph(FILE *f, const char *lead, const char *text, size_t indent)
{
	show_padded(f, lead, indent);
	show_wrapped(f, text, indent);
}

void
show_wrapped(FILE *f, const char *text, size_t indent)
{
	char shown[4096];
	const char *s = shown;
	size_t at = indent;

	show_line(text, shown, sizeof(shown));
	while (*s != '\0') {
		size_t len = strcspn(s, " ");
		size_t columns = columns_of(s, len);

		if (at > indent && at + 1 + columns > WIDTH) {
			fprintf(f, "\n%*s", (int)indent, "");
			at = indent;
		} else if (at > indent) {
			fputc(' ', f);
			at++;
		}
		fwrite(s, 1, len, f);
		at += columns;
		s += len;
		s += strspn(s, " ");
	}
	fputc('\n', f);
}

/* --- progress ------------------------------------------------------------- */

void
progress_begin(struct progress *p, const char *what, int64_t bytes_all)
{
	*p = (struct progress){
	    .on = isatty(STDERR_FILENO) == 1,
	    .what = what,
	    .began_at = clock_mono_ms(),
	    .bytes_all = bytes_all,
	};
	p->drawn_at = p->began_at;
}

static void
draw_share(const struct progress *p, int64_t took_ms)
{
	int64_t part = p->bytes < p->bytes_all ? p->bytes : p->bytes_all;
	int full = (int)(part * BAR_WIDTH / p->bytes_all);
	char left[SHOW_SPAN_MAX];

	fprintf(stderr, "  [%.*s%*s] %3d %%", full, "########################",
	    BAR_WIDTH - full, "", (int)(part * 100 / p->bytes_all));
	if (part == 0)
		return;
	show_span(took_ms * (p->bytes_all - part) / part, left);
	fprintf(stderr, "  %s left", left);
}

void
progress_draw(struct progress *p)
{
	int64_t now = p->on ? clock_mono_ms() : 0;
	int64_t took = now - p->began_at;

	if (!p->on || now - p->drawn_at < DRAW_MS)
		return;
	p->drawn_at = now;
	fprintf(stderr, "\r\033[K%s %" PRIu64 "  %" PRIu64 "/s", p->what,
	    p->done, p->done * 1000 / (uint64_t)took);
	if (p->bytes_all > 0)
		draw_share(p, took);
	fflush(stderr);
}

void
progress_hide(struct progress *p)
{
	if (p->on && p->drawn_at != p->began_at)
		fprintf(stderr, "\r\033[K");
}

void
progress_end(struct progress *p)
{
	progress_hide(p);
	p->on = false;
}
