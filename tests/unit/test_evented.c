/* SPDX-License-Identifier: MIT */
/* DESIGN: evented tasks: their ways to end, and every way in which a finish or a request to stop from another thread can
 * meet the task: before it has begun, inside a callback, at its end, and after the books were closed. */
#include <tandem/evented.h>

#include "tasks/executor.h"
#include "tests/unit/handles.h"
#include "tests/unit/place.h"
#include <tandem/group.h>

/* ---- ends ---- */

static int finish_at_once(tdm_task *task, void *arg)
{
    tdm_task_finish(task, *(int *) arg);
    return 0;
}

static int refuse(tdm_task *task, void *arg)
{
    (void) task;
    return *(int *) arg;
}

START_TEST(it_ends_with_what_it_was_finished_with_or_with_the_error_that_start_returned)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    int done = 7, failed = -EIO;
    tdm_end end = join(start(executor, (tdm_task_spec){.start = finish_at_once, .arg = &done}));
    ck_assert(end.state == TDM_DONE && end.result == 7);
    end = join(start(executor, (tdm_task_spec){.start = finish_at_once, .arg = &failed}));
    ck_assert(end.state == TDM_FAILED && end.result == -EIO);
    end = join(start(executor, (tdm_task_spec){.start = refuse, .arg = &failed}));
    ck_assert(end.state == TDM_FAILED && end.result == -EIO);
    unit_destroy(executor);
}
END_TEST

typedef struct alarm {
    int64_t began_ns, rang_ns;
    bool on_loop, waits_refused, current;
    int rang;
} alarm_clock;

static int ring(tdm_task *task, void *arg)
{
    alarm_clock *a = arg;
    a->rang_ns = tdm_clock_ns();
    a->on_loop = tdm__loop_current();
    a->current = tdm_task_current() == task;
    a->waits_refused = tdm_sleep(0) == -EDEADLK && tdm_yield() == -EDEADLK;
    a->rang++;
    tdm_task_finish(task, 0);
    return 0;
}

static int never(tdm_task *task, void *arg)
{
    (void) task, (void) arg;
    ck_abort_msg("it was called all the same");
    return 0;
}

static int wind(tdm_task *task, void *arg)
{
    alarm_clock *a = arg;
    a->began_ns = tdm_clock_ns();
    int err = tdm_task_after(task, 3600, never);
    return err ? err : tdm_task_after(task, 0.02, ring);
}

START_TEST(after_a_time_the_callback_runs_on_the_loop_where_nothing_waits_and_a_second_call_moves_it)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.loops = 2});
    alarm_clock a = {0};
    ck_assert_int_eq(join(start(executor, (tdm_task_spec){.start = wind, .arg = &a})).state, TDM_DONE);
    ck_assert(a.on_loop && a.waits_refused && a.current);
    ck_assert_int_eq(a.rang, 1);
    ck_assert_int_ge(a.rang_ns - a.began_ns, 20000000);
    unit_destroy(executor);
}
END_TEST

/* ---- from other threads ---- */

typedef struct thread_of {
    tdm_task *task;
    sem_t begun, finished;
    bool in_hands; /* `start` returns before the other thread finishes it */
} thread_of;

static int hand_over(tdm_task *task, void *arg)
{
    thread_of *t = arg;
    t->task = task;
    sem_post(&t->begun);
    if (!t->in_hands)
        unit_sem_wait(&t->finished);
    return 0;
}

static void *finish_elsewhere(void *arg)
{
    thread_of *t = arg;
    unit_sem_wait(&t->begun);
    tdm_task_finish(t->task, 5);
    sem_post(&t->finished);
    return NULL;
}

static void finish_from_a_thread(bool in_hands)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    for (int round = 0; round < 20; round++) {
        thread_of t = {.in_hands = in_hands};
        pthread_t thread;
        sem_init(&t.begun, 0, 0);
        sem_init(&t.finished, 0, 0);
        ck_assert_int_eq(pthread_create(&thread, NULL, finish_elsewhere, &t), 0);
        if (round % 2) { /* with a handle */
            tdm_end end = join(start(executor, (tdm_task_spec){.start = hand_over, .arg = &t}));
            ck_assert(end.state == TDM_DONE && end.result == 5);
        } else { /* and without, the smallest form */
            uint64_t id;
            ck_assert_int_eq(tdm_spawn(executor, &(tdm_task_spec){.start = hand_over, .arg = &t}, &id), 0);
            unit_await(executor, id, TDM_DONE);
        }
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
    }
    unit_destroy(executor);
}

