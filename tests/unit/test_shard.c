/* SPDX-License-Identifier: MIT */
/* DESIGN: the counts of one shard, with times chosen by the test, so that the integral of multiplicity is known
 * exactly. */
#include "tasks/shard.h"

#include <tandem/clock.h>

#include "tests/unit/unit.h"

static tdm__gauge gauge;

static void init(tdm__shard *shard)
{
    gauge = (tdm__gauge){0};
    ck_assert_int_eq(tdm__shard_init(shard, TDM_LOOP, &gauge, 100), 0);
}

static void accept(tdm__shard *shard, tdm__row *row, uint64_t id)
{
    *row = (tdm__row){.id = id, .ready_ns = shard->window_ns};
    tdm__shard_accept(shard, row);
}

static uint64_t sum_of_states(const tdm_totals *t)
{
    uint64_t sum = 0;
    for (int i = 0; i < TDM_STATES; i++)
        sum += t->state[i];
    return sum;
}

/* Both totals, which obey the law; and what a thread that cannot ask sees is the same. */
static void read_totals(const tdm__shard *shard, tdm_totals *window, tdm_totals *lifetime)
{
    tdm_totals peeked;
    tdm__shard_window(shard, window);
    tdm__shard_lifetime(shard, lifetime);
    tdm__shard_peek(shard, &peeked);
    ck_assert_uint_eq(window->carried + window->accepted, sum_of_states(window));
    ck_assert_uint_eq(lifetime->accepted, sum_of_states(lifetime));
    ck_assert_uint_eq(lifetime->carried, 0);
    ck_assert_mem_eq(&peeked, lifetime, sizeof peeked);
}

START_TEST(the_law_holds_after_every_transition)
{
    tdm__shard shard;
    init(&shard);
    tdm__row rows[TDM_STATES * 2];
    tdm_totals window, lifetime;
    uint64_t id = 0;
    for (int from = TDM_QUEUED; from <= TDM_RUNNING; from++) {
        for (int to = TDM_DONE; to < TDM_STATES; to++) {
            tdm__row *row = &rows[id];
            accept(&shard, row, ++id);
            read_totals(&shard, &window, &lifetime);
            ck_assert_uint_eq(window.state[TDM_QUEUED], 1);
            ck_assert_uint_eq(tdm__shard_unfinished(&shard), 1);
            if (from == TDM_RUNNING) {
                tdm__shard_start(&shard, row, tdm_clock_ns());
                ck_assert_uint_eq(row->thread, tdm_thread_id());
            }
            read_totals(&shard, &window, &lifetime);
            ck_assert_uint_eq(window.state[from], 1);
            ck_assert_uint_eq(window.state[TDM_QUEUED] + window.state[TDM_RUNNING], 1);
            tdm__shard_end(&shard, row, (tdm_state) to, tdm_clock_ns());
            read_totals(&shard, &window, &lifetime);
            ck_assert_uint_eq(window.accepted, id);
            ck_assert_uint_eq(window.state[to], from == TDM_RUNNING ? 2 : 1);
            ck_assert_uint_eq(tdm__shard_unfinished(&shard), 0);
        }
    }
    for (int to = TDM_DONE; to < TDM_STATES; to++)
        ck_assert_uint_eq(lifetime.state[to], 2);
    ck_assert_uint_eq(gauge.now, 0);
    tdm__shard_finish(&shard);
}
END_TEST

START_TEST(multiplicity_is_integrated_exactly)
{
    tdm__shard shard;
    init(&shard);
    int64_t t = shard.window_ns;
    tdm__row rows[3];
    for (uint64_t i = 0; i < 3; i++)
        accept(&shard, &rows[i], i + 1);
    tdm__shard_start(&shard, &rows[0], t + 10);
    tdm__shard_start(&shard, &rows[1], t + 30);          /* one ran for 20 */
    tdm__shard_start(&shard, &rows[2], t + 35);          /* two for 5 */
    tdm__shard_end(&shard, &rows[0], TDM_DONE, t + 100); /* three for 65 */
    ck_assert_double_eq(tdm__shard_ran_ns(&shard, t + 110), 20 + 2 * 5 + 3 * 65 + 2 * 10);
    tdm__shard_end(&shard, &rows[2], TDM_DONE, t + 1000); /* two for 900 */
    ck_assert_double_eq(tdm__shard_ran_ns(&shard, t + 1000), 20 + 2 * 5 + 3 * 65 + 2 * 900);
    tdm__shard_end(&shard, &rows[1], TDM_DONE, t + 990); /* a late stamp of another worker: it ran for 10 less */
    tdm_task_info told;
    ck_assert(tdm__ledger_get(&shard.ledger, 2, &told));
    ck_assert_int_eq(told.ended_ns, t + 1000); /* ends are told in the order of their times */
    ck_assert_double_eq(tdm__shard_ran_ns(&shard, t + 5000), 20 + 2 * 5 + 3 * 65 + 2 * 900 - 10);
    ck_assert_uint_eq(gauge.peak, 3);
    ck_assert_uint_eq(gauge.now, 0);
    ck_assert_uint_eq(tdm_histogram_count(shard.run_time), 3);
    ck_assert_int_eq(tdm_histogram_min(shard.run_time), 90);
    ck_assert_int_eq(tdm_histogram_max(shard.run_time), 965);
    ck_assert_int_eq(tdm_histogram_min(shard.queue_wait), 10);
    ck_assert_int_eq(tdm_histogram_max(shard.queue_wait), 35);
    tdm__shard_finish(&shard);
}
END_TEST

