/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the SPF stepper share. spf.c: records, and who returns
 * what to whom. spf_term.c: mechanisms, their questions and answers.
 * spf_report.c: the verdict. */
#pragma once
#include "core/spf.h"
#include "core/spf_macro.h"

/* What comes next. */
enum spf_turn {
	SPF_TURN_NEXT,	/* the next term of the record on top */
	SPF_TURN_MATCH, /* its current term has matched */
	SPF_TURN_ASK,
	SPF_TURN_END,
};

/* Whose answers are awaited. */
enum spf_wait {
	SPF_WAIT_RECORD, /* TXT of the frame on top */
	SPF_WAIT_ADDR,	 /* a, exists */
	SPF_WAIT_MX,
	SPF_WAIT_HOSTS, /* addresses of MX names */
	SPF_WAIT_PTR,
	SPF_WAIT_NAMES, /* addresses of PTR names */
	SPF_WAIT_EXP,
};

#define SPF_NO_ROW SIZE_MAX

/* A record that is being read; `up` waits at its include or redirect. */
struct spf_frame {
	struct spf_frame *up; /* NULL: the first domain's record */
	const char *domain;
	const uint8_t *record;
	size_t record_len;
	struct spf_cursor cursor;
	struct spf_outline outline;
	struct spf_term term; /* the current one */
	const char *target;   /* its name, expanded */
	size_t row;	      /* its row, or SPF_NO_ROW */
	uint8_t depth;
	bool open;
	bool past_all;	 /* of an audit */
	bool redirected; /* its redirect has been followed */
};

struct spf {
	struct arena *arena;
	enum spf_mode mode;
	struct spf_facts facts;
	struct spf_frame *top;
	struct spf_verdict verdict;
	struct spf_row *rows; /* also the verdict's */
	struct spf_note *notes;
	size_t rows_cap, notes_cap;

	const uint8_t *assumed; /* the first record; NULL = ask for it */
	size_t assumed_len;

	/* what is asked */
	enum spf_wait wait;
	struct question one;
	struct question *asks; /* &one, or of the arena */
	size_t asks_n;

	/* names of the address that lead back to it: for ptr and %{p} */
	bool names_known, names_counted;
	unsigned names_voids;
	size_t names_n;
	struct dname *names;

	/* the explanation of a fail */
	struct spf_frame *origin; /* whose exp= it is; NULL = not there yet */
	const uint8_t *exp;	  /* its text; NULL = not there yet */
	size_t exp_len;
};

/* spf_term.c */
/* The current term has begun and is to be evaluated. */
enum spf_turn spf_term_run(struct spf *s);
/* What an audit has to say of the current term before it is evaluated. */
void spf_remark(struct spf *s);
enum spf_turn spf_term_answer(
    struct spf *s, const struct answer *got, size_t got_n);
enum spf_turn spf_ask(struct spf *s, enum spf_wait wait, uint16_t type);
/* The text of a domain-spec of frame f, as a name of the arena in *out.
 * NEXT: it is there. ASK: %{p} needs answers first. */
enum spf_turn spf_target(struct spf *s, const struct spf_frame *f,
    const struct spf_term *t, const char **out);
/* Sets what %{p} stands for, if the text has it; ASK as above. */
enum spf_turn spf_need_name(
    struct spf *s, const uint8_t *text, size_t len, const char *domain);
/* An answer that is no definitive one. */
enum spf_turn spf_temporary(struct spf *s, enum outcome outcome);
/* A lookup of the current term found nothing; target: of the very name that it
 * gives. */
enum spf_void_of { SPF_VOID_TARGET, SPF_VOID_HOST };
enum spf_turn spf_void(
    struct spf *s, enum spf_void_of of, enum outcome outcome);

/* spf.c */
enum spf_turn spf_push(struct spf *s);
enum spf_turn spf_explain(struct spf *s);
enum spf_turn spf_explained(struct spf *s, const struct answer *got);

/* spf_report.c */
/* A permanent error at term t of frame f (NULL: its whole record): the end of
 * a check, a remark in an audit (NEXT). */
enum spf_turn spf_permanent(struct spf *s, enum spf_problem problem,
    const struct spf_frame *f, const struct spf_term *t);
enum spf_turn spf_no_space(struct spf *s);
void spf_place_at(
    struct spf_place *out, const struct spf_frame *f, const struct spf_term *t);
/* The frames above f, outermost first, become the verdict's path. */
void spf_path_to(struct spf *s, const struct spf_frame *f);
struct spf_note *spf_note(struct spf *s, enum spf_note_kind kind,
    const struct spf_frame *f, const struct spf_term *t);
/* Adds a row; its number, or SPF_NO_ROW. */
size_t spf_row(
    struct spf *s, const struct spf_frame *f, const struct spf_term *t);
/* One more lookup of the current term, and of all above it. */
void spf_charge(struct spf *s);
