/* SPDX-License-Identifier: MIT */
/* DESIGN: the tasks of one request. Batches are driven on their loop's thread, as a transport would. */
#include "tasks/batch.h"

#include "tasks/executor.h"
#include "tests/unit/executor.h"

enum { MOST = 8 };

/* A line of tasks that writes down what ran, in which order. */
static struct log {
    _Atomic int count;
    int entries[64];
} ran;

typedef struct step {
    tdm_lane lane;
    tdm_when when;
    int result;
    int number;
    _Atomic int drops;
} step;

static int write_down(tdm_task *task, void *arg)
{
    (void) task;
    step *s = arg;
    int err = tdm_sleep(0.001);
    ran.entries[atomic_fetch_add(&ran.count, 1)] = s->number;
    return err ? err : s->result;
}

static void step_dropped(void *arg)
{
    atomic_fetch_add(&((step *) arg)->drops, 1);
}

typedef struct sequence {
    tdm_executor *executor;
    step *steps;
    unsigned count;
    tdm__outcome outcome;
    uint64_t first, last;
} sequence;

static tdm_task_spec spec_of(step *s)
{
    return (tdm_task_spec){
        .name = "step", .run = write_down, .arg = s, .drop = step_dropped, .lane = s->lane, .when = s->when};
}

static void run_sequence(tdm__loop *loop, void *arg)
{
    sequence *s = arg;
    tdm__batch batch = {0};
    for (unsigned i = 0; i < s->count; i++) {
        s->steps[i].number = (int) i;
        tdm_task_spec spec = spec_of(&s->steps[i]);
        ck_assert_int_eq(tdm__batch_add(&batch, s->executor, &spec), 0);
    }
    tdm__batch_accept(&batch, s->executor, loop, 99, &s->first, &s->last);
    ck_assert_uint_eq(batch.count, s->count);
    tdm__batch_start(&batch, &s->outcome);
    ck_assert_uint_eq(batch.count, 0);
}

static void start(sequence *s)
{
    ran.count = 0;
    tdm__loop_call(tdm__executor_loop(s->executor, 0), run_sequence, s);
    ck_assert_uint_eq(s->last, s->first + s->count - 1);
}

START_TEST(tasks_run_one_after_another_in_any_mix_of_lanes)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.loops = 2, .workers = 4});
    for (unsigned mix = 0; mix < 1u << 4; mix++) {
        step steps[5] = {0};
        for (unsigned i = 0; i < 5; i++)
            steps[i].lane = mix >> (i % 4) & 1 ? TDM_POOL : TDM_LOOP;
        sequence s = {.executor = executor, .steps = steps, .count = 5};
        start(&s);
        int64_t before = 0;
        for (uint64_t id = s.first; id <= s.last; id++) {
            tdm_task_info info = unit_await(executor, id, TDM_DONE);
            ck_assert_uint_eq(info.request, 99);
            ck_assert_int_ge(info.ready_ns, before);
            before = info.ended_ns;
        }
        ck_assert_int_eq(ran.count, 5);
        for (int i = 0; i < 5; i++)
            ck_assert_int_eq(ran.entries[i], i);
    }
    unit_destroy(executor);
}
END_TEST

START_TEST(a_failing_task_does_not_skip_its_siblings)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    step steps[4] = {{.result = -EIO}, {.lane = TDM_POOL, .result = -EPIPE}, {.result = 0}, {.lane = TDM_POOL}};
    sequence s = {.executor = executor, .steps = steps, .count = 4};
    start(&s);
    ck_assert_int_eq(unit_await(executor, s.first, TDM_FAILED).error, -EIO);
    ck_assert_int_eq(unit_await(executor, s.first + 1, TDM_FAILED).error, -EPIPE);
    unit_await(executor, s.first + 2, TDM_DONE);
    unit_await(executor, s.first + 3, TDM_DONE);
    unit_destroy(executor);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(steps[i].drops, 1);
}
END_TEST

START_TEST(run_conditions_decide_who_is_skipped_and_say_why)
{
    static const struct {
        tdm__outcome outcome;
        bool runs[4]; /* success, error, client gone, always */
    } cases[] = {
        {{false, false}, {true, false, false, true}},
        {{true, false}, {false, true, false, true}},
        {{false, true}, {true, false, true, true}},
        {{true, true}, {false, true, true, true}},
    };
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    for (int lane = 0; lane < TDM_LANES; lane++)
        for (unsigned c = 0; c < 4; c++) {
            step steps[4] = {0};
            for (unsigned i = 0; i < 4; i++)
                steps[i] = (step){.lane = (tdm_lane) lane, .when = (tdm_when) i};
            sequence s = {.executor = executor, .steps = steps, .count = 4, .outcome = cases[c].outcome};
            start(&s);
            for (unsigned i = 0; i < 4; i++) {
                tdm_task_info info = unit_await(executor, s.first + i, cases[c].runs[i] ? TDM_DONE : TDM_SKIPPED);
                ck_assert_int_eq(info.reason != NULL, !cases[c].runs[i]);
                ck_assert_int_eq(info.started_ns != 0, cases[c].runs[i]);
                UNIT_UNTIL(steps[i].drops == 1);
            }
        }
    unit_destroy(executor);
}
END_TEST

