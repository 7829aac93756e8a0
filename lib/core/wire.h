/* SPDX-License-Identifier: Apache-2.0 */
/* What our processes say to each other in frames (io/frame.h): many messages
 * a frame, each a type octet, a u16 length and a body. A frame comes from our
 * own processes, but a resolver reads hostile data: it is read as if it came
 * from outside. Pure. */
#pragma once
#include "core/bytes.h"
#include "core/look.h"
#include "core/record.h"

#define WIRE_FRAME_MAX	 60000 /* octets of one frame */
#define WIRE_MESSAGE_MAX 16000 /* octets of one message, head included */

enum wire_type {
	WIRE_HELLO = 1, /* resolver -> scheduler: empty; send me everything */
	WIRE_LOOK,	/* scheduler -> resolver: struct wire_look */
	WIRE_FOUND,	/* resolver -> scheduler: struct wire_found */
	WIRE_GONE,	/* supervisor -> scheduler: resolver `index` died */
	WIRE_POISON,	/* supervisor -> scheduler: this look killed three */
};

struct wire_look {
	uint64_t request; /* names the answer; the scheduler's */
	char subject[RECORD_KEY_MAX + 1]; /* "org/domain/id", to be blamed if
					   * this look kills its process */
	char domain[DNAME_TEXT_MAX + 1];
	char registrable[DNAME_TEXT_MAX + 1];
	char token[TOKEN_TEXT_MAX + 1];
	uint32_t checks; /* bit per enum check; each is answered by itself */
	uint32_t proven; /* of them: LOOK_PUBLIC_FIRST, the others
			  * LOOK_SERVERS_FIRST */
	bool quick;	 /* somebody watches: the authoritative servers alone
			  * decide that it is missing; no probes, no advice */
	bool signs;	 /* mail is signed: dkim is on */
	/* dkim: keys_n 0 = none is known */
	uint8_t keys_n;
	struct claim_key keys[CLAIM_KEYS_MAX];
};

/* One check of a look has ended; one message each. */
struct wire_found {
	uint64_t request;
	struct finding finding;
};

struct wire_gone {
	uint32_t index;
};

struct wire_poison {
	char subject[RECORD_KEY_MAX + 1];
};

struct wire_message {
	enum wire_type type;
	struct reader body;
};

/* Next message of a frame; false at its end or when the rest is unreadable
 * (then r->bad). */
bool wire_next(struct reader *r, struct wire_message *out);
/* Writers append one message; w->bad when it does not fit (nothing is then
 * written). Readers return false for a body that is not one. */
void wire_put_hello(struct writer *w);
void wire_put_look(struct writer *w, const struct wire_look *m);
bool wire_get_look(struct reader *body, struct wire_look *m) MUST_USE;
void wire_put_found(struct writer *w, const struct wire_found *m);
/* The same without a copy of the finding, which is large. */
void wire_put_finding(
    struct writer *w, uint64_t request, const struct finding *f);
bool wire_get_found(struct reader *body, struct wire_found *m) MUST_USE;
void wire_put_gone(struct writer *w, const struct wire_gone *m);
bool wire_get_gone(struct reader *body, struct wire_gone *m) MUST_USE;
void wire_put_poison(struct writer *w, const struct wire_poison *m);
bool wire_get_poison(struct reader *body, struct wire_poison *m) MUST_USE;
