/* SPDX-License-Identifier: MIT */
/* DESIGN: a server that tells of lives that the test made up, and the figures that the client must draw from them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "load/words.h"
#include "tests/load/fake_tandem.h"
#include "tests/load/load_run.h"
#include "tests/unit/unit.h"

typedef struct followed {
    fake_tandem tandem;
    fake_server *server;
    load_run run;
} followed;

static void begin(followed *f)
{
    fake_tandem_init(&f->tandem);
}

static const load_step *follow(followed *f, const char *connections, const char *requests)
{
    f->server = fake_tandem_start(&f->tandem);
    LOAD_RUN(&f->run, "-c", connections, "-n", requests, "--follow", "--follow-timeout", "20",
             fake_server_url(f->server, "/"));
    ck_assert_uint_eq(f->run.sweep.step_count, 1);
    return &f->run.sweep.steps[0];
}

static void end(followed *f)
{
    load_run_finish(&f->run);
    fake_server_stop(&f->server);
    fake_tandem_finish(&f->tandem);
}

/* Law: every promised task is accounted for. */
static void check_law(const load_step *step)
{
    uint64_t sum = step->tasks.lost + step->tasks.unknown;
    for (int i = 0; i < LOAD_STATE_COUNT; i++)
        sum += step->tasks.states[i];
    ck_assert_uint_eq(sum, step->tasks.promised);
}

static bool near_seconds(int64_t ns, double seconds, double within)
{
    return fabs((double) ns / 1e9 - seconds) <= within;
}

START_TEST(three_thousand_tasks_are_followed_to_their_end)
{
    followed f;
    begin(&f);
    const load_step *step = follow(&f, "100", "1000");
    ck_assert_int_eq(step->tasks.follow, LOAD_FOLLOW_COMPLETE);
    ck_assert_uint_eq(step->tasks.promised, 3000);
    ck_assert_uint_eq(step->tasks.states[LOAD_STATE_DONE], 3000);
    ck_assert_uint_eq(step->tasks.lanes[LOAD_LANE_POOL].threads, 1000);
    ck_assert_uint_eq(tdm_histogram_count(step->tasks.run_time), 3000);
    ck_assert_int_eq(load_sweep_status(&f.run.sweep), 0);
    check_law(step);
    end(&f);
}
END_TEST

/* 20 requests with 3 tasks of 3 s each, on 12 threads, as a pool would run them: five rounds. */
static fake_life pool_of_12(uint64_t request, unsigned task)
{
    unsigned slot = ((unsigned) request - 1) + 20 * task;
    double started = 3.0 * (slot / 12);
    return (fake_life){.lane = "pool",
                       .state = "done",
                       .thread = 100 + slot % 12,
                       .ready = task ? started - 0.5 : 0,
                       .started = started,
                       .ended = started + 3};
}

START_TEST(pool_figures_are_those_of_the_rows)
{
    followed f;
    begin(&f);
    f.tandem.life = pool_of_12;
    const load_step *step = follow(&f, "20", "20");
    const load_lane_figures *pool = &step->tasks.lanes[LOAD_LANE_POOL];
    ck_assert_uint_eq(pool->threads, 12);
    /* requests are accepted within milliseconds of each other, so rounds may overlap by as much */
    ck_assert_uint_ge(pool->curve.peak, 12);
    ck_assert(fabs(pool->curve.mean - 12) < 0.1);
    ck_assert(near_seconds(step->tasks.elapsed_ns, 15, 0.5));
    ck_assert(near_seconds(step->tasks.ideal_ns, 15, 0.2));
    ck_assert(near_seconds(tdm_histogram_max(step->tasks.run_time), 3, 0.01));
    ck_assert(near_seconds(tdm_histogram_max(step->tasks.completion), 15, 0.02));
    ck_assert_uint_eq(step->tasks.lanes[LOAD_LANE_LOOP].tasks, 0);
    ck_assert(step->tasks.clock_same);
    end(&f);
}
END_TEST

