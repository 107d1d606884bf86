/* SPDX-License-Identifier: MIT */
/* DESIGN: what is found on a descriptor, in every place, at once and after a wait; two who want the same thing; what ends
 * a wait; descriptors that are closed, doubled or not to be had. */
#include <tandem/fd.h>

#include <fcntl.h>
#include <sys/resource.h>

#include "tasks/sanitizer.h"
#include "tests/unit/place.h"
#include "tests/unit/sockets.h"

typedef struct watch {
    tdm_executor *executor;
    int fd;
    int what;
    double seconds;
} watch;

static int wait_for(void *arg)
{
    const watch *w = arg;
    return tdm_wait_fd(w->fd, w->what, w->seconds);
}

static int run_in(tdm_executor *executor, int place, int fd, int what, double seconds)
{
    return unit_run(executor, (unit_place) place, wait_for, &(watch){executor, fd, what, seconds});
}

/* Somebody waits for it: another who asks, without taking its place, finds it busy. */
static void until_awaited(int fd, int what)
{
    UNIT_UNTIL(tdm_wait_fd(fd, what, 0) == -EBUSY);
}

START_TEST(what_is_so_already_is_returned_at_once_in_every_place)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    int pair[2], file = unit_memory_file();
    make_pair(pair);
    for (int place = 0; place < UNIT_PLACES; place++) {
        ck_assert_int_eq(run_in(executor, place, pair[0], TDM_FD_WRITABLE, TDM_FOREVER), TDM_FD_WRITABLE);
        ck_assert_int_eq(run_in(executor, place, pair[0], TDM_FD_READABLE | TDM_FD_WRITABLE, TDM_FOREVER),
                         TDM_FD_WRITABLE);
        put(pair[1]);
        ck_assert_int_eq(run_in(executor, place, pair[0], TDM_FD_READABLE, 0), TDM_FD_READABLE);
        ck_assert_int_eq(run_in(executor, place, pair[0], TDM_FD_READABLE | TDM_FD_WRITABLE, TDM_FOREVER),
                         TDM_FD_READABLE | TDM_FD_WRITABLE);
        get(pair[0]);
        ck_assert_int_eq(run_in(executor, place, file, TDM_FD_READABLE, TDM_FOREVER), TDM_FD_READABLE);
    }
    close(file);
    close_pair(pair);
    unit_destroy(executor);
}
END_TEST

START_TEST(what_comes_later_ends_the_wait_in_every_place)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.loops = 2});
    int pair[2];
    make_pair(pair);
    for (int i = 0; i < 20 * UNIT_PLACES; i++) {
        watch w = {executor, pair[0], TDM_FD_READABLE, TDM_FOREVER};
        unit_call call;
        unit_start(executor, &call, (unit_place) (i % UNIT_PLACES), wait_for, &w);
        until_awaited(pair[0], TDM_FD_READABLE);
        put(pair[1]);
        ck_assert_int_eq(unit_result(&call), TDM_FD_READABLE);
        get(pair[0]);
    }
    fill(pair[0]);
    for (int place = 0; place < UNIT_PLACES; place++) {
        watch w = {executor, pair[0], TDM_FD_WRITABLE, TDM_FOREVER};
        unit_call call;
        unit_start(executor, &call, (unit_place) place, wait_for, &w);
        until_awaited(pair[0], TDM_FD_WRITABLE);
        empty(pair[1]);
        ck_assert_int_eq(unit_result(&call), TDM_FD_WRITABLE);
        fill(pair[0]);
    }
    close_pair(pair);
    unit_destroy(executor);
}
END_TEST

