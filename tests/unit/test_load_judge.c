/* SPDX-License-Identifier: MIT */
/* The knee and the invalid mark, on steps whose figures are made up. */
#include <stdlib.h>
#include <string.h>

#include "load/judge.h"
#include "tests/unit/unit.h"

#define S INT64_C(1000000000)
#define MS INT64_C(1000000)

enum { STEPS = 3 };

typedef struct fixture {
    load_target target;
    load_level levels[STEPS];
    load_step steps[STEPS];
    load_sweep sweep;
    load_options options;
    load_knee knee;
} fixture;

/* Steps that keep up: 1000 requests in 10 s, each answered in 10 ms. */
static void begin(fixture *f, double rate)
{
    memset(f, 0, sizeof *f);
    f->target.levels = f->levels;
    f->target.level_count = STEPS;
    f->sweep.steps = f->steps;
    f->sweep.step_count = STEPS;
    f->options = (load_options){.knee_share = 98, .knee_factor = 5, .max_cpu = 95, .max_lag_s = 0.001};
    for (unsigned i = 0; i < STEPS; i++) {
        load_step *step = &f->steps[i];
        f->levels[i] = (load_level){.connections = 1 + i, .rate = rate};
        ck_assert_int_eq(load_step_init(step, &f->target, 0, &f->levels[i]), 0);
        step->made = step->succeeded = 1000;
        step->first_sent_ns = S;
        step->sending_ended_ns = 11 * S;
        step->last_reply_ns = 11 * S + 10 * MS;
        for (int k = 0; k < 1000; k++) {
            tdm_histogram_record(step->latency, 10 * MS);
            tdm_histogram_record(step->send_lag, 10000);
        }
    }
}

static void end(fixture *f)
{
    for (unsigned i = 0; i < STEPS; i++)
        load_step_finish(&f->steps[i]);
}

static void judge(fixture *f)
{
    f->knee = (load_knee){0};
    load_judge_knee(&f->knee, &f->sweep, 0, &f->options);
}

START_TEST(steps_that_keep_up_have_no_knee)
{
    fixture f;
    begin(&f, 100);
    judge(&f);
    ck_assert_int_eq(f.knee.rule, LOAD_KNEE_NONE);
    end(&f);
    begin(&f, 0);
    judge(&f);
    ck_assert_int_eq(f.knee.rule, LOAD_KNEE_NONE);
    end(&f);
}
END_TEST

START_TEST(an_interrupted_level_is_no_knee_and_leaves_the_others_without_a_verdict)
{
    fixture f;
    begin(&f, 100);
    f.sweep.step_count = 2;
    judge(&f);
    ck_assert_int_eq(f.knee.rule, LOAD_KNEE_NONE);
    f.sweep.step_count = 3;
    f.steps[2].interrupted = true;
    f.steps[2].succeeded = 100;
    f.steps[2].unfinished = 900;
    load_judge_knee(&f.knee, &f.sweep, 0, &f.options);
    ck_assert_int_eq(f.knee.rule, LOAD_KNEE_NOT_SOUGHT);
    ck_assert_str_eq(f.knee.words, "");
    f.steps[1].succeeded = 100; /* a knee that was found before stays */
    f.sweep.step_count = 2;
    judge(&f);
    f.sweep.step_count = 3;
    load_judge_knee(&f.knee, &f.sweep, 0, &f.options);
    ck_assert_int_eq(f.knee.rule, LOAD_KNEE_RATE);
    ck_assert_uint_eq(f.knee.step, 1);
    end(&f);
}
END_TEST

START_TEST(one_level_alone_has_no_knee_to_seek)
{
    fixture f;
    begin(&f, 100);
    f.target.level_count = 1;
    judge(&f);
    ck_assert_int_eq(f.knee.rule, LOAD_KNEE_NOT_SOUGHT);
    end(&f);
}
END_TEST

