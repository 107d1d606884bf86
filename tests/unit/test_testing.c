/* SPDX-License-Identifier: MIT */
/* DESIGN: testing mode itself: time that passes by itself, one order for one seed and every order over several. */
#include <tandem/tandem.h>

#include <string.h>
#include <sys/wait.h>

#include <event2/event.h>

#include "tasks/executor.h"
#include "tests/unit/virtual.h"

static int sleep_an_hour(tdm_task *task, void *arg)
{
    (void) task;
    int64_t before = tdm_clock_ns();
    int err = tdm_sleep(3600);
    *(int64_t *) arg = tdm_clock_ns() - before;
    return err;
}

START_TEST(an_hour_takes_no_time_in_either_lane_and_not_an_instant_more)
{
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    tdm_executor *executor = virtual_begin(1, 1);
    int64_t slept[TDM_LANES] = {0}, start = tdm_clock_ns(), wall = tdm_clock_wall_ns();
    for (int lane = 0; lane < TDM_LANES; lane++)
        unit_spawn(executor, (tdm_lane) lane, sleep_an_hour, &slept[lane]);
    ck_assert_int_eq(tdm_sleep(3600.5), 0);
    for (int lane = 0; lane < TDM_LANES; lane++)
        ck_assert_int_eq(slept[lane], 3600 * TDM_NS_PER_S);
    ck_assert_int_eq(tdm_clock_ns() - start, 7201 * (TDM_NS_PER_S / 2));
    ck_assert_int_eq(tdm_clock_wall_ns() - wall, tdm_clock_ns() - start);
    ck_assert_double_eq_tol(virtual_end(executor).time, 3600.5, 1e-9);
    clock_gettime(CLOCK_MONOTONIC, &after);
    ck_assert_int_lt(after.tv_sec - before.tv_sec, 30);
    ck_assert_int_ge(tdm_clock_ns(), (int64_t) before.tv_sec * TDM_NS_PER_S); /* real time again */
}
END_TEST

START_TEST(wall_times_of_tasks_are_virtual_too)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    unit_spawn(executor, TDM_POOL, unit_nothing, NULL); /* this thread has looked at the real clock */
    unit_destroy(executor);
    executor = virtual_begin(1, 1);
    int64_t wall = tdm_clock_wall_ns();
    tdm_task_info info = unit_info(executor, unit_spawn(executor, TDM_POOL, unit_nothing, NULL));
    ck_assert_int_eq(info.accepted_wall_ns, wall);
    ck_assert_int_eq(wall / TDM_NS_PER_S, 946684800);
    virtual_end(executor);
}
END_TEST

/* ---- order ---- */

typedef struct story {
    char words[512];
    size_t size;
} story;

static void tell(story *s, char word)
{
    if (s->size < sizeof s->words - 1)
        s->words[s->size++] = word;
}

typedef struct teller {
    story *story;
    char name;
} teller;

static int tell_three_times(tdm_task *task, void *arg)
{
    (void) task;
    teller *t = arg;
    for (int i = 0; i < 3; i++) {
        tell(t->story, t->name);
        if (i < 2 ? tdm_sleep(1) : tdm_yield())
            return -ECANCELED;
    }
    tell(t->story, (char) (t->name - 'a' + 'A'));
    return 0;
}

static void *tell_from_a_thread(void *arg)
{
    tell_three_times(NULL, arg);
    return arg;
}

static tdm_testing_report tell_story(uint64_t seed, story *s)
{
    teller tellers[7];
    pthread_t thread;
    *s = (story){.size = 0};
    tdm_executor *executor = virtual_begin(seed, 2);
    for (int i = 0; i < 7; i++)
        tellers[i] = (teller){s, (char) ('a' + i)};
    ck_assert_int_eq(tdm_testing_thread_start(&thread, "teller", tell_from_a_thread, &tellers[6]), 0);
    for (int i = 0; i < 6; i++)
        unit_spawn(executor, (tdm_lane) (i % 2), tell_three_times, &tellers[i]);
    ck_assert_ptr_eq(tdm_testing_thread_join(thread), &tellers[6]);
    return virtual_end(executor);
}