START_TEST(hang_ups_and_errors_end_the_wait)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    for (int place = 0; place < UNIT_PLACES; place++) {
        int ends[2];
        ck_assert_int_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
        watch w = {executor, ends[0], TDM_FD_READABLE, TDM_FOREVER};
        unit_call call;
        unit_start(executor, &call, (unit_place) place, wait_for, &w);
        until_awaited(ends[0], TDM_FD_READABLE);
        close(ends[1]);
        ck_assert_int_eq(unit_result(&call), TDM_FD_HANGUP);
        close(ends[0]);

        ck_assert_int_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
        fill(ends[1]);
        w = (watch){executor, ends[1], TDM_FD_WRITABLE, TDM_FOREVER};
        unit_start(executor, &call, (unit_place) place, wait_for, &w);
        until_awaited(ends[1], TDM_FD_WRITABLE);
        close(ends[0]);
        ck_assert_int_ne(unit_result(&call) & TDM_FD_ERROR, 0);
        close(ends[1]);
    }
    unit_destroy(executor);
}
END_TEST

START_TEST(the_time_is_kept_in_every_place)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    int pair[2];
    make_pair(pair);
    for (int place = 0; place < UNIT_PLACES; place++) {
        int64_t before = tdm_clock_ns();
        ck_assert_int_eq(run_in(executor, place, pair[0], TDM_FD_READABLE, 0.005), -ETIMEDOUT);
        ck_assert_int_ge(tdm_clock_ns() - before, 5000000);
        ck_assert_int_eq(run_in(executor, place, pair[0], TDM_FD_READABLE, 0), -ETIMEDOUT);
        ck_assert_int_eq(run_in(executor, place, pair[0], TDM_FD_READABLE, -1), -ETIMEDOUT);
    }
    close_pair(pair);
    unit_destroy(executor);
}
END_TEST

static int wait_in_scopes(void *arg)
{
    const watch *w = arg;
    tdm_timeout scope;
    tdm_timeout_begin(&scope, 0.003);
    int err = tdm_wait_fd(w->fd, TDM_FD_READABLE, 3600);
    if (!tdm_timeout_end(&scope) || err != -ETIMEDOUT)
        return -EIO;
    tdm_timeout_begin(&scope, 3600);
    err = tdm_wait_fd(w->fd, TDM_FD_READABLE, 0.003);
    return !tdm_timeout_end(&scope) && err == -ETIMEDOUT ? 0 : -EIO;
}

static int wait_when_cancelled(void *arg)
{
    const watch *w = arg;
    unit_cancel_myself(w->executor);
    if (tdm_wait_fd(w->fd, TDM_FD_READABLE, 3600) != -ECANCELED ||
        tdm_wait_fd(w->fd, TDM_FD_WRITABLE, 3600) != TDM_FD_WRITABLE) /* it is so already */
        return -EIO;
    tdm_shield shield;
    tdm_shield_begin(&shield);
    int err = tdm_wait_fd(w->fd, TDM_FD_READABLE, 0.001);
    tdm_shield_end(&shield);
    return err == -ETIMEDOUT ? 0 : -EIO;
}

START_TEST(scopes_shields_and_cancellation_count_as_in_every_wait)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    int pair[2];
    make_pair(pair);
    watch w = {.executor = executor, .fd = pair[0]};
    for (int place = 0; place < UNIT_PLACES; place++) {
        ck_assert_int_eq(unit_run(executor, (unit_place) place, wait_in_scopes, &w), 0);
        if (place != UNIT_THREAD)
            ck_assert_int_eq(unit_run(executor, (unit_place) place, wait_when_cancelled, &w), 0);
    }
    close_pair(pair);
    unit_destroy(executor);
}
END_TEST

START_TEST(a_cancelled_wait_leaves_the_descriptor_to_the_next)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.workers = 1});
    int pair[2];
    make_pair(pair);
    for (int i = 0; i < 30; i++) {
        watch w = {executor, pair[0], TDM_FD_READABLE, TDM_FOREVER};
        unit_call call;
        unit_start(executor, &call, (unit_place) (i % UNIT_THREAD), wait_for, &w);
        until_awaited(pair[0], TDM_FD_READABLE);
        unit_cancel(executor, &call);
        ck_assert_int_eq(unit_result(&call), -ECANCELED);
        unit_start(executor, &call, (unit_place) (i % UNIT_THREAD), wait_for, &w); /* on the same worker, and loop */
        until_awaited(pair[0], TDM_FD_READABLE);
        put(pair[1]);
        ck_assert_int_eq(unit_result(&call), TDM_FD_READABLE);
        get(pair[0]);
    }
    close_pair(pair);
    unit_destroy(executor);
}
END_TEST

