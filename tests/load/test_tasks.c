/* SPDX-License-Identifier: MIT */
/* DESIGN: the figures of tasks over time, from lives that the test made up, and the server's own counts beside them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/load/daemon.h"
#include "tests/load/fake_tandem.h"
#include "tests/load/load_run.h"
#include "tests/unit/unit.h"

#define S INT64_C(1000000000)

typedef struct followed {
    fake_tandem tandem;
    fake_server *server;
    load_run run;
} followed;

static void begin(followed *f)
{
    fake_tandem_init(&f->tandem);
}

static const load_step *follow(followed *f, const char *requests)
{
    f->server = fake_tandem_start(&f->tandem);
    LOAD_RUN(&f->run, "-c", "1", "-n", requests, "--follow", "--follow-timeout", "20", fake_server_url(f->server, "/"));
    return &f->run.sweep.steps[0];
}

static void end(followed *f)
{
    load_run_finish(&f->run);
    fake_server_stop(&f->server);
    fake_tandem_finish(&f->tandem);
}

static bool near(int64_t ns, double seconds)
{
    return fabs((double) ns / 1e9 - seconds) < 0.2; /* as late as requests may follow one another on a busy machine */
}

/* Four requests of one task each. Two run at once for 100 s, then the others, which have waited: 2 at once for 200 s. */
static fake_life two_threads(uint64_t request, unsigned task)
{
    (void) task;
    double started = request <= 2 ? 0 : 100;
    return (fake_life){.lane = "pool",
                       .state = "done",
                       .thread = 7 + (unsigned) request % 2,
                       .ready = 0,
                       .started = started,
                       .ended = started + 100};
}

START_TEST(the_queue_over_time_is_that_of_the_rows)
{
    followed f;
    begin(&f);
    f.tandem.tasks_per_request = 1;
    f.tandem.life = two_threads;
    const load_step *step = follow(&f, "4");
    const load_lane_figures *pool = &step->tasks.lanes[LOAD_LANE_POOL], *loop = &step->tasks.lanes[LOAD_LANE_LOOP];
    ck_assert_uint_eq(pool->queue.peak, 2);
    ck_assert(near(pool->queue.last_ns, 100));
    ck_assert(fabs(pool->queue.mean - 2) < 0.01);
    ck_assert_uint_eq(pool->queue.points[pool->queue.count - 1].running, 0);
    ck_assert_uint_eq(loop->queue.count, 0);
    ck_assert_uint_eq(step->tasks.lanes[LOAD_BOTH_LANES].queue.peak, 2);
    end(&f);
}
END_TEST

START_TEST(the_shares_of_time_are_those_of_the_rows_and_make_up_the_whole)
{
    followed f;
    begin(&f);
    f.tandem.tasks_per_request = 1;
    f.tandem.life = two_threads;
    const load_step *step = follow(&f, "3"); /* two at once for 100 s, then one for 100 s */
    const load_lane_figures *pool = &step->tasks.lanes[LOAD_LANE_POOL];
    int64_t sum = 0;
    ck_assert_uint_eq(pool->share_count, 3);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_uint_eq(pool->shares[i].low, i);
        ck_assert_uint_eq(pool->shares[i].high, i);
        sum += pool->shares[i].ns;
    }
    ck_assert(near(pool->shares[1].ns, 100));
    ck_assert(near(pool->shares[2].ns, 100));
    ck_assert_int_eq(sum, pool->curve.last_ns - pool->curve.first_ns);
    end(&f);
}
END_TEST

static fake_life many_at_once(uint64_t request, unsigned task)
{
    (void) request;
    return (fake_life){.lane = "loop", .state = "done", .thread = 7, .started = 0.1 * task, .ended = 1000 - 0.1 * task};
}

