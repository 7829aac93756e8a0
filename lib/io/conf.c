/* SPDX-License-Identifier: Apache-2.0 */
#include "io/conf.h"

#include "core/children.h"
#include "core/names.h"
#include "io/conf_type.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX     (1 << 20)
#define LIST_MAX     (16 << 20)
#define DEFAULT_PATH "/etc/domainproof/domainproofd.conf"
#define DAY_MS	     86400000LL
#define WATCH_MAX_MS (30 * 60000LL)
#define KEY_MAX	     64

#define S(field)                                                               \
	.base = CONF_SETTINGS, .offset = offsetof(struct settings, field)
#define P(field) .base = CONF_POLICY, .offset = offsetof(struct policy, field)

static const char *const compressions[] = {
    "none", "lz4", "zstd", "gzip", "snappy", NULL};
static const char *const levels[] = {"debug", "info", "warning", "error", NULL};
static const char *const apexes[] = {
    [APEX_ACCEPT] = "accept", [APEX_REFUSE] = "refuse", NULL};
static const char *const suffixes[] = {[PRIVATE_SUFFIX_ALLOW] = "accept",
    [PRIVATE_SUFFIX_REFUSE] = "refuse",
    NULL};
static const char *const envelopes[] = {
    [ENVELOPE_CUSTOMER] = "customer", [ENVELOPE_OURS] = "ours", NULL};
static const char *const requirements[] = {
    [DKIM_REQUIRED_WARN] = "warn", [DKIM_REQUIRED_REFUSE] = "refuse", NULL};
static const char *const imports[] = {
    [KEY_IMPORT_ACCEPT] = "accept", [KEY_IMPORT_REFUSE] = "refuse", NULL};

/* Rows of one group stand together, in the order in which they are printed.
 * A bound is in the unit of the field: octets, number, ms. CONF_FIXED: what
 * other crews, the broker or the lock of our slot know us by. */
static const struct conf_row settings_rows[] = {
    {"pool.name", TYPE_NAME, S(pool.name), "\"main\"", 1, 64,
	.change = CONF_FIXED},
    {"pool.slot", TYPE_NAME, S(pool.slot), "\"1\"", 1, 64,
	.change = CONF_FIXED},
    /* more crews on one machine: more slots, a daemon each */
    {"pool.schedulers", TYPE_COUNT, S(pool.schedulers), "1", 1, 1},
    {"pool.resolvers", TYPE_COUNT, S(pool.resolvers), "0", 0, CHILDREN_MAX - 1},
    {"pool.user", TYPE_TEXT, S(pool.user), "\"\"", 0, 64},
    {"pool.run_dir", TYPE_PATH, S(pool.run_dir), "\"/run/domainproof\"", 1,
	.change = CONF_FIXED},
    {"kafka.brokers", TYPE_BROKERS, S(kafka.brokers), "\"127.0.0.1:9092\"", 1,
	CONF_TEXT_MAX},
    {"kafka.prefix", TYPE_NAME, S(kafka.prefix), "\"domainproof.\"", 1, 64,
	.change = CONF_FIXED},
    {"kafka.session_ms", TYPE_MS, S(kafka.session_ms), "10000", 1000, 300000},
    {"kafka.txn_ms", TYPE_MS, S(kafka.txn_ms), "10000", 3000, 900000},
    {"kafka.commit_min_ms", TYPE_MS, S(kafka.commit_min_ms), "20", 0, 10000},
    {"kafka.queue_kb", TYPE_COUNT, S(kafka.queue_kb), "16384", 64, 1 << 20},
    {"kafka.compression", TYPE_WORD, S(kafka.compression), "\"none\"",
	.words = compressions},
    {"redis.url", TYPE_URL, S(redis.url), "\"redis://127.0.0.1:6379\"", 1,
	CONF_TEXT_MAX},
    {"dns.resolvers", TYPE_RESOLVERS, S(dns), "[\"127.0.0.1\"]"},
    {"dns.trusted", TYPE_TRUSTED, S(dns), "[]"},
    {"dns.authoritative", TYPE_BOOL, S(dns.authoritative), "true"},
    {"dns.port", TYPE_COUNT, S(dns.port), "53", 1, 65535},
    {"dns.timeout_ms", TYPE_MS, S(dns.timeout_ms), "1000", 50, 30000},
    {"dns.tries", TYPE_COUNT, S(dns.tries), "3", 1, 10},
    {"dns.domain_per_minute", TYPE_COUNT, S(dns.domain_per_minute), "6000", 0,
	1000000},
    {"dns.private_ok", TYPE_BOOL, S(dns.private_ok), "false"},
    {"dns.suffix_list", TYPE_PATH, S(dns.suffix_list), "\"\""},
    {"log.level", TYPE_WORD, S(log_level), "\"info\"", .words = levels},
    {"policy", TYPE_PATH, S(policy_path), "\"policy.conf\"", 1},
    {.path = NULL},
};

