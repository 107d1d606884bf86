/* SPDX-License-Identifier: MIT */
/* DESIGN: who is let go by an event and who is not, in every place; and the ties of setting it with a cancellation and
 * with a deadline. */
#include <tandem/event.h>

#include "tests/unit/place.h"

static tdm_event *event(void)
{
    tdm_event *e = NULL;
    ck_assert_int_eq(tdm_event_create(&e), 0);
    return e;
}

static int wait_for_it(void *arg)
{
    return tdm_event_wait(arg);
}

static int wait_a_moment(void *arg)
{
    return tdm_event_wait_for(arg, 0.003);
}

static int wait_briefly(void *arg)
{
    return tdm_event_wait_for(arg, UNIT_BRIEF);
}

static void start_waiter(tdm_executor *executor, tdm_event *e, unit_call *call, unit_place place)
{
    unsigned before = tdm_event_waiting(e);
    unit_start(executor, call, place, wait_for_it, e);
    UNIT_UNTIL(tdm_event_waiting(e) == before + 1);
}

static void set(void *arg)
{
    tdm_event_set(arg);
}

START_TEST(a_set_event_lets_everybody_through_until_it_is_cleared)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    tdm_event *e = event();
    ck_assert(!tdm_event_is_set(e));
    tdm_event_set(e);
    tdm_event_set(e);
    ck_assert(tdm_event_is_set(e));
    for (int place = 0; place < UNIT_PLACES; place++) {
        ck_assert_int_eq(unit_run(executor, (unit_place) place, wait_for_it, e), 0);
        ck_assert_int_eq(unit_run(executor, (unit_place) place, wait_a_moment, e), 0);
    }
    ck_assert_int_eq(unit_in_callback(executor, wait_for_it, e), 0);
    tdm_event_clear(e);
    ck_assert(!tdm_event_is_set(e));
    for (int place = 0; place < UNIT_PLACES; place++)
        ck_assert_int_eq(unit_run(executor, (unit_place) place, wait_a_moment, e), -ETIMEDOUT);
    ck_assert_int_eq(unit_in_callback(executor, wait_for_it, e), -EDEADLK);
    tdm_event_destroy(&e);
    ck_assert_ptr_null(e);
    tdm_event_destroy(&e);
    unit_destroy(executor);
}
END_TEST

START_TEST(setting_wakes_all_who_wait_even_if_it_is_cleared_at_once)
{
    enum { WAITERS = 9 };
    tdm_executor *executor = unit_executor((tdm_executor_options){.loops = 2, .workers = WAITERS});
    tdm_event *e = event();
    for (int round = 0; round < 50; round++) {
        unit_call calls[WAITERS];
        for (int i = 0; i < WAITERS; i++)
            unit_start(executor, &calls[i], (unit_place) (i % UNIT_PLACES), wait_for_it, e);
        UNIT_UNTIL(tdm_event_waiting(e) == WAITERS);
        tdm_event_set(e);
        tdm_event_clear(e);
        for (int i = 0; i < WAITERS; i++)
            ck_assert_int_eq(unit_result(&calls[i]), 0);
    }
    tdm_event_destroy(&e);
    unit_destroy(executor);
}
END_TEST

static int set_it(void *arg)
{
    tdm_event_set(arg);
    return 0;
}

START_TEST(it_can_be_set_from_anywhere)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.loops = 2});
    tdm_event *e = event();
    for (int setter = 0; setter <= UNIT_PLACES; setter++) /* the last one: a callback */
        for (int place = 0; place < UNIT_PLACES; place++) {
            unit_call call;
            start_waiter(executor, e, &call, (unit_place) place);
            if (setter == UNIT_PLACES)
                unit_in_callback(executor, set_it, e);
            else
                unit_run(executor, (unit_place) setter, set_it, e);
            ck_assert_int_eq(unit_result(&call), 0);
            tdm_event_clear(e);
        }
    tdm_event_destroy(&e);
    unit_destroy(executor);
}
END_TEST

typedef struct tie {
    tdm_executor *executor;
    tdm_event *e;
    unit_call call;
} tie;

static void set_of_tie(void *arg)
{
    tdm_event_set(((tie *) arg)->e);
}

static void cancel_of_tie(void *arg)
{
    unit_cancel(((tie *) arg)->executor, &((tie *) arg)->call);
}

static void check_tie(unit_place place, void (*one)(void *arg), void (*other)(void *arg), int expected)
{
    tie t = {.executor = unit_executor((tdm_executor_options){0}), .e = event()};
    start_waiter(t.executor, t.e, &t.call, place);
    if (place == UNIT_LOOP) {
        unit_in_order(t.executor, one, other, &t);
    } else {
        one(&t);
        other(&t);
    }
    ck_assert_int_eq(unit_result(&t.call), expected);
    ck_assert_uint_eq(tdm_event_waiting(t.e), 0);
    tdm_event_destroy(&t.e);
    unit_destroy(t.executor);
}