static fake_life all_at_once(uint64_t request, unsigned task)
{
    (void) request;
    return (fake_life){.lane = "loop",
                       .state = "done",
                       .thread = 7,
                       .ready = 3.0 * task,
                       .started = 3.0 * task,
                       .ended = 3.0 * task + 3};
}

START_TEST(loop_figures_are_those_of_the_rows)
{
    followed f;
    begin(&f);
    f.tandem.life = all_at_once;
    const load_step *step = follow(&f, "40", "40");
    ck_assert_uint_eq(step->tasks.lanes[LOAD_LANE_LOOP].threads, 1);
    ck_assert_uint_eq(step->tasks.lanes[LOAD_LANE_LOOP].curve.peak, 40);
    ck_assert(near_seconds(step->tasks.ideal_ns, 9, 0.2));
    ck_assert(near_seconds(step->tasks.elapsed_ns, 9, 0.5));
    char *seen = load_words_text(load_words_seen, step);
    ck_assert_str_eq(seen, "loop: 40 at once on 1 thread");
    free(seen);
    end(&f);
}
END_TEST

static fake_life alternate(uint64_t request, unsigned task)
{
    fake_life life = task % 2 ? all_at_once(request, task) : pool_of_12(request, task);
    life.ready = life.started = task;
    life.ended = task + 1;
    return life;
}

START_TEST(both_lanes_of_one_step_are_told_apart)
{
    followed f;
    begin(&f);
    f.tandem.life = alternate;
    const load_step *step = follow(&f, "4", "4");
    ck_assert_uint_eq(step->tasks.lanes[LOAD_LANE_POOL].tasks, 8);
    ck_assert_uint_eq(step->tasks.lanes[LOAD_LANE_LOOP].tasks, 4);
    ck_assert_uint_eq(step->tasks.lanes[LOAD_BOTH_LANES].tasks, 12);
    char *seen = load_words_text(load_words_seen, step);
    ck_assert_ptr_nonnull(strstr(seen, "pool: 4 at once on "));
    ck_assert_ptr_nonnull(strstr(seen, "; loop: 4 at once on 1 thread"));
    free(seen);
    end(&f);
}
END_TEST

START_TEST(a_task_may_end_before_the_reply_that_promises_it)
{
    followed f;
    begin(&f);
    f.tandem.ends_before_reply = true;
    const load_step *step = follow(&f, "1", "2");
    ck_assert_int_eq(step->tasks.follow, LOAD_FOLLOW_COMPLETE);
    ck_assert_uint_eq(step->tasks.states[LOAD_STATE_DONE], 6);
    end(&f);
}
END_TEST

START_TEST(tasks_of_others_are_not_counted)
{
    followed f;
    begin(&f);
    f.tandem.foreign = 5;
    const load_step *step = follow(&f, "10", "200");
    ck_assert_uint_eq(step->tasks.promised, 600);
    ck_assert_uint_eq(step->tasks.states[LOAD_STATE_DONE], 600);
    ck_assert_uint_eq(step->tasks.lanes[LOAD_BOTH_LANES].tasks, 600);
    ck_assert_int_eq(load_sweep_status(&f.run.sweep), 0);
    end(&f);
}
END_TEST

START_TEST(another_clock_is_mapped_by_the_replies)
{
    followed f;
    begin(&f);
    f.tandem.clock_offset = 5000;
    f.tandem.life = all_at_once;
    const load_step *step = follow(&f, "4", "40");
    ck_assert(!step->tasks.clock_same);
    ck_assert(near_seconds(step->tasks.clock_offset_ns, 5000, 0.2));
    ck_assert_int_lt(step->tasks.clock_error_ns, 200 * 1000 * 1000);
    ck_assert(near_seconds(step->tasks.elapsed_ns, 9, 1));
    end(&f);
}
END_TEST

/* ---- ends that are not good ---- */

