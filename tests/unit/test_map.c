/* SPDX-License-Identifier: MIT */
/* DESIGN: map in both lanes and from every place: how many inputs are drawn ahead, how starts are spaced (on virtual time),
 * the order of results, and every way in which it ends early, after which nothing of it is left. */
#include <tandem/map.h>

#include <math.h>

#include "tests/unit/place.h"
#include "tests/unit/virtual.h"
#include <tandem/pool.h>

enum { MOST = 64 };

typedef struct numbers {
    tdm_map_options options;
    int count;                /* how many there are */
    int drawn, taken, failed; /* of the caller's thread of control */
    _Atomic int running, most, dropped, most_drawn;
    uint64_t told[MOST];
    int64_t starts[MOST];
    _Atomic int started;
    int fail_at, refuse_at, draw_error_at;
    tdm_executor *executor;
    bool wrong;
} numbers;

typedef struct input {
    numbers *of;
    int value;
} input;

static int draw(void **item, void *arg)
{
    numbers *n = arg;
    if (n->drawn == n->count)
        return 0;
    if (n->draw_error_at && n->drawn == n->draw_error_at)
        return -ENODATA;
    input *in = malloc(sizeof *in);
    if (!in)
        return -ENOMEM;
    *in = (input){n, n->drawn++};
    int ahead = n->drawn - n->dropped;
    if (ahead > n->most_drawn)
        n->most_drawn = ahead;
    *item = in;
    return 1;
}

static void drop(void *item)
{
    ((input *) item)->of->dropped++;
    free(item);
}

static int work(tdm_task *task, void *item)
{
    (void) task;
    input *in = item;
    numbers *n = in->of;
    int now = ++n->running;
    if (now > n->most)
        n->most = now;
    if (in->value < MOST)
        n->starts[in->value] = tdm_clock_ns();
    n->started++;
    int err = n->fail_at && in->value == n->fail_at ? -EIO : tdm_sleep((in->value * 7 % 5) * 1e-3);
    n->running--;
    return err ? err : in->value * in->value;
}

static int take(const tdm_map_result *result, void *arg)
{
    numbers *n = arg;
    const input *in = result->item;
    if (n->taken < MOST)
        n->told[n->taken] = result->index;
    n->taken++;
    n->failed += result->end.state != TDM_DONE;
    n->wrong |= (uint64_t) in->value != result->index;
    n->wrong |= result->end.state == TDM_DONE && result->end.result != in->value * in->value;
    return n->refuse_at && n->taken == n->refuse_at ? -EPROTO : 0;
}

static numbers make(tdm_executor *executor, int count, unsigned at_once, tdm_lane lane)
{
    return (numbers){.options = {.next = draw,
                                 .run = work,
                                 .result = take,
                                 .drop = drop,
                                 .at_once = at_once,
                                 .executor = executor,
                                 .lane = lane},
                     .count = count,
                     .executor = executor};
}

static int map(void *arg)
{
    numbers *n = arg;
    n->options.arg = n;
    return tdm_map(&n->options);
}

/* ---- all of it ---- */

START_TEST(every_input_is_run_once_in_both_lanes_from_every_place_and_never_more_than_so_many_at_once)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.loops = 2, .workers = 4});
    for (int place = 0; place < UNIT_PLACES; place++)
        for (int lane = 0; lane < TDM_LANES; lane++)
            for (int ordered = 0; ordered < 2; ordered++) {
                numbers n = make(executor, 40, 5, (tdm_lane) lane);
                n.options.ordered = ordered;
                ck_assert_int_eq(unit_run(executor, (unit_place) place, map, &n), 0);
                ck_assert(n.drawn == 40 && n.taken == 40 && n.dropped == 40 && n.started == 40);
                ck_assert(!n.wrong && !n.failed);
                ck_assert_int_le(n.most, 5);
                ck_assert_int_le(n.most_drawn, 5); /* so memory is bounded by that, however many inputs there are */
                uint64_t seen = 0;
                for (int i = 0; i < 40; i++) {
                    seen |= UINT64_C(1) << n.told[i];
                    ck_assert(!ordered || n.told[i] == (uint64_t) i);
                }
                ck_assert_uint_eq(seen, (UINT64_C(1) << 40) - 1);
            }
    unit_destroy(executor);
}
END_TEST

