/* SPDX-License-Identifier: Apache-2.0 */
#include "io/shm.h"

#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

struct slot {
	atomic_bool set; /* `what` is whole */
	atomic_bool ready;
	_Atomic uint64_t beats;
	char what[RECORD_KEY_MAX + 1];
};

/* What was blamed. Only the supervisor writes; the children read `poisoned`
 * under `turn`, which is odd while it is being changed. */
struct mark {
	unsigned strikes; /* 0 = free */
	uint64_t at;	  /* order of the last strike */
	char what[RECORD_KEY_MAX + 1];
};

struct shm {
	struct slot slot[CHILDREN_MAX];
	uint64_t blames;
	struct mark suspect[SHM_POISONED_MAX];
	_Atomic uint64_t turn;
	struct mark poisoned[SHM_POISONED_MAX];
};

/* A reader gives up after so many changes under its eyes; the supervisor
 * makes one a death. */
#define READ_TRIES 1000

enum next
shm_open_crew(struct shm **out, struct err *e)
{
	void *at = mmap(NULL, sizeof(struct shm), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	*out = at == MAP_FAILED ? NULL : at;
	if (*out != NULL)
		return OK;
	err_set(e, "shared memory of %zu bytes: %s", sizeof(struct shm),
	    strerror(errno));
	return RETRY;
}

void
shm_close(struct shm *m)
{
	if (m != NULL)
		munmap(m, sizeof(*m));
}

static void
copy_name(char *out, const char *what)
{
	size_t len = strnlen(what, RECORD_KEY_MAX);

	memcpy(out, what, len);
	out[len] = '\0';
}

void
shm_work_begin(struct shm *m, size_t child, const char *what)
{
	struct slot *s = &m->slot[child];

	atomic_store_explicit(&s->set, false, memory_order_relaxed);
	/* a signal must not see the new name under the old flag */
	atomic_signal_fence(memory_order_seq_cst);
	copy_name(s->what, what);
	atomic_store_explicit(&s->set, true, memory_order_release);
}

void
shm_work_end(struct shm *m, size_t child)
{
	atomic_store_explicit(&m->slot[child].set, false, memory_order_release);
}

static struct mark *
mark_find(struct mark *marks, const char *what)
{
	for (size_t i = 0; i < SHM_POISONED_MAX; i++) {
		if (marks[i].strikes > 0 && strcmp(marks[i].what, what) == 0)
			return &marks[i];
	}
	return NULL;
}

/* A free one, else the oldest. */
static struct mark *
mark_place(struct mark *marks)
{
	struct mark *oldest = &marks[0];

	for (size_t i = 0; i < SHM_POISONED_MAX; i++) {
		if (marks[i].strikes == 0)
			return &marks[i];
		if (marks[i].at < oldest->at)
			oldest = &marks[i];
	}
	return oldest;
}

static void
poison(struct shm *m, const struct mark *mark)
{
	struct mark *place = mark_find(m->poisoned, mark->what);

	if (place == NULL)
		place = mark_place(m->poisoned);
	atomic_fetch_add(&m->turn, 1);
	*place = *mark;
	atomic_fetch_add(&m->turn, 1);
}

unsigned
shm_blame(struct shm *m, size_t child, char *what)
{
	struct slot *s = &m->slot[child];
	struct mark *mark;
	unsigned strikes;

	what[0] = '\0';
	if (!atomic_exchange(&s->set, false))
		return 0;
	copy_name(what, s->what);
	mark = mark_find(m->suspect, what);
	if (mark == NULL) {
		mark = mark_place(m->suspect);
		*mark = (struct mark){.strikes = 0};
		copy_name(mark->what, what);
	}
	strikes = ++mark->strikes;
	mark->at = ++m->blames;
	if (strikes >= SHM_POISON_STRIKES)
		poison(m, mark);
	return strikes;
}

bool
shm_poisoned(const struct shm *m, const char *what)
{
	struct shm *shared = (struct shm *)m; /* the list is only read */
	uint64_t turn;
	bool found;

	for (int i = 0; i < READ_TRIES; i++) {
		turn = atomic_load(&shared->turn);
		found = mark_find(shared->poisoned, what) != NULL;
		atomic_thread_fence(memory_order_acquire);
		if (turn % 2 == 0 && turn == atomic_load(&shared->turn))
			return found;
		sched_yield(); /* the writer may have been interrupted */
	}
	return false;
}

void
shm_beat(struct shm *m, size_t child)
{
	atomic_fetch_add_explicit(
	    &m->slot[child].beats, 1, memory_order_relaxed);
}

uint64_t
shm_beats(const struct shm *m, size_t child)
{
	return atomic_load_explicit(
	    &m->slot[child].beats, memory_order_relaxed);
}

void
shm_reset(struct shm *m, size_t child)
{
	atomic_store(&m->slot[child].set, false);
	atomic_store(&m->slot[child].ready, false);
	atomic_store(&m->slot[child].beats, 0);
}

void
shm_ready_set(struct shm *m, size_t child)
{
	atomic_store(&m->slot[child].ready, true);
}

bool
shm_ready_get(const struct shm *m, size_t child)
{
	return atomic_load(&m->slot[child].ready);
}