/* `first` and the meeter wait for pipes that both become readable while their loop is held, the meeter's first: it
 * goes on first, when the wait of `first` has ended and `first` has not run. */
typedef struct meeting {
    tdm_executor *executor;
    int meeter[2], victim[2];
    unit_call first, met;
    bool late; /* cancel after the descriptor was seen, not before */
} meeting;

static int wait_for_victim(void *arg)
{
    return tdm_wait_fd(((meeting *) arg)->victim[0], TDM_FD_READABLE, TDM_FOREVER);
}

static int meet(void *arg)
{
    meeting *m = arg;
    int found = tdm_wait_fd(m->meeter[0], TDM_FD_READABLE, TDM_FOREVER);
    if (m->late)
        unit_cancel(m->executor, &m->first);
    return found;
}

static int arrange_meeting(void *arg)
{
    meeting *m = arg;
    unit_start(m->executor, &m->met, UNIT_LOOP, meet, m);
    unit_start(m->executor, &m->first, UNIT_LOOP, wait_for_victim, m);
    int err = tdm_yield(); /* both wait now */
    put(m->meeter[1]);
    put(m->victim[1]);
    if (!m->late)
        unit_cancel(m->executor, &m->first);
    return err;
}

START_TEST(of_readiness_and_cancellation_the_first_that_is_seen_counts)
{
    for (int late = 0; late < 2; late++) {
        meeting m = {.executor = unit_executor((tdm_executor_options){0}), .late = late};
        make_pair(m.meeter);
        make_pair(m.victim);
        ck_assert_int_eq(unit_run(m.executor, UNIT_LOOP, arrange_meeting, &m), 0);
        ck_assert_int_eq(unit_result(&m.met), TDM_FD_READABLE);
        ck_assert_int_eq(unit_result(&m.first), late ? TDM_FD_READABLE : -ECANCELED);
        close_pair(m.meeter);
        close_pair(m.victim);
        unit_destroy(m.executor);
    }
}
END_TEST

START_TEST(two_may_wait_for_one_descriptor_only_if_they_want_different_things)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.loops = 1, .workers = 3});
    int pair[2];
    make_pair(pair);
    for (int one = 0; one < UNIT_PLACES; one++)
        for (int other = 0; other < UNIT_PLACES; other++) {
            watch reading = {executor, pair[0], TDM_FD_READABLE, TDM_FOREVER};
            watch writing = {executor, pair[0], TDM_FD_WRITABLE, TDM_FOREVER};
            unit_call reader, writer;
            fill(pair[0]);
            unit_start(executor, &reader, (unit_place) one, wait_for, &reading);
            until_awaited(pair[0], TDM_FD_READABLE);
            ck_assert_int_eq(run_in(executor, other, pair[0], TDM_FD_READABLE, 1), -EBUSY);
            ck_assert_int_eq(run_in(executor, other, pair[0], TDM_FD_READABLE | TDM_FD_WRITABLE, 1), -EBUSY);
            unit_start(executor, &writer, (unit_place) other, wait_for, &writing);
            until_awaited(pair[0], TDM_FD_WRITABLE);
            if (one < other) { /* whoever is second is still told */
                put(pair[1]);
                ck_assert_int_eq(unit_result(&reader), TDM_FD_READABLE);
                ck_assert(!writer.returned);
                empty(pair[1]);
                ck_assert_int_ne(unit_result(&writer) & TDM_FD_WRITABLE, 0);
            } else {
                empty(pair[1]);
                ck_assert_int_eq(unit_result(&writer), TDM_FD_WRITABLE);
                ck_assert(!reader.returned);
                put(pair[1]);
                ck_assert_int_eq(unit_result(&reader), TDM_FD_READABLE);
            }
            get(pair[0]);
        }
    close_pair(pair);
    unit_destroy(executor);
}
END_TEST