START_TEST(no_input_is_no_work_and_one_at_once_is_a_row)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    numbers none = make(executor, 0, 0, TDM_LOOP), row = make(executor, 10, 1, TDM_POOL);
    ck_assert_int_eq(map(&none), 0);
    ck_assert(none.taken == 0 && none.dropped == 0);
    ck_assert_int_eq(map(&row), 0);
    ck_assert_int_eq(row.most, 1);
    for (int i = 0; i < 10; i++)
        ck_assert_uint_eq(row.told[i], (uint64_t) i);
    unit_destroy(executor);
}
END_TEST

static int sleep_longest_first(tdm_task *task, void *item)
{
    (void) task;
    const input *in = item;
    int err = tdm_sleep((10 - in->value) * 1e-3);
    return err ? err : in->value * in->value;
}

START_TEST(results_come_as_they_complete_or_in_the_order_of_the_inputs)
{
    tdm_executor *executor = virtual_begin(1, 1);
    for (int ordered = 0; ordered < 2; ordered++) {
        numbers n = make(executor, 8, 8, TDM_LOOP);
        n.options.run = sleep_longest_first;
        n.options.ordered = ordered;
        ck_assert_int_eq(map(&n), 0);
        for (int i = 0; i < 8; i++)
            ck_assert_uint_eq(n.told[i], (uint64_t) (ordered ? i : 7 - i));
    }
    virtual_end(executor);
}
END_TEST

START_TEST(starts_are_evenly_spaced_and_results_are_told_meanwhile)
{
    tdm_executor *executor = virtual_begin(2, 1);
    for (int lane = 0; lane < TDM_LANES; lane++) {
        numbers n = make(executor, 20, 20, (tdm_lane) lane);
        n.options.per_second = 10;
        ck_assert_int_eq(map(&n), 0);
        for (int i = 1; i < 20; i++) {
            double seconds = tdm_s_from_ns(n.starts[i] - n.starts[i - 1]);
            ck_assert_msg(seconds > 0.0999 && seconds < 0.11, "%d: %f", i, seconds);
        }
        ck_assert_int_le(n.most_drawn, 2); /* what ended was taken and dropped before the next start was due */
    }
    virtual_end(executor);
}
END_TEST

/* ---- ends before the end ---- */

static void expect_nothing_left(const numbers *n)
{
    ck_assert_int_eq(n->running, 0);
    ck_assert_int_eq(n->dropped, n->drawn);
}

START_TEST(the_first_failure_ends_it_and_is_the_last_that_is_told)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.workers = 4});
    for (int lane = 0; lane < TDM_LANES; lane++)
        for (int ordered = 0; ordered < 2; ordered++) {
            numbers n = make(executor, 1000, 6, (tdm_lane) lane);
            n.fail_at = 20;
            n.options.ordered = ordered;
            ck_assert_int_eq(map(&n), -EIO);
            ck_assert_int_lt(n.drawn, 20 + 20);
            ck_assert_int_eq(n.failed, 1);
            ck_assert_uint_eq(n.told[n.taken - 1], 20);
            expect_nothing_left(&n);
        }
    unit_destroy(executor);
}
END_TEST

START_TEST(with_collect_failures_are_results_like_others)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.workers = 4});
    for (int lane = 0; lane < TDM_LANES; lane++) {
        numbers n = make(executor, 30, 6, (tdm_lane) lane);
        n.fail_at = 20;
        n.options.collect = true;
        ck_assert_int_eq(map(&n), 0);
        ck_assert(n.taken == 30 && n.failed == 1);
        expect_nothing_left(&n);
    }
    unit_destroy(executor);
}
END_TEST