START_TEST(of_setting_and_cancelling_the_first_one_counts)
{
    for (int place = 0; place < UNIT_THREAD; place++) {
        check_tie((unit_place) place, set_of_tie, cancel_of_tie, 0);
        check_tie((unit_place) place, cancel_of_tie, set_of_tie, -ECANCELED);
    }
}
END_TEST

START_TEST(of_setting_and_the_deadline_the_first_one_counts)
{
    for (int after = 0; after < 2; after++) {
        tdm_executor *executor = unit_executor((tdm_executor_options){0});
        tdm_event *e = event();
        unit_deadline d = {executor, wait_briefly, wait_for_it, set, e, .after = after};
        unit_meet_deadline(&d);
        ck_assert_int_eq(unit_result(&d.first), after ? -ETIMEDOUT : 0);
        ck_assert_int_eq(unit_result(&d.next), 0);
        tdm_event_destroy(&e);
        unit_destroy(executor);
    }
}
END_TEST

static int wait_when_cancelled(void *arg)
{
    tie *t = arg;
    unit_cancel_myself(t->executor);
    if (tdm_event_wait(t->e) != -ECANCELED)
        return -EIO;
    tdm_shield shield;
    tdm_shield_begin(&shield);
    int err = tdm_event_wait_for(t->e, 0.001);
    tdm_shield_end(&shield);
    tdm_event_set(t->e);
    if (err == -ETIMEDOUT)
        err = tdm_event_wait(t->e);
    tdm_event_clear(t->e);
    return err;
}

START_TEST(a_cancelled_task_sees_what_is_set_and_waits_only_under_a_shield)
{
    tie t = {.executor = unit_executor((tdm_executor_options){0}), .e = event()};
    for (int place = 0; place < UNIT_THREAD; place++)
        ck_assert_int_eq(unit_run(t.executor, (unit_place) place, wait_when_cancelled, &t), 0);
    tdm_event_destroy(&t.e);
    unit_destroy(t.executor);
}
END_TEST

static int wait_and_destroy(void *arg)
{
    tdm_event *e = arg;
    int err = tdm_event_wait(e);
    tdm_event_destroy(&e);
    return err;
}

START_TEST(whoever_was_let_go_last_may_destroy_it_at_once)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    for (int i = 0; i < 600; i++) {
        tdm_event *e = event();
        unit_call call;
        unit_start(executor, &call, (unit_place) (i % UNIT_PLACES), wait_and_destroy, e);
        if (i % 2)
            UNIT_UNTIL(tdm_event_waiting(e) == 1);
        tdm_event_set(e); /* while it waits, or just before it does */
        ck_assert_int_eq(unit_result(&call), 0);
    }
    unit_destroy(executor);
}
END_TEST

/* Two tasks that take turns: every wake-up counts, since none is repeated. */
typedef struct pair {
    tdm_event *ping, *pong;
    int rounds, count; /* `count` is guarded by the turns */
} pair;

static int play(pair *p, tdm_event *mine, tdm_event *other)
{
    for (int i = 0; i < p->rounds; i++) {
        int err = tdm_event_wait(mine);
        if (err)
            return err;
        tdm_event_clear(mine);
        p->count++;
        tdm_event_set(other);
    }
    return 0;
}

static int play_ping(void *arg)
{
    pair *p = arg;
    return play(p, p->ping, p->pong);
}

static int play_pong(void *arg)
{
    pair *p = arg;
    return play(p, p->pong, p->ping);
}

START_TEST(what_was_written_before_setting_is_read_after_waiting)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.loops = 2});
    for (int one = 0; one < UNIT_PLACES; one++)
        for (int other = 0; other < UNIT_PLACES; other++) {
            pair p = {.ping = event(), .pong = event(), .rounds = 300};
            unit_call calls[2];
            unit_start(executor, &calls[0], (unit_place) one, play_ping, &p);
            unit_start(executor, &calls[1], (unit_place) other, play_pong, &p);
            tdm_event_set(p.ping);
            ck_assert_int_eq(unit_result(&calls[0]), 0);
            ck_assert_int_eq(unit_result(&calls[1]), 0);
            ck_assert_int_eq(p.count, 2 * p.rounds);
            tdm_event_destroy(&p.ping);
            tdm_event_destroy(&p.pong);
        }
    unit_destroy(executor);
}
END_TEST

int main(void)
{
    return unit_main("event",
                     (const TTest *const[]){a_set_event_lets_everybody_through_until_it_is_cleared,
                                            setting_wakes_all_who_wait_even_if_it_is_cleared_at_once,
                                            it_can_be_set_from_anywhere, of_setting_and_cancelling_the_first_one_counts,
                                            of_setting_and_the_deadline_the_first_one_counts,
                                            a_cancelled_task_sees_what_is_set_and_waits_only_under_a_shield,
                                            whoever_was_let_go_last_may_destroy_it_at_once,
                                            what_was_written_before_setting_is_read_after_waiting, NULL});
}