START_TEST(another_thread_finishes_it_while_it_is_in_nobodys_hands)
{
    finish_from_a_thread(true);
}
END_TEST

START_TEST(another_thread_finishes_it_before_start_has_returned)
{
    finish_from_a_thread(false);
}
END_TEST

static int in_hands(tdm_task *task, void *arg)
{
    *(tdm_task **) arg = task;
    return 0;
}

static int wind_late(tdm_task *task, void *arg)
{
    thread_of *l = arg;
    l->task = task;
    int err = tdm_task_after(task, 0.001, never);
    sem_post(&l->begun);
    return err;
}

typedef struct holder {
    unit_gate *gate;
    tdm_task_spec spec;
} holder;

static int start_one_and_hold(tdm_task *task, void *arg)
{
    holder *h = arg;
    int err = tdm_spawn(NULL, &h->spec, NULL);
    return err ? err : tdm_yield() ? -EIO : unit_hold(task, h->gate);
}

START_TEST(once_another_thread_has_finished_it_no_callback_comes)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    unit_gate gate;
    unit_gate_init(&gate);
    thread_of l = {0};
    sem_init(&l.begun, 0, 0);
    holder h = {.gate = &gate, .spec = {.start = wind_late, .arg = &l}};
    uint64_t id = unit_spawn(executor, TDM_LOOP, start_one_and_hold, &h);
    unit_sem_wait(&l.begun);
    unit_sem_wait(&gate.started);
    unit_hold_until(tdm_clock_ns() + 2000000); /* its timer is due, and the loop cannot look */
    tdm_task_finish(l.task, 0);
    sem_post(&gate.go);
    unit_await(executor, id, TDM_DONE);
    unit_destroy(executor);
}
END_TEST

/* ---- requests to stop ---- */

START_TEST(a_request_before_it_has_come_to_its_loop_is_seen_there_and_nothing_else_is_lost)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    enum { TASKS = 10 };
    tdm_task *tasks[TASKS], *hands = NULL;
    unit_gate gate;
    unit_gate_init(&gate);
    uint64_t held = unit_spawn(executor, TDM_LOOP, unit_hold, &gate);
    unit_sem_wait(&gate.started);
    for (int i = 0; i < TASKS; i++) {
        tasks[i] = start(executor, (tdm_task_spec){.start = in_hands, .arg = &hands});
        ck_assert_int_eq(tdm_task_stop(tasks[i]), 0); /* its message is in the inbox */
        ck_assert_int_eq(tdm_task_stop(tasks[i]), 0);
    }
    int nought = 0;
    tdm_task *last = start(executor, (tdm_task_spec){.start = finish_at_once, .arg = &nought});
    sem_post(&gate.go);
    unit_await(executor, held, TDM_DONE);
    for (int i = 0; i < TASKS; i++) {
        tdm_end end = join(tasks[i]);
        ck_assert_int_eq(end.state, TDM_CANCELLED);
        ck_assert_int_eq(end.result, -ECANCELED);
    }
    ck_assert_int_eq(join(last).state, TDM_DONE);
    ck_assert_ptr_null(hands); /* none of them began */
    unit_destroy(executor);
}
END_TEST

typedef struct asked {
    tdm_task *task;
    tdm_group *group;
    _Atomic int times;
    _Atomic bool asking, inside, on_loop, marked;
    sem_t begun;
} asked;

static int wait_to_be_asked(tdm_task *task, void *arg)
{
    (void) task;
    sem_post(&((asked *) arg)->begun);
    return 0;
}

static void finish_when_asked(tdm_task *task, void *arg)
{
    asked *a = arg;
    a->times++;
    if (a->asking)
        a->inside = true;
    a->on_loop = tdm__loop_current();
    a->marked = tdm_task_cancel_requested(task);
    tdm_task_finish(task, a->marked ? -ECANCELED : -ETIMEDOUT);
}

static int stop_twice(void *arg)
{
    asked *a = arg;
    a->asking = true;
    int err = tdm_task_stop(a->task);
    if (!err)
        err = tdm_task_stop(a->task);
    a->asking = false;
    return err;
}