START_TEST(many_levels_are_joined_to_a_bounded_number)
{
    followed f;
    begin(&f);
    f.tandem.tasks_per_request = 1000;
    f.tandem.life = many_at_once;
    const load_lane_figures *loop = &follow(&f, "1")->tasks.lanes[LOAD_LANE_LOOP];
    uint32_t next = 0;
    int64_t sum = 0;
    ck_assert_uint_eq(loop->curve.peak, 1000);
    ck_assert_uint_le(loop->share_count, LOAD_SHARES_MAX);
    for (unsigned i = 0; i < loop->share_count; i++) {
        ck_assert_uint_eq(loop->shares[i].low, next);
        ck_assert_uint_ge(loop->shares[i].high, loop->shares[i].low);
        next = loop->shares[i].high + 1;
        sum += loop->shares[i].ns;
    }
    ck_assert_uint_eq(next, 1001);
    ck_assert_int_eq(sum, loop->curve.last_ns - loop->curve.first_ns);
    end(&f);
}
END_TEST

START_TEST(swim_lanes_tell_which_thread_ran_what_when)
{
    followed f;
    begin(&f);
    f.tandem.tasks_per_request = 1;
    f.tandem.life = two_threads;
    const load_tasks *tasks = &follow(&f, "4")->tasks;
    ck_assert_uint_eq(tasks->swim_count, 4);
    ck_assert_uint_eq(tasks->swims_left_out, 0);
    for (unsigned i = 0; i < 4; i++) {
        const load_swim *swim = &tasks->swims[i];
        ck_assert(i == 0 || swim->started_ns >= tasks->swims[i - 1].started_ns);
        ck_assert_uint_eq(swim->thread, 7 + swim->request % 2);
        ck_assert_uint_eq(swim->lane, LOAD_LANE_POOL);
        ck_assert_uint_eq(swim->state, LOAD_STATE_DONE);
        ck_assert(near(swim->started_ns, i < 2 ? 0 : 100));
        ck_assert(near(swim->ended_ns - swim->started_ns, 100));
    }
    ck_assert(near(tasks->drain_ns, 200));
    ck_assert(near(tasks->elapsed_ns, 200));
    end(&f);
}
END_TEST

START_TEST(swim_lanes_are_bounded_and_say_how_many_were_left_out)
{
    followed f;
    begin(&f);
    f.tandem.tasks_per_request = 1000;
    const load_tasks *tasks = &follow(&f, "11")->tasks;
    ck_assert_uint_eq(tasks->swim_count, LOAD_SWIMS_MAX);
    ck_assert_uint_eq(tasks->swims_left_out, 1000);
    end(&f);
}
END_TEST

/* ---- the server's own counts ---- */

START_TEST(counts_of_the_server_that_are_ours_agree)
{
    followed f;
    begin(&f);
    f.tandem.has_stats = true;
    const load_step *step = follow(&f, "50");
    const load_server_counts *server = &step->tasks.server;
    ck_assert(server->known && server->agrees);
    ck_assert_uint_eq(server->accepted, 150);
    ck_assert_uint_eq(server->states[LOAD_STATE_DONE], 150);
    ck_assert_uint_eq(server->requests, 50);
    ck_assert_uint_ge(tdm_histogram_count(step->tasks.loop_lag), 2);
    end(&f);
}
END_TEST

START_TEST(counts_of_the_server_that_are_not_ours_do_not_agree)
{
    followed f;
    begin(&f);
    f.tandem.has_stats = true;
    f.tandem.miscounted = 1;
    const load_server_counts *server = &follow(&f, "50")->tasks.server;
    ck_assert(server->known && !server->agrees);
    ck_assert_uint_eq(server->accepted, 151);
    end(&f);
}
END_TEST

START_TEST(of_a_server_without_figures_nothing_is_claimed)
{
    followed f;
    begin(&f);
    const load_step *step = follow(&f, "5");
    ck_assert(!step->tasks.server.known);
    ck_assert_uint_eq(tdm_histogram_count(step->tasks.loop_lag), 0);
    for (size_t i = 0; i < step->sample_count; i++)
        ck_assert_int_eq(step->samples[i].running[LOAD_LANE_POOL], LOAD_UNKNOWN);
    end(&f);
}
END_TEST

