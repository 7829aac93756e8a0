/* SPDX-License-Identifier: Apache-2.0 */
/* The resolver: takes looks from the scheduler, asks the DNS, sends findings
 * back, one for each check as soon as it is known. It knows no job and no
 * private key, and keeps nothing: when it dies the next one says hello and is
 * sent everything again. */
#include "core/mem.h"
#include "core/wire.h"
#include "io/clock.h"
#include "io/entropy.h"
#include "io/failpoint.h"
#include "io/frame.h"
#include "io/log.h"
#include "worker/include.h"
#include "worker/role.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define WAIT_MS	 (ROLE_BEAT_MS / 2)
#define OUT_MAX	 64 /* frames that wait; no more looks are taken then */
#define FRAMES_N 16 /* taken in one turn */

struct out { /* a frame that waits for the scheduler to read */
	struct out *next;
	size_t len;
	uint8_t bytes[];
};

struct resolver {
	const struct role *role;
	struct looks *looks;
	struct include *include;
	uint32_t seed;
	int waits;	   /* epoll of the two descriptors */
	uint32_t interest; /* in the scheduler's */
	struct out *out, *out_last;
	size_t out_n;
	bool ended;
	int exit_code;
	struct writer batch; /* findings of this turn */
	uint8_t batch_bytes[WIRE_FRAME_MAX];
	uint8_t in[WIRE_FRAME_MAX];
};

static void
end(struct resolver *r, int exit_code, const char *event, const char *why)
{
	if (why)
		log_line(exit_code == EXIT_CODE_DONE ? LOG_INFO : LOG_ERROR,
		    event, FIELDS(TEXT("why", why)));
	if (!r->ended)
		r->exit_code = exit_code;
	r->ended = true;
}

/* --- findings, out -------------------------------------------------------- */

static void
wait_out(struct resolver *r, const void *bytes, size_t len)
{
	struct out *o = mem_alloc(sizeof(*o) + len);

	if (!o) { /* the next one is sent all looks again */
		end(r, EXIT_CODE_OUTSIDE, "resolver.end", "no memory");
		return;
	}
	o->len = len;
	memcpy(o->bytes, bytes, len);
	*(r->out ? &r->out_last->next : &r->out) = o;
	r->out_last = o;
	r->out_n++;
}

static void
flush(struct resolver *r)
{
	if (r->batch.len == 0 || r->ended)
		return;
	switch (r->out ? FRAME_AGAIN
		       : frame_send(r->role->scheduler_fd, r->batch.buf,
			     r->batch.len)) {
	case FRAME_DONE:
		break;
	case FRAME_AGAIN:
		wait_out(r, r->batch.buf, r->batch.len);
		break;
	case FRAME_CLOSED:
		end(r, EXIT_CODE_DONE, "resolver.end", "scheduler gone");
		break;
	}
	writer_init(&r->batch, r->batch_bytes, sizeof(r->batch_bytes));
}

static void
flush_waiting(struct resolver *r)
{
	while (r->out && !r->ended) {
		struct out *o = r->out;
		enum frame_result sent =
		    frame_send(r->role->scheduler_fd, o->bytes, o->len);

		if (sent == FRAME_AGAIN)
			return;
		if (sent == FRAME_CLOSED)
			end(r, EXIT_CODE_DONE, "resolver.end",
			    "scheduler gone");
		r->out = o->next;
		r->out_n--;
		mem_free(o);
	}
}

static void
put_found(struct resolver *r, uint64_t request, const struct finding *f)
{
	struct wire_found m = {.request = request, .finding = *f};

	wire_put_found(&r->batch, &m);
	if (!r->batch.bad)
		return;
	r->batch.bad = false;
	flush(r);
	wire_put_found(&r->batch, &m);
	if (r->batch.bad)
		end(r, EXIT_CODE_BUG, "resolver.end",
		    "a finding does not fit into a frame");
}

static void
on_found(void *arg, uint64_t tag, const struct finding *f)
{
	struct resolver *r = arg;

	if (tag == INCLUDE_TAG)
		include_found(r->include, f);
	else
		put_found(r, tag, f);
}

/* --- trouble -------------------------------------------------------------- */

/* Ours is dead: no customer's fault, and somebody here has to mend it. */
static void
resolver_silent(const struct asks_trouble *t)
{
	log_line(t->all ? LOG_ERROR : LOG_WARN, "dns.resolver_silent",
	    FIELDS(TEXT("resolver", t->what), INT("unanswered", (int64_t)t->n),
		TEXT("others", t->all ? "silent too" : "answer")));
}

static void
on_trouble(void *arg, const struct asks_trouble *t)
{
	(void)arg;
	switch (t->kind) {
	case ASKS_RESOLVER_SILENT:
		resolver_silent(t);
		break;
	case ASKS_RESOLVER_BACK:
		log_line(LOG_INFO, "dns.resolver_back",
		    FIELDS(TEXT("resolver", t->what)));
		break;
	case ASKS_DOMAIN_BUDGET:
		log_line(LOG_WARN, "dns.domain_budget",
		    FIELDS(TEXT("domain", t->what),
			INT("refused", (int64_t)t->n)));
		break;
	}
}

