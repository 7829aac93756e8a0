/* SPDX-License-Identifier: Apache-2.0 */
/* check_host() of RFC 7208 as a stepper without I/O: it says which questions
 * it wants answered, its caller asks a door and comes back with the answers.
 * Sections: 4 (initial processing, limits), 5 (mechanisms), 6 (redirect, exp),
 * 7 (macros).
 *
 * Limits of section 4.6.4: 10 terms that look something up, 2 void lookups
 * (each lookup of an a, mx, ptr or exists counts, as receivers count them), 10
 * MX names, the first 10 PTR names. 20 s are the caller's: spf_expire.
 *
 * SPF_CHECK gives the result for one address. SPF_AUDIT lets nothing match and
 * so visits every term of the whole tree; limits are counted, not enforced
 * (but the visit ends after SPF_AUDIT_LOOKUPS_MAX counted terms): the full
 * cost, the void terms and what is wrong anywhere. */
#pragma once
#include "core/spf_record.h"
#include "core/verdict.h"

#define SPF_LOOKUPS_MAX	      10
#define SPF_VOIDS_MAX	      2
#define SPF_MX_MAX	      10
#define SPF_PTR_MAX	      10
#define SPF_ASK_MAX	      10
#define SPF_AUDIT_LOOKUPS_MAX 40
#define SPF_DEPTH_MAX	      10 /* includes in includes */
#define SPF_ROWS_MAX	      64
#define SPF_NOTES_MAX	      32
#define SPF_EXPLANATION_MAX   1000 /* a longer one is left out */
#define SPF_TIME_MAX_S	      20

enum spf_mode { SPF_CHECK, SPF_AUDIT };

/* Texts are copied. */
struct spf_query {
	struct packet_addr ip; /* IPv4 in IPv6 (::ffff:a.b.c.d) is IPv4 */
	const char *mail_from; /* "" = empty: postmaster at helo is taken */
	const char *helo;
	const char *receiver; /* %{r}; "" = "unknown" */
	int64_t wall_s;	      /* %{t} */
	enum spf_mode mode;
};

enum spf_result {
	SPF_RESULT_NONE,
	SPF_RESULT_NEUTRAL,
	SPF_RESULT_PASS,
	SPF_RESULT_FAIL,
	SPF_RESULT_SOFTFAIL,
	SPF_RESULT_TEMPERROR,
	SPF_RESULT_PERMERROR,
};

/* Why the result is none, temperror or permerror; of an audit, the first
 * thing that is wrong. */
enum spf_problem {
	SPF_FINE,
	SPF_NO_RECORD,	 /* none: the first domain has no SPF record */
	SPF_NO_NAME,	 /* none: the first domain does not exist */
	SPF_BAD_NAME,	 /* none: it is no name that can be asked for */
	SPF_MULTIPLE,	 /* more than one record, at where.domain */
	SPF_SYNTAX,	 /* where.fault, where.fault_at */
	SPF_LOOKUPS,	 /* the term that is one too many */
	SPF_VOIDS,	 /* the term whose lookup is one too many */
	SPF_MX_NAMES,	 /* more than 10 behind one mx */
	SPF_TARGET_NONE, /* include or redirect to a name without record */
	SPF_TARGET_GONE, /* ... to a name that does not exist */
	SPF_TARGET_BAD,	 /* ... to something that is no name */
	SPF_DNS,	 /* temperror: `dns` says how the question ended */
	SPF_TIME,	 /* temperror: spf_expire */
	SPF_SPACE,	 /* temperror: the arena is full */
};

/* A term in somebody's record. All bytes are as published: escape before
 * showing (core/txt.h). The first record of an evaluation is on nobody's
 * path: its terms have depth 0. */
struct spf_place {
	const char *domain;    /* whose record it is, NULL = no place */
	const uint8_t *record; /* NULL = it has none */
	size_t record_len;
	struct spf_term term; /* len 0 = the record as a whole */
	const char *target;   /* what the term names, expanded; "" = nothing */
	const char *fault;    /* SPF_SYNTAX */
	uint16_t fault_at;
	uint8_t depth;
};

enum spf_note_kind {
	SPF_NOTE_VOID,	    /* its lookups found nothing */
	SPF_NOTE_UNREACHED, /* behind `all` */
	SPF_NOTE_REDIRECT,  /* a redirect that is ignored because of `all` */
	SPF_NOTE_GONE,	    /* an include or redirect to a name that does not
			     * exist: whoever registers it sends for you */
	SPF_NOTE_BROKEN,    /* ... to a name without a usable record */
	SPF_NOTE_PLUS_ALL,
	SPF_NOTE_WIDE, /* ip4 wider than /16, ip6 wider than /32 */
	SPF_NOTE_PTR,  /* section 5.5: should not be used */
	SPF_NOTE_DNS,  /* its question got no usable answer */
};

struct spf_note {
	enum spf_note_kind kind;
	struct spf_place place;
	bool gone; /* VOID: the term names what does not exist, for any kind
		    * of address */
	/* the term of the first record that leads there; the place's own at
	 * depth 0 */
	struct spf_term root;
	const char *root_target;
};

/* Arrays and texts lie in the arena. */
struct spf_verdict {
	enum spf_result result; /* of an audit: NONE, PERMERROR, TEMPERROR, or
				 * NEUTRAL = it is sound but for `lookups`,
				 * `voids` and the notes */
	/* of a fail; NULL = none. Octets of the sender's address may be in it:
	 * escape before showing */
	const char *explanation;
	enum spf_problem problem;
	struct spf_place where; /* of the problem */
	struct spf_place by;	/* the term that decided; domain NULL = none */
	/* the includes and redirects that lead to `by` or, with a problem, to
	 * `where`, outermost first */
	size_t path_n;
	const struct spf_place *path;
	enum outcome dns; /* SPF_DNS: how the question ended, and which */
	struct question dns_q;
	/* counted up to where the evaluation ended; an audit counts all */
	unsigned lookups, voids;
	bool partial; /* an audit that was ended by its own limits */
	/* terms that count, `all`, and what is unreached; in order */
	size_t rows_n;
	const struct spf_row *rows;
	size_t notes_n;
	const struct spf_note *notes;
};

enum spf_next { SPF_ASK, SPF_DONE };

struct spf; /* private, in the arena */

/* All memory comes from the arena (a check needs some 4 KiB and what the
 * records are long; SPF_ARENA is enough for a big tree). NULL only when the
 * arena has no room for the evaluation itself. */
#define SPF_ARENA (64u * 1024u)
struct spf *spf_begin(const struct spf_query *q, struct arena *a);

/* This record stands for the first domain's TXT: it is not asked for. Before
 * the first step; the bytes are copied. They are taken for the record as they
 * are: without v=spf1 the result is none. */
void spf_assume(struct spf *s, const uint8_t *record, size_t len);

/* The first call has got_n 0. SPF_ASK: spf_asks() are wanted (RD set; types A,
 * AAAA, MX, PTR, TXT); ask all of them and call again with one answer for
 * each, in the same order; answers must live until that call returns. A door
 * that could not ask passes OUTCOME_TIMEOUT. SPF_DONE: spf_verdict() is
 * final. */
enum spf_next spf_step(struct spf *s, const struct answer *got, size_t got_n);
const struct question *spf_asks(const struct spf *s, size_t *n);
/* SPF_TIME_MAX_S have gone by: temperror. After this, only spf_verdict. */
void spf_expire(struct spf *s);
const struct spf_verdict *spf_verdict(const struct spf *s);

/* "none", "neutral", "pass", ... as in RFC 7208 section 2.6. */
const char *spf_result_name(enum spf_result r);