START_TEST(what_is_no_open_descriptor_is_refused)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    int pair[2];
    make_pair(pair);
    close_pair(pair);
    for (int place = 0; place < UNIT_PLACES; place++) {
        ck_assert_int_eq(run_in(executor, place, pair[0], TDM_FD_READABLE, 1), -EBADF);
        ck_assert_int_eq(run_in(executor, place, -1, TDM_FD_READABLE, 1), -EBADF);
        ck_assert_int_eq(run_in(executor, place, 0, 0, 1), -EINVAL);
        ck_assert_int_eq(run_in(executor, place, 0, TDM_FD_HANGUP, 1), -EINVAL);
        ck_assert_int_eq(run_in(executor, place, 0, TDM_FD_READABLE | 16, 1), -EINVAL);
    }
    unit_destroy(executor);
}
END_TEST

static int close_it(void *arg)
{
    return close(*(int *) arg);
}

START_TEST(a_descriptor_closed_under_a_wait_is_found_out_when_its_file_stirs)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    int pair[2];
    make_pair(pair);
    int twin = dup(pair[0]);
    watch w = {executor, pair[0], TDM_FD_READABLE, TDM_FOREVER};
    unit_call call;
    unit_start(executor, &call, UNIT_LOOP, wait_for, &w);
    until_awaited(pair[0], TDM_FD_READABLE);
    ck_assert_int_eq(unit_run(executor, UNIT_LOOP, close_it, &pair[0]), 0);
    put(pair[1]);
    ck_assert_int_eq(unit_result(&call), -EBADF);
    /* Its number comes back for another file; the report of the old one must not count for it. */
    get(twin);
    int other[2];
    make_pair(other);
    ck_assert_int_eq(other[0], pair[0]);
    w.fd = other[0];
    unit_start(executor, &call, UNIT_LOOP, wait_for, &w);
    until_awaited(other[0], TDM_FD_READABLE);
    put(pair[1]);
    ck_assert_int_eq(run_in(executor, UNIT_LOOP, twin, TDM_FD_READABLE, TDM_FOREVER), TDM_FD_READABLE);
    ck_assert_int_eq(unit_run(executor, UNIT_LOOP, wait_in_scopes, &(watch){.fd = other[1]}), 0);
    ck_assert(!call.returned);
    put(other[1]);
    ck_assert_int_eq(unit_result(&call), TDM_FD_READABLE);
    close(twin);
    close(pair[1]);
    close_pair(other);
    unit_destroy(executor);
}
END_TEST

START_TEST(one_file_under_two_numbers_has_two_waits)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.workers = 3});
    int pair[2];
    make_pair(pair);
    int twin = dup(pair[0]);
    for (int place = 0; place < UNIT_PLACES; place++) {
        watch one = {executor, pair[0], TDM_FD_READABLE, TDM_FOREVER};
        watch other = {executor, twin, TDM_FD_READABLE, TDM_FOREVER};
        unit_call calls[2];
        unit_start(executor, &calls[0], (unit_place) place, wait_for, &one);
        unit_start(executor, &calls[1], (unit_place) place, wait_for, &other);
        until_awaited(pair[0], TDM_FD_READABLE);
        until_awaited(twin, TDM_FD_READABLE);
        put(pair[1]);
        ck_assert_int_eq(unit_result(&calls[0]), TDM_FD_READABLE);
        ck_assert_int_eq(unit_result(&calls[1]), TDM_FD_READABLE);
        get(twin);
    }
    close(twin);
    close_pair(pair);
    unit_destroy(executor);
}
END_TEST