START_TEST(on_cancel_runs_once_on_the_loop_and_not_inside_the_call_wherever_that_is_made)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    for (int place = 0; place <= UNIT_PLACES; place++) {
        asked a = {0};
        sem_init(&a.begun, 0, 0);
        a.task = start(executor, (tdm_task_spec){.start = wait_to_be_asked, .on_cancel = finish_when_asked, .arg = &a});
        unit_sem_wait(&a.begun);
        if (place == UNIT_LOOP || place == UNIT_PLACES) { /* where it would be called at once, if it were */
            int err = place == UNIT_LOOP ? unit_run(executor, UNIT_LOOP, stop_twice, &a)
                                         : unit_in_callback(executor, stop_twice, &a);
            ck_assert_int_eq(err, 0);
            ck_assert(!a.inside);
        } else {
            int err = unit_run(executor, (unit_place) place, stop_twice, &a); /* it may be quicker */
            ck_assert(!err || err == -EALREADY);
        }
        tdm_end end = join(a.task);
        ck_assert_int_eq(end.state, TDM_CANCELLED);
        ck_assert_int_eq(a.times, 1);
        ck_assert(a.on_loop && a.marked);
    }
    unit_destroy(executor);
}
END_TEST

static int cancel_group_of(void *arg)
{
    asked *a = arg;
    a->asking = true;
    tdm_group_cancel(a->group);
    a->asking = false;
    return 0;
}

START_TEST(a_group_cancelled_on_the_loop_of_its_evented_children_asks_each)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    asked a = {0};
    sem_init(&a.begun, 0, 0);
    ck_assert_int_eq(tdm_group_open(&a.group, &(tdm_group_options){.executor = executor}), 0);
    tdm_task_spec spec = {.start = wait_to_be_asked, .on_cancel = finish_when_asked, .arg = &a};
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(tdm_group_spawn(a.group, &spec), i);
        unit_sem_wait(&a.begun);
    }
    ck_assert_int_eq(unit_in_callback(executor, cancel_group_of, &a), 0);
    ck_assert_int_eq(tdm_group_wait(a.group), -ECANCELED);
    ck_assert_int_eq(a.times, 3);
    ck_assert(!a.inside);
    ck_assert_int_eq(tdm_group_close(&a.group), 0);
    unit_destroy(executor);
}
END_TEST

static int wind_for_an_hour(tdm_task *task, void *arg)
{
    int err = tdm_task_after(task, 3600, never);
    sem_post(arg);
    return err;
}

START_TEST(without_on_cancel_a_pending_callback_is_cut_short_and_what_is_in_hands_is_marked)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    sem_t begun;
    sem_init(&begun, 0, 0);
    tdm_task *task = start(executor, (tdm_task_spec){.start = wind_for_an_hour, .arg = &begun});
    unit_sem_wait(&begun);
    ck_assert_int_eq(tdm_task_stop(task), 0);
    ck_assert_int_eq(join(task).state, TDM_CANCELLED);

    asked a = {0};
    sem_init(&a.begun, 0, 0);
    task = start(executor, (tdm_task_spec){.start = wait_to_be_asked, .arg = &a});
    unit_sem_wait(&a.begun);
    ck_assert_int_eq(tdm_task_stop(task), 0);
    UNIT_UNTIL(tdm_task_cancel_requested(task));
    ck_assert(!tdm_task_ended_yet(task));
    tdm_task_finish(task, -ECANCELED);
    tdm_end end = join(task);
    ck_assert_int_eq(end.state, TDM_CANCELLED);
    unit_destroy(executor);
}
END_TEST

START_TEST(a_deadline_ends_a_pending_callback_and_tells_on_cancel_without_the_mark)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    sem_t begun;
    sem_init(&begun, 0, 0);
    tdm_end end = join(start(executor, (tdm_task_spec){.start = wind_for_an_hour, .arg = &begun, .deadline = 0.01}));
    ck_assert_int_eq(end.state, TDM_TIMED_OUT);
    ck_assert_int_eq(end.result, -ETIMEDOUT);
    asked a = {0};
    sem_init(&a.begun, 0, 0);
    end = join(
        start(executor,
              (tdm_task_spec){.start = wait_to_be_asked, .on_cancel = finish_when_asked, .arg = &a, .deadline = 0.01}));
    ck_assert_int_eq(end.state, TDM_TIMED_OUT);
    ck_assert(a.times == 1 && !a.marked);
    unit_destroy(executor);
}
END_TEST

/* ---- at its end ---- */

typedef struct far_home {
    int result; /* first: what it is finished with */
    tdm_executor *executor;
    tdm_task *task;
    tdm__loop *home;
    _Atomic int ends;
    _Atomic bool at_home;
} far_home;

static void see_end(const tdm_end *end, void *arg)
{
    far_home *f = arg;
    f->at_home = tdm__loop_current() == f->home && !tdm__exec_current();
    f->ends += end->state == TDM_DONE || end->state == TDM_CANCELLED;
}