START_TEST(thousands_of_skipped_tasks_are_walked_over)
{
    enum { COUNT = 5000 };
    static step steps[COUNT];
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    for (int i = 0; i < COUNT; i++)
        steps[i] = (step){.lane = (tdm_lane) (i % TDM_LANES), .when = TDM_WHEN_ERROR};
    sequence s = {.executor = executor, .steps = steps, .count = COUNT};
    start(&s);
    unit_await(executor, s.last, TDM_SKIPPED);
    unit_destroy(executor);
    for (int i = 0; i < COUNT; i++)
        ck_assert_int_eq(steps[i].drops, 1);
}
END_TEST

START_TEST(followers_take_places_and_the_first_refusal_gives_all_back)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.queue = 3, .max_loop_tasks = 2});
    for (int lane = 0; lane < TDM_LANES; lane++) {
        unsigned limit = lane == TDM_POOL ? 3 : 2;
        step steps[MOST] = {0};
        tdm__batch batch = {0};
        for (unsigned i = 0; i <= limit; i++) {
            steps[i].lane = (tdm_lane) lane;
            tdm_task_spec spec = spec_of(&steps[i]);
            ck_assert_int_eq(tdm__batch_add(&batch, executor, &spec), i < limit ? 0 : -EAGAIN);
        }
        for (unsigned i = 0; i <= limit; i++)
            ck_assert_int_eq(steps[i].drops, i < limit); /* the refused one's arg is still ours */
        ck_assert_uint_eq(batch.count, 0);
        tdm_task_spec spec = spec_of(&steps[0]);
        ck_assert_int_eq(tdm__batch_add(&batch, executor, &spec), -EAGAIN); /* a refused batch stays so */
        ck_assert_int_eq(steps[0].drops, 1);
        tdm_stats stats;
        ck_assert_int_eq(tdm_stats_get(executor, &stats), 0);
        ck_assert_uint_eq(stats.lanes[lane].window.rejected, limit + 1);
        ck_assert_uint_eq(stats.lanes[lane].window.accepted, 0);
        ck_assert_uint_eq(stats.pools[TDM__BACKGROUND].reserved, 0);
        tdm__batch again = {0}; /* every place is free again */
        for (unsigned i = 0; i < limit; i++)
            ck_assert_int_eq(tdm__batch_add(&again, executor, &spec), 0);
        tdm__batch_release(&again);
        ck_assert_int_eq(steps[0].drops, 1 + (int) limit);
        ck_assert_uint_eq(again.count, 0);
    }
    unit_destroy(executor);
}
END_TEST

START_TEST(an_invalid_spec_leaves_the_batch_as_it_was)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    tdm__batch batch = {0};
    step s = {0};
    tdm_task_spec good = spec_of(&s), bad = good;
    bad.run = NULL;
    ck_assert_int_eq(tdm__batch_add(&batch, executor, &good), 0);
    ck_assert_int_eq(tdm__batch_add(&batch, executor, &bad), -EINVAL);
    bad = good;
    bad.when = (tdm_when) 17;
    ck_assert_int_eq(tdm__batch_add(&batch, executor, &bad), -EINVAL);
    ck_assert_uint_eq(batch.count, 1);
    ck_assert_int_eq(s.drops, 0);
    tdm__batch_release(&batch);
    ck_assert_int_eq(s.drops, 1);
    unit_destroy(executor);
}
END_TEST

static void start_batch(tdm__loop *loop, void *arg)
{
    (void) loop;
    tdm__batch_start(arg, &(tdm__outcome){0});
}

START_TEST(accepted_tasks_stand_as_queued_until_the_start_and_can_be_cancelled)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    for (int lane = 0; lane < TDM_LANES; lane++) {
        step steps[3] = {0};
        tdm__batch batch = {0};
        for (int i = 0; i < 3; i++) {
            steps[i] = (step){.lane = (tdm_lane) lane, .number = i};
            tdm_task_spec spec = spec_of(&steps[i]);
            ck_assert_int_eq(tdm__batch_add(&batch, executor, &spec), 0);
        }
        uint64_t first, last;
        ran.count = 0;
        tdm__batch_accept(&batch, executor, tdm__executor_loop(executor, 0), 1, &first, &last);
        for (uint64_t id = first; id <= last; id++)
            ck_assert_int_eq(unit_info(executor, id).state, TDM_QUEUED);
        ck_assert_int_eq(tdm_task_cancel(executor, first), 0);
        ck_assert_int_eq(unit_info(executor, first).state, TDM_CANCELLED);
        ck_assert_int_eq(tdm_task_cancel(executor, last), 0);
        ck_assert_int_eq(unit_info(executor, last).state, TDM_CANCELLED);
        ck_assert_int_eq(ran.count, 0);
        tdm__loop_call(tdm__executor_loop(executor, 0), start_batch, &batch);
        unit_await(executor, first + 1, TDM_DONE);
        for (int i = 0; i < 3; i++)
            UNIT_UNTIL(steps[i].drops == 1);
        ck_assert_int_eq(ran.count, 1);
        ck_assert_int_eq(ran.entries[0], 1);
    }
    unit_destroy(executor);
}
END_TEST

int main(void)
{
    return unit_main("batch",
                     (const TTest *const[]){
                         tasks_run_one_after_another_in_any_mix_of_lanes, a_failing_task_does_not_skip_its_siblings,
                         run_conditions_decide_who_is_skipped_and_say_why, thousands_of_skipped_tasks_are_walked_over,
                         followers_take_places_and_the_first_refusal_gives_all_back,
                         an_invalid_spec_leaves_the_batch_as_it_was,
                         accepted_tasks_stand_as_queued_until_the_start_and_can_be_cancelled, NULL});
}