START_TEST(stamps_from_before_the_window_or_the_start_make_no_negative_times)
{
    tdm__shard shard;
    init(&shard);
    tdm__row rows[2];
    int64_t t = shard.window_ns;
    accept(&shard, &rows[0], 1);
    accept(&shard, &rows[1], 2);
    rows[0].ready_ns = rows[1].ready_ns = t - 500;
    tdm__shard_start(&shard, &rows[0], t - 300);
    ck_assert_double_eq(tdm__shard_ran_ns(&shard, t - 100), 0);
    ck_assert_double_eq(tdm__shard_ran_ns(&shard, t + 10), 10); /* what was before the window does not count */
    tdm__shard_end(&shard, &rows[0], TDM_DONE, t - 200);
    ck_assert_double_eq(tdm__shard_ran_ns(&shard, t + 10), 0);
    rows[1].ready_ns = t + 50;
    tdm__shard_start(&shard, &rows[1], t + 40); /* its loop read the clock before it was made ready */
    ck_assert_int_eq(rows[1].started_ns, t + 50);
    tdm__shard_end(&shard, &rows[1], TDM_DONE, t + 45);
    ck_assert_double_eq(tdm__shard_ran_ns(&shard, t + 100), 0);
    tdm_task_info info;
    ck_assert(tdm__ledger_get(&shard.ledger, 2, &info));
    ck_assert_int_eq(info.ended_ns, t + 50);
    ck_assert_int_eq(tdm_histogram_min(shard.queue_wait), 0);
    ck_assert_int_eq(tdm_histogram_max(shard.run_time), 100);
    tdm__shard_finish(&shard);
}
END_TEST

START_TEST(a_million_tasks_may_run_for_a_year)
{
    enum { TASKS = 1000000 };
    const int64_t year = 365 * 86400 * TDM_NS_PER_S;
    tdm__shard shard;
    init(&shard);
    tdm__row *rows = calloc(TASKS, sizeof *rows);
    ck_assert_ptr_nonnull(rows);
    int64_t t = shard.window_ns;
    for (uint64_t i = 0; i < TASKS; i++) {
        accept(&shard, &rows[i], i + 1);
        tdm__shard_start(&shard, &rows[i], t + 1);
    }
    double expected = (double) year * TASKS; /* more than 64 bits hold */
    ck_assert_double_eq_tol(tdm__shard_ran_ns(&shard, t + 1 + year) / expected, 1, 1e-12);
    for (int i = 0; i < TASKS; i++)
        tdm__shard_end(&shard, &rows[i], TDM_DONE, t + 1 + year);
    ck_assert_double_eq_tol(tdm__shard_ran_ns(&shard, t + 2 * year) / expected, 1, 1e-12);
    free(rows);
    tdm__shard_finish(&shard);
}
END_TEST

START_TEST(a_gauge_of_one_owner_counts_like_a_shared_one)
{
    tdm__gauge both[2] = {{.exclusive = false}, {.exclusive = true}};
    uint64_t seed = 3, now = 0, peak = 0;
    for (int i = 0; i < 1000; i++) {
        bool up = !now || unit_random(&seed) % 2;
        now += up ? 1 : -1ULL;
        peak = now > peak ? now : peak;
        for (int k = 0; k < 2; k++) {
            (up ? tdm__gauge_up : tdm__gauge_down)(&both[k]);
            if (i == 700)
                tdm__gauge_reset(&both[k]);
        }
        if (i == 700)
            peak = now;
        for (int k = 0; k < 2; k++) {
            ck_assert_uint_eq(both[k].now, now);
            ck_assert_uint_eq(both[k].peak, peak);
        }
    }
}
END_TEST

START_TEST(what_is_arriving_is_seen_as_queued)
{
    tdm__shard shard;
    init(&shard);
    tdm__row row;
    tdm_totals t;
    accept(&shard, &row, 1);
    atomic_fetch_add(&shard.arriving, 2);
    tdm__shard_peek(&shard, &t);
    ck_assert_uint_eq(t.accepted, 3);
    ck_assert_uint_eq(t.state[TDM_QUEUED], 3);
    tdm__shard_end(&shard, &row, TDM_DROPPED, tdm_clock_ns());
    tdm__shard_finish(&shard);
}
END_TEST

