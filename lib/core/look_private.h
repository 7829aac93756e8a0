/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by look.c (who is asked what next), look_zone.c (which servers there
 * are), look_judge.c (what the answers mean together) and look_finding.c (how
 * that is told). Nobody else includes it. */
#pragma once
#include "core/look.h"

#define LOOK_TOP_SERVERS 2 /* of a zone that only shows the way down */

/* What the questions under way are for; one row each in look.c. */
enum phase {
	PHASE_EARLY,	  /* TXT of the record, public view first */
	PHASE_EARLY_APEX, /* TXT of the domain, the same */
	PHASE_FIXED,	  /* TXT of the record, the resolver is all there is */
	PHASE_ZONE,	  /* NS of look.zone */
	PHASE_ZONE_CD,	  /* the same, unchecked: bogus or broken? */
	PHASE_A,	  /* addresses of the zone's servers */
	PHASE_AAAA,
	PHASE_PARENT,  /* NS of the registrable domain, at its parent's */
	PHASE_SERVERS, /* TXT of look.wanted, at the zone's servers */
	PHASE_WRONG,   /* TXT at the usual wrong places */
	PHASE_PUBLIC,  /* TXT where it was found: the public view confirms */
	PHASE_PUBLIC_CD,
	PHASE_DONE,
	PHASE_N,
};

enum walk {
	WALK_OWN,    /* the zone of the record */
	WALK_PARENT, /* above it: the resolver could not name its servers */
	WALK_ALIAS,  /* down to where a CNAME led */
};

enum server_state {
	SERVER_NAMED,	/* address not known */
	SERVER_BARRED,	/* its address may not be asked */
	SERVER_READY,	/* to be asked, or asked in vain: see outcome */
	SERVER_POINTS,	/* leads to a lower cut or through an alias */
	SERVER_SETTLED, /* has the record, or denies it */
};

struct look_server {
	enum server_state state;
	bool resolver; /* the public view: no name, no address */
	bool has;      /* settled: has the right record */
	bool chain_bad;
	struct dname name;
	struct packet_addr addr;
	enum outcome outcome;
	uint8_t rcode;
	unsigned level; /* aliases followed before it was asked */
	bool has_serial;
	uint32_t serial;
	size_t txt_n; /* evidence, in the answer's arrays */
	const struct packet_txt *txt;
};

struct look {
	struct look_wish wish;
	struct dname record;
	enum phase phase;
	enum walk walk;
	unsigned rounds;
	unsigned cuts;
	unsigned aliases;
	struct dname zone;   /* whose servers are in `servers` */
	struct dname wanted; /* the record's name, or where aliases led */
	size_t names_max;    /* servers taken of this zone */
	bool dead_end;	     /* an alias to a name under no zone */
	bool apex;	     /* PUBLIC confirms the domain itself */

	/* the first failure of the resolver, while we go another way */
	bool failed;
	enum outcome failure;
	uint8_t failure_rcode;

	/* one responsive server of the domain's zone; family 0 = none */
	struct packet_addr probe;
	struct dname probe_zone;

	size_t asks_n;
	struct look_ask asks[LOOK_ASK_MAX];
	uint8_t who[LOOK_ASK_MAX]; /* index into servers */

	size_t servers_n;
	struct look_server servers[SERVERS_MAX];
	size_t seen_n; /* names behind us on the alias chain */
	struct dname seen[PACKET_CHAIN_MAX + 1];

	struct finding finding;
};

/* look.c */
void look_round(struct look *l, enum phase phase);
/* cd: 0 or QUESTION_CD */
void look_want_public(
    struct look *l, const struct dname *name, enum rrtype type, uint8_t cd);
/* who: the server's index, told back by l->who */
void look_want_server(struct look *l, const struct packet_addr *addr,
    size_t who, const struct dname *name, enum rrtype type);
enum look_next look_ask_wrong(struct look *l);
enum look_next look_ask_public(struct look *l);

/* look_zone.c: one function a phase, and where they begin */
enum look_next look_zone_begin(struct look *l, const struct dname *zone);
enum look_next look_zone_take(struct look *l, const struct answer *got);
enum look_next look_zone_cd_take(struct look *l, const struct answer *got);
enum look_next look_a_take(struct look *l, const struct answer *got);
enum look_next look_aaaa_take(struct look *l, const struct answer *got);
enum look_next look_parent_take(struct look *l, const struct answer *got);
enum look_next look_servers_take(struct look *l, const struct answer *got);

/* look_judge.c: what an answer is worth */
bool look_definitive(const struct answer *a);
bool look_below(const struct dname *name, const struct dname *zone);
bool look_match(const struct look *l, const struct answer *a);
/* Where an answer leads out of its zone or its server's knowledge; NULL if it
 * stands for itself. One of a->chain. */
const struct dname *look_alias(const struct look *l, const struct answer *a);
/* Judges one server's answer to TXT of look.wanted. */
void look_classify(
    struct look *l, struct look_server *s, const struct answer *a);
void look_note_public(struct look *l, const struct answer *a);

/* look_judge.c: what they mean together; the look ends, or goes on */
enum look_next look_judge(struct look *l);
enum look_next look_judge_wrong(struct look *l, const struct answer *got);
enum look_next look_judge_public(struct look *l, const struct answer *a);

/* look_finding.c: words; saw is appended to */
bool look_bogus(const struct answer *a);
enum code look_code_of(enum outcome outcome);
const char *look_word(enum outcome outcome, uint8_t rcode);
void look_saw(struct look *l, const char *fmt, ...) PRINTF(2, 3);
void look_saw_name(struct look *l, const struct dname *name);
void look_saw_txt(struct look *l, const struct packet_txt *txt);

/* look_finding.c: evidence. All records of a kind at the record's name, or
 * the right one of an answer; returns the first, NULL = none. */
const struct packet_txt *look_found_all(
    struct look *l, enum ownership_match kind);
const struct packet_txt *look_found_match(
    struct look *l, const struct answer *a);

/* look_finding.c: ends. Each makes the finding and returns LOOK_DONE. */
enum look_next look_finish(
    struct look *l, enum verdict verdict, enum code code);
enum look_next look_undecided(
    struct look *l, enum code code, const char *fmt, ...) PRINTF(3, 4);
enum look_next look_pass(
    struct look *l, const struct answer *a, enum code code);
enum look_next look_no_domain(struct look *l, const struct answer *a);
enum look_next look_bogus_end(struct look *l, const struct answer *a);
/* The resolver's answer was of no use. */
enum look_next look_resolver_failed(
    struct look *l, enum outcome outcome, uint8_t rcode);
