/* SPDX-License-Identifier: Apache-2.0 */
/* The part of core/spf.h that writes the verdict. */
#include "core/spf_private.h"

#include "core/txt.h"

#include <string.h>

void
spf_place_at(
    struct spf_place *out, const struct spf_frame *f, const struct spf_term *t)
{
	*out = (struct spf_place){
	    .domain = f->domain,
	    .record = f->record,
	    .record_len = f->record_len,
	    .target = t != NULL && t == &f->term ? f->target : "",
	    .depth = f->depth,
	};
	if (t != NULL)
		out->term = *t;
}

void
spf_path_to(struct spf *s, const struct spf_frame *f)
{
	struct spf_verdict *v = &s->verdict;
	struct spf_place *path;
	size_t n = f->depth;

	v->path_n = 0;
	if (n == 0)
		return;
	path = arena_alloc(s->arena, n * sizeof(path[0]));
	if (path == NULL)
		return;
	v->path = path;
	v->path_n = n;
	while (n > 0) {
		f = f->up;
		spf_place_at(&path[--n], f, &f->term);
	}
}

/* The problem of a check is its end; of an audit, the first that is permanent
 * stays, or else the first. */
static bool
outranks(const struct spf *s, enum spf_problem problem)
{
	switch (s->verdict.problem) {
	case SPF_FINE:
		return true;
	case SPF_DNS:
		return problem != SPF_DNS;
	default:
		return s->mode == SPF_CHECK;
	}
}

static void
set_problem(struct spf *s, enum spf_problem problem, const struct spf_frame *f,
    const struct spf_term *t)
{
	struct spf_verdict *v = &s->verdict;

	if (!outranks(s, problem))
		return;
	v->problem = problem;
	spf_place_at(&v->where, f, t);
	if (problem == SPF_SYNTAX) {
		v->where.fault = f->cursor.fault;
		v->where.fault_at = f->cursor.fault_at;
		v->where.term.at = f->cursor.term_at;
		v->where.term.len = f->cursor.term_len;
	}
	spf_path_to(s, f);
}

enum spf_turn
spf_permanent(struct spf *s, enum spf_problem problem,
    const struct spf_frame *f, const struct spf_term *t)
{
	set_problem(s, problem, f, t);
	if (s->mode == SPF_AUDIT)
		return SPF_TURN_NEXT;
	s->verdict.result = SPF_RESULT_PERMERROR;
	s->verdict.by = (struct spf_place){.domain = NULL};
	return SPF_TURN_END;
}

/* The question that stands in s->one or s->asks[i]: its frame is on top. */
enum spf_turn
spf_temporary(struct spf *s, enum outcome outcome)
{
	const struct spf_frame *f = s->top;

	/* the record itself: it is its include that could not be followed */
	if (!f->open && f->up != NULL)
		f = f->up;
	if (outranks(s, SPF_DNS)) {
		s->verdict.dns = outcome;
		s->verdict.dns_q = s->asks[0];
		set_problem(s, SPF_DNS, f, f->open ? &f->term : NULL);
	}
	if (s->mode == SPF_CHECK) {
		s->verdict.result = SPF_RESULT_TEMPERROR;
		return SPF_TURN_END;
	}
	if (f->open)
		spf_note(s, SPF_NOTE_DNS, f, &f->term);
	return SPF_TURN_NEXT;
}

enum spf_turn
spf_no_space(struct spf *s)
{
	s->verdict.partial = true;
	if (s->mode == SPF_CHECK) {
		s->verdict.result = SPF_RESULT_TEMPERROR;
		s->verdict.problem = SPF_SPACE;
	}
	return SPF_TURN_END;
}

/* Room for one more of size octets: a bigger copy from the arena. The old one
 * stays behind in it, which doubling keeps below the size of the last. */
static void *
grow(struct spf *s, void *old, size_t n, size_t *cap, size_t size, size_t max)
{
	size_t bigger = *cap == 0 ? 4 : *cap * 2;
	void *out;

	if (n < *cap)
		return old;
	if (n >= max)
		return NULL;
	out = arena_alloc(s->arena, bigger * size);
	if (out == NULL)
		return NULL;
	if (n > 0)
		memcpy(out, old, n * size);
	*cap = bigger;
	return out;
}

struct spf_note *
spf_note(struct spf *s, enum spf_note_kind kind, const struct spf_frame *f,
    const struct spf_term *t)
{
	struct spf_verdict *v = &s->verdict;
	struct spf_note *notes = grow(s, s->notes, v->notes_n, &s->notes_cap,
	    sizeof(notes[0]), SPF_NOTES_MAX);

	struct spf_note *note;

	if (notes == NULL)
		return NULL;
	v->notes = s->notes = notes;
	note = &notes[v->notes_n++];
	note->kind = kind;
	note->gone = false;
	spf_place_at(&note->place, f, t);
	note->root = *t;
	note->root_target = note->place.target;
	for (; f->up != NULL; f = f->up) {
		note->root = f->up->term;
		note->root_target = f->up->target;
	}
	return note;
}

size_t
spf_row(struct spf *s, const struct spf_frame *f, const struct spf_term *t)
{
	struct spf_verdict *v = &s->verdict;
	struct spf_row *row, *rows = grow(s, s->rows, v->rows_n, &s->rows_cap,
				 sizeof(rows[0]), SPF_ROWS_MAX);

	if (rows == NULL)
		return SPF_NO_ROW;
	v->rows = s->rows = rows;
	row = &rows[v->rows_n];
	row->depth = f->depth;
	row->lookups = 0;
	row->is_void = row->unreached = false;
	txt_show(f->record + t->at, t->len, row->term, sizeof(row->term));
	return v->rows_n++;
}

void
spf_charge(struct spf *s)
{
	s->verdict.lookups++;
	for (const struct spf_frame *f = s->top; f != NULL; f = f->up) {
		if (f->row != SPF_NO_ROW)
			s->rows[f->row].lookups++;
	}
}

const char *
spf_result_name(enum spf_result r)
{
	static const char *const name[] = {
	    [SPF_RESULT_NONE] = "none",
	    [SPF_RESULT_NEUTRAL] = "neutral",
	    [SPF_RESULT_PASS] = "pass",
	    [SPF_RESULT_FAIL] = "fail",
	    [SPF_RESULT_SOFTFAIL] = "softfail",
	    [SPF_RESULT_TEMPERROR] = "temperror",
	    [SPF_RESULT_PERMERROR] = "permerror",
	};

	return name[r];
}