/* --- looks, in ------------------------------------------------------------ */

static void
put_undecided(
    struct resolver *r, uint64_t request, enum check check, enum code code)
{
	struct finding f = {
	    .check = check,
	    .verdict = VERDICT_UNDECIDED,
	    .code = code,
	    .mark = NO_MARK,
	};

	put_found(r, request, &f);
}

/* What is the same for all checks. */
static bool
wish_of(
    struct look_wish *w, const struct wire_look *m, const struct resolver *r)
{
	const struct policy *p = r->role->policy;

	*w = (struct look_wish){
	    .apex_ok = p->apex == APEX_ACCEPT,
	    .authoritative = r->role->settings->dns.authoritative,
	    .private_ok = r->role->settings->dns.private_ok,
	    .quick = m->quick,
	    .seed = r->seed,
	    .wall_s = clock_wall_ms() / 1000,
	};
	memcpy(w->token, m->token, sizeof(w->token));
	memcpy(w->service, p->service, sizeof(w->service));
	if (dname_from_text(&w->domain, m->domain, NULL) != DNAME_OK ||
	    dname_from_text(&w->registrable, m->registrable, NULL) != DNAME_OK)
		return false;
	if (!policy_mail_from(&w->mail_from, p, &w->domain))
		w->mail_from.len = 0;
	w->signs = m->signs;
	return true;
}

/* The first key is the one that is to be published. */
static void
add_keys(struct look_wish *w, const struct wire_look *m,
    struct dkim_known known[CLAIM_KEYS_MAX])
{
	if (m->keys_n == 0)
		return;
	w->selector = m->keys[0].selector;
	w->key = &m->keys[0].key;
	w->known = known;
	w->known_n = m->keys_n - 1u;
	for (size_t i = 0; i < w->known_n; i++)
		known[i] = (struct dkim_known){
		    .selector = m->keys[i + 1].selector,
		    .key = &m->keys[i + 1].key,
		};
}

/* Takes on one check. w is what all of them share. */
static void
begin(struct resolver *r, const struct wire_look *m, struct look_wish *w,
    enum check check)
{
	struct dkim_known known[CLAIM_KEYS_MAX];
	bool proven = (m->proven >> check & 1) != 0;
	enum next next;
	struct err e;

	w->check = check;
	w->order = proven ? LOOK_PUBLIC_FIRST : LOOK_SERVERS_FIRST;
	w->explain = !proven && !m->quick;
	if (check == CHECK_DKIM)
		add_keys(w, m, known);
	if (check == CHECK_SPF)
		next = include_begin(r->include, w, m->subject, m->request, &e);
	else
		next = looks_begin(r->looks, w, m->subject, m->request, &e);
	w->selector = NULL;
	w->key = NULL;
	w->known_n = 0;
	if (next == OK)
		return;
	log_line(LOG_WARN, "resolver.no_look", FIELDS(TEXT("why", e.text)));
	put_undecided(r, m->request, check, CODE_TIMEOUT);
}

static void
take_look(struct resolver *r, struct reader *body)
{
	struct wire_look m;
	struct look_wish wish;
	bool named;

	if (!wire_get_look(body, &m)) {
		end(r, EXIT_CODE_BUG, "resolver.end", "unreadable look");
		return;
	}
	named = wish_of(&wish, &m, r);
	if (!named)
		log_line(LOG_ERROR, "resolver.bad_name",
		    FIELDS(TEXT("subject", m.subject)));
	for (int check = 0; check < CHECK_N; check++) {
		if ((m.checks >> check & 1) == 0)
			continue;
		if (named)
			begin(r, &m, &wish, (enum check)check);
		else
			put_undecided(
			    r, m.request, (enum check)check, CODE_BAD_DOMAIN);
	}
}

static void
take_frame(struct resolver *r, size_t len)
{
	struct reader in;
	struct wire_message m;

	reader_init(&in, r->in, len);
	while (!r->ended && wire_next(&in, &m))
		if (m.type == WIRE_LOOK)
			take_look(r, &m.body);
	if (in.bad)
		end(r, EXIT_CODE_BUG, "resolver.end", "unreadable frame");
}

static bool
may_take(const struct resolver *r)
{
	return r->out_n < OUT_MAX && looks_n(r->looks) < LOOKS_AT_ONCE;
}

static void
take_frames(struct resolver *r)
{
	size_t len;

	for (int i = 0; i < FRAMES_N && may_take(r) && !r->ended; i++)
		switch (frame_receive(
		    r->role->scheduler_fd, r->in, sizeof(r->in), &len)) {
		case FRAME_DONE:
			take_frame(r, len);
			break;
		case FRAME_AGAIN:
			return;
		case FRAME_CLOSED:
			end(r, EXIT_CODE_DONE, "resolver.end",
			    "scheduler gone");
			return;
		}
}