START_TEST(an_error_of_next_or_of_result_ends_it)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.workers = 4});
    for (int lane = 0; lane < TDM_LANES; lane++) {
        numbers n = make(executor, 1000, 6, (tdm_lane) lane);
        n.draw_error_at = 10;
        ck_assert_int_eq(map(&n), -ENODATA);
        ck_assert_int_eq(n.drawn, 10);
        expect_nothing_left(&n);
        n = make(executor, 1000, 6, (tdm_lane) lane);
        n.refuse_at = 10;
        ck_assert_int_eq(map(&n), -EPROTO);
        ck_assert_int_eq(n.taken, 10);
        expect_nothing_left(&n);
    }
    unit_destroy(executor);
}
END_TEST

static int wait_long(tdm_task *task, void *item)
{
    (void) task;
    ((input *) item)->of->started++;
    return tdm_sleep(3600);
}

static int map_briefly(void *arg)
{
    tdm_timeout scope;
    tdm_timeout_begin(&scope, 0.005);
    int err = map(arg);
    return tdm_timeout_end(&scope) ? err : -EIO;
}

START_TEST(a_cancelled_or_late_caller_cancels_what_is_under_way)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.workers = 6});
    for (int lane = 0; lane < TDM_LANES; lane++)
        for (int paced = 0; paced < 2; paced++) { /* it waits for an end, or for the next start */
            numbers n = make(executor, 1000, 4, (tdm_lane) lane);
            n.options.run = wait_long;
            n.options.per_second = paced ? 0.01 : 0;
            unit_call call;
            unit_start(executor, &call, UNIT_LOOP, map, &n);
            UNIT_UNTIL(n.started == (paced ? 1 : 4));
            unit_cancel(executor, &call);
            ck_assert_int_eq(unit_result(&call), -ECANCELED);
            ck_assert_int_eq(n.drawn, paced ? 1 : 4);
            ck_assert_int_eq(n.dropped, n.drawn);

            n = make(executor, 1000, 4, (tdm_lane) lane);
            n.options.run = wait_long;
            n.options.per_second = paced ? 0.01 : 0;
            ck_assert_int_eq(unit_run(executor, UNIT_LOOP, map_briefly, &n), -ETIMEDOUT);
            ck_assert_int_eq(n.dropped, n.drawn);
        }
    unit_destroy(executor);
}
END_TEST

START_TEST(a_task_beyond_its_deadline_is_a_failure)
{
    tdm_executor *executor = virtual_begin(3, 1);
    numbers n = make(executor, 3, 3, TDM_LOOP);
    n.options.run = wait_long;
    n.options.deadline = 1;
    ck_assert_int_eq(map(&n), -ETIMEDOUT);
    n = make(executor, 3, 3, TDM_POOL);
    n.options.run = wait_long;
    n.options.deadline = 1;
    n.options.collect = true;
    ck_assert_int_eq(map(&n), 0);
    ck_assert_int_eq(n.failed, 3);
    virtual_end(executor);
}
END_TEST

/* ---- limits ---- */

START_TEST(a_lane_that_is_full_of_others_is_waited_for)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    tdm_pool *pool = NULL;
    ck_assert_int_eq(
        tdm_pool_create(&pool, executor, &(tdm_pool_options){.name = "small", .max_workers = 1, .queue = 1}), 0);
    unit_gate gate;
    unit_gate_init(&gate);
    tdm_task_spec other = {.run = unit_hold, .arg = &gate, .lane = TDM_POOL, .pool = pool};
    ck_assert_int_eq(tdm_spawn(executor, &other, NULL), 0);
    unit_sem_wait(&gate.started);
    other = (tdm_task_spec){.run = unit_nothing, .lane = TDM_POOL, .pool = pool};
    ck_assert_int_eq(tdm_spawn(executor, &other, NULL), 0);
    ck_assert_int_eq(tdm_spawn(executor, &other, NULL), -EAGAIN); /* now it is full */
    numbers n = make(executor, 20, 4, TDM_POOL);
    n.options.pool = pool;
    unit_call call;
    unit_start(executor, &call, UNIT_LOOP, map, &n);
    UNIT_UNTIL(n.most_drawn == 1);
    ck_assert(!call.returned);
    sem_post(&gate.go);
    ck_assert_int_eq(unit_result(&call), 0);
    ck_assert_int_eq(n.taken, 20);
    unit_destroy(executor);
}
END_TEST