static const struct conf_row policy_rows[] = {
    {"service.name", TYPE_NAME, P(service), NULL, 1, SERVICE_MAX},
    {"service.support", TYPE_TEXT, P(support), "\"\"", 0, 255},
    {"service.help_url", TYPE_TEXT, P(help_url), "\"\"", 0, 255},
    {"service.default_sender", TYPE_TEXT, P(default_sender), "\"\"", 0,
	MAILBOX_MAX},
    {"service.envelope_from", TYPE_ENUM, P(envelope_from), "\"customer\"",
	.words = envelopes},
    {"spf.include", TYPE_TEXT, P(spf_include), "\"\"", 0, DNAME_TEXT_MAX},
    {"spf.addresses", TYPE_ADDRESSES, P(spf_addresses), "[]"},
    {"dkim.required", TYPE_ENUM, P(dkim_required), "\"warn\"",
	.words = requirements},
    {"dkim.import", TYPE_ENUM, P(key_import), "\"accept\"", .words = imports},
    {"claim.apex", TYPE_ENUM, P(apex), "\"accept\"", .words = apexes},
    {"claim.private_suffix", TYPE_ENUM, P(private_suffix), "\"refuse\"",
	.words = suffixes},
    {"claim.public_domains", TYPE_PATH, S(lists.public_domains),
	"\"" DOMAINPROOF_SHARE "/public-mail-domains.txt\""},
    {"claim.refused_domains", TYPE_PATH, S(lists.refused_domains), "\"\""},
    {"claim.organisations", TYPE_ORGS, P(organisations), "[]"},
    {"time.deadline_max", TYPE_DURATION, P(deadline_max_ms), "\"48 h\"", 1000,
	7 * DAY_MS},
    {"time.backoff", TYPE_GAPS, P(backoff),
	"[\"30 s\", \"30 s\", \"1 min\", \"2 min\", \"4 min\", \"7 min\", "
	"\"15 min\", \"30 min\", \"1 h\"]",
	100, DAY_MS},
    {"time.lapse", TYPE_DURATION, P(lapse_ms), "\"72 h\"", DAY_MS,
	365 * DAY_MS},
    {"time.lapse_looks", TYPE_COUNT, P(lapse_looks), "2", 2, 1000},
    {"time.recheck", TYPE_DURATION, P(recheck_ms), "\"24 h\"", 0, 90 * DAY_MS},
    {"time.watch_gap", TYPE_DURATION, P(watch_gap_ms), "\"30 s\"", 100,
	WATCH_MAX_MS},
    {"time.watch", TYPE_DURATION, P(watch_ms), "\"5 min\"", 0, WATCH_MAX_MS},
    {"time.dedupe", TYPE_DURATION, P(dedupe_ms), "\"7 d\"", DAY_MS, 7 * DAY_MS},
    {"guard.percent", TYPE_COUNT, P(guard_percent), "20", 0, 100},
    {"guard.looks", TYPE_COUNT, P(guard_looks), "100", 1, 1000000},
    {.path = NULL},
};

