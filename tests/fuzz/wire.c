/* SPDX-License-Identifier: Apache-2.0 */
/* Any octets as a frame. A message that can be read is written back octet for
 * octet. */
#include "core/wire.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static uint8_t out[WIRE_MESSAGE_MAX];

/* False when the body is none of its type. */
static bool
again(struct wire_message *m, struct writer *w)
{
	static struct wire_found found;
	struct wire_look look;
	struct wire_gone gone;
	struct wire_poison poison;

	switch (m->type) {
	case WIRE_HELLO:
		wire_put_hello(w);
		return m->body.left == 0;
	case WIRE_LOOK:
		if (!wire_get_look(&m->body, &look))
			return false;
		wire_put_look(w, &look);
		return true;
	case WIRE_FOUND:
		if (!wire_get_found(&m->body, &found))
			return false;
		wire_put_found(w, &found);
		return true;
	case WIRE_GONE:
		if (!wire_get_gone(&m->body, &gone))
			return false;
		wire_put_gone(w, &gone);
		return true;
	case WIRE_POISON:
		if (!wire_get_poison(&m->body, &poison))
			return false;
		wire_put_poison(w, &poison);
		return true;
	}
	return false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct wire_message m;
	struct reader r;

	reader_init(&r, bytes, len);
	for (const uint8_t *at = r.p; wire_next(&r, &m); at = r.p) {
		struct writer w;

		writer_init(&w, out, sizeof(out));
		if (!again(&m, &w))
			continue;
		if (w.bad || w.len != (size_t)(r.p - at) ||
		    memcmp(out, at, w.len) != 0)
			abort();
	}
	return 0;
}