START_TEST(without_descriptors_the_wait_says_so_and_works_later)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    int pair[2];
    struct rlimit few, all;
    make_pair(pair);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &all), 0);
    few = (struct rlimit){.rlim_cur = 2, .rlim_max = all.rlim_max}; /* what poll(2) needs; both are open */
    ck_assert(fcntl(0, F_GETFD) >= 0 && fcntl(1, F_GETFD) >= 0);
    for (int place = 0; place < UNIT_PLACES; place++) {
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
        ck_assert_int_eq(run_in(executor, place, pair[0], TDM_FD_READABLE, 3600), -EMFILE);
        ck_assert_int_eq(run_in(executor, place, pair[0], TDM_FD_WRITABLE, 3600), TDM_FD_WRITABLE);
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &all), 0);
        ck_assert_int_eq(run_in(executor, place, pair[0], TDM_FD_READABLE, 0.001), -ETIMEDOUT);
    }
    close_pair(pair);
    unit_destroy(executor);
}
END_TEST

START_TEST(a_callback_is_told_what_is_so_and_never_waits)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    int pair[2];
    make_pair(pair);
    watch w = {executor, pair[0], TDM_FD_READABLE, 1};
    ck_assert_int_eq(unit_in_callback(executor, wait_for, &w), -EDEADLK);
    put(pair[1]);
    ck_assert_int_eq(unit_in_callback(executor, wait_for, &w), TDM_FD_READABLE);
    close_pair(pair);
    unit_destroy(executor);
}
END_TEST

/* ---- a crowd: pairs that send a byte to and fro, some of them with little patience ---- */

enum { CROWD = 180, ROUNDS = 20 };

typedef struct player {
    int fd;
    bool begins;
} player;

static int play(void *arg)
{
    const player *p = arg;
    char byte = 'x';
    for (int i = 0; i < ROUNDS; i++) {
        if (p->begins && write(p->fd, &byte, 1) != 1)
            return -errno;
        int found;
        do
            found = tdm_wait_fd(p->fd, TDM_FD_READABLE, i % 3 ? TDM_FOREVER : 0.0001);
        while (found == -ETIMEDOUT);
        if (found < 0)
            return found;
        if (read(p->fd, &byte, 1) != 1 || (!p->begins && write(p->fd, &byte, 1) != 1))
            return -errno;
    }
    return 0;
}

START_TEST(hundreds_of_descriptors_are_waited_for_at_once)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.loops = 2, .workers = 8});
    static player players[CROWD][2];
    static unit_call calls[CROWD][2];
    int count = TDM__SANITIZED ? CROWD / 4 : CROWD;
    for (int i = 0; i < count; i++) {
        int pair[2];
        make_pair(pair);
        for (int side = 0; side < 2; side++) {
            bool on_thread = i % 45 < 2 && side; /* few: each occupies one */
            players[i][side] = (player){pair[side], side};
            unit_start(executor, &calls[i][side], on_thread ? (unit_place) (1 + i % 2) : UNIT_LOOP, play,
                       &players[i][side]);
        }
    }
    for (int i = 0; i < count; i++)
        for (int side = 0; side < 2; side++) {
            ck_assert_int_eq(unit_result(&calls[i][side]), 0);
            close(players[i][side].fd);
        }
    unit_destroy(executor);
}
END_TEST

int main(void)
{
    return unit_main(
        "fd",
        (const TTest *const[]){
            what_is_so_already_is_returned_at_once_in_every_place, what_comes_later_ends_the_wait_in_every_place,
            hang_ups_and_errors_end_the_wait, the_time_is_kept_in_every_place,
            scopes_shields_and_cancellation_count_as_in_every_wait, a_cancelled_wait_leaves_the_descriptor_to_the_next,
            of_readiness_and_cancellation_the_first_that_is_seen_counts,
            two_may_wait_for_one_descriptor_only_if_they_want_different_things, what_is_no_open_descriptor_is_refused,
            a_descriptor_closed_under_a_wait_is_found_out_when_its_file_stirs, one_file_under_two_numbers_has_two_waits,
            without_descriptors_the_wait_says_so_and_works_later, a_callback_is_told_what_is_so_and_never_waits,
            hundreds_of_descriptors_are_waited_for_at_once, NULL});
}
