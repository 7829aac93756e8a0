/* SPDX-License-Identifier: Apache-2.0 */
/* DNS messages for tests, written as words:
 *   H8400/1.2.0.1  header: id 0x1234, flags, the four counts
 *   Q TXT=NAME     the usual question (TXT of NAME below), or another
 *   @shop.test     a name as labels        ^12  a pointer to octet 12
 *   TXT TXT/900    type, class IN, TTL 300 or 900; TXT/900/3: class 3
 *   [ ... ]        data, with its length before it
 *   'text          a character-string      w16 d300 xc00c  u16, u32, octets */
#pragma once
#include "core/bytes.h"
#include "core/packet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PACKET_TEXT_ID	 0x1234
#define PACKET_TEXT_NAME "_example-challenge.shop.test"

static const struct {
	const char *name;
	uint16_t type;
} packet_text_types[] = {
    {"A", 1},
    {"NS", 2},
    {"CNAME", 5},
    {"SOA", 6},
    {"PTR", 12},
    {"MX", 15},
    {"TXT", 16},
    {"AAAA", 28},
    {"DNAME", 39},
    {"RRSIG", 46},
};

static inline uint16_t
packet_text_type(const char *word)
{
	size_t len = strcspn(word, "/=");

	for (size_t i = 0; i < ARRAY_LEN(packet_text_types); i++) {
		if (strlen(packet_text_types[i].name) == len &&
		    memcmp(packet_text_types[i].name, word, len) == 0)
			return packet_text_types[i].type;
	}
	fprintf(stderr, "packet_text: what is %s?\n", word);
	abort();
}

static inline struct dname
packet_text_dname(const char *text)
{
	struct dname name;

	if (dname_from_text(&name, text, NULL) != DNAME_OK)
		abort();
	return name;
}

static inline void
packet_text_head(struct writer *w, const char *word)
{
	unsigned flags, n[4];

	if (sscanf(word, "H%x/%u.%u.%u.%u", &flags, &n[0], &n[1], &n[2],
		&n[3]) != 5)
		abort();
	writer_u16(w, PACKET_TEXT_ID);
	writer_u16(w, (uint16_t)flags);
	for (size_t i = 0; i < 4; i++)
		writer_u16(w, (uint16_t)n[i]);
}

static inline void
packet_text_hex(struct writer *w, const char *hex)
{
	for (; hex[0] != '\0' && hex[1] != '\0'; hex += 2) {
		char two[3] = {hex[0], hex[1]};

		writer_u8(w, (uint8_t)strtoul(two, NULL, 16));
	}
}

/* NAME=TYPE, type and class of a question */
static inline void
packet_text_question(struct writer *w, const char *name, uint16_t type)
{
	struct dname wire = packet_text_dname(name);

	writer_bytes(w, wire.wire, wire.len);
	writer_u16(w, type);
	writer_u16(w, 1);
}

static inline void
packet_text_record(struct writer *w, const char *word)
{
	unsigned ttl_s = 300, class = 1;
	const char *more = strchr(word, '/');

	if (strchr(word, '=') != NULL) {
		packet_text_question(
		    w, strchr(word, '=') + 1, packet_text_type(word));
		return;
	}
	if (more != NULL)
		sscanf(more, "/%u/%u", &ttl_s, &class);
	writer_u16(w, packet_text_type(word));
	writer_u16(w, (uint16_t) class);
	writer_u32(w, ttl_s);
}

/* Where the data of the record that is being written begins. */
static inline void
packet_text_close(struct writer *w, size_t open)
{
	size_t len = w->len - open - 2;

	w->buf[open] = (uint8_t)(len >> 8);
	w->buf[open + 1] = (uint8_t)len;
}

static inline void
packet_text_word(struct writer *w, const char *word, size_t *open)
{
	struct dname name;

	switch (word[0]) {
	case 'H':
		packet_text_head(w, word);
		break;
	case 'Q':
		packet_text_question(w, PACKET_TEXT_NAME, RRTYPE_TXT);
		break;
	case '@':
		name = packet_text_dname(word + 1);
		writer_bytes(w, name.wire, name.len);
		break;
	case '^':
		writer_u16(w, (uint16_t)(0xc000u | (unsigned)atoi(word + 1)));
		break;
	case '[':
		*open = w->len;
		writer_u16(w, 0);
		break;
	case ']':
		packet_text_close(w, *open);
		break;
	case '\'':
		writer_u8(w, (uint8_t)strlen(word + 1));
		writer_bytes(w, word + 1, strlen(word + 1));
		break;
	case 'w':
		writer_u16(w, (uint16_t)atoi(word + 1));
		break;
	case 'd':
		writer_u32(w, (uint32_t)strtoul(word + 1, NULL, 10));
		break;
	case 'x':
		packet_text_hex(w, word + 1);
		break;
	default:
		packet_text_record(w, word);
	}
}

/* Returns the length of the message. */
static inline size_t
packet_text_write(uint8_t *out, size_t cap, const char *text)
{
	struct writer w;
	size_t open = 0;

	writer_init(&w, out, cap);
	while (*text != '\0') {
		char word[600];
		size_t len = strcspn(text, " ");

		if (len >= sizeof(word))
			abort();
		memcpy(word, text, len);
		word[len] = '\0';
		if (len > 0)
			packet_text_word(&w, word, &open);
		text += len + (text[len] == ' ');
	}
	if (w.bad)
		abort();
	return w.len;
}