static int start_and_stop_far_away(void *arg)
{
    far_home *f = arg;
    f->home = tdm__loop_current();
    tdm_task_spec spec = {.name = "unit", .start = finish_at_once, .arg = f, .on_end = see_end};
    int err = tdm_task_start(&f->task, f->executor, &spec);
    for (int i = 0; !err && i < 50; i++) { /* while it begins, ends, comes home and is gone */
        int stopped = tdm_task_stop(f->task);
        if (stopped == -EALREADY)
            break;
        err = tdm_yield();
    }
    tdm_end end;
    return err ? err : tdm_join(&f->task, &end);
}

START_TEST(one_whose_home_is_a_loop_of_another_executor_comes_home_once_whenever_it_is_stopped)
{
    tdm_executor *here = unit_executor((tdm_executor_options){0}), *there = unit_executor((tdm_executor_options){0});
    for (int round = 0; round < 300; round++) {
        far_home f = {.executor = there};
        ck_assert_int_eq(unit_run(here, UNIT_LOOP, start_and_stop_far_away, &f), 0);
        ck_assert_int_eq(f.ends, 1);
        ck_assert(f.at_home);
    }
    unit_destroy(there);
    unit_destroy(here);
}
END_TEST

typedef struct racer {
    tdm_task *task;
    pthread_barrier_t *barrier;
} racer;

static void *race_to_stop(void *arg)
{
    racer *r = arg;
    pthread_barrier_wait(r->barrier);
    int err = tdm_task_stop(r->task);
    ck_assert(!err || err == -EALREADY);
    return NULL;
}

START_TEST(stop_and_finish_race_from_two_threads_and_it_ends_once)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.loops = 2});
    pthread_barrier_t barrier;
    ck_assert_int_eq(pthread_barrier_init(&barrier, NULL, 2), 0);
    for (int round = 0; round < 200; round++) {
        asked a = {0};
        sem_init(&a.begun, 0, 0);
        racer r = {start(executor, (tdm_task_spec){.start = wait_to_be_asked, .arg = &a}), &barrier};
        pthread_t thread;
        unit_sem_wait(&a.begun);
        ck_assert_int_eq(pthread_create(&thread, NULL, race_to_stop, &r), 0);
        pthread_barrier_wait(&barrier);
        tdm_task_finish(r.task, 3);
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
        tdm_end end = join(r.task);
        ck_assert(end.state == TDM_DONE && end.result == 3);
    }
    pthread_barrier_destroy(&barrier);
    unit_destroy(executor);
}
END_TEST

START_TEST(one_that_the_drain_gave_up_can_still_be_finished_and_is_gone_then)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    asked a = {0};
    sem_init(&a.begun, 0, 0);
    tdm_task *task = start(executor, (tdm_task_spec){.start = wait_to_be_asked, .arg = &a});
    unit_sem_wait(&a.begun);
    ck_assert_int_eq(tdm_executor_drain(executor, &(tdm_drain_options){0}, NULL), 1);
    tdm_task_finish(task, 0);
    tdm_end end = join(task);
    ck_assert_int_eq(end.state, TDM_ABANDONED);
    UNIT_UNTIL(!tdm__executor_outstanding(executor));     /* its place is given back last of all */
    ck_assert_int_eq(tdm_executor_destroy(&executor), 0); /* nobody runs on: it is free to go */
}
END_TEST

int main(void)
{
    return unit_main("evented",
                     (const TTest *const[]){
                         it_ends_with_what_it_was_finished_with_or_with_the_error_that_start_returned,
                         after_a_time_the_callback_runs_on_the_loop_where_nothing_waits_and_a_second_call_moves_it,
                         another_thread_finishes_it_while_it_is_in_nobodys_hands,
                         another_thread_finishes_it_before_start_has_returned,
                         once_another_thread_has_finished_it_no_callback_comes,
                         a_request_before_it_has_come_to_its_loop_is_seen_there_and_nothing_else_is_lost,
                         on_cancel_runs_once_on_the_loop_and_not_inside_the_call_wherever_that_is_made,
                         a_group_cancelled_on_the_loop_of_its_evented_children_asks_each,
                         without_on_cancel_a_pending_callback_is_cut_short_and_what_is_in_hands_is_marked,
                         a_deadline_ends_a_pending_callback_and_tells_on_cancel_without_the_mark,
                         one_whose_home_is_a_loop_of_another_executor_comes_home_once_whenever_it_is_stopped,
                         stop_and_finish_race_from_two_threads_and_it_ends_once,
                         one_that_the_drain_gave_up_can_still_be_finished_and_is_gone_then, NULL});
}
