/* SPDX-License-Identifier: Apache-2.0 */
/* Settings (domainproofd.conf) and policy (policy.conf): libconfig files, each
 * key a row of one table in conf.c (path, type with unit, default, what it
 * bounds, whether a reload may change it). Durations are strings with a unit:
 * "300 ms", "30 s", "5 min", "1 h", "7 d"; a key that ends in _ms is a number
 * of milliseconds. Relative paths are relative to the file they stand in. An
 * unknown key, a wrong type, a value out of bounds, a file that others than
 * its owner may write and a password in a file that others may read are
 * refused with file:line. Not thread-safe: the supervisor and the command
 * call it, before any thread. */
#pragma once
#include "core/policy.h"

#define CONF_TEXT_MAX	   255
#define CONF_RESOLVERS_MAX 8

struct settings {
	char path[CONF_TEXT_MAX + 1]; /* of the file that was read */
	struct {
		char name[65];	     /* group.id */
		char slot[65];	     /* transactional.id is <name>-<slot> */
		unsigned schedulers; /* 1 */
		unsigned resolvers;  /* processes; 0 = one a core */
		char user[65];	     /* "" = stay who we are */
		char run_dir[CONF_TEXT_MAX + 1]; /* slot locks */
	} pool;
	struct {
		char brokers[CONF_TEXT_MAX + 1];
		char prefix[65];
		int64_t session_ms;
		int64_t txn_ms;
		int64_t commit_min_ms;
		unsigned queue_kb;
		char compression[16]; /* none, lz4, ... */
	} kafka;
	struct {
		char url[CONF_TEXT_MAX + 1]; /* redis://HOST:PORT, unix:PATH */
	} redis;
	struct {
		unsigned resolvers_n;
		char resolvers[CONF_RESOLVERS_MAX][64]; /* ADDR or ADDR:PORT */
		bool trusted[CONF_RESOLVERS_MAX];	/* its AD counts */
		bool authoritative; /* servers may be asked directly */
		unsigned port; /* of authoritative servers: 53 but in labs */
		int64_t timeout_ms; /* of one try */
		unsigned tries;
		unsigned domain_per_minute; /* questions; 0 = no budget */
		bool private_ok;
		char suffix_list[CONF_TEXT_MAX + 1]; /* "" = the system's */
	} dns;
	char log_level[16];
	char policy_path[CONF_TEXT_MAX + 1]; /* key "policy" */
	struct { /* files of the policy's lists, "" = none */
		char public_domains[CONF_TEXT_MAX + 1];
		char refused_domains[CONF_TEXT_MAX + 1];
	} lists;
};

/* Which file: `path`, else the environment's DOMAINPROOF_CONF, else
 * /etc/domainproof/domainproofd.conf; policy: the settings' key "policy", else
 * DOMAINPROOF_POLICY wins over it. STOP with file:line. Policy's lists are
 * read too, and policy_check is applied. The policy's lists live until
 * conf_free. */
enum next conf_read(const char *path, struct settings *s, struct policy *p,
    struct err *e) MUST_USE;
void conf_free(struct policy *p); /* its lists; also after a failed read */
/* Which settings may not differ between two reads of a running daemon (rows
 * without `reload`): NULL if all is well, else the key's name. */
const char *conf_fixed_differs(
    const struct settings *a, const struct settings *b);
/* Where the settings' file says it, or 1: for what turns out later. */
unsigned conf_line(const struct settings *s, const char *key);
/* Every key with its value in force, in the files' own syntax, line by line
 * (without newline): read as a file, the same settings again. A password is
 * shown as "***". */
enum conf_file { CONF_SETTINGS, CONF_POLICY };
void conf_print(enum conf_file which, const struct settings *s,
    const struct policy *p, void (*line)(void *arg, const char *text),
    void *arg);