START_TEST(volleys_have_no_knee_to_seek)
{
    fixture f;
    begin(&f, 0);
    for (unsigned i = 0; i < STEPS; i++)
        f.steps[i].planned = f.steps[i].connections;
    judge(&f);
    ck_assert_int_eq(f.knee.rule, LOAD_KNEE_NOT_SOUGHT);
    for (unsigned i = 0; i < STEPS; i++)
        f.steps[i].planned = f.levels[i].requests = 20; /* a level's own count */
    judge(&f);
    ck_assert_int_eq(f.knee.rule, LOAD_KNEE_NOT_SOUGHT);
    end(&f);
}
END_TEST

START_TEST(a_rate_that_was_not_achieved_is_the_knee)
{
    fixture f;
    begin(&f, 100);
    f.steps[1].succeeded = f.steps[1].made = 980; /* 98 %: not below the limit */
    f.steps[1].unsent = 20;
    judge(&f);
    ck_assert_int_eq(f.knee.rule, LOAD_KNEE_NONE);
    f.steps[1].succeeded = f.steps[1].made = 979;
    f.steps[1].unsent = 21;
    judge(&f);
    ck_assert_int_eq(f.knee.rule, LOAD_KNEE_RATE);
    ck_assert_uint_eq(f.knee.step, 1);
    ck_assert_double_eq_tol(f.knee.value, 0.979, 1e-9);
    ck_assert_ptr_nonnull(strstr(f.knee.words, "97.9 %"));
    end(&f);
}
END_TEST

START_TEST(a_handful_of_missing_requests_proves_nothing)
{
    fixture f;
    begin(&f, 1);
    f.steps[1].succeeded = f.steps[1].made = 6;
    f.steps[1].unsent = 4; /* 60 %, but four requests only */
    judge(&f);
    ck_assert_int_eq(f.knee.rule, LOAD_KNEE_NONE);
    f.steps[1].unsent = 5;
    judge(&f);
    ck_assert_int_eq(f.knee.rule, LOAD_KNEE_RATE);
    end(&f);
}
END_TEST

START_TEST(rejections_and_replies_that_come_long_after_are_not_achieved)
{
    fixture f;
    begin(&f, 100);
    f.steps[2].succeeded = 900;
    f.steps[2].rejected = 100;
    judge(&f);
    ck_assert_int_eq(f.knee.rule, LOAD_KNEE_RATE);
    ck_assert_uint_eq(f.knee.step, 2);
    f.steps[2].succeeded = 1000;
    f.steps[2].rejected = 0;
    f.steps[2].last_reply_ns = 12 * S; /* all of them, but in 11 s in place of 10 */
    judge(&f);
    ck_assert_int_eq(f.knee.rule, LOAD_KNEE_RATE);
    end(&f);
}
END_TEST

START_TEST(p99_far_above_that_of_the_lowest_level_is_the_knee)
{
    fixture f;
    begin(&f, 0);
    for (int k = 0; k < 20; k++)
        tdm_histogram_record(f.steps[2].latency, 49 * MS);
    judge(&f);
    ck_assert_int_eq(f.knee.rule, LOAD_KNEE_NONE);
    for (int k = 0; k < 40; k++)
        tdm_histogram_record(f.steps[2].latency, 51 * MS);
    judge(&f);
    ck_assert_int_eq(f.knee.rule, LOAD_KNEE_LATENCY);
    ck_assert_uint_eq(f.knee.step, 2);
    f.options.knee_factor = 6;
    judge(&f);
    ck_assert_int_eq(f.knee.rule, LOAD_KNEE_NONE);
    end(&f);
}
END_TEST

static void set_queue(load_step *step, const uint32_t *waiting, size_t count)
{
    load_curve *queue = &step->tasks.lanes[LOAD_BOTH_LANES].queue;
    load_curve_finish(queue);
    queue->points = calloc(count + 1, sizeof *queue->points);
    queue->count = count + 1;
    for (size_t i = 0; i < count; i++)
        queue->points[i] = (load_point){(int64_t) i * 10 * S / (int64_t) count, waiting[i]};
    queue->points[count] = (load_point){20 * S, 0};
}