START_TEST(a_sum_of_shards_counts_what_still_runs_up_to_now)
{
    tdm__shard shards[2];
    tdm__row rows[2];
    gauge = (tdm__gauge){0};
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(tdm__shard_init(&shards[i], TDM_LOOP, &gauge, 10), 0);
        accept(&shards[i], &rows[i], (uint64_t) i + 1);
        tdm__shard_start(&shards[i], &rows[i], shards[i].window_ns);
    }
    int64_t began = shards[1].window_ns;
    while (tdm_clock_ns() - began < 2000000)
        ; /* so that the window is not empty */
    tdm__lane_sum sum;
    ck_assert_int_eq(tdm__lane_sum_init(&sum), 0);
    tdm__lane_sum_add(&sum, &shards[0]);
    tdm__lane_sum_add(&sum, &shards[1]);
    ck_assert_uint_eq(sum.window.state[TDM_RUNNING], 2);
    double mean = sum.ran_ns / 1e9 / sum.window_s;
    ck_assert_double_gt(mean, 1.0);
    ck_assert_double_le(mean, 2.0 + 1e-9); /* both ran for the whole of their windows */
    ck_assert_uint_eq(gauge.peak, 2);
    tdm__lane_sum_finish(&sum);
    for (int i = 0; i < 2; i++) {
        tdm__shard_end(&shards[i], &rows[i], TDM_DONE, tdm_clock_ns());
        tdm__shard_finish(&shards[i]);
    }
}
END_TEST

START_TEST(a_new_window_carries_what_is_unfinished_and_lifetime_goes_on)
{
    tdm__shard shard;
    init(&shard);
    tdm__row rows[4];
    for (uint64_t i = 0; i < 4; i++)
        accept(&shard, &rows[i], i + 1);
    tdm__shard_start(&shard, &rows[0], tdm_clock_ns());
    tdm__shard_start(&shard, &rows[1], tdm_clock_ns());
    tdm__shard_end(&shard, &rows[1], TDM_FAILED, tdm_clock_ns());
    tdm__shard_reset(&shard);
    tdm__gauge_reset(&gauge);
    tdm_totals window, lifetime;
    read_totals(&shard, &window, &lifetime);
    ck_assert_uint_eq(window.carried, 3);
    ck_assert_uint_eq(window.accepted, 0);
    ck_assert_uint_eq(window.state[TDM_FAILED], 0);
    ck_assert_uint_eq(window.state[TDM_QUEUED], 2);
    ck_assert_uint_eq(window.state[TDM_RUNNING], 1);
    ck_assert_uint_eq(gauge.peak, 1);
    ck_assert_double_eq(tdm__shard_ran_ns(&shard, shard.window_ns), 0);
    ck_assert_double_eq(tdm__shard_ran_ns(&shard, shard.window_ns + 7), 7);
    ck_assert_uint_eq(tdm_histogram_count(shard.queue_wait), 0);
    ck_assert_uint_eq(tdm_histogram_count(shard.run_time), 0);
    tdm__shard_start(&shard, &rows[2], tdm_clock_ns());
    for (int i = 0; i < 4; i++)
        if (i != 1)
            tdm__shard_end(&shard, &rows[i], TDM_DONE, tdm_clock_ns());
    read_totals(&shard, &window, &lifetime);
    ck_assert_uint_eq(window.state[TDM_DONE], 3);
    ck_assert_uint_eq(lifetime.accepted, 4);
    ck_assert_uint_eq(lifetime.state[TDM_FAILED], 1);
    ck_assert_uint_eq(gauge.peak, 2);
    tdm__shard_finish(&shard);
}
END_TEST

START_TEST(an_empty_histogram_is_summarized_as_zeros)
{
    tdm_histogram *h;
    ck_assert_int_eq(tdm__durations_create(&h), 0);
    tdm_summary s = {.count = 9, .min = 9};
    tdm__summarize(h, &s);
    ck_assert_uint_eq(s.count, 0);
    ck_assert_int_eq(s.min, 0);
    for (int64_t i = 1; i <= 1000; i++)
        tdm_histogram_record(h, i * 1000000);
    tdm__summarize(h, &s);
    ck_assert_uint_eq(s.count, 1000);
    ck_assert_int_eq(s.min, 1000000);
    ck_assert_int_eq(s.max, 1000000000);
    ck_assert_double_eq_tol((double) s.p50, 5e8, 1e7);
    ck_assert_double_eq_tol((double) s.p99, 9.9e8, 1e7);
    ck_assert_double_eq_tol(s.mean, 5.005e8, 1);
    tdm_histogram_destroy(&h);
}
END_TEST

int main(void)
{
    return unit_main("shard", (const TTest *const[]){
                                  the_law_holds_after_every_transition, multiplicity_is_integrated_exactly,
                                  stamps_from_before_the_window_or_the_start_make_no_negative_times,
                                  a_million_tasks_may_run_for_a_year, a_gauge_of_one_owner_counts_like_a_shared_one,
                                  what_is_arriving_is_seen_as_queued, a_sum_of_shards_counts_what_still_runs_up_to_now,
                                  a_new_window_carries_what_is_unfinished_and_lifetime_goes_on,
                                  an_empty_histogram_is_summarized_as_zeros, NULL});
}
