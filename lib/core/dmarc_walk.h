/* SPDX-License-Identifier: Apache-2.0 */
/* The DNS tree walk (RFC 9989 section 4.10): names and what was found at each
 * of them. Names are shared: walks of one evaluation that come to the same
 * name ask for it once. No I/O; memory of the arena. */
#pragma once
#include "core/dmarc_record.h"
#include "core/packet.h"
#include "core/verdict.h"

#define WALK_MAX 8 /* names of one walk, section 4.10 */

enum node_state {
	NODE_NEW,   /* to be asked for */
	NODE_ASKED, /* in this round */
	NODE_EMPTY, /* no record, or more than one (both discarded) */
	NODE_RECORD,
	NODE_FAILED, /* no usable answer */
};

struct dmarc_node {
	struct dmarc_node *next;
	struct dname name; /* without `_dmarc.` */
	enum node_state state;
	enum outcome outcome;
	enum code failure;   /* NODE_FAILED */
	size_t n;	     /* records that begin with v=DMARC1 */
	size_t txt;	     /* index in the answer of the one kept here: */
	int like;	     /* 2: it is a record; 1: it speaks of DMARC1 */
	const uint8_t *text; /* the record, or what looks most like one, or
			      * the first of any; NULL = none */
	size_t len;
	struct dmarc_record record; /* if n > 0; RECORD: a usable form */
};

/* Takes the answer to TXT of the node's `_dmarc` name: one record of the right
 * form makes NODE_RECORD. False: the arena is full. */
bool dmarc_node_take(struct dmarc_node *node, const struct answer *got,
    struct arena *a) MUST_USE;
/* As if this was the only record there. */
bool dmarc_node_assume(struct dmarc_node *node, const uint8_t *bytes,
    size_t len, struct arena *a) MUST_USE;

/* Why an answer is of no use: CODE_NONE, or that of an undecided finding. */
enum code dmarc_failure(const struct answer *got);

enum walk_state {
	WALK_ON,
	WALK_DONE,
	WALK_FAILED, /* at visited[n - 1] */
};

struct dmarc_walk {
	enum walk_state state;
	const struct dname *start;
	size_t n, total;
	struct dmarc_node *visited[WALK_MAX];
};

void dmarc_walk_begin(struct dmarc_walk *w, const struct dname *start);
/* The name to look at next, from the start (n = 0) towards the root. */
void dmarc_walk_name(const struct dmarc_walk *w, struct dname *out);
/* node, of that name, has an answer: the walk goes on, stops or fails. */
void dmarc_walk_visit(struct dmarc_walk *w, struct dmarc_node *node);
/* The organisational domain (section 4.10.2) of a walk that is done. */
void dmarc_walk_org(const struct dmarc_walk *w, struct dname *out);
