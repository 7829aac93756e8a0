/* SPDX-License-Identifier: Apache-2.0 */
/* See redis.h. A pipeline is kept as protocol bytes until redis_run, which
 * sends it in two parts: first everything that writes, and the marks only when
 * each of those was answered without an error. A write that Redis refused
 * (memory full, script lost) can so never hide behind a mark that moved. */
#include "io/redis.h"

#include <hiredis/hiredis.h>

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REDIS_PORT	     6379
#define REDIS_HOST_MAX	     255
#define REDIS_KEY_MAX	     64 /* of the keys that are made here */
#define REDIS_FORMAT	     "1"
#define REDIS_PARTITIONS_MAX 4096 /* more is no number of ours */

enum script { SCRIPT_PUT, SCRIPT_MARK, SCRIPT_N };

/* Versions are compared as decimal texts: Lua's numbers are exact only up to
 * 2^53. ARGV: ttl, then name, value, ... */
static const struct {
	const char *sha; /* SHA-1 of the text; the unit test asks Redis */
	const char *text;
} scripts[SCRIPT_N] = {
    [SCRIPT_PUT] = {"2a2bd9201c28c161c25e4ee73d19537b3b771d60",
	"local ver, domain\n"
	"for i = 2, #ARGV, 2 do\n"
	" if ARGV[i] == 'ver' then ver = ARGV[i + 1] end\n"
	" if ARGV[i] == 'domain' then domain = ARGV[i + 1] end\n"
	"end\n"
	"local had = redis.call('HMGET', KEYS[1], 'ver', 'domain')\n"
	"local at = had[1]\n"
	"if at and (had[2] or nil) == domain and\n"
	"   (#at > #ver or (#at == #ver and at > ver)) then return 0 end\n"
	"redis.call('DEL', KEYS[1])\n"
	"redis.call('HSET', KEYS[1], unpack(ARGV, 2))\n"
	"if ARGV[1] ~= '0' then redis.call('EXPIRE', KEYS[1], ARGV[1]) end\n"
	"return 1\n"},
    [SCRIPT_MARK] = {"25192b2f979d72cc02ea22b6dd12a69aa03e282e",
	"if (redis.call('GET', KEYS[1]) or '0') ~= ARGV[1] then return 0 end\n"
	"redis.call('SET', KEYS[1], ARGV[2])\n"
	"return 1\n"},
};

struct bytes { /* protocol of commands that wait to be sent */
	char *p;
	size_t len;
	size_t cap;
	size_t commands_n;
	bool full; /* sticky: memory was out */
};

struct mark {
	int32_t partition;
	int64_t from;
	int64_t to;
	bool *moved;
};

struct redis {
	redisContext *c;	       /* NULL: not connected */
	char path[REDIS_HOST_MAX + 1]; /* of a unix socket, "" = TCP */
	char host[REDIS_HOST_MAX + 1];
	char user[REDIS_HOST_MAX + 1];	   /* "" = the default one */
	char password[REDIS_HOST_MAX + 1]; /* "" = none */
	int port;
	struct timeval limit;
	struct bytes writes;
	struct mark *marks;
	size_t marks_n;
	size_t marks_cap;
};

/* --- where ---------------------------------------------------------------- */

static bool
parse_port(const char *text, int *port)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end != '\0')
		return false;
	if (n < 1 || n > 65535)
		return false;
	*port = (int)n;
	return true;
}

static bool
copy_part(char *out, const char *from, size_t len)
{
	if (len == 0 || len > REDIS_HOST_MAX)
		return false;
	memcpy(out, from, len);
	out[len] = '\0';
	return true;
}

