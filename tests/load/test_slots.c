/* SPDX-License-Identifier: MIT */
/* DESIGN: the connections of a load thread, with its clock in the test's hands: what happens when time runs out between
 * two looks at it cannot be brought about from outside. */
#include <stdlib.h>
#include <tandem/clock.h>

#include "load/worker.h"
#include "tests/load/load_expect.h"
#include "tests/unit/unit.h"

#define S INT64_C(1000000000)

typedef struct fixture {
    fake_server *server;
    load_plan plan;
    load_job job;
    load_worker worker;
} fixture;

static void turn(load_worker *w)
{
    ck_assert_int_ge(load_poller_find(w->shared.poll, 5 * S), 0);
    w->now_ns = tdm_clock_ns();
    load_poller_tell(w->shared.poll);
}

/* One connection, an open loop of a request a second, and the first is due now. */
static void begin(fixture *f, unsigned pipeline)
{
    static char program[] = "tandem-load", by_rate[] = "-R1", by_time[] = "-d100";
    char why[300];
    *f = (fixture){.server = fake_server_start(load_serve_ok, NULL)};
    char *argv[] = {program, by_rate, by_time, strdup(fake_server_url(f->server, "/")), NULL};
    ck_assert_int_eq(load_plan_parse(&f->plan, 4, argv), 0);
    load_target *target = f->plan.targets;
    ck_assert_int_eq(load_target_reach(target, NULL, 10, why, sizeof why), 0);
    free(argv[3]);
    f->job = (load_job){
        .target = target, .level = {.connections = 1, .rate = 1}, .timeout_ns = 60 * S, .pipeline = pipeline};
    load_worker *w = &f->worker;
    w->job = &f->job;
    w->shared = (load_link_shared){.buffer = malloc(4096), .buffer_size = 4096, .connect_timeout_ns = 10 * S};
    w->scratch = malloc(pipeline * load_template_size_max(target->requests[0].template));
    ck_assert(w->shared.buffer && w->scratch);
    ck_assert_int_eq(load_poller_create(&w->shared.poll), 0);
    ck_assert_int_eq(load_tally_init(&w->tally, target, &f->job.level), 0);
    ck_assert_int_eq(load_slots_fit(w, 1, 0), 0);
    w->begun_ns = w->measured_from_ns = w->now_ns = w->last_good_ns = tdm_clock_ns();
    w->end_ns = w->begun_ns + 100 * S;
    w->left = UINT64_MAX;
    load_pace_init(&w->pace, &(load_pacing){.rate = 1, .start_ns = w->begun_ns, .threads = 1}, 0, 1);
}

static void open_and_begin(load_worker *w)
{
    w->phase = LOAD_PHASE_OPENING;
    load_slots_open(w);
    while (!load_slots_done(w))
        turn(w);
    w->phase = LOAD_PHASE_MEASURING;
    load_slots_begin(w);
}

/* The same, and it has begun. */
static load_worker *begin_sending(fixture *f, unsigned pipeline)
{
    begin(f, pipeline);
    open_and_begin(&f->worker);
    return &f->worker;
}

static void end(fixture *f)
{
    load_worker *w = &f->worker;
    load_slots_finish(w);
    load_tally_finish(&w->tally);
    load_poller_destroy(&w->shared.poll);
    free(w->shared.buffer);
    free(w->scratch);
    load_plan_finish(&f->plan);
    fake_server_stop(&f->server);
}

/* A request is due, and when the clock is read once more to send it the time is over. */
static void let_time_run_out(load_worker *w)
{
    w->end_ns = tdm_clock_ns();
    w->now_ns = w->end_ns - 1;
    w->pace.due_ns = w->end_ns - 2;
    load_slots_pump(w);
}

START_TEST(a_request_that_time_ran_out_for_is_not_sent)
{
    fixture f;
    load_worker *w = begin_sending(&f, 1);
    let_time_run_out(w);
    ck_assert(w->sending_over);
    ck_assert_uint_eq(w->slots[0].count, 0);
    ck_assert_uint_eq(load_link_awaited(w->slots[0].link), 0);
    load_slots_count_unsent(w);
    ck_assert_uint_eq(w->tally.part.made, 0);
    ck_assert_uint_eq(w->tally.part.unsent, 1);
    end(&f);
}
END_TEST

