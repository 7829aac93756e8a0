/* SPDX-License-Identifier: Apache-2.0 */
/* What core/dmarc*.c share. */
#pragma once
#include "core/dmarc.h"
#include "core/dmarc_walk.h"

#define HOSTS_MAX (2 * DMARC_URIS_MAX)

enum phase { PHASE_WALK, PHASE_EXISTS, PHASE_REST, PHASE_DONE };

enum host_state {
	HOST_WALKS, /* within our organisational domain: whose is it? */
	HOST_NEW,   /* consent is to be asked for */
	HOST_ASKED,
	HOST_KNOWN,
};

/* A receiver of reports; several addresses may name it. */
struct dmarc_host {
	struct dname name;
	enum host_state state;
	enum dmarc_consent rua, ruf;
	struct dmarc_walk walk;
};

enum ask_kind { ASK_NODE, ASK_EXISTS, ASK_HOST };

struct ask {
	enum ask_kind kind;
	struct dmarc_node *node;
	struct dmarc_host *host;
};

struct dmarc {
	const struct dmarc_query *q;
	struct arena *a;
	enum phase phase;
	bool full; /* the arena */
	bool expired;
	bool assumed; /* the first node's record was given */
	enum dmarc_exists exists;
	unsigned rounds;

	struct dmarc_node *nodes;
	struct dmarc_walk walk;	    /* from the author domain */
	struct dmarc_node *applied; /* whose record applies; NULL = none */
	struct dname record_org;    /* organisational domain of its name */

	struct dmarc_walk dkim, mail;
	size_t hosts_n;
	struct dmarc_host *hosts[HOSTS_MAX];
	uint8_t rua_host[DMARC_URIS_MAX], ruf_host[DMARC_URIS_MAX];
	struct dmarc_report *rua, *ruf;

	struct dmarc_verdict v;

	size_t asks_n;
	struct ask ask[DMARC_ASK_MAX];
	struct question asks[DMARC_ASK_MAX];
};

/* dmarc_judge.c: what all of it means. */
void dmarc_judge(struct dmarc *d);

/* dmarc_text.c */

/* What a value became on its way into the DNS. */
struct dmarc_damage {
	enum code code; /* CODE_NONE: nothing that can be told */
	uint16_t at;
};

/* The first trace of it: octets that are no ASCII, backslashes, quotation
 * marks, blanks before it. */
void dmarc_damage(struct dmarc_damage *out, const uint8_t *text, size_t len);
/* A single word that is a host name rather than a list of tags. */
bool dmarc_is_host(const uint8_t *text, size_t len);

/* Text without its damage, other blanks than SP as SP. out holds
 * DMARC_MENDED_MAX; returns the length, 0 if it does not fit. */
#define DMARC_MENDED_MAX 1024
size_t dmarc_clean(uint8_t *out, const uint8_t *text, size_t len);

/* And in order: v=DMARC1 first and once, each tag once, known ones in lower
 * case. As above; 0 as well if no tag is left. */
size_t dmarc_mend(uint8_t *out, const uint8_t *text, size_t len);

/* What dmarc_rewrite changes. NULL, NO: as it is. */
struct dmarc_change {
	enum dmarc_tag tag;	  /* P, SP or NP: becomes policy */
	enum dmarc_policy policy; /* NO: no change of a policy */
	const char *rua;	  /* appended: there is none */
	const char *t;		  /* "y"; "" drops it */
};

/* The record (form RECORD) anew: removed tags, sizes and wrong values left
 * out, p= (none if it was wrong) right behind v=, where readers of RFC 7489
 * look for it. Returns false, and out is "", when it does not fit or is not
 * printable ASCII. out holds PUBLISH_MAX + 1. */
bool dmarc_rewrite(char *out, const uint8_t *text, size_t len,
    const struct dmarc_record *r, const struct dmarc_change *change);
