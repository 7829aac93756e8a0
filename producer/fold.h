/* SPDX-License-Identifier: Apache-2.0 */
/* What a partition of the state topic says: the last record of a key counts, a
 * tombstone takes the key away. */
#pragma once
#include "core/record.h"
#include "core/table.h"
#include "io/kafka.h"

struct fold_entry {
	enum record_kind kind; /* CLAIM, JOB or POS */
	int64_t offset, append_at;
	union {
		struct claim claim;
		struct job job;
		struct record_pos pos;
	};
	char key[]; /* as stored, with a NUL */
};

struct fold {
	struct table entries; /* key -> struct fold_entry */
	uint64_t records_n;   /* seen, also those that counted for nothing */
};

/* STOP: the kernel gives no random seed. */
enum next fold_open(struct fold *f, struct err *e) MUST_USE;
void fold_free(struct fold *f);
/* REJECT: the record is none of ours, e says why; what it replaced is gone.
 * RETRY: memory is out. */
enum next fold_add(
    struct fold *f, const struct kafka_record *record, struct err *e) MUST_USE;
/* The entries by key, n of them, freed by mem_free; NULL with n > 0 when
 * memory is out. They stay the fold's. */
struct fold_entry **fold_sorted(const struct fold *f);

/* bad is told of each record that is none of ours; the others go on. RETRY:
 * Kafka failed, memory is out, or the command is interrupted. */
typedef void fold_bad_fn(
    void *arg, const struct kafka_record *record, const char *why);
enum next fold_read(struct fold *f, struct kafka_reader *reader,
    int32_t partition, fold_bad_fn *bad, void *arg, struct err *e) MUST_USE;