/* One file being read. */
struct file {
	const char *path; /* absolute */
	char dir[CONF_TEXT_MAX + 1];
	const struct conf_row *rows;
	char *text;
	size_t len;
	bool others_read;
	config_t config;
	struct settings *settings;
	struct policy *policy;
};

static void *
base_of(const struct conf_row *row, struct settings *s, struct policy *p)
{
	return row->base == CONF_SETTINGS ? (void *)s : (void *)p;
}

/* -- bytes of a file ----------------------------------------------------- */

static bool
rights_are_right(
    const char *path, const struct stat *st, size_t most, struct err *e)
{
	if (!S_ISREG(st->st_mode))
		err_set(e, "%s: is no file", path);
	else if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		err_set(e,
		    "%s:1: others than its owner may write it: "
		    "chmod go-w it",
		    path);
	else if (st->st_size > (off_t)most)
		err_set(e, "%s: is longer than %zu octets", path, most);
	else
		return true;
	return false;
}

static ssize_t
read_all(int fd, char *out, size_t cap)
{
	size_t len = 0;

	while (len < cap) {
		ssize_t n = read(fd, out + len, cap - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

/* The whole file with a NUL behind it, to be freed; NULL with e. */
static char *
slurp(
    const char *path, size_t most, struct stat *st, size_t *len, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char *text = NULL;
	ssize_t n;

	if (fd < 0 || fstat(fd, st) != 0) {
		err_set(e, "%s: %s", path, strerror(errno));
		goto done;
	}
	if (!rights_are_right(path, st, most, e))
		goto done;
	text = malloc((size_t)st->st_size + 1);
	n = text == NULL ? -1 : read_all(fd, text, (size_t)st->st_size);
	if (n < 0) {
		err_set(e, "%s: %s", path, strerror(errno));
		free(text);
		text = NULL;
		goto done;
	}
	text[n] = '\0';
	*len = (size_t)n;
done:
	if (fd >= 0)
		close(fd);
	return text;
}

/* -- what libconfig 1.5 lets pass --------------------------------------- */

static bool
is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '*';
}

/* Past a string or a comment that begins at s, or s itself. */
static const char *
skip_quiet(const char *s)
{
	if (*s == '"') {
		for (s++; *s != '\0' && *s != '"'; s++)
			s += *s == '\\' && s[1] != '\0';
		return *s == '\0' ? s : s + 1;
	}
	if (*s == '#' || (*s == '/' && s[1] == '/'))
		return s + strcspn(s, "\n");
	if (*s == '/' && s[1] == '*') {
		for (s += 2; *s != '\0'; s++) {
			if (*s == '*' && s[1] == '/')
				return s + 2;
		}
	}
	return s;
}

/* Where libconfig would do what nobody wants, or NULL. It reads 4294967298 as
 * 2, and no key of ours can take a number of more than nine digits; and an
 * included file would have rights and lines that we do not look at. */
static const char *
find_trap(const char *text, const char **why)
{
	const char *s = text, *past;

	while (*s != '\0') {
		size_t len = 0;

		past = skip_quiet(s);
		while (past == s && is_word(s[len]))
			len++;
		*why = "number of more than 9 digits";
		if (len > 9 && *s >= '0' && *s <= '9')
			return s;
		*why = "@include is not taken: write it here";
		if (*s == '@')
			return s;
		s = past > s ? past : s + (len > 0 ? len : 1);
	}
	return NULL;
}

static int
line_of(const char *text, const char *at)
{
	int line = 1;

	for (; text < at; text++)
		line += *text == '\n';
	return line;
}

static bool
parse(struct file *f, struct err *e)
{
	const char *trap, *why;

	if (memchr(f->text, '\0', f->len) != NULL) {
		err_set(
		    e, "%s: holds a NUL octet: is it a text file?", f->path);
		return false;
	}
	trap = find_trap(f->text, &why);
	if (trap != NULL) {
		err_set(e, "%s:%d: %s", f->path, line_of(f->text, trap), why);
		return false;
	}
	if (config_read_string(&f->config, f->text) == CONFIG_TRUE)
		return true;
	err_set(e, "%s:%d: %s", f->path, config_error_line(&f->config),
	    config_error_text(&f->config));
	return false;
}

/* -- known keys ---------------------------------------------------------- */

enum key { KEY_UNKNOWN, KEY_GROUP, KEY_ROW };

static enum key
key_find(const struct conf_row *rows, const char *path)
{
	size_t len = strlen(path);

	for (; rows->path != NULL; rows++) {
		if (strncmp(rows->path, path, len) != 0)
			continue;
		if (rows->path[len] == '\0')
			return KEY_ROW;
		if (rows->path[len] == '.')
			return KEY_GROUP;
	}
	return KEY_UNKNOWN;
}

static bool
key_known(const struct file *f, const config_setting_t *at, const char *path,
    struct err *e)
{
	enum key key = key_find(f->rows, path);
	unsigned line = config_setting_source_line(at);

	if (key == KEY_UNKNOWN)
		err_set(e,
		    "%s:%u: unknown key %s: see domainproofd --print-config "
		    "for those there are",
		    f->path, line, path);
	else if (key == KEY_GROUP && !config_setting_is_group(at))
		err_set(e, "%s:%u: %s: must be a group { ... }", f->path, line,
		    path);
	else
		return true;
	return false;
}

/* Every key of the file, groups of groups included. */
static bool
keys_known(const struct file *f, const config_setting_t *group,
    const char *prefix, struct err *e)
{
	int n = config_setting_length(group);

	for (int i = 0; i < n; i++) {
		const config_setting_t *at =
		    config_setting_get_elem(group, (unsigned)i);
		char path[KEY_MAX];

		snprintf(path, sizeof(path), "%s%s%.40s", prefix,
		    *prefix == '\0' ? "" : ".", config_setting_name(at));
		if (!key_known(f, at, path, e))
			return false;
		if (key_find(f->rows, path) == KEY_GROUP &&
		    !keys_known(f, at, path, e))
			return false;
	}
	return true;
}

/* -- values -------------------------------------------------------------- */

static bool
row_default(const struct file *f, const struct conf_row *row, struct err *e)
{
	struct conf_place place = {.dir = f->dir};
	struct err why;
	char text[256];
	config_t config;
	bool ok;

	if (row->def == NULL) {
		err_set(e, "%s:1: %s is missing: it must be given", f->path,
		    row->path);
		return false;
	}
	snprintf(text, sizeof(text), "value = %s;", row->def);
	config_init(&config);
	ok = config_read_string(&config, text) == CONFIG_TRUE &&
	     conf_type_set(row, config_lookup(&config, "value"), &place,
		 base_of(row, f->settings, f->policy), &why);
	if (!ok)
		err_set(
		    e, "%s: default of %s: %s", f->path, row->path, why.text);
	config_destroy(&config);
	return ok;
}

static bool
rows_read(const struct file *f, struct err *e)
{
	struct conf_place place = {
	    .dir = f->dir, .others_read = f->others_read};
	struct err why;

	for (const struct conf_row *row = f->rows; row->path != NULL; row++) {
		const config_setting_t *at =
		    config_lookup(&f->config, row->path);

		if (at == NULL) {
			if (!row_default(f, row, e))
				return false;
			continue;
		}
		if (conf_type_set(row, at, &place,
			base_of(row, f->settings, f->policy), &why))
			continue;
		err_set(e, "%s:%u: %s: %s", f->path,
		    config_setting_source_line(at), row->path, why.text);
		return false;
	}
	return true;
}

/* Opens, parses and takes in one file; its text stays until file_close. */
static bool
file_read(struct file *f, struct err *e)
{
	const char *slash = strrchr(f->path, '/');
	struct stat st;

	config_init(&f->config);
	snprintf(
	    f->dir, sizeof(f->dir), "%.*s", (int)(slash - f->path), f->path);
	f->text = slurp(f->path, FILE_MAX, &st, &f->len, e);
	if (f->text == NULL)
		return false;
	f->others_read = (st.st_mode & S_IROTH) != 0;
	return parse(f, e) &&
	       keys_known(f, config_root_setting(&f->config), "", e) &&
	       rows_read(f, e);
}

static void
file_close(struct file *f)
{
	config_destroy(&f->config);
	free(f->text);
}

/* Relative to where we were started; links are not resolved, so that a file
 * whose link is changed is found again at a reload. */
static bool
make_absolute(const char *path, char *out, struct err *e)
{
	char here[CONF_TEXT_MAX + 1] = "";
	int n;

	if (*path != '/' && getcwd(here, sizeof(here)) == NULL) {
		err_set(e, "%s: working folder: %s", path, strerror(errno));
		return false;
	}
	n = snprintf(out, CONF_TEXT_MAX + 1, "%s%s%s", here,
	    *path == '/' ? "" : "/", path);
	if (n <= CONF_TEXT_MAX)
		return true;
	err_set(
	    e, "%.100s...: path of more than %d octets", path, CONF_TEXT_MAX);
	return false;
}

static bool
list_read(const struct file *f, const char *key, const char *path,
    const struct names **out, struct err *e)
{
	const config_setting_t *at = config_lookup(&f->config, key);
	struct names *names = NULL;
	struct stat st;
	struct err why;
	size_t len;
	char *text;
	bool ok;

	if (*path == '\0')
		return true;
	text = slurp(path, LIST_MAX, &st, &len, &why);
	ok = text != NULL && names_read(&names, text, len, &why) == OK;
	*out = names;
	if (!ok)
		err_set(e, "%s:%u: %s: %s%s%s", f->path,
		    at == NULL ? 1 : config_setting_source_line(at), key,
		    text == NULL ? "" : path, text == NULL ? "" : ": ",
		    why.text);
	free(text);
	return ok;
}

/* FNV-1a of 64 bits: tells two policies apart, keeps no secret. */
static void
policy_version(const struct file *f, struct policy *p)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (size_t i = 0; i < f->len; i++)
		hash = (hash ^ (uint8_t)f->text[i]) * 0x100000001b3u;
	snprintf(p->version, sizeof(p->version), "%016" PRIx64, hash);
}

/* The core's own check names the key first, but knows no lines. */
static bool
policy_right(const struct file *f, const struct policy *p, struct err *e)
{
	const config_setting_t *at;
	struct err why;
	char key[KEY_MAX];

	if (policy_check(p, &why) == OK)
		return true;
	snprintf(key, sizeof(key), "%.*s",
	    (int)strspn(why.text, "abcdefghijklmnopqrstuvwxyz_."), why.text);
	at = config_lookup(&f->config, key);
	err_set(e, "%s:%u: %s", f->path,
	    at == NULL ? 1 : config_setting_source_line(at), why.text);
	return false;
}

static bool
policy_read(struct settings *s, struct policy *p, struct err *e)
{
	struct file f = {.path = s->policy_path,
	    .rows = policy_rows,
	    .settings = s,
	    .policy = p};
	bool ok = file_read(&f, e);

	if (ok)
		policy_version(&f, p);
	ok = ok &&
	     list_read(&f, "claim.public_domains", s->lists.public_domains,
		 &p->public_domains, e) &&
	     list_read(&f, "claim.refused_domains", s->lists.refused_domains,
		 &p->refused_domains, e) &&
	     policy_right(&f, p, e);
	file_close(&f);
	return ok;
}

static const char *
choose(const char *given, const char *variable, const char *otherwise)
{
	const char *value = given;

	if (value == NULL)
		value = getenv(variable);
	return value == NULL || *value == '\0' ? otherwise : value;
}

enum next
conf_read(const char *path, struct settings *s, struct policy *p, struct err *e)
{
	struct file f = {
	    .path = s->path, .rows = settings_rows, .settings = s, .policy = p};
	const char *policy = choose(NULL, "DOMAINPROOF_POLICY", NULL);
	bool ok;

	*s = (struct settings){.path = ""};
	*p = (struct policy){.version = ""};
	path = choose(path, "DOMAINPROOF_CONF", DEFAULT_PATH);
	if (!make_absolute(path, s->path, e))
		return STOP;
	ok = file_read(&f, e);
	file_close(&f);
	if (ok && policy != NULL)
		ok = make_absolute(policy, s->policy_path, e);
	ok = ok && policy_read(s, p, e);
	p->authoritative = s->dns.authoritative;
	return ok ? OK : STOP;
}

void
conf_free(struct policy *p)
{
	names_free((struct names *)p->public_domains);
	names_free((struct names *)p->refused_domains);
	p->public_domains = NULL;
	p->refused_domains = NULL;
}

/* -- out again ----------------------------------------------------------- */

/* To be freed; NULL when memory is out. */
static char *
show(const struct conf_row *row, const struct settings *s,
    const struct policy *p)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return NULL;
	conf_type_show(row,
	    row->base == CONF_SETTINGS ? (const void *)s : (const void *)p,
	    out);
	return fclose(out) == 0 ? text : NULL;
}