START_TEST(the_only_worker_maps_in_its_own_pool)
{
    for (uint64_t seed = 0; seed < 30; seed++) {
        tdm_executor *executor;
        ck_assert_int_eq(tdm_testing_begin(&(tdm_testing_options){.seed = seed}), 0);
        ck_assert_int_eq(tdm_executor_create(&executor, &(tdm_executor_options){.workers = 1}), 0);
        numbers n = make(executor, 12, 3, TDM_POOL);
        n.options.ordered = seed & 1;
        unit_call call;
        unit_start(executor, &call, UNIT_POOL, map, &n);
        ck_assert_int_eq(tdm_sleep(60), 0);
        ck_assert(call.returned && call.result == 0 && n.taken == 12);
        virtual_end(executor);
    }
}
END_TEST

START_TEST(what_makes_no_sense_is_refused_before_anything_is_drawn)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    numbers n = make(executor, 10, 4, TDM_LOOP);
    n.options.next = NULL;
    ck_assert_int_eq(map(&n), -EINVAL);
    n = make(executor, 10, 4, TDM_LOOP);
    n.options.run = NULL;
    ck_assert_int_eq(map(&n), -EINVAL);
    n = make(executor, 10, TDM_MAP_MAX + 1, TDM_LOOP);
    ck_assert_int_eq(map(&n), -EINVAL);
    const double rates[] = {-1, (double) NAN, 1e10, 1e-10};
    for (int i = 0; i < 4; i++) {
        n = make(executor, 10, 4, TDM_LOOP);
        n.options.per_second = rates[i];
        ck_assert_int_eq(map(&n), -EINVAL);
        ck_assert_int_eq(n.drawn, 0);
    }
    n = make(NULL, 10, 4, TDM_LOOP); /* here is no executor to be found */
    ck_assert_int_eq(map(&n), -EINVAL);
    n = make(executor, 10, 4, TDM_LOOP);
    ck_assert_int_eq(unit_in_callback(executor, map, &n), -EDEADLK);
    ck_assert_int_eq(n.drawn, 0);
    n = make(executor, 10, TDM_MAP_MAX, TDM_LOOP);
    ck_assert_int_eq(map(&n), 0);
    tdm_executor_close(executor);
    n = make(executor, 10, 4, TDM_LOOP);
    ck_assert_int_eq(map(&n), -ESHUTDOWN);
    ck_assert_int_eq(n.dropped, n.drawn);
    unit_destroy(executor);
}
END_TEST

int main(void)
{
    return unit_main(
        "map",
        (const TTest *const[]){
            every_input_is_run_once_in_both_lanes_from_every_place_and_never_more_than_so_many_at_once,
            no_input_is_no_work_and_one_at_once_is_a_row, results_come_as_they_complete_or_in_the_order_of_the_inputs,
            starts_are_evenly_spaced_and_results_are_told_meanwhile,
            the_first_failure_ends_it_and_is_the_last_that_is_told, with_collect_failures_are_results_like_others,
            an_error_of_next_or_of_result_ends_it, a_cancelled_or_late_caller_cancels_what_is_under_way,
            a_task_beyond_its_deadline_is_a_failure, a_lane_that_is_full_of_others_is_waited_for,
            the_only_worker_maps_in_its_own_pool, what_makes_no_sense_is_refused_before_anything_is_drawn, NULL});
}
