/* SPDX-License-Identifier: Apache-2.0 */
#include "io/conf_type.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define NAME_CHARS                                                             \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

static const struct unit {
	const char *name;
	int64_t ms;
} unit[] = {
    /* longest first: the first that divides a value shows it */
    {"d", 86400000},
    {"h", 3600000},
    {"min", 60000},
    {"s", 1000},
    {"ms", 1},
};

bool
conf_duration(const char *text, int64_t *ms)
{
	char *end;
	int64_t n;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	n = strtoll(text, &end, 10);
	while (*end == ' ')
		end++;
	for (size_t i = 0; errno == 0 && i < ARRAY_LEN(unit); i++) {
		if (strcmp(end, unit[i].name) != 0)
			continue;
		return !__builtin_mul_overflow(n, unit[i].ms, ms);
	}
	return false;
}

static void
show_duration(int64_t ms, FILE *out)
{
	size_t i = 0;

	while (ms % unit[i].ms != 0 || (ms == 0 && unit[i].ms != 1000))
		i++;
	fprintf(out, "\"%" PRId64 " %s\"", ms / unit[i].ms, unit[i].name);
}

/* NULL when the value is no text that can be printed. */
static const char *
get_text(const config_setting_t *value, struct err *why)
{
	const char *text = config_setting_get_string(value);

	if (text == NULL) {
		err_set(why, "must be a text in double quotes");
		return NULL;
	}
	for (const char *s = text; *s != '\0'; s++) {
		if ((unsigned char)*s >= 0x20 && *s != 0x7f)
			continue;
		err_set(why, "holds a control character");
		return NULL;
	}
	return text;
}

static bool
set_text(const struct conf_row *row, const config_setting_t *value, char *field,
    struct err *why)
{
	const char *text = get_text(value, why);
	size_t len = text == NULL ? 0 : strlen(text);

	if (text == NULL)
		return false;
	if (len < (size_t)row->min || len > (size_t)row->max) {
		err_set(why,
		    "must have %" PRId64 " to %" PRId64 " octets, has %zu",
		    row->min, row->max, len);
		return false;
	}
	memcpy(field, text, len + 1);
	return true;
}

static bool
is_name(const char *text)
{
	return text[strspn(text, NAME_CHARS)] == '\0';
}

static bool
set_name(const struct conf_row *row, const config_setting_t *value, char *field,
    struct err *why)
{
	if (!set_text(row, value, field, why))
		return false;
	if (is_name(field))
		return true;
	err_set(why, "may hold letters, digits, '.', '_' and '-' only");
	return false;
}

/* Index of the value among the row's words, or -1. */
static int
get_word(
    const struct conf_row *row, const config_setting_t *value, struct err *why)
{
	const char *text = get_text(value, why);
	char all[128] = "";

	if (text == NULL)
		return -1;
	for (int i = 0; row->words[i] != NULL; i++) {
		size_t len = strlen(all);

		if (strcmp(row->words[i], text) == 0)
			return i;
		snprintf(all + len, sizeof(all) - len, "%s\"%s\"",
		    i == 0 ? "" : ", ", row->words[i]);
	}
	err_set(why, "must be one of %s", all);
	return -1;
}

static bool
set_word(const struct conf_row *row, const config_setting_t *value, char *field,
    struct err *why)
{
	int i = get_word(row, value, why);

	if (i >= 0)
		memcpy(field, row->words[i], strlen(row->words[i]) + 1);
	return i >= 0;
}

static bool
set_enum(const struct conf_row *row, const config_setting_t *value, void *field,
    struct err *why)
{
	int i = get_word(row, value, why);

	if (i >= 0)
		memcpy(field, &i, sizeof(i));
	return i >= 0;
}

static bool
get_number(const struct conf_row *row, const config_setting_t *value,
    int64_t *out, struct err *why)
{
	int type = config_setting_type(value);

	*out = config_setting_get_int64(value);
	if (type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64) {
		err_set(why, "must be a whole number%s",
		    row->type == TYPE_MS ? " of milliseconds" : "");
		return false;
	}
	if (*out >= row->min && *out <= row->max)
		return true;
	err_set(why, "must be %" PRId64 " to %" PRId64 ", is %" PRId64,
	    row->min, row->max, *out);
	return false;
}

static bool
set_count(const struct conf_row *row, const config_setting_t *value,
    unsigned *field, struct err *why)
{
	int64_t n;

	if (!get_number(row, value, &n, why))
		return false;
	*field = (unsigned)n;
	return true;
}