START_TEST(a_queue_that_keeps_growing_is_the_knee)
{
    static const uint32_t steady[] = {0, 50, 50, 50, 50, 50}, growing[] = {0, 10, 20, 30, 40, 50},
                          small[] = {0, 1, 2, 3, 4, 5}, hump[] = {0, 50, 100, 100, 50, 0};
    fixture f;
    begin(&f, 0);
    set_queue(&f.steps[0], steady, 6);
    set_queue(&f.steps[1], hump, 6);
    set_queue(&f.steps[2], small, 6);
    judge(&f);
    ck_assert_int_eq(f.knee.rule, LOAD_KNEE_NONE);
    set_queue(&f.steps[1], growing, 6);
    judge(&f);
    ck_assert_int_eq(f.knee.rule, LOAD_KNEE_QUEUE);
    ck_assert_uint_eq(f.knee.step, 1);
    ck_assert_ptr_nonnull(strstr(f.knee.words, "kept growing"));
    f.steps[1].planned = f.steps[1].connections; /* a volley: its queue may grow as it likes */
    judge(&f);
    ck_assert_int_eq(f.knee.rule, LOAD_KNEE_NONE);
    end(&f);
}
END_TEST

START_TEST(a_closed_loop_is_invalid_if_the_generator_was_busy_all_the_time)
{
    fixture f;
    begin(&f, 0);
    load_step *step = &f.steps[0];
    step->cpu_share = 0.949;
    load_judge_step(step, &f.options);
    ck_assert(!step->invalid);
    step->cpu_share = 0.951;
    step->sending_ended_ns = step->first_sent_ns + LOAD_JUDGE_SPAN_NS - 1; /* a burst */
    load_judge_step(step, &f.options);
    ck_assert(!step->invalid);
    step->sending_ended_ns = step->first_sent_ns + LOAD_JUDGE_SPAN_NS;
    load_judge_step(step, &f.options);
    ck_assert(step->invalid);
    ck_assert_ptr_nonnull(strstr(step->why_invalid, "95 %"));
    end(&f);
}
END_TEST

START_TEST(an_open_loop_is_invalid_if_one_send_in_a_hundred_was_late_by_our_fault)
{
    fixture f;
    begin(&f, 100);
    load_step *step = &f.steps[0];
    for (int k = 0; k < 9; k++)
        tdm_histogram_record(step->send_lag, 5 * MS);
    step->cpu_share = 1;
    load_judge_step(step, &f.options);
    ck_assert(!step->invalid);
    for (int k = 0; k < 9; k++)
        tdm_histogram_record(step->send_lag, 5 * MS);
    load_judge_step(step, &f.options);
    ck_assert(step->invalid);
    ck_assert_ptr_nonnull(strstr(step->why_invalid, "5.0"));
    end(&f);
}
END_TEST

int main(void)
{
    return unit_main(
        "load_judge",
        (const TTest *const[]){
            steps_that_keep_up_have_no_knee, an_interrupted_level_is_no_knee_and_leaves_the_others_without_a_verdict,
            one_level_alone_has_no_knee_to_seek, volleys_have_no_knee_to_seek, a_rate_that_was_not_achieved_is_the_knee,
            a_handful_of_missing_requests_proves_nothing, rejections_and_replies_that_come_long_after_are_not_achieved,
            p99_far_above_that_of_the_lowest_level_is_the_knee, a_queue_that_keeps_growing_is_the_knee,
            a_closed_loop_is_invalid_if_the_generator_was_busy_all_the_time,
            an_open_loop_is_invalid_if_one_send_in_a_hundred_was_late_by_our_fault, NULL});
}
