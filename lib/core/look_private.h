/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by look.c (who is asked what next), look_zone.c (which servers there
 * are), look_judge.c (what the answers mean together), look_probe.c (where
 * else the record may be), look_kind.c (what each check wants), look_spf.c and
 * look_dmarc.c (evaluators that ask on), look_ours.c (our own include) and
 * look_finding.c (how all that is told). Nobody else includes it. */
#pragma once
#include "core/dmarc.h"
#include "core/look.h"
#include "core/spf_judge.h"

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
	PHASE_SERIAL,  /* SOA of the zone, at servers that disagree */
	PHASE_LIVE,    /* who is delegated to? NS of the domain above, */
	PHASE_LIVE_A,  /* its server's address, */
	PHASE_LIVE_NS, /* and its word */
	PHASE_WRONG,   /* TXT at the usual wrong places, and what is around */
	PHASE_STRAY_A, /* a server that the zone names and the delegation not */
	PHASE_STRAY,
	PHASE_PUBLIC, /* TXT where it was found: the public view confirms */
	PHASE_PUBLIC_CD,
	PHASE_ON, /* what an evaluator wants to know besides */
	PHASE_DONE,
	PHASE_N,
};

enum walk {
	WALK_OWN,    /* the zone of the record */
	WALK_PARENT, /* above it: the resolver could not name its servers */
	WALK_ALIAS,  /* down to where a CNAME led */
};

/* How much of what we want is in an RRset. What the most of the servers have
 * is compared: HAS_SOME only if none HAS_IT. */
enum look_has { HAS_NOT, HAS_SOME, HAS_IT };

/* Whose answer is judged, and so what comes after it. */
enum source {
	SOURCE_EARLY,	/* pass: done; else the servers are asked */
	SOURCE_SERVERS, /* pass: the public view is asked; else done */
	SOURCE_PUBLIC,	/* pass: done; else a cache has something older */
	SOURCE_MISSING, /* nothing right anywhere */
	SOURCE_LAST,	/* the fixed server's, or an assumed record */
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
	bool chain_bad;
	bool over_budget;  /* we did not ask it */
	enum look_has has; /* settled */
	struct dname name;
	struct packet_addr addr;
	enum outcome outcome;
	uint8_t rcode;
	unsigned level;	 /* aliases followed before it was asked */
	unsigned zone_n; /* which of the zones it was asked as a server of */
	bool has_serial;
	uint32_t serial;
	/* the answer, for judging: evidence in the answer's arrays */
	size_t txt_n;
	const struct packet_txt *txt;
	const struct dname *alias; /* end of its chain, NULL = none */
};

/* What differs by check. */
struct look_kind {
	enum check check;
	bool (*name)(struct dname *out, const struct look_wish *w);
	/* What is to be published, into finding.expected; may be NULL. */
	void (*expect)(struct look *l);
	enum look_has (*has)(
	    const struct look *l, const struct packet_txt *txt, size_t n);
	/* Judges by the text alone, into l->judged: why is this not it? NULL:
	 * judge must say. */
	void (*value)(struct look *l, const struct packet_txt *txt, size_t n);
	/* Judges l->subject into l->judged and goes on with look_judged, now
	 * or after questions of its own. */
	enum look_next (*judge)(struct look *l);
	/* Takes the answers to those (PHASE_ON). */
	enum look_next (*on)(struct look *l, const struct answer *got);
	/* Time is over: fills l->judged; false when there is nothing to say. */
	bool (*expire)(struct look *l);
	/* A public answer is the record that was judged: no need to judge it
	 * once more. NULL: judging is cheap. */
	bool (*same)(const struct look *l, const struct answer *a);
	bool none_ends; /* "there is none" may be right: judge it at once */
};

struct look {
	const struct look_wish *wish;
	const struct look_kind *kind;
	struct arena *arena;
	enum phase phase;
	enum walk walk;
	enum source source;
	unsigned rounds, steps; /* without and with PHASE_ON */
	unsigned cuts;
	unsigned aliases;
	unsigned zone_n;
	size_t names_max; /* servers taken of this zone */
	bool dead_end;	  /* an alias to a name under no zone */
	bool apex;	  /* PUBLIC confirms the domain itself */
	bool coexists;	  /* one server has an alias, another data */
	bool is_judged;	  /* l->judged says something */
	/* an answer that decided, besides the subject, was without AD */
	bool unproven;
	bool over_budget; /* a question of this round was not asked at all */
	/* at the wrong places: what to say unless a stray server has it */
	enum verdict place_verdict;
	enum code place_code;
	enum dmarc_exists exists; /* the domain */
	enum look_has most;

	/* the first failure of the resolver, while we go another way */
	bool failed;
	enum outcome failure;
	uint8_t failure_rcode;

	/* one responsive server of the domain's zone, and of the topmost zone
	 * within the registrable domain; family 0 = none */
	struct packet_addr probe, top;

	void *own; /* of look_spf.c, look_dmarc.c; arena */
	struct look_ours *ours;
	/* the addresses that SPF is judged by */
	size_t addresses_n;
	struct packet_addr addresses[LOOK_ADDRESSES_MAX];

	size_t asks_n, servers_n, seen_n;