static fake_life mixed_ends(uint64_t request, unsigned task)
{
    static const char *const states[] = {"done", "failed", "cancelled", "timed_out", "skipped", "dropped", "abandoned"};
    fake_life life = pool_of_12(request, 0);
    life.state = states[task];
    if (task == 4 || task == 5)
        life.started = -1;
    return life;
}

START_TEST(every_end_is_counted_under_its_name_and_failures_fail_the_run)
{
    followed f;
    begin(&f);
    f.tandem.life = mixed_ends;
    f.tandem.tasks_per_request = 7;
    const load_step *step = follow(&f, "2", "10");
    for (int state = LOAD_STATE_DONE; state < LOAD_STATE_COUNT; state++)
        ck_assert_uint_eq(step->tasks.states[state], 10);
    ck_assert_uint_eq(load_step_tasks_failed(step), 40);
    ck_assert_uint_eq(tdm_histogram_count(step->tasks.run_time), 50);
    ck_assert_int_eq(step->tasks.follow, LOAD_FOLLOW_COMPLETE);
    ck_assert_int_eq(load_sweep_status(&f.run.sweep), 1);
    check_law(step);
    end(&f);
}
END_TEST

START_TEST(missed_rows_make_a_step_incomplete_not_lost)
{
    followed f;
    begin(&f);
    f.tandem.missed = 17;
    const load_step *step = follow(&f, "4", "4");
    ck_assert_int_eq(step->tasks.follow, LOAD_FOLLOW_INCOMPLETE);
    ck_assert_uint_eq(step->tasks.missed, 17);
    ck_assert_uint_eq(step->tasks.lost, 0);
    ck_assert_uint_eq(step->tasks.unknown, 0);
    ck_assert_uint_eq(step->tasks.states[LOAD_STATE_DONE], 12);
    ck_assert_int_eq(load_sweep_status(&f.run.sweep), 1);
    end(&f);
}
END_TEST

static fake_life second_hidden(uint64_t request, unsigned task)
{
    fake_life life = pool_of_12(request, task);
    life.hidden = task == 1;
    return life;
}

START_TEST(a_few_missed_tasks_are_looked_up_one_by_one)
{
    followed f;
    begin(&f);
    f.tandem.missed = 4;
    f.tandem.life = second_hidden;
    const load_step *step = follow(&f, "4", "4");
    ck_assert_int_eq(step->tasks.follow, LOAD_FOLLOW_INCOMPLETE);
    ck_assert_uint_eq(step->tasks.states[LOAD_STATE_DONE], 12);
    ck_assert_uint_eq(step->tasks.lost + step->tasks.unknown, 0);
    end(&f);
}
END_TEST

START_TEST(missed_tasks_that_the_server_forgot_are_unknown_not_lost)
{
    followed f;
    begin(&f);
    f.tandem.missed = 4;
    f.tandem.forgets_hidden = true;
    f.tandem.life = second_hidden;
    const load_step *step = follow(&f, "4", "4");
    ck_assert_int_eq(step->tasks.follow, LOAD_FOLLOW_INCOMPLETE);
    ck_assert_uint_eq(step->tasks.unknown, 4);
    ck_assert_uint_eq(step->tasks.lost, 0);
    check_law(step);
    end(&f);
}
END_TEST

START_TEST(many_missed_tasks_are_unknown_without_asking_for_each)
{
    followed f;
    begin(&f);
    f.tandem.missed = 200;
    f.tandem.life = second_hidden;
    const load_step *step = follow(&f, "10", "200");
    ck_assert_uint_eq(step->tasks.unknown, 200);
    ck_assert_uint_eq(step->tasks.states[LOAD_STATE_DONE], 400);
    check_law(step);
    end(&f);
}
END_TEST