START_TEST(one_seed_is_one_order_of_events)
{
    for (uint64_t seed = 0; seed < 50; seed++) {
        story first, second;
        tdm_testing_report a = tell_story(seed, &first), b = tell_story(seed, &second);
        ck_assert_str_eq(first.words, second.words);
        ck_assert_uint_eq(strlen(first.words), 7 * 4);
        ck_assert_uint_eq(a.choices, b.choices);
        ck_assert_uint_eq(a.fingerprint, b.fingerprint);
        ck_assert_uint_gt(a.choices, 20);
    }
}
END_TEST

START_TEST(seeds_differ_in_their_orders)
{
    enum { SEEDS = 100 };
    static story stories[SEEDS];
    int different = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        bool seen = false;
        tell_story(seed, &stories[seed]);
        for (uint64_t other = 0; other < seed; other++)
            seen |= strcmp(stories[seed].words, stories[other].words) == 0;
        different += !seen;
    }
    ck_assert_int_gt(different, SEEDS * 3 / 4);
}
END_TEST

static int sleep_a_second(tdm_task *task, void *arg)
{
    (void) task;
    int result = tdm_sleep(1);
    *(int *) arg = result;
    return result;
}

START_TEST(a_sleep_and_a_cancellation_at_the_same_instant_come_out_both_ways)
{
    for (int lane = 0; lane < TDM_LANES; lane++) {
        int slept = 0, cancelled = 0;
        for (uint64_t seed = 0; seed < 40; seed++) {
            tdm_executor *executor = virtual_begin(seed, 1);
            int result = 1;
            uint64_t id = unit_spawn(executor, (tdm_lane) lane, sleep_a_second, &result);
            ck_assert_int_eq(tdm_testing_settle(), 0);
            ck_assert_int_eq(tdm_sleep(1), 0);
            int err = tdm_task_cancel(executor, id);
            ck_assert(err == 0 || err == -EALREADY);
            virtual_end(executor);
            ck_assert(result == 0 || (result == -ECANCELED && !err));
            slept += result == 0;
            cancelled += result == -ECANCELED;
        }
        ck_assert_int_gt(slept, 0);
        ck_assert_int_gt(cancelled, 0);
    }
}
END_TEST

static int note_order(tdm_task *task, void *arg)
{
    (void) task;
    teller *t = arg;
    int err = tdm_sleep(1);
    tell(t->story, t->name);
    return err;
}

START_TEST(timers_of_one_instant_and_fibers_of_one_turn_come_in_every_order)
{
    char seen[6][4] = {{0}};
    int orders = 0;
    for (uint64_t seed = 0; seed < 200 && orders < 6; seed++) {
        story s = {.size = 0};
        teller tellers[3];
        tdm_executor *executor = virtual_begin(seed, 1);
        for (int i = 0; i < 3; i++) {
            tellers[i] = (teller){&s, (char) ('a' + i)};
            unit_spawn(executor, TDM_LOOP, note_order, &tellers[i]);
        }
        virtual_end(executor);
        int i = 0;
        while (i < orders && strcmp(seen[i], s.words) != 0)
            i++;
        if (i == orders)
            memcpy(seen[orders++], s.words, sizeof seen[0]);
    }
    ck_assert_int_eq(orders, 6);
}
END_TEST

/* ---- time, step by step ---- */

static int count_every_ten_seconds(tdm_task *task, void *arg)
{
    (void) task;
    while (!tdm_sleep(10))
        ++*(int *) arg;
    return -ECANCELED;
}