static bool
get_duration(const struct conf_row *row, const config_setting_t *value,
    int64_t *ms, struct err *why)
{
	const char *text = get_text(value, why);

	if (text == NULL)
		return false;
	if (!conf_duration(text, ms)) {
		err_set(why,
		    "\"%.40s\" is no duration: write a whole number and ms, "
		    "s, min, h or d, such as \"5 min\"",
		    text);
		return false;
	}
	if (*ms >= row->min && *ms <= row->max)
		return true;
	err_set(why, "\"%s\" is out of bounds: %" PRId64 " to %" PRId64 " s",
	    text, row->min / 1000, row->max / 1000);
	return false;
}

static bool
set_bool(const config_setting_t *value, bool *field, struct err *why)
{
	if (config_setting_type(value) != CONFIG_TYPE_BOOL) {
		err_set(why, "must be true or false");
		return false;
	}
	*field = config_setting_get_bool(value) != 0;
	return true;
}

static bool
set_path(const struct conf_row *row, const config_setting_t *value,
    const struct conf_place *place, char *field, struct err *why)
{
	const char *text = get_text(value, why);
	int n;

	if (text == NULL)
		return false;
	if (*text == '\0' && row->min > 0) {
		err_set(why, "must not be empty");
		return false;
	}
	if (*text == '/' || *text == '\0')
		n = snprintf(field, CONF_TEXT_MAX + 1, "%s", text);
	else
		n = snprintf(
		    field, CONF_TEXT_MAX + 1, "%s/%s", place->dir, text);
	if (n <= CONF_TEXT_MAX)
		return true;
	err_set(why, "is a path of more than %d octets", CONF_TEXT_MAX);
	return false;
}

/* Where the password of "redis://[user]:password@host" begins and how long
 * it is; NULL if there is none. */
static const char *
find_password(const char *url, size_t *len)
{
	const char *at = strrchr(url, '@');
	const char *begin = strchr(url, ':');

	if (at == NULL || begin == NULL || strncmp(begin, "://", 3) != 0 ||
	    at < begin + 3)
		return NULL;
	begin = memchr(begin + 3, ':', (size_t)(at - begin - 3));
	if (begin == NULL)
		return NULL;
	*len = (size_t)(at - begin - 1);
	return begin + 1;
}

static bool
set_url(const struct conf_row *row, const config_setting_t *value,
    const struct conf_place *place, char *field, struct err *why)
{
	size_t len;

	if (!set_text(row, value, field, why))
		return false;
	if (find_password(field, &len) == NULL || !place->others_read)
		return true;
	err_set(why, "holds a password, but others may read this file: "
		     "chmod o= it");
	return false;
}

/* -- lists --------------------------------------------------------------- */

static bool
is_list(const config_setting_t *value, size_t most, struct err *why)
{
	int type = config_setting_type(value);

	if (type != CONFIG_TYPE_ARRAY && type != CONFIG_TYPE_LIST) {
		err_set(why, "must be a list, such as [\"...\", \"...\"]");
		return false;
	}
	if ((size_t)config_setting_length(value) <= most)
		return true;
	err_set(why, "has more than %zu elements", most);
	return false;
}

static const config_setting_t *
element(const config_setting_t *list, size_t i)
{
	return config_setting_get_elem(list, (unsigned)i);
}

static bool
is_port(const char *text)
{
	char *rest;
	long n = strtol(text, &rest, 10);

	return *text >= '0' && *text <= '9' && *rest == '\0' && n >= 1 &&
	       n <= 65535;
}

/* ADDR or ADDR:PORT; an IPv6 ADDR with a port stands in brackets. */
static bool
is_address(const char *text)
{
	struct in_addr v4;
	struct in6_addr v6;
	char addr[64];
	bool brackets = *text == '[';
	const char *end = strchr(text, brackets ? ']' : ':');
	size_t len;

	if (inet_pton(AF_INET6, text, &v6) == 1)
		return true;
	if (end == NULL)
		return inet_pton(AF_INET, text, &v4) == 1;
	len = (size_t)(end - text) - brackets;
	if (brackets)
		end++;
	if (*end != ':' || !is_port(end + 1) || len >= sizeof(addr))
		return false;
	memcpy(addr, text + brackets, len);
	addr[len] = '\0';
	return brackets ? inet_pton(AF_INET6, addr, &v6) == 1
			: inet_pton(AF_INET, addr, &v4) == 1;
}

/* HOST, HOST:PORT, [V6] or [V6]:PORT, len octets of text. */
static bool
is_broker(const char *text, size_t len)
{
	char place[CONF_TEXT_MAX + 1];
	struct in6_addr v6;
	char *end;

	memcpy(place, text, len);
	place[len] = '\0';
	if (place[0] == '[') {
		end = strchr(place, ']');
		if (end == NULL)
			return false;
		*end++ = '\0';
		if (inet_pton(AF_INET6, place + 1, &v6) != 1)
			return false;
	} else {
		end = place + strcspn(place, ":");
		len = (size_t)(end - place);
		if (len == 0 || strspn(place, NAME_CHARS) != len)
			return false;
	}
	return *end == '\0' || (*end == ':' && is_port(end + 1));
}