START_TEST(a_promised_task_that_the_server_does_not_know_is_lost_and_found_out_without_the_timeout)
{
    followed f;
    begin(&f);
    f.tandem.forgets_hidden = true;
    f.tandem.life = second_hidden;
    const load_step *step = follow(&f, "4", "4");
    ck_assert_uint_eq(step->tasks.lost, 4);
    ck_assert_uint_eq(step->tasks.unknown, 0);
    ck_assert_int_eq(step->tasks.follow, LOAD_FOLLOW_COMPLETE);
    ck_assert_int_eq(load_sweep_status(&f.run.sweep), 1);
    check_law(step);
    end(&f);
}
END_TEST

START_TEST(tasks_that_do_not_end_are_given_up_at_the_timeout)
{
    followed f;
    begin(&f);
    f.tandem.unfinished_hidden = true;
    f.tandem.life = second_hidden;
    f.server = fake_tandem_start(&f.tandem);
    LOAD_RUN(&f.run, "-c", "4", "--follow", "--follow-timeout", "0.3", fake_server_url(f.server, "/"));
    const load_step *step = &f.run.sweep.steps[0];
    ck_assert_int_eq(step->tasks.follow, LOAD_FOLLOW_INCOMPLETE);
    ck_assert_uint_eq(step->tasks.unknown, 4);
    ck_assert_ptr_nonnull(strstr(step->tasks.why, "timeout"));
    check_law(step);
    ck_assert_uint_le(fake_tandem_polls(&f.tandem), 12); /* at most twenty a second, and a few more at the edges */
    end(&f);
}
END_TEST

START_TEST(what_became_of_the_tasks_of_a_server_that_left_is_unknown)
{
    followed f;
    begin(&f);
    f.tandem.leaves = true;
    const load_step *step = follow(&f, "1", "1");
    ck_assert_uint_eq(step->tasks.promised, 3);
    ck_assert_uint_eq(step->tasks.unknown + step->tasks.states[LOAD_STATE_DONE], 3);
    ck_assert_uint_gt(step->tasks.unknown, 0);
    ck_assert_uint_eq(step->tasks.lost, 0);
    ck_assert_int_eq(step->tasks.follow, LOAD_FOLLOW_INCOMPLETE);
    ck_assert_ptr_nonnull(strstr(step->tasks.why, "cannot be reached"));
    ck_assert_int_eq(load_sweep_status(&f.run.sweep), 1);
    check_law(step);
    end(&f);
}
END_TEST

START_TEST(a_server_that_was_restarted_has_lost_its_tasks)
{
    followed f;
    begin(&f);
    f.tandem.forgets_cursors = true;
    const load_step *step = follow(&f, "2", "2");
    ck_assert_uint_eq(step->tasks.lost, 6);
    ck_assert_ptr_nonnull(strstr(step->tasks.why, "restarted"));
    ck_assert_int_eq(load_sweep_status(&f.run.sweep), 1);
    check_law(step);
    end(&f);
}
END_TEST

/* ---- targets without a list ---- */

START_TEST(a_server_that_was_restarted_while_the_step_ran_does_not_hold_the_follower)
{
    followed f;
    begin(&f);
    f.tandem.forgets_cursors = true;
    f.server = fake_tandem_start(&f.tandem);
    LOAD_RUN(&f.run, "-c", "2", "-d", "0.3", "--follow", "--follow-timeout", "20", fake_server_url(f.server, "/"));
    const load_step *step = &f.run.sweep.steps[0];
    ck_assert_uint_gt(step->tasks.promised, 0);
    ck_assert_uint_eq(step->tasks.lost, step->tasks.promised);
    ck_assert_ptr_nonnull(strstr(step->tasks.why, "restarted"));
    check_law(step);
    end(&f);
}
END_TEST