START_TEST(a_test_lets_time_pass_as_it_likes)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        int counts[TDM_LANES] = {0};
        uint64_t ids[TDM_LANES];
        tdm_executor *executor = virtual_begin(seed, 1);
        for (int lane = 0; lane < TDM_LANES; lane++)
            ids[lane] = unit_spawn(executor, (tdm_lane) lane, count_every_ten_seconds, &counts[lane]);
        ck_assert_int_eq(tdm_testing_settle(), 0);
        int64_t start = tdm_clock_ns();
        ck_assert_int_eq(tdm_testing_advance(99.999), 0);
        for (int lane = 0; lane < TDM_LANES; lane++)
            ck_assert_int_eq(counts[lane], 9);
        ck_assert_int_eq(tdm_testing_advance_to(start + 100 * TDM_NS_PER_S), 0);
        for (int lane = 0; lane < TDM_LANES; lane++)
            ck_assert_int_eq(counts[lane], 10);
        ck_assert_int_eq(tdm_testing_advance_to(start), 0);
        ck_assert_int_eq(tdm_clock_ns(), start + 100 * TDM_NS_PER_S);
        for (int lane = 0; lane < TDM_LANES; lane++)
            ck_assert_int_eq(tdm_task_cancel(executor, ids[lane]), 0);
        virtual_end(executor);
    }
}
END_TEST

START_TEST(beginning_and_ending_at_the_wrong_time_is_refused)
{
    tdm_testing_report report;
    ck_assert_int_eq(tdm_testing_end(&report), -EINVAL);
    ck_assert_int_eq(tdm_testing_settle(), -EINVAL);
    ck_assert_int_eq(tdm_testing_advance(1), -EINVAL);
    ck_assert_uint_eq(tdm_testing_choose(10), 0);
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    ck_assert_int_eq(tdm_testing_begin(NULL), -EBUSY);
    unit_destroy(executor);
    ck_assert_int_eq(tdm_testing_begin(NULL), 0);
    ck_assert(tdm_testing_is_on());
    ck_assert_int_eq(tdm_testing_begin(NULL), -EALREADY);
    ck_assert_int_eq(tdm_executor_create(&executor, NULL), 0);
    ck_assert_int_eq(tdm_testing_end(&report), -EBUSY);
    virtual_end(executor);
    ck_assert(!tdm_testing_is_on());
}
END_TEST

static void settle_on_a_loop(tdm__loop *loop, void *arg)
{
    (void) loop;
    *(int *) arg = tdm_testing_settle();
}

START_TEST(a_loop_cannot_settle)
{
    int result = 0;
    tdm_executor *executor = virtual_begin(3, 1);
    tdm__loop_call(tdm__executor_loop(executor, 0), settle_on_a_loop, &result);
    ck_assert_int_eq(result, -EDEADLK);
    virtual_end(executor);
}
END_TEST

static int wait_for_nobody(tdm_task *task, void *arg)
{
    (void) task, (void) arg;
    return tdm_sleep(TDM_FOREVER);
}

/* ---- descriptors ---- */

typedef struct ear {
    struct event *event;
    int fd;
    _Atomic int heard;
    int64_t heard_ns;
    tdm_executor *executor;
    uint64_t cancels; /* the task that is asked to stop when it hears; 0: none */
} ear;

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    (void) what;
    ear *e = arg;
    char byte;
    ck_assert_int_eq(read(fd, &byte, 1), 1);
    e->heard_ns = tdm_clock_ns();
    e->heard++;
    if (e->cancels)
        ck_assert_int_eq(tdm_task_cancel(e->executor, e->cancels), 0);
}

static void listen_here(tdm__loop *loop, void *arg)
{
    ear *e = arg;
    e->event = event_new(tdm__loop_base(loop), e->fd, EV_READ | EV_PERSIST, on_readable, e);
    event_add(e->event, NULL);
}

static void listen_no_more(tdm__loop *loop, void *arg)
{
    (void) loop;
    event_free(((ear *) arg)->event);
}

static int write_after_a_second(tdm_task *task, void *arg)
{
    (void) task;
    int err = tdm_sleep(1);
    ck_assert_int_eq(write(*(int *) arg, "x", 1), 1);
    return err;
}