const char *
conf_fixed_differs(const struct settings *a, const struct settings *b)
{
	const struct conf_row *row = settings_rows;
	bool same = true;

	for (; same && row->path != NULL; row++) {
		char *was, *is;

		if (row->change != CONF_FIXED)
			continue;
		was = show(row, a, NULL);
		is = show(row, b, NULL);
		same = was != NULL && is != NULL && strcmp(was, is) == 0;
		free(was);
		free(is);
	}
	return same ? NULL : row[-1].path;
}

unsigned
conf_line(const struct settings *s, const char *key)
{
	const config_setting_t *at = NULL;
	struct file f = {.path = s->path};
	struct stat st;
	struct err e;
	unsigned line;

	config_init(&f.config);
	f.text = slurp(f.path, FILE_MAX, &st, &f.len, &e);
	if (f.text != NULL && parse(&f, &e))
		at = config_lookup(&f.config, key);
	line = at == NULL ? 1 : config_setting_source_line(at);
	file_close(&f);
	return line;
}

struct printer {
	void (*line)(void *arg, const char *text);
	void *arg;
	char group[KEY_MAX]; /* open now, "" = none */
};

static void
print_group(struct printer *p, const char *group, size_t len)
{
	char head[KEY_MAX + 1];

	if (strlen(p->group) == len && memcmp(p->group, group, len) == 0)
		return;
	if (p->group[0] != '\0')
		p->line(p->arg, "};");
	snprintf(p->group, sizeof(p->group), "%.*s", (int)len, group);
	if (len == 0)
		return;
	snprintf(head, sizeof(head), "%s:", p->group);
	p->line(p->arg, head);
	p->line(p->arg, "{");
}

static void
print_row(struct printer *p, const struct conf_row *row, const char *value)
{
	const char *dot = strchr(row->path, '.');
	char *line;

	print_group(p, row->path, dot == NULL ? 0 : (size_t)(dot - row->path));
	if (asprintf(&line, "%s%s = %s;", dot == NULL ? "" : "\t",
		dot == NULL ? row->path : dot + 1, value) < 0)
		return;
	p->line(p->arg, line);
	free(line);
}

void
conf_print(enum conf_file which, const struct settings *s,
    const struct policy *p, void (*line)(void *arg, const char *text),
    void *arg)
{
	const struct conf_row *row =
	    which == CONF_SETTINGS ? settings_rows : policy_rows;
	struct printer printer = {.line = line, .arg = arg};

	for (; row->path != NULL; row++) {
		char *value = show(row, s, p);

		if (value != NULL)
			print_row(&printer, row, value);
		free(value);
	}
	print_group(&printer, "", 0);
}
