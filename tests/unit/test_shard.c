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
    *row = (tdm__row){.info = {.id = id, .ready_ns = shard->window_ns}};
    tdm__shard_accept(shard, row);
}

static void check_law(const tdm_totals *t)
{
    uint64_t sum = 0;
    for (int i = 0; i < TDM_STATES; i++)
        sum += t->state[i];
    ck_assert_uint_eq(t->carried + t->accepted, sum);
}

START_TEST(the_law_holds_after_every_transition)
{
    tdm__shard shard;
    init(&shard);
    tdm__row rows[TDM_STATES * 2];
    uint64_t id = 0;
    for (int from = TDM_QUEUED; from <= TDM_RUNNING; from++) {
        for (int to = TDM_DONE; to < TDM_STATES; to++) {
            tdm__row *row = &rows[id];
            accept(&shard, row, ++id);
            check_law(&shard.window);
            ck_assert_uint_eq(tdm__shard_unfinished(&shard), 1);
            if (from == TDM_RUNNING) {
                tdm__shard_start(&shard, row, tdm_clock_ns());
                ck_assert_uint_eq(shard.window.state[TDM_RUNNING], 1);
                ck_assert_uint_eq(row->info.thread, tdm_thread_id());
            }
            check_law(&shard.window);
            tdm__shard_end(&shard, row, (tdm_state) to, tdm_clock_ns());
            check_law(&shard.window);
            check_law(&shard.lifetime);
        }
    }
    for (int to = TDM_DONE; to < TDM_STATES; to++)
        ck_assert_uint_eq(shard.lifetime.state[to], 2);
    ck_assert_uint_eq(tdm__shard_unfinished(&shard), 0);
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
    tdm__shard_start(&shard, &rows[1], t + 30);           /* one ran for 20 */
    tdm__shard_start(&shard, &rows[2], t + 35);           /* two for 5 */
    tdm__shard_end(&shard, &rows[0], TDM_DONE, t + 100);  /* three for 65 */
    tdm__shard_end(&shard, &rows[2], TDM_DONE, t + 1000); /* two for 900 */
    ck_assert_double_eq(shard.running_ns, 20 + 2 * 5 + 3 * 65 + 2 * 900);
    tdm__shard_end(&shard, &rows[1], TDM_DONE, t + 990); /* a late stamp of another worker: time never goes back */
    ck_assert_double_eq(shard.running_ns, 20 + 2 * 5 + 3 * 65 + 2 * 900);
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
    double mean = sum.running_ns / 1e9 / sum.window_s;
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
    ck_assert_uint_eq(shard.window.carried, 3);
    ck_assert_uint_eq(shard.window.accepted, 0);
    ck_assert_uint_eq(shard.window.state[TDM_FAILED], 0);
    ck_assert_uint_eq(shard.window.state[TDM_QUEUED], 2);
    ck_assert_uint_eq(shard.window.state[TDM_RUNNING], 1);
    check_law(&shard.window);
    ck_assert_uint_eq(gauge.peak, 1);
    ck_assert_double_eq(shard.running_ns, 0);
    ck_assert_uint_eq(tdm_histogram_count(shard.queue_wait), 0);
    ck_assert_uint_eq(tdm_histogram_count(shard.run_time), 0);
    tdm__shard_start(&shard, &rows[2], tdm_clock_ns());
    for (int i = 0; i < 4; i++)
        if (i != 1)
            tdm__shard_end(&shard, &rows[i], TDM_DONE, tdm_clock_ns());
    check_law(&shard.window);
    check_law(&shard.lifetime);
    ck_assert_uint_eq(shard.window.state[TDM_DONE], 3);
    ck_assert_uint_eq(shard.lifetime.carried, 0);
    ck_assert_uint_eq(shard.lifetime.accepted, 4);
    ck_assert_uint_eq(shard.lifetime.state[TDM_FAILED], 1);
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
    return unit_main("shard",
                     (const TTest *const[]){the_law_holds_after_every_transition, multiplicity_is_integrated_exactly,
                                            a_sum_of_shards_counts_what_still_runs_up_to_now,
                                            a_new_window_carries_what_is_unfinished_and_lifetime_goes_on,
                                            an_empty_histogram_is_summarized_as_zeros, NULL});
}