	/* from here on nothing is cleared beforehand */
	struct dname record;
	struct dname zone;   /* whose servers are in `servers` */
	struct dname wanted; /* the record's name, or where aliases led */
	struct dname probe_zone, top_zone, stray;
	struct answer subject; /* what is judged */
	struct judged judged;
	struct look_ask asks[LOOK_ASK_MAX];
	uint8_t who[LOOK_ASK_MAX]; /* index into servers, or enum place */
	struct look_server servers[SERVERS_MAX];
	struct dname seen[PACKET_CHAIN_MAX + 1]; /* behind us on the chain */
	struct finding finding;
};

extern const struct look_kind look_kinds[CHECK_N];
extern const struct look_kind look_kind_ours;

/* look.c */
void look_round(struct look *l, enum phase phase);
/* cd: 0 or QUESTION_CD. Never shared if it is TXT: that of the record. */
void look_want_public(
    struct look *l, const struct dname *name, enum rrtype type, uint8_t cd);
/* What many looks want to know. */
void look_want_shared(struct look *l, const struct question *q);
/* who: the server's index, told back by l->who */
void look_want_server(struct look *l, const struct packet_addr *addr,
    size_t who, const struct dname *name, enum rrtype type);
enum look_next look_ask_public(struct look *l);
/* Judges an answer to TXT of the record. */
enum look_next look_evaluate(
    struct look *l, const struct answer *a, enum source source);
/* l->judged has been filled; what next? */
enum look_next look_judged(struct look *l);

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
enum look_has look_has(const struct look *l, const struct answer *a);
/* Where an answer leads out of its zone or its server's knowledge; NULL if it
 * stands for itself. One of a->chain. */
const struct dname *look_alias(
    const struct dname *zone, const struct answer *a);
/* Judges one server's answer to TXT of look.wanted. */
void look_classify(
    struct look *l, struct look_server *s, const struct answer *a);
void look_note_public(struct look *l, const struct answer *a);

/* look_judge.c: what they mean together; the look ends, or goes on */
enum look_next look_judge(struct look *l);
enum look_next look_serial_take(struct look *l, const struct answer *got);
enum look_next look_live_take(struct look *l, const struct answer *got);
enum look_next look_live_a_take(struct look *l, const struct answer *got);
enum look_next look_live_ns_take(struct look *l, const struct answer *got);
enum look_next look_judge_public(struct look *l, const struct answer *a);

/* look_probe.c: it is definitely not at its name. a: the answer that says so
 * best. */
enum look_next look_missing(struct look *l, const struct answer *a);
enum look_next look_wrong_take(struct look *l, const struct answer *got);
enum look_next look_stray_a_take(struct look *l, const struct answer *got);
enum look_next look_stray_take(struct look *l, const struct answer *got);

/* look_spf.c, look_dmarc.c, look_ours.c: rows of look_kind */
enum look_has look_spf_has(
    const struct look *l, const struct packet_txt *txt, size_t n);
void look_spf_value(struct look *l, const struct packet_txt *txt, size_t n);
enum look_next look_spf_judge(struct look *l);
enum look_next look_spf_on(struct look *l, const struct answer *got);
bool look_spf_expire(struct look *l);
bool look_spf_same(const struct look *l, const struct answer *a);
enum look_next look_dmarc_judge(struct look *l);
enum look_next look_dmarc_on(struct look *l, const struct answer *got);
bool look_dmarc_expire(struct look *l);
bool look_dmarc_same(const struct look *l, const struct answer *a);
enum look_next look_ours_begin(struct look *l);
/* What its evaluations mean; l->judged has been filled for the record. */
void look_ours_judge(
    struct look *l, const struct spf_verdict *const checks[], size_t n);
/* The questions of an evaluator: what was asked before in this look comes from
 * its memory. look_memo_ask: LOOK_ASK, or LOOK_DONE when `got` could be filled
 * for all of them; the same after look_memo_take. */
struct look_memo;
enum look_next look_memo_ask(struct look *l, struct look_memo **m,
    const struct question *q, size_t n, struct answer *got);
void look_memo_take(
    struct look *l, struct look_memo **m, const struct answer *got);
/* The verdict rests on this answer, too. */
void look_rests_on(struct look *l, const struct answer *a);

/* look_finding.c: words; saw is appended to */
void look_finding_init(struct finding *f);
/* We did not ask: the domain's budget of questions was used up. */
bool look_over_budget(const struct answer *a);
enum code look_code_of(enum outcome outcome);
const char *look_word(enum outcome outcome, uint8_t rcode);
/* "our resolver", or what it is called here */
const char *look_resolver(const struct look *l);
void look_saw(struct look *l, const char *fmt, ...) PRINTF(2, 3);
void look_saw_name(struct look *l, const struct dname *name);
void look_saw_txt(struct look *l, const struct packet_txt *txt);

/* look_finding.c: evidence */
void look_found(struct look *l, const struct packet_txt *txt);

/* look_finding.c: ends. Each makes the finding and returns LOOK_DONE. */
enum look_next look_finish(
    struct look *l, enum verdict verdict, enum code code);
enum look_next look_undecided(
    struct look *l, enum code code, const char *fmt, ...) PRINTF(3, 4);
/* With what l->judged says of l->subject. */
enum look_next look_end(struct look *l);
/* A token at the domain itself, which counts. */
enum look_next look_pass_apex(struct look *l, const struct answer *a);
enum look_next look_no_domain(struct look *l, const struct answer *a);
enum look_next look_bogus_end(struct look *l, const struct answer *a);
/* The resolver's answer was of no use. */
enum look_next look_resolver_failed(
    struct look *l, enum outcome outcome, uint8_t rcode);