START_TEST(a_target_without_task_ids_is_measured_as_far_as_it_goes)
{
    followed f;
    begin(&f);
    f.tandem.list_status = "404 Not Found";
    f.tandem.tasks_per_request = 0;
    const load_step *step = follow(&f, "4", "8");
    ck_assert_int_eq(step->tasks.follow, LOAD_FOLLOW_NO_IDS);
    ck_assert_uint_eq(step->succeeded, 8);
    ck_assert_int_eq(load_sweep_status(&f.run.sweep), 0);
    char *seen = load_words_text(load_words_seen, step);
    ck_assert_ptr_nonnull(strstr(seen, "answered 404"));
    free(seen);
    end(&f);
}
END_TEST

START_TEST(a_reply_without_tasks_needs_no_waiting)
{
    followed f;
    begin(&f);
    f.tandem.tasks_per_request = 0;
    const load_step *step = follow(&f, "4", "4");
    ck_assert_int_eq(step->tasks.follow, LOAD_FOLLOW_COMPLETE);
    ck_assert_uint_eq(step->tasks.promised, 0);
    ck_assert_int_eq(load_sweep_status(&f.run.sweep), 0);
    end(&f);
}
END_TEST

static void check_broken(const char *body)
{
    followed f;
    begin(&f);
    f.tandem.list_body = body;
    const load_step *step = follow(&f, "1", "1");
    ck_assert(step->tasks.broken);
    ck_assert_int_eq(step->tasks.follow, LOAD_FOLLOW_INCOMPLETE);
    ck_assert_uint_eq(step->tasks.lost, 0);
    ck_assert_int_eq(load_sweep_status(&f.run.sweep), 3);
    ck_assert_ptr_nonnull(strstr(f.run.sweep.why, "not what was promised"));
    check_law(step);
    end(&f);
}

START_TEST(a_list_that_is_not_what_was_promised_is_said_in_one_line)
{
    check_broken("<html>");
    check_broken("{\"tasks\":{},\"next\":\"1\",\"missed\":0}");
    check_broken("{\"tasks\":[{\"id\":1}],\"next\":\"1\",\"missed\":0}");
    check_broken("{\"tasks\":[],\"next\":null,\"missed\":0}");
    check_broken("{\"tasks\":[],\"next\":\"1\",\"missed\":-1}");
}
END_TEST

START_TEST(promised_tasks_without_a_list_are_said_in_one_line)
{
    followed f;
    begin(&f);
    f.tandem.list_status = "404 Not Found";
    const load_step *step = follow(&f, "1", "1");
    ck_assert_int_eq(step->tasks.follow, LOAD_FOLLOW_INCOMPLETE);
    ck_assert_uint_eq(step->tasks.unknown, 3);
    ck_assert_int_eq(load_sweep_status(&f.run.sweep), 3);
    end(&f);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        three_thousand_tasks_are_followed_to_their_end,
        pool_figures_are_those_of_the_rows,
        loop_figures_are_those_of_the_rows,
        both_lanes_of_one_step_are_told_apart,
        a_task_may_end_before_the_reply_that_promises_it,
        tasks_of_others_are_not_counted,
        another_clock_is_mapped_by_the_replies,
        every_end_is_counted_under_its_name_and_failures_fail_the_run,
        missed_rows_make_a_step_incomplete_not_lost,
        a_few_missed_tasks_are_looked_up_one_by_one,
        missed_tasks_that_the_server_forgot_are_unknown_not_lost,
        many_missed_tasks_are_unknown_without_asking_for_each,
        a_promised_task_that_the_server_does_not_know_is_lost_and_found_out_without_the_timeout,
        tasks_that_do_not_end_are_given_up_at_the_timeout,
        what_became_of_the_tasks_of_a_server_that_left_is_unknown,
        a_server_that_was_restarted_has_lost_its_tasks,
        a_server_that_was_restarted_while_the_step_ran_does_not_hold_the_follower,
        a_target_without_task_ids_is_measured_as_far_as_it_goes,
        a_reply_without_tasks_needs_no_waiting,
        a_list_that_is_not_what_was_promised_is_said_in_one_line,
        promised_tasks_without_a_list_are_said_in_one_line,
        NULL,
    };
    return unit_main("load_follow", tests);
}