START_TEST(time_that_runs_out_does_not_send_the_request_before_it_again)
{
    fixture f;
    load_worker *w = begin_sending(&f, 2);
    load_slots_pump(w);
    ck_assert_uint_eq(load_link_awaited(w->slots[0].link), 1);
    let_time_run_out(w);
    ck_assert_uint_eq(w->slots[0].count, 1);
    ck_assert_uint_eq(load_link_awaited(w->slots[0].link), 1);
    while (!load_slots_done(w))
        turn(w);
    ck_assert_uint_eq(w->tally.part.made, 1);
    ck_assert_uint_eq(w->tally.part.succeeded, 1);
    end(&f);
}
END_TEST

/* ---- what was due and not sent ---- */

START_TEST(an_interrupt_ends_what_could_have_been_sent)
{
    fixture f;
    load_worker *w = begin_sending(&f, 1);
    w->now_ns = w->begun_ns + 10 * S;
    load_slots_abandon(w);
    w->now_ns = w->begun_ns + 20 * S; /* what comes after is not counted either */
    load_slots_count_unsent(w);
    ck_assert_int_eq(w->tally.part.sending_ended_ns, w->begun_ns + 10 * S);
    ck_assert_uint_eq(w->tally.part.unsent, 10);
    end(&f);
}
END_TEST

START_TEST(a_lost_target_ends_what_could_have_been_sent)
{
    fixture f;
    load_worker *w = begin_sending(&f, 1);
    w->now_ns = w->begun_ns + 10 * S;
    load_slot_unconnected(&w->slots[0], &(load_failure){.error = LOAD_ERROR_CONNECT});
    ck_assert(w->gone);
    w->now_ns = w->begun_ns + 20 * S;
    load_slots_count_unsent(w);
    ck_assert_uint_eq(w->tally.part.made, 1); /* the connection that could not be opened was for it */
    ck_assert_uint_eq(w->tally.part.unsent, 9);
    end(&f);
}
END_TEST

START_TEST(without_an_interrupt_everything_to_the_end_could_have_been_sent)
{
    fixture f;
    load_worker *w = begin_sending(&f, 1);
    w->now_ns = w->end_ns + 5 * S;
    (void) load_worker_may_take(w);
    load_slots_count_unsent(w);
    ck_assert_uint_eq(w->tally.part.unsent, 100);
    end(&f);
}
END_TEST

/* ---- from step to step ---- */

START_TEST(a_connection_that_was_still_being_opened_is_opened_once_more_for_the_next_step)
{
    fixture f;
    load_worker *w = begin_sending(&f, 1);
    load_link_close(w->slots[0].link);
    load_slot_open(&w->slots[0]);
    ck_assert_int_eq(load_link_state_of(w->slots[0].link), LOAD_LINK_CONNECTING);
    ck_assert_int_eq(load_slots_fit(w, 1, 0), 0);
    w->phase = LOAD_PHASE_OPENING;
    w->opening = w->opened_upto = 0;
    load_slots_freshen(w);
    open_and_begin(w);
    load_slots_pump(w);
    while (!w->tally.part.succeeded)
        turn(w);
    ck_assert_uint_eq(w->opening, 0);
    end(&f);
}
END_TEST

int main(void)
{
    return unit_main("load_slots",
                     (const TTest *const[]){
                         a_connection_that_was_still_being_opened_is_opened_once_more_for_the_next_step,
                         an_interrupt_ends_what_could_have_been_sent, a_lost_target_ends_what_could_have_been_sent,
                         without_an_interrupt_everything_to_the_end_could_have_been_sent,
                         a_request_that_time_ran_out_for_is_not_sent,
                         time_that_runs_out_does_not_send_the_request_before_it_again, NULL});
}