static bool
set_brokers(const struct conf_row *row, const config_setting_t *value,
    char *field, struct err *why)
{
	const char *text = field;

	if (!set_text(row, value, field, why))
		return false;
	for (;; text++) {
		size_t len;

		text += strspn(text, " ");
		len = strcspn(text, ",");

		if (!is_broker(text, len)) {
			err_set(why,
			    "\"%.*s\" is no broker: write HOST:PORT, with "
			    "commas between several",
			    len < 80 ? (int)len : 80, text);
			return false;
		}
		text += len;
		if (*text == '\0')
			return true;
	}
}

static bool
set_resolvers(const config_setting_t *list, struct settings *s, struct err *why)
{
	size_t n = (size_t)config_setting_length(list);

	if (!is_list(list, CONF_RESOLVERS_MAX, why))
		return false;
	for (size_t i = 0; i < n; i++) {
		const char *text = get_text(element(list, i), why);

		if (text == NULL)
			return false;
		if (strlen(text) >= sizeof(s->dns.resolvers[i]) ||
		    !is_address(text)) {
			err_set(why,
			    "\"%.60s\" is no address: write \"127.0.0.1\", "
			    "\"127.0.0.1:53\" or \"[::1]:53\"",
			    text);
			return false;
		}
		memcpy(s->dns.resolvers[i], text, strlen(text) + 1);
	}
	s->dns.resolvers_n = (unsigned)n;
	if (n == 0)
		err_set(why, "must name at least one resolver");
	return n > 0;
}

static bool
set_trusted(const config_setting_t *list, struct settings *s, struct err *why)
{
	size_t n = (size_t)config_setting_length(list);

	if (!is_list(list, CONF_RESOLVERS_MAX, why))
		return false;
	for (size_t i = 0; i < n; i++) {
		const char *text = get_text(element(list, i), why);
		unsigned k = 0;

		if (text == NULL)
			return false;
		while (k < s->dns.resolvers_n &&
		       strcmp(s->dns.resolvers[k], text) != 0)
			k++;
		if (k == s->dns.resolvers_n) {
			err_set(why, "\"%.60s\" is not in dns.resolvers", text);
			return false;
		}
		s->dns.trusted[k] = true;
	}
	return true;
}

static bool
set_gaps(const struct conf_row *row, const config_setting_t *list,
    struct backoff *b, struct err *why)
{
	size_t n = (size_t)config_setting_length(list);

	if (!is_list(list, BACKOFF_GAPS_MAX, why))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!get_duration(row, element(list, i), &b->gap_ms[i], why))
			return false;
	}
	b->n = (unsigned)n;
	if (n == 0)
		err_set(why, "must hold at least one gap");
	return n > 0;
}

static bool
set_orgs(const config_setting_t *list, struct policy *p, struct err *why)
{
	size_t n = (size_t)config_setting_length(list);

	if (!is_list(list, ORGANISATIONS_MAX, why))
		return false;
	for (size_t i = 0; i < n; i++) {
		const char *text = get_text(element(list, i), why);

		if (text == NULL)
			return false;
		if (*text == '\0' || strlen(text) > ORG_MAX || !is_name(text)) {
			err_set(why,
			    "\"%.70s\" is no organisation: 1 to %d letters, "
			    "digits, '.', '_' and '-'",
			    text, ORG_MAX);
			return false;
		}
		memcpy(p->organisations[i], text, strlen(text) + 1);
	}
	p->organisations_n = n;
	return true;
}

static bool
get_address(const char *text, struct packet_addr *out)
{
	*out = (struct packet_addr){.family = 4};
	if (inet_pton(AF_INET, text, out->octets) == 1)
		return true;
	out->family = 6;
	return inet_pton(AF_INET6, text, out->octets) == 1;
}

static bool
set_addresses(const config_setting_t *list, struct policy *p, struct err *why)
{
	size_t n = (size_t)config_setting_length(list);

	if (!is_list(list, SPF_ADDRESSES_MAX, why))
		return false;
	for (size_t i = 0; i < n; i++) {
		const char *text = get_text(element(list, i), why);

		if (text == NULL)
			return false;
		if (!get_address(text, &p->spf_addresses[i])) {
			err_set(why,
			    "\"%.60s\" is no address: write \"192.0.2.1\" "
			    "or \"2001:db8::1\", without port or prefix",
			    text);
			return false;
		}
	}
	p->spf_addresses_n = n;
	return true;
}

/* -- the table's two verbs ----------------------------------------------- */