START_TEST(of_a_server_whose_counts_went_back_nothing_is_claimed)
{
    followed f;
    begin(&f);
    f.tandem.has_stats = true;
    f.tandem.counted_before = 1000;
    const load_step *step = follow(&f, "5");
    ck_assert_uint_eq(step->succeeded, 5);
    ck_assert_uint_ge(tdm_histogram_count(step->tasks.loop_lag), 2); /* it was asked */
    ck_assert(!step->tasks.server.known);
    ck_assert_uint_eq(step->tasks.server.accepted, 0);
    end(&f);
}
END_TEST

/* ---- the real daemon ---- */

START_TEST(every_request_and_task_is_what_the_daemon_counts_warm_up_and_threads_included)
{
    daemon_process d = daemon_start((const char *const[]){"--workers", "4", NULL});
    char url[96];
    load_run r;
    LOAD_RUN(&r, "-c", "1,8", "-d", "0.4", "-w", "0.2", "-t", "2", "--follow",
             daemon_url(&d, "/?as_async=1&count=2&period=0.01", url, sizeof url));
    ck_assert_uint_eq(r.sweep.step_count, 2);
    for (unsigned i = 0; i < 2; i++) {
        const load_step *step = &r.sweep.steps[i];
        const load_tasks *tasks = &step->tasks;
        ck_assert_int_eq(tasks->follow, LOAD_FOLLOW_COMPLETE);
        ck_assert_uint_eq(tasks->promised, 2 * step->succeeded);
        ck_assert(tasks->server.known && tasks->server.agrees);
        ck_assert_uint_eq(tasks->server.accepted, 2 * (step->made + step->warmup_made));
        ck_assert_uint_eq(tasks->server.requests, step->made + step->warmup_made);
        ck_assert_uint_ge(tdm_histogram_count(tasks->loop_lag), 2);
    }
    load_run_finish(&r);
    ck_assert_int_eq(daemon_stop(&d), 0);
}
END_TEST

START_TEST(a_pool_that_cannot_keep_up_is_found_by_its_queue)
{
    daemon_process d = daemon_start((const char *const[]){"--workers", "1", "--queue", "100000", NULL});
    char url[96];
    load_run r;
    /* One worker ends 100 tasks of 10 ms in a second. What a busy machine does to rates and latencies is not asked. */
    LOAD_RUN(&r, "-R", "20,400", "-d", "1", "--max-lag", "60", "--follow", "--knee-factor", "1000", "--knee-share", "1",
             daemon_url(&d, "/?as_async=0&count=1&period=0.01", url, sizeof url));
    ck_assert_uint_eq(r.sweep.knee_count, 1);
    ck_assert_msg(r.sweep.knees[0].rule == LOAD_KNEE_QUEUE, "step %u: %s; %u steps", r.sweep.knees[0].step,
                  r.sweep.knees[0].words, r.sweep.step_count);
    ck_assert_uint_eq(r.sweep.knees[0].step, 1);
    ck_assert_uint_ge(r.sweep.steps[1].tasks.lanes[LOAD_LANE_POOL].queue.peak, 200);
    ck_assert_int_ge(r.sweep.steps[1].tasks.drain_ns, S);
    load_run_finish(&r);
    ck_assert_int_eq(daemon_stop(&d), 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_queue_over_time_is_that_of_the_rows,
        the_shares_of_time_are_those_of_the_rows_and_make_up_the_whole,
        many_levels_are_joined_to_a_bounded_number,
        swim_lanes_tell_which_thread_ran_what_when,
        swim_lanes_are_bounded_and_say_how_many_were_left_out,
        counts_of_the_server_that_are_ours_agree,
        counts_of_the_server_that_are_not_ours_do_not_agree,
        of_a_server_without_figures_nothing_is_claimed,
        of_a_server_whose_counts_went_back_nothing_is_claimed,
        every_request_and_task_is_what_the_daemon_counts_warm_up_and_threads_included,
        a_pool_that_cannot_keep_up_is_found_by_its_queue,
        NULL,
    };
    return unit_main("load_tasks", tests);
}