/* --- the loop ------------------------------------------------------------- */

static void
on_watch(void *arg, const char *subject)
{
	const struct resolver *r = arg;

	if (!subject) {
		shm_work_end(r->role->shm, r->role->child);
		return;
	}
	shm_work_begin(r->role->shm, r->role->child, subject);
	failpoint("resolver.evaluate", subject);
}

static void
set_interest(struct resolver *r)
{
	struct epoll_event ev = {.data.fd = r->role->scheduler_fd};

	if (may_take(r))
		ev.events |= EPOLLIN;
	if (r->out)
		ev.events |= EPOLLOUT;
	if (ev.events != r->interest)
		epoll_ctl(r->waits, EPOLL_CTL_MOD, ev.data.fd, &ev);
	r->interest = ev.events;
}

static void
on_events(struct resolver *r)
{
	struct epoll_event ev[2];
	int n = epoll_wait(r->waits, ev, ARRAY_LEN(ev), 0);

	for (int i = 0; i < n && !r->ended; i++) {
		if (ev[i].data.fd != r->role->scheduler_fd) {
			end(r, EXIT_CODE_DONE, "resolver.end", "stopped");
			return;
		}
		if (ev[i].events & EPOLLOUT)
			flush_waiting(r);
		if (ev[i].events & EPOLLIN)
			take_frames(r);
		else if (ev[i].events & (EPOLLHUP | EPOLLERR))
			end(r, EXIT_CODE_DONE, "resolver.end",
			    "scheduler gone");
	}
}

static void
run(struct resolver *r)
{
	wire_put_hello(&r->batch);
	while (!r->ended) {
		shm_beat(r->role->shm, r->role->child);
		flush(r);
		set_interest(r);
		include_serve(r->include, clock_mono_ms());
		if (looks_serve(r->looks, WAIT_MS, r->waits))
			on_events(r);
	}
}

/* --- life ----------------------------------------------------------------- */

static enum next
watch_fd(struct resolver *r, int fd, struct err *e)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};

	if (epoll_ctl(r->waits, EPOLL_CTL_ADD, fd, &ev) == 0)
		return OK;
	err_set(e, "epoll: %s", strerror(errno));
	return RETRY;
}

static enum next
open_include(struct resolver *r, struct err *e)
{
	struct include_conf conf = {
	    .looks = r->looks,
	    .policy = r->role->policy,
	    .found = on_found,
	    .arg = r,
	};

	return include_open(&r->include, &conf, e);
}

static enum next
open_all(struct resolver *r, struct err *e)
{
	struct looks_conf conf = {
	    .at_once = LOOKS_AT_ONCE,
	    .watch = on_watch,
	    .found = on_found,
	    .arg = r,
	};
	enum next n;

	if ((n = entropy_check(e)) != OK ||
	    (n = entropy_get(&r->seed, sizeof(r->seed), e)) != OK)
		return n;
	if ((n = looks_conf_asks(&conf.asks, r->role->settings, e)) != OK)
		return n;
	conf.asks.trouble = on_trouble;
	r->waits = epoll_create1(EPOLL_CLOEXEC);
	if (r->waits < 0) {
		err_set(e, "epoll: %s", strerror(errno));
		return RETRY;
	}
	if ((n = watch_fd(r, role_stop_fd(r->role), e)) != OK ||
	    (n = watch_fd(r, r->role->scheduler_fd, e)) != OK)
		return n;
	r->interest = EPOLLIN;
	if ((n = looks_open(&r->looks, &conf, e)) != OK)
		return n;
	return open_include(r, e);
}

static int
exit_code_of(enum next n)
{
	switch (n) {
	case OK:
		return EXIT_CODE_DONE;
	case REJECT:
		return EXIT_CODE_USAGE;
	case RETRY:
	case STOP:
		break;
	}
	return EXIT_CODE_OUTSIDE;
}

int
resolver_main(const struct role *role)
{
	struct resolver *r = mem_alloc(sizeof(*r));
	struct err e = {.text = "no memory"};
	enum next n = RETRY;
	int code;

	if (r) {
		r->role = role;
		r->waits = -1;
		writer_init(&r->batch, r->batch_bytes, sizeof(r->batch_bytes));
		n = open_all(r, &e);
	}
	if (n != OK) {
		log_line(
		    LOG_ERROR, "resolver.start", FIELDS(TEXT("why", e.text)));
		code = exit_code_of(n);
		goto done;
	}
	run(r);
	code = r->exit_code;
done:
	if (r) {
		include_close(r->include);
		looks_close(r->looks);
		while (r->out) {
			struct out *o = r->out;
			r->out = o->next;
			mem_free(o);
		}
		if (r->waits >= 0)
			close(r->waits);
		mem_free(r);
	}
	return code;
}