START_TEST(an_idle_loop_sees_its_descriptors_before_time_passes)
{
    for (uint64_t seed = 0; seed < 50; seed++) {
        int fds[2];
        ck_assert_int_eq(pipe(fds), 0);
        ear e = {.fd = fds[0]};
        tdm_executor *executor = virtual_begin(seed, 2);
        int64_t start = tdm_clock_ns();
        tdm__loop_call(tdm__executor_loop(executor, 1), listen_here, &e);
        unit_spawn(executor, TDM_POOL, write_after_a_second, &fds[1]);
        ck_assert_int_eq(tdm_sleep(0.5), 0);
        ck_assert_int_eq(e.heard, 0);
        ck_assert_int_eq(tdm_sleep(3600), 0); /* nobody waits for the pipe but the loop */
        ck_assert_int_eq(e.heard, 1);
        ck_assert_int_eq(e.heard_ns, start + TDM_NS_PER_S);
        tdm__loop_call(tdm__executor_loop(executor, 1), listen_no_more, &e);
        virtual_end(executor);
        close(fds[0]);
        close(fds[1]);
    }
}
END_TEST

START_TEST(when_nothing_else_can_happen_the_world_outside_is_waited_for)
{
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0);
    pid_t child = fork();
    if (!child) {
        nanosleep(&(struct timespec){.tv_nsec = 30000000}, NULL);
        _exit(write(fds[1], "x", 1) == 1 ? 0 : 1);
    }
    ear e = {.fd = fds[0], .executor = virtual_begin(1, 1)};
    e.cancels = unit_spawn(e.executor, TDM_LOOP, wait_for_nobody, NULL);
    tdm__loop *loop = tdm__executor_loop(e.executor, 0);
    tdm__loop_call(loop, listen_here, &e);
    int64_t start = tdm_clock_ns();
    ck_assert_int_eq(tdm_executor_drain(e.executor, &(tdm_drain_options){.timeout = TDM_FOREVER}, NULL), 0);
    ck_assert_int_eq(e.heard, 1);
    ck_assert_int_eq(tdm_clock_ns(), start);
    tdm__loop_call(loop, listen_no_more, &e);
    ck_assert_int_eq(tdm_executor_destroy(&e.executor), 0);
    ck_assert_int_eq(tdm_testing_end(NULL), 0);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
}
END_TEST

/* ---- threads ---- */

static void *add_up(void *arg)
{
    for (int i = 0; i < 10; i++) {
        tdm_testing_point();
        ++*(int *) arg;
    }
    return NULL;
}

START_TEST(threads_of_the_test_take_turns_and_without_testing_mode_are_plain_threads)
{
    for (int on = 0; on < 2; on++) {
        pthread_t threads[3];
        int sums[3] = {0};
        if (on)
            ck_assert_int_eq(tdm_testing_begin(NULL), 0);
        for (int i = 0; i < 3; i++)
            ck_assert_int_eq(tdm_testing_thread_start(&threads[i], "adder", add_up, &sums[i]), 0);
        for (int i = 0; i < 3; i++) {
            ck_assert_ptr_null(tdm_testing_thread_join(threads[i]));
            ck_assert_int_eq(sums[i], 10);
        }
        if (on)
            ck_assert_int_eq(tdm_testing_end(NULL), 0);
    }
}
END_TEST

int main(void)
{
    return unit_main(
        "testing", (const TTest *const[]){
                       wall_times_of_tasks_are_virtual_too,
                       an_hour_takes_no_time_in_either_lane_and_not_an_instant_more, one_seed_is_one_order_of_events,
                       seeds_differ_in_their_orders, a_sleep_and_a_cancellation_at_the_same_instant_come_out_both_ways,
                       timers_of_one_instant_and_fibers_of_one_turn_come_in_every_order,
                       a_test_lets_time_pass_as_it_likes, beginning_and_ending_at_the_wrong_time_is_refused,
                       a_loop_cannot_settle, an_idle_loop_sees_its_descriptors_before_time_passes,
                       when_nothing_else_can_happen_the_world_outside_is_waited_for,
                       threads_of_the_test_take_turns_and_without_testing_mode_are_plain_threads, NULL});
}
