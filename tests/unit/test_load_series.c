/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "load/series.h"
#include "tests/unit/unit.h"

#define S INT64_C(1000000000)
#define SLICE (S / 10)

typedef struct fixture {
    load_target target;
    load_step step;
    load_series series;
    load_live live;
    tdm_histogram *window;
} fixture;

static void begin(fixture *f)
{
    memset(f, 0, sizeof *f);
    ck_assert_int_eq(load_step_init(&f->step, &f->target, 0, &(load_level){1, 100}), 0);
    ck_assert_int_eq(load_series_init(&f->series, &f->step, 100 * S), 0);
    ck_assert_int_eq(tdm_histogram_create(&f->window, S, 2), 0);
}

static void end(fixture *f)
{
    free(f->series.items);
    load_step_finish(&f->step);
    tdm_histogram_destroy(&f->window);
}

/* A slice in which `made` more requests succeeded, each in `ms`. */
static void add(fixture *f, unsigned made, int64_t ms, int64_t now_ns)
{
    f->live.made += made;
    f->live.succeeded += made;
    tdm_histogram_reset(f->window);
    for (unsigned i = 0; i < made; i++)
        tdm_histogram_record(f->window, ms * 1000000);
    load_series_add(&f->series, &f->live, f->window, now_ns);
}

START_TEST(slices_hold_differences_and_begin_at_the_steps_zero)
{
    fixture f;
    begin(&f);
    ck_assert(!load_series_due(&f.series, 100 * S + SLICE - 1));
    ck_assert(load_series_due(&f.series, 100 * S + SLICE));
    add(&f, 7, 2, 100 * S + SLICE);
    add(&f, 0, 0, 100 * S + 2 * SLICE);
    add(&f, 5, 9, 100 * S + 3 * SLICE);
    f.step.first_sent_ns = 100 * S + SLICE; /* the first slice was the warm-up */
    load_series_finish(&f.series, &f.step);
    ck_assert_uint_eq(f.step.sample_count, 3);
    ck_assert_int_eq(f.step.samples[0].at_ns, -SLICE);
    ck_assert_int_eq(f.step.samples[1].at_ns, 0);
    ck_assert_uint_eq(f.step.samples[0].succeeded, 7);
    ck_assert_uint_eq(f.step.samples[2].succeeded, 5);
    ck_assert_int_eq(f.step.samples[1].p99_ns, LOAD_UNKNOWN);
    ck_assert_int_ge(f.step.samples[2].p50_ns, 8900000);
    ck_assert_double_eq(f.step.samples[0].offered, 100);
    end(&f);
}
END_TEST

START_TEST(a_long_run_fits_and_no_request_is_left_out)
{
    fixture f;
    uint64_t sum = 0;
    int64_t now = 100 * S, covered = 0;
    begin(&f);
    for (unsigned i = 0; i < 5 * LOAD_SAMPLES_MAX; i++) {
        now += SLICE;
        if (load_series_due(&f.series, now))
            add(&f, 3, i == 1000 ? 500 : 2, now);
    }
    load_series_finish(&f.series, &f.step);
    ck_assert_uint_le(f.step.sample_count, LOAD_SAMPLES_MAX);
    int64_t highest = 0;
    for (size_t i = 0; i < f.step.sample_count; i++) {
        const load_sample *sample = &f.step.samples[i];
        sum += sample->succeeded;
        highest = sample->p99_ns > highest ? sample->p99_ns : highest;
        ck_assert_int_eq(sample->at_ns, covered);
        covered += sample->span_ns;
    }
    ck_assert_uint_eq(sum, f.live.succeeded);
    ck_assert_int_ge(highest, 490000000); /* joining keeps the larger one */
    end(&f);
}
END_TEST

/* `made` more requests succeeded, each in `ms`, and the step is over. */
static void add_rest(fixture *f, unsigned made, int64_t ms, int64_t now_ns)
{
    f->live.made += made;
    f->live.succeeded += made;
    tdm_histogram_reset(f->window);
    for (unsigned i = 0; i < made; i++)
        tdm_histogram_record(f->window, ms * 1000000);
    load_series_add_rest(&f->series, &f->live, f->window, now_ns);
    load_series_finish(&f->series, &f->step);
}

START_TEST(what_is_left_at_the_end_is_a_slice_of_its_own)
{
    fixture f;
    begin(&f);
    add(&f, 7, 2, 100 * S + SLICE);
    add_rest(&f, 3, 30, 100 * S + SLICE + SLICE / 2);
    ck_assert_uint_eq(f.step.sample_count, 2);
    ck_assert_uint_eq(f.step.samples[1].succeeded, 3);
    ck_assert_int_eq(f.step.samples[1].span_ns, SLICE / 2);
    end(&f);
}
END_TEST

START_TEST(what_is_left_of_a_moment_belongs_to_the_slice_before)
{
    fixture f;
    begin(&f);
    add(&f, 7, 2, 100 * S + SLICE);
    add_rest(&f, 3, 30, 100 * S + SLICE + SLICE / 2 - 1);
    ck_assert_uint_eq(f.step.sample_count, 1);
    ck_assert_uint_eq(f.step.samples[0].succeeded, 10);
    ck_assert_int_eq(f.step.samples[0].at_ns, 0);
    ck_assert_int_eq(f.step.samples[0].span_ns, SLICE + SLICE / 2 - 1);
    ck_assert_int_ge(f.step.samples[0].max_ns, 29 * 1000000);
    end(&f);
}
END_TEST

START_TEST(a_moment_alone_is_a_slice_and_nothing_is_none)
{
    fixture f;
    begin(&f);
    add_rest(&f, 3, 30, 100 * S + 1000);
    ck_assert_uint_eq(f.step.sample_count, 1);
    ck_assert_uint_eq(f.step.samples[0].succeeded, 3);
    end(&f);
    begin(&f);
    add(&f, 7, 2, 100 * S + SLICE);
    add_rest(&f, 0, 0, 100 * S + SLICE + SLICE / 2);
    ck_assert_uint_eq(f.step.sample_count, 1);
    end(&f);
}
END_TEST

int main(void)
{
    return unit_main("load_series", (const TTest *const[]){slices_hold_differences_and_begin_at_the_steps_zero,
                                                           a_long_run_fits_and_no_request_is_left_out,
                                                           what_is_left_at_the_end_is_a_slice_of_its_own,
                                                           what_is_left_of_a_moment_belongs_to_the_slice_before,
                                                           a_moment_alone_is_a_slice_and_nothing_is_none, NULL});
}