bool
conf_type_set(const struct conf_row *row, const config_setting_t *value,
    const struct conf_place *place, void *base, struct err *why)
{
	void *field = (char *)base + row->offset;

	switch (row->type) {
	case TYPE_TEXT:
		return set_text(row, value, field, why);
	case TYPE_NAME:
		return set_name(row, value, field, why);
	case TYPE_WORD:
		return set_word(row, value, field, why);
	case TYPE_ENUM:
		return set_enum(row, value, field, why);
	case TYPE_COUNT:
		return set_count(row, value, field, why);
	case TYPE_MS:
		return get_number(row, value, field, why);
	case TYPE_DURATION:
		return get_duration(row, value, field, why);
	case TYPE_BOOL:
		return set_bool(value, field, why);
	case TYPE_PATH:
		return set_path(row, value, place, field, why);
	case TYPE_BROKERS:
		return set_brokers(row, value, field, why);
	case TYPE_URL:
		return set_url(row, value, place, field, why);
	case TYPE_RESOLVERS:
		return set_resolvers(value, base, why);
	case TYPE_TRUSTED:
		return set_trusted(value, base, why);
	case TYPE_GAPS:
		return set_gaps(row, value, field, why);
	case TYPE_ORGS:
		return set_orgs(value, base, why);
	case TYPE_ADDRESSES:
		return set_addresses(value, base, why);
	}
	return false;
}

static void
show_run(const char *text, size_t len, FILE *out)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '"' || text[i] == '\\')
			fputc('\\', out);
		fputc(text[i], out);
	}
}

static void
show_text(const char *text, FILE *out)
{
	fputc('"', out);
	show_run(text, strlen(text), out);
	fputc('"', out);
}

static void
show_url(const char *url, FILE *out)
{
	size_t len;
	const char *password = find_password(url, &len);

	if (password == NULL) {
		show_text(url, out);
		return;
	}
	fputc('"', out);
	show_run(url, (size_t)(password - url), out);
	fputs("***", out);
	show_run(password + len, strlen(password + len), out);
	fputc('"', out);
}

static void
show_resolvers(const struct settings *s, enum conf_type which, FILE *out)
{
	const char *gap = "";

	fputc('[', out);
	for (unsigned i = 0; i < s->dns.resolvers_n; i++) {
		if (which == TYPE_TRUSTED && !s->dns.trusted[i])
			continue;
		fputs(gap, out);
		show_text(s->dns.resolvers[i], out);
		gap = ", ";
	}
	fputc(']', out);
}

static void
show_gaps(const struct backoff *b, FILE *out)
{
	fputc('[', out);
	for (unsigned i = 0; i < b->n; i++) {
		fputs(i == 0 ? "" : ", ", out);
		show_duration(b->gap_ms[i], out);
	}
	fputc(']', out);
}

static void
show_orgs(const struct policy *p, FILE *out)
{
	fputc('[', out);
	for (size_t i = 0; i < p->organisations_n; i++) {
		fputs(i == 0 ? "" : ", ", out);
		show_text(p->organisations[i], out);
	}
	fputc(']', out);
}

static void
show_addresses(const struct policy *p, FILE *out)
{
	char text[46];

	fputc('[', out);
	for (size_t i = 0; i < p->spf_addresses_n; i++) {
		fputs(i == 0 ? "" : ", ", out);
		packet_addr_show(&p->spf_addresses[i], text);
		show_text(text, out);
	}
	fputc(']', out);
}

void
conf_type_show(const struct conf_row *row, const void *base, FILE *out)
{
	const void *field = (const char *)base + row->offset;

	switch (row->type) {
	case TYPE_TEXT:
	case TYPE_NAME:
	case TYPE_WORD:
	case TYPE_BROKERS:
	case TYPE_PATH:
		show_text(field, out);
		break;
	case TYPE_URL:
		show_url(field, out);
		break;
	case TYPE_ENUM:
		show_text(row->words[*(const int *)field], out);
		break;
	case TYPE_COUNT:
		fprintf(out, "%u", *(const unsigned *)field);
		break;
	case TYPE_MS:
		fprintf(out, "%" PRId64, *(const int64_t *)field);
		break;
	case TYPE_DURATION:
		show_duration(*(const int64_t *)field, out);
		break;
	case TYPE_BOOL:
		fputs(*(const bool *)field ? "true" : "false", out);
		break;
	case TYPE_RESOLVERS:
	case TYPE_TRUSTED:
		show_resolvers(base, row->type, out);
		break;
	case TYPE_GAPS:
		show_gaps(field, out);
		break;
	case TYPE_ORGS:
		show_orgs(base, out);
		break;
	case TYPE_ADDRESSES:
		show_addresses(base, out);
		break;
	}
}