/* HOST, HOST:PORT, [V6], [V6]:PORT; a final slash is allowed. */
static bool
parse_host(struct redis *r, const char *text)
{
	char place[REDIS_HOST_MAX + 16];
	char *host = place, *colon;
	size_t len = strlen(text);

	if (len > 0 && text[len - 1] == '/')
		len--;
	if (len == 0 || len >= sizeof(place))
		return false;
	memcpy(place, text, len);
	place[len] = '\0';
	if (place[0] == '[') {
		char *close = strchr(place, ']');

		if (close == NULL || (close[1] != '\0' && close[1] != ':'))
			return false;
		*close = '\0';
		host++;
		colon = close[1] == ':' ? close + 1 : NULL;
	} else {
		colon = strchr(place, ':');
		if (colon != NULL)
			*colon = '\0';
	}
	r->port = REDIS_PORT;
	if (strpbrk(host, "/@") != NULL)
		return false;
	return copy_part(r->host, host, strlen(host)) &&
	       (colon == NULL || parse_port(colon + 1, &r->port));
}

/* [USER]:PASSWORD, len octets of text */
static bool
parse_login(struct redis *r, const char *text, size_t len)
{
	const char *colon = memchr(text, ':', len);
	size_t user_len;

	if (colon == NULL)
		return false;
	user_len = (size_t)(colon - text);
	return (user_len == 0 || copy_part(r->user, text, user_len)) &&
	       copy_part(r->password, colon + 1, len - user_len - 1);
}

static bool
parse_url(struct redis *r, const char *url)
{
	static const char tcp[] = "redis://", local[] = "unix:";
	const char *place, *at;

	if (strncmp(url, local, sizeof(local) - 1) == 0) {
		place = url + sizeof(local) - 1;
		return copy_part(r->path, place, strlen(place));
	}
	if (strncmp(url, tcp, sizeof(tcp) - 1) != 0)
		return false;
	place = url + sizeof(tcp) - 1;
	at = strrchr(place, '@');
	if (at == NULL)
		return parse_host(r, place);
	return parse_login(r, place, (size_t)(at - place)) &&
	       parse_host(r, at + 1);
}

bool
redis_url_right(const char *url)
{
	struct redis r = {.port = 0};

	return parse_url(&r, url);
}

/* hiredis writes to a socket whose peer may be gone. */
static void
survive_sigpipe(void)
{
	struct sigaction now;

	if (sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
		signal(SIGPIPE, SIG_IGN);
}

enum next
redis_open(
    struct redis **out, const char *url, int64_t timeout_ms, struct err *e)
{
	struct redis *r = calloc(1, sizeof(*r));

	*out = NULL;
	if (r == NULL) {
		err_set(e, "redis: memory is out");
		return STOP;
	}
	if (!parse_url(r, url)) {
		const char *at = strrchr(url, '@'); /* a password before it */

		err_set(e,
		    "redis: '%s%.80s' is no address; write redis://HOST:PORT "
		    "or unix:PATH",
		    at != NULL ? "..." : "", at != NULL ? at : url);
		free(r);
		return STOP;
	}
	if (timeout_ms < 1)
		timeout_ms = 1;
	r->limit.tv_sec = timeout_ms / 1000;
	r->limit.tv_usec = timeout_ms % 1000 * 1000;
	survive_sigpipe();
	*out = r;
	return OK;
}

static void
drop(struct redis *r)
{
	if (r->c != NULL)
		redisFree(r->c);
	r->c = NULL;
}

void
redis_close(struct redis *r)
{
	if (r == NULL)
		return;
	drop(r);
	free(r->writes.p);
	free(r->marks);
	free(r);
}

/* --- one command ---------------------------------------------------------- */

static void
show_place(const struct redis *r, char *out, size_t cap)
{
	if (r->path[0] != '\0')
		snprintf(out, cap, "unix:%s", r->path);
	else
		snprintf(out, cap, "%s:%d", r->host, r->port);
}

/* The connection is of no more use: what happened, and RETRY. */
static enum next
lost(struct redis *r, struct err *e)
{
	char place[REDIS_HOST_MAX + 16];
	const char *why = "memory is out";

	show_place(r, place, sizeof(place));
	if (r->c != NULL && r->c->err == REDIS_ERR_IO && errno == EAGAIN)
		why = "no answer in time";
	else if (r->c != NULL && r->c->errstr[0] != '\0')
		why = r->c->errstr;
	err_set(e, "Redis at %s: %.160s; is it running?", place, why);
	drop(r);
	return RETRY;
}

/* Redis answered, and what it said is of no use to us. */
static enum next
refused(struct redis *r, const char *said, struct err *e)
{
	char place[REDIS_HOST_MAX + 16];

	show_place(r, place, sizeof(place));
	err_set(e, "Redis at %s refused: %.200s", place, said);
	return RETRY;
}

static redisContext *
dial(const struct redis *r)
{
	redisContext *c;

	if (r->path[0] != '\0')
		c = redisConnectUnixWithTimeout(r->path, r->limit);
	else
		c = redisConnectWithTimeout(r->host, r->port, r->limit);
	if (c == NULL || c->err != 0)
		return c;
	(void)fcntl(c->fd, F_SETFD, FD_CLOEXEC);
	(void)redisSetTimeout(c, r->limit);
	return c;
}

static enum next
next_reply(struct redis *r, redisReply **reply, struct err *e)
{
	void *got = NULL;

	*reply = NULL;
	errno = 0;
	if (redisGetReply(r->c, &got) != REDIS_OK)
		return lost(r, e);
	*reply = got;
	return OK;
}

/* argv of strings; an answer that is an error is RETRY. */
static enum next
command(struct redis *r, int argc, const char **argv, redisReply **reply,
    struct err *e)
{
	enum next next;

	*reply = NULL;
	if (redisAppendCommandArgv(r->c, argc, argv, NULL) != REDIS_OK)
		return lost(r, e);
	next = next_reply(r, reply, e);
	if (next != OK || (*reply)->type != REDIS_REPLY_ERROR)
		return next;
	next = refused(r, (*reply)->str, e);
	freeReplyObject(*reply);
	*reply = NULL;
	return next;
}

/* The server has lost our scripts (restart, SCRIPT FLUSH): hand them over. */
static enum next
load_scripts(struct redis *r, struct err *e)
{
	for (int i = 0; i < SCRIPT_N; i++) {
		const char *argv[] = {"SCRIPT", "LOAD", scripts[i].text};
		redisReply *reply;
		enum next next = command(r, 3, argv, &reply, e);

		if (next != OK)
			return next;
		freeReplyObject(reply);
	}
	return OK;
}

static enum next
log_in(struct redis *r, struct err *e)
{
	const char *argv[3] = {"AUTH"};
	int argc = 1;
	redisReply *reply;
	enum next next;

	if (r->password[0] == '\0')
		return OK;
	if (r->user[0] != '\0')
		argv[argc++] = r->user;
	argv[argc++] = r->password;
	next = command(r, argc, argv, &reply, e);
	if (next == OK)
		freeReplyObject(reply);
	else
		drop(r);
	return next;
}

/* A connection with nothing under way on it. */
static enum next
connected(struct redis *r, struct err *e)
{
	if (r->c != NULL)
		return OK;
	errno = 0;
	r->c = dial(r);
	if (r->c == NULL || r->c->err != 0)
		return lost(r, e);
	return log_in(r, e);
}

enum next
redis_ping(struct redis *r, struct err *e)
{
	const char *argv[] = {"PING"};
	redisReply *reply;
	enum next next = connected(r, e);

	if (next == OK)
		next = command(r, 1, argv, &reply, e);
	if (next == OK)
		freeReplyObject(reply);
	return next;
}

/* --- pipeline ------------------------------------------------------------- */

static void
add_bytes(struct bytes *b, const void *bytes, size_t len)
{
	if (b->full)
		return;
	if (b->cap - b->len < len) {
		size_t cap = (b->cap + len) * 2;
		char *p = realloc(b->p, cap);

		if (p == NULL) {
			b->full = true;
			return;
		}
		b->p = p;
		b->cap = cap;
	}
	memcpy(b->p + b->len, bytes, len);
	b->len += len;
}

/* Decimal, from the end of a buffer; returns its first digit. */
static char *
digits(char *end, uint64_t v)
{
	do {
		*--end = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	return end;
}

/* "*N" or "$N" and the end of the line: written for each argument of each
 * command, so not by printf. */
static void
add_head(struct bytes *b, char sign, size_t n)
{
	char text[24], *end = text + sizeof(text), *at;

	*--end = '\n';
	*--end = '\r';
	at = digits(end, n);
	*--at = sign;
	add_bytes(b, at, (size_t)(text + sizeof(text) - at));
}

static void
add_command(struct bytes *b, size_t args_n)
{
	add_head(b, '*', args_n);
	b->commands_n++;
}

static void
add_counted(struct bytes *b, const char *text, size_t len)
{
	add_head(b, '$', len);
	add_bytes(b, text, len);
	add_bytes(b, "\r\n", 2);
}

static void
add_text(struct bytes *b, const char *text)
{
	add_counted(b, text, strlen(text));
}

static void
add_number(struct bytes *b, int64_t v)
{
	char text[24], *end = text + sizeof(text);
	char *at = digits(end, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);

	if (v < 0)
		*--at = '-';
	add_counted(b, at, (size_t)(end - at));
}

static void
empty_bytes(struct bytes *b)
{
	b->len = 0;
	b->commands_n = 0;
	b->full = false;
}

void
redis_begin(struct redis *r)
{
	empty_bytes(&r->writes);
	r->marks_n = 0;
}

static void
add_script(struct bytes *b, enum script s, size_t args_n)
{
	add_command(b, args_n);
	add_text(b, "EVALSHA");
	add_text(b, scripts[s].sha);
	add_text(b, "1");
}

void
redis_put_hash(struct redis *r, const char *key, uint64_t ver,
    const struct redis_field *fields, size_t fields_n, int64_t ttl_s)
{
	struct bytes *b = &r->writes;

	add_script(b, SCRIPT_PUT, 7 + 2 * fields_n);
	add_text(b, key);
	add_number(b, ttl_s);
	add_text(b, "ver");
	add_number(b, (int64_t)ver);
	for (size_t i = 0; i < fields_n; i++) {
		add_text(b, fields[i].name);
		if (fields[i].text != NULL)
			add_text(b, fields[i].text);
		else
			add_number(b, fields[i].number);
	}
}

void
redis_delete(struct redis *r, const char *key)
{
	add_command(&r->writes, 2);
	add_text(&r->writes, "DEL");
	add_text(&r->writes, key);
}

void
redis_add_member(struct redis *r, const char *set, const char *member)
{
	add_command(&r->writes, 3);
	add_text(&r->writes, "SADD");
	add_text(&r->writes, set);
	add_text(&r->writes, member);
}

void
redis_move_mark(
    struct redis *r, int32_t partition, int64_t from, int64_t to, bool *moved)
{
	*moved = false;
	if (r->marks_n == r->marks_cap) {
		size_t cap = r->marks_cap * 2 + 16;
		struct mark *p = realloc(r->marks, cap * sizeof(*p));

		if (p == NULL) {
			r->writes.full = true;
			return;
		}
		r->marks = p;
		r->marks_cap = cap;
	}
	r->marks[r->marks_n++] = (struct mark){
	    .partition = partition, .from = from, .to = to, .moved = moved};
}

static void
mark_key(int32_t partition, char out[REDIS_KEY_MAX])
{
	snprintf(out, REDIS_KEY_MAX, "domainproof:pos:%" PRId32, partition);
}

static void
add_mark(struct bytes *b, const struct mark *m)
{
	char key[REDIS_KEY_MAX];

	mark_key(m->partition, key);
	add_script(b, SCRIPT_MARK, 6);
	add_text(b, key);
	add_number(b, m->from);
	add_number(b, m->to);
}

/* What became of the commands that were sent together. */
struct sent {
	bool no_script; /* at least one found its script missing */
	bool failed;	/* at least one was refused for another reason */
};

static void
judge(struct redis *r, const redisReply *reply, struct sent *s, struct err *e)
{
	if (reply->type != REDIS_REPLY_ERROR)
		return;
	if (strncmp(reply->str, "NOSCRIPT", 8) == 0) {
		s->no_script = true;
		return;
	}
	if (!s->failed)
		(void)refused(r, reply->str, e);
	s->failed = true;
}

static enum next
send_bytes(struct redis *r, const struct bytes *b, struct err *e)
{
	if (b->full) {
		err_set(e, "redis: memory is out");
		return RETRY;
	}
	if (redisAppendFormattedCommand(r->c, b->p, b->len) != REDIS_OK)
		return lost(r, e);
	return OK;
}

static enum next
run_writes(struct redis *r, struct sent *s, struct err *e)
{
	enum next next;

	*s = (struct sent){0};
	if (r->writes.commands_n == 0)
		return OK;
	next = send_bytes(r, &r->writes, e);
	for (size_t i = 0; next == OK && i < r->writes.commands_n; i++) {
		redisReply *reply;

		next = next_reply(r, &reply, e);
		if (next != OK)
			break;
		judge(r, reply, s, e);
		freeReplyObject(reply);
	}
	return next;
}

static enum next
read_mark(struct redis *r, struct mark *m, struct sent *s, struct err *e)
{
	redisReply *reply;
	enum next next = next_reply(r, &reply, e);

	if (next != OK)
		return next;
	judge(r, reply, s, e);
	*m->moved = reply->type == REDIS_REPLY_INTEGER && reply->integer == 1;
	freeReplyObject(reply);
	return OK;
}

/* If this is run again, a mark that the first run moved is told as not moved:
 * behind, never ahead. */
static enum next
run_marks(struct redis *r, struct sent *s, struct err *e)
{
	struct bytes *b = &r->writes;
	enum next next = OK;

	*s = (struct sent){0};
	empty_bytes(b);
	for (size_t i = 0; i < r->marks_n; i++)
		add_mark(b, &r->marks[i]);
	if (b->commands_n == 0)
		return OK;
	next = send_bytes(r, b, e);
	for (size_t i = 0; next == OK && i < r->marks_n; i++)
		next = read_mark(r, &r->marks[i], s, e);
	return next;
}

/* One part of the pipeline; a second time if the server lacked a script. */
static enum next
run_part(struct redis *r,
    enum next (*part)(struct redis *r, struct sent *s, struct err *e),
    struct err *e)
{
	struct sent s;
	enum next next = part(r, &s, e);

	if (next == OK && s.no_script) {
		next = load_scripts(r, e);
		if (next == OK)
			next = part(r, &s, e);
	}
	if (next != OK || s.failed)
		return RETRY;
	if (s.no_script)
		return refused(r, "a script that was just loaded", e);
	return OK;
}

enum next
redis_run(struct redis *r, struct err *e)
{
	enum next next = connected(r, e);

	if (next == OK)
		next = run_part(r, run_writes, e);
	if (next == OK)
		next = run_part(r, run_marks, e);
	redis_begin(r);
	return next;
}

/* --- marks and meta ------------------------------------------------------- */

static bool
reply_number(const redisReply *reply, int64_t *out)
{
	char *end;

	if (reply->type != REDIS_REPLY_STRING || reply->len == 0 ||
	    reply->len > 19)
		return false;
	errno = 0;
	*out = strtoll(reply->str, &end, 10);
	return errno == 0 && *end == '\0' && *out >= 0;
}

/* GET or HGET by argv: a number, `missing` if there is none. */
static enum next
get_number(struct redis *r, int argc, const char **argv, int64_t missing,
    int64_t *out, struct err *e)
{
	redisReply *reply;
	enum next next = connected(r, e);

	*out = missing;
	if (next == OK)
		next = command(r, argc, argv, &reply, e);
	if (next != OK)
		return next;
	if (reply->type != REDIS_REPLY_NIL && !reply_number(reply, out)) {
		*out = missing;
		next = refused(r, "a number was wanted", e);
	}
	freeReplyObject(reply);
	return next;
}

enum next
redis_get_mark(struct redis *r, int32_t partition, int64_t *mark, struct err *e)
{
	char key[REDIS_KEY_MAX];
	const char *argv[] = {"GET", key};

	mark_key(partition, key);
	return get_number(r, 2, argv, -1, mark, e);
}

enum next
redis_put_meta(struct redis *r, int32_t partitions, struct err *e)
{
	char n[16];
	const char *argv[] = {"HSET", "domainproof:meta", "partitions", n,
	    "format", REDIS_FORMAT};
	redisReply *reply;
	enum next next = connected(r, e);

	snprintf(n, sizeof(n), "%" PRId32, partitions);
	if (next == OK)
		next = command(r, ARRAY_LEN(argv), argv, &reply, e);
	if (next == OK)
		freeReplyObject(reply);
	return next;
}

enum next
redis_get_meta(struct redis *r, int32_t *partitions, struct err *e)
{
	const char *argv[] = {"HGET", "domainproof:meta", "partitions"};
	int64_t n;
	enum next next = get_number(r, 3, argv, 0, &n, e);

	*partitions = n <= REDIS_PARTITIONS_MAX ? (int32_t)n : 0;
	return next;
}

enum next
redis_complete(struct redis *r, bool *complete, struct err *e)
{
	int32_t partitions;
	enum next next = redis_get_meta(r, &partitions, e);

	*complete = false;
	if (next != OK || partitions == 0)
		return next;
	for (int32_t p = 0; p < partitions; p++) {
		int64_t mark;

		next = redis_get_mark(r, p, &mark, e);
		if (next != OK || mark < 0)
			return next;
	}
	*complete = true;
	return OK;
}

/* --- reading -------------------------------------------------------------- */

enum next
redis_get_hash(struct redis *r, const char *key,
    void (*field)(void *arg, const char *name, const char *text, size_t len),
    void *arg, bool *found, struct err *e)
{
	const char *argv[] = {"HGETALL", key};
	redisReply *reply;
	enum next next = connected(r, e);

	*found = false;
	if (next == OK)
		next = command(r, 2, argv, &reply, e);
	if (next != OK)
		return next;
	if (reply->type != REDIS_REPLY_ARRAY) {
		freeReplyObject(reply);
		return refused(r, "HGETALL", e);
	}
	for (size_t i = 0; i + 1 < reply->elements; i += 2) {
		const redisReply *name = reply->element[i];
		const redisReply *value = reply->element[i + 1];

		if (name->type != REDIS_REPLY_STRING ||
		    value->type != REDIS_REPLY_STRING)
			continue;
		field(arg, name->str, value->str, (size_t)value->len);
		*found = true;
	}
	freeReplyObject(reply);
	return OK;
}

/* One page of SSCAN: whole sets may be large, and nobody needs all of one. */
enum next
redis_get_members(struct redis *r, const char *key, unsigned most,
    void (*member)(void *arg, const char *text, size_t len), void *arg,
    struct err *e)
{
	char count[16];
	const char *argv[] = {"SSCAN", key, "0", "COUNT", count};
	const redisReply *page;
	redisReply *reply;
	enum next next = connected(r, e);

	snprintf(count, sizeof(count), "%u", most);
	if (next == OK)
		next = command(r, ARRAY_LEN(argv), argv, &reply, e);
	if (next != OK)
		return next;
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
	    reply->element[1]->type != REDIS_REPLY_ARRAY) {
		freeReplyObject(reply);
		return refused(r, "SSCAN", e);
	}
	page = reply->element[1];
	for (size_t i = 0; i < page->elements; i++) {
		if (page->element[i]->type == REDIS_REPLY_STRING)
			member(arg, page->element[i]->str,
			    (size_t)page->element[i]->len);
	}
	freeReplyObject(reply);
	return OK;
}
