/* SPDX-License-Identifier: MIT */
/* The modules that turn promises and rows into figures: promise, rows, curve, summary, format, question, plan. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "load/chart.h"
#include "load/format.h"
#include "load/plan.h"
#include "load/question.h"
#include "load/summary.h"
#include "tests/unit/unit.h"

#define S INT64_C(1000000000)

/* ---- promises ---- */

static void promise(load_promises *promises, uint64_t first, uint64_t last)
{
    ck_assert_int_eq(load_promises_add(promises, &(load_promise){.first = first, .last = last}), 0);
}

START_TEST(promised_ids_are_found_and_noted_once)
{
    load_promises p = {0};
    promise(&p, 10, 12);
    promise(&p, 1, 3);
    promise(&p, 70, 200);
    ck_assert_int_eq(load_promises_settle(&p), 0);
    ck_assert_uint_eq(p.total, 3 + 3 + 131);
    ck_assert(load_promises_mark(&p, 1) && load_promises_mark(&p, 12) && load_promises_mark(&p, 200));
    ck_assert(!load_promises_mark(&p, 12));
    ck_assert(!load_promises_mark(&p, 0) && !load_promises_mark(&p, 4) && !load_promises_mark(&p, 201));
    ck_assert_uint_eq(p.resolved, 3);
    uint64_t open[4];
    ck_assert_uint_eq(load_promises_open(&p, open, 4), 4);
    ck_assert_uint_eq(open[0], 2);
    ck_assert_uint_eq(open[3], 11);
    load_promises_finish(&p);
}
END_TEST

START_TEST(an_id_that_is_promised_twice_counts_once)
{
    load_promises p = {0};
    promise(&p, 1, 10);
    promise(&p, 5, 12);
    promise(&p, 2, 3);
    ck_assert_int_eq(load_promises_settle(&p), 0);
    ck_assert_uint_eq(p.total, 12);
    ck_assert_uint_eq(p.doubled, 6 + 2);
    for (uint64_t id = 1; id <= 12; id++)
        ck_assert(load_promises_mark(&p, id));
    ck_assert_uint_eq(p.resolved, p.total);
    load_promises_finish(&p);
}
END_TEST

START_TEST(no_promise_is_settled_too)
{
    load_promises p = {0};
    ck_assert_int_eq(load_promises_settle(&p), 0);
    ck_assert_uint_eq(p.total, 0);
    ck_assert_ptr_null(load_promises_find(&p, 1));
    load_promises_finish(&p);
}
END_TEST

/* ---- rows ---- */

#define TASK                                                                                                           \
    "{\"id\":7,\"request\":3,\"name\":\"sync\",\"lane\":\"pool\",\"state\":\"done\",\"thread\":4242,"                  \
    "\"cancel_requested\":false,\"error\":null,\"reason\":null,\"monotonic\":{\"accepted\":12.3,\"ready\":12.3,"       \
    "\"started\":12.4,\"ended\":15.400000001},\"wall\":{\"accepted\":1790000000.1}}"

START_TEST(a_page_becomes_rows)
{
    static const char text[] = "{\"tasks\":[" TASK "," TASK "],\"next\":\"opaque\",\"missed\":5}";
    load_rows rows = {0};
    load_page page;
    ck_assert_int_eq(load_page_parse(&page, &rows, text, strlen(text)), 0);
    ck_assert_uint_eq(page.count, 2);
    ck_assert_int_eq(page.missed, 5);
    ck_assert_str_eq(page.next, "opaque");
    const load_row *row = &rows.items[1];
    ck_assert_uint_eq(row->id, 7);
    ck_assert_uint_eq(row->request, 3);
    ck_assert_uint_eq(row->thread, 4242);
    ck_assert_uint_eq(row->lane, LOAD_LANE_POOL);
    ck_assert_uint_eq(row->state, LOAD_STATE_DONE);
    ck_assert_int_eq(row->started_ns, 12 * S + 400000000);
    ck_assert_int_eq(row->ended_ns, 15 * S + 400000001);
    load_rows_finish(&rows);
}
END_TEST

START_TEST(the_next_page_is_a_text_a_number_or_none)
{
    static const char *const texts[] = {"{\"tasks\":[],\"next\":\"c\"}", "{\"tasks\":[],\"next\":41}",
                                        "{\"tasks\":[],\"next\":null}"};
    static const char *const next[] = {"c", "41", ""};
    load_rows rows = {0};
    for (int i = 0; i < 3; i++) {
        load_page page;
        ck_assert_int_eq(load_page_parse(&page, &rows, texts[i], strlen(texts[i])), 0);
        ck_assert_str_eq(page.next, next[i]);
    }
    load_rows_finish(&rows);
}
END_TEST

START_TEST(a_page_that_is_wrong_anywhere_adds_no_row)
{
    static const char *const wrong[] = {
        "",
        "[]",
        "{\"tasks\":[]}",
        "{\"tasks\":3,\"next\":null}",
        "{\"tasks\":[],\"next\":[]}",
        "{\"tasks\":[" TASK ",{}],\"next\":null}",
        "{\"tasks\":[" TASK ",{\"id\":8,\"lane\":\"pool\",\"state\":\"dreaming\",\"monotonic\":{\"accepted\":1,"
        "\"ended\":2}}],\"next\":null}",
        "{\"tasks\":[" TASK ",{\"id\":8,\"lane\":\"pool\",\"state\":\"done\",\"monotonic\":{\"accepted\":1,"
        "\"ended\":null}}],\"next\":null}",
        "{\"tasks\":[" TASK ",{\"id\":8,\"lane\":\"pool\",\"state\":\"done\",\"monotonic\":{\"accepted\":1e300,"
        "\"ended\":2}}],\"next\":null}",
    };
    load_rows rows = {0};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        load_page page;
        ck_assert_msg(load_page_parse(&page, &rows, wrong[i], strlen(wrong[i])) == -EPROTO, "%s", wrong[i]);
        ck_assert_uint_eq(rows.count, 0);
    }
    load_rows_finish(&rows);
}
END_TEST

/* ---- curves ---- */

static void ran(load_rows *rows, load_lane lane, uint64_t request, double started, double ended)
{
    load_row row = {.id = rows->count + 1,
                    .request = request,
                    .lane = (uint8_t) lane,
                    .state = LOAD_STATE_DONE,
                    .thread = (uint32_t) (rows->count + 1),
                    .accepted_ns = 0,
                    .ready_ns = 0,
                    .started_ns = (int64_t) (started * 1e9),
                    .ended_ns = (int64_t) (ended * 1e9)};
    ck_assert_int_eq(load_rows_add(rows, &row), 0);
}

START_TEST(multiplicity_is_what_overlaps)
{
    load_rows rows = {0};
    load_curve curve;
    ran(&rows, LOAD_LANE_POOL, 1, 0, 4);
    ran(&rows, LOAD_LANE_POOL, 2, 1, 3);
    ran(&rows, LOAD_LANE_LOOP, 3, 2, 6);
    ck_assert_int_eq(load_curve_make(&curve, &rows, LOAD_BOTH_LANES), 0);
    ck_assert_uint_eq(curve.peak, 3);
    ck_assert_int_eq(curve.peak_ns, 2 * S);
    ck_assert_double_eq_tol(curve.mean, 10.0 / 6, 1e-9);
    ck_assert_uint_eq(curve.count, 6);
    ck_assert_uint_eq(curve.points[5].running, 0);
    load_curve_finish(&curve);
    ck_assert_int_eq(load_curve_make(&curve, &rows, LOAD_LANE_POOL), 0);
    ck_assert_uint_eq(curve.peak, 2);
    ck_assert_double_eq_tol(curve.mean, 1.5, 1e-9);
    load_curve_finish(&curve);
    load_rows_finish(&rows);
}
END_TEST

START_TEST(a_task_that_starts_when_another_ends_does_not_overlap_it)
{
    load_rows rows = {0};
    load_curve curve;
    ran(&rows, LOAD_LANE_POOL, 1, 0, 1);
    ran(&rows, LOAD_LANE_POOL, 1, 1, 2);
    ran(&rows, LOAD_LANE_POOL, 1, 2, 2); /* and one that took no time */
    ck_assert_int_eq(load_curve_make(&curve, &rows, LOAD_LANE_POOL), 0);
    ck_assert_uint_eq(curve.peak, 1);
    load_curve_finish(&curve);
    load_rows_finish(&rows);
}
END_TEST

START_TEST(rows_that_never_started_make_no_curve)
{
    load_rows rows = {0};
    load_curve curve;
    ran(&rows, LOAD_LANE_POOL, 1, 0, 1);
    rows.items[0].started_ns = LOAD_NEVER;
    ck_assert_int_eq(load_curve_make(&curve, &rows, LOAD_BOTH_LANES), 0);
    ck_assert_uint_eq(curve.count, 0);
    ck_assert_uint_eq(curve.peak, 0);
    load_curve_finish(&curve);
    load_rows_finish(&rows);
}
END_TEST

START_TEST(thinning_keeps_the_peak_the_gap_and_both_ends)
{
    load_rows rows = {0};
    load_curve curve;
    for (int i = 0; i < 5000; i++) /* two at once, all the time … */
        ran(&rows, LOAD_LANE_POOL, 1, i, i + 1.5);
    ran(&rows, LOAD_LANE_POOL, 1, 2500.1, 2500.2); /* … but once, for a moment, more */
    ran(&rows, LOAD_LANE_POOL, 1, 2500.1, 2500.2);
    ran(&rows, LOAD_LANE_POOL, 1, 5010, 5011); /* and at the end a gap */
    ck_assert_int_eq(load_curve_make(&curve, &rows, LOAD_LANE_POOL), 0);
    uint32_t peak = curve.peak, low = UINT32_MAX, high = 0;
    int64_t first = curve.points[0].at_ns, last = curve.points[curve.count - 1].at_ns;
    ck_assert_uint_gt(curve.count, 5000);
    ck_assert_int_eq(load_curve_thin(&curve, 600), 0);
    ck_assert_uint_le(curve.count, 600);
    for (size_t i = 0; i < curve.count; i++) {
        ck_assert(i == 0 || curve.points[i].at_ns > curve.points[i - 1].at_ns);
        high = curve.points[i].running > high ? curve.points[i].running : high;
        if (i + 1 < curve.count)
            low = curve.points[i].running < low ? curve.points[i].running : low;
    }
    ck_assert_uint_eq(high, peak);
    ck_assert_uint_eq(low, 0);
    ck_assert_int_eq(curve.points[0].at_ns, first);
    ck_assert_int_eq(curve.points[curve.count - 1].at_ns, last);
    ck_assert_uint_eq(curve.points[curve.count - 1].running, 0);
    load_curve_finish(&curve);
    load_rows_finish(&rows);
}
END_TEST

/* ---- the summary ---- */

START_TEST(the_ideal_is_the_longest_sequence_or_the_pools_share)
{
    load_step step;
    load_rows rows = {0};
    const load_target target = {0};
    ck_assert_int_eq(load_step_init(&step, &target, 0, &(load_level){.connections = 1}), 0);
    ck_assert_int_eq(load_promises_add(&step.promises, &(load_promise){1, 4, 0, 1000}), 0);
    ck_assert_int_eq(load_promises_settle(&step.promises), 0);
    ran(&rows, LOAD_LANE_POOL, 1, 0, 3);
    ran(&rows, LOAD_LANE_POOL, 1, 4, 7);
    ran(&rows, LOAD_LANE_POOL, 2, 0, 5);
    ran(&rows, LOAD_LANE_POOL, 3, 10, 12);
    rows.items[1].thread = rows.items[3].thread = 1; /* two threads: 1 ran 3 + 3 + 2, 3 ran 5 */
    rows.items[2].thread = 3;
    ck_assert_int_eq(load_summarise(&step, &rows), 0);
    ck_assert_uint_eq(step.tasks.lanes[LOAD_LANE_POOL].threads, 2);
    ck_assert_int_eq(step.tasks.ideal_ns, 13 * S / 2);
    ck_assert_int_eq(step.tasks.elapsed_ns, 12 * S);
    ck_assert(step.tasks.clock_same);
    load_rows_finish(&rows);
    load_step_finish(&step);
}
END_TEST

/* ---- texts ---- */

START_TEST(durations_have_three_digits_and_a_unit)
{
    static const struct {
        int64_t ns;
        const char *text;
    } cases[] = {{0, "0 ns"},         {999, "999 ns"},      {1000, "1.00 us"},         {12345, "12.3 us"},
                 {999600, "1.00 ms"}, {1250000, "1.25 ms"}, {100 * 1000000, "100 ms"}, {9 * S, "9.00 s"},
                 {15 * S, "15.0 s"},  {750 * S, "750 s"},   {3600 * S, "3600 s"},      {99960000, "100 ms"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        ck_assert_str_eq(load_format_duration(cases[i].ns).text, cases[i].text);
}
END_TEST

START_TEST(counts_have_separators)
{
    ck_assert_str_eq(load_format_count(0).text, "0");
    ck_assert_str_eq(load_format_count(999).text, "999");
    ck_assert_str_eq(load_format_count(1000).text, "1,000");
    ck_assert_str_eq(load_format_count(1234567).text, "1,234,567");
    ck_assert_str_eq(load_format_count(UINT64_MAX).text, "18,446,744,073,709,551,615");
}
END_TEST

START_TEST(text_for_html_is_escaped)
{
    char out[128] = "";
    FILE *to = fmemopen(out, sizeof out, "w");
    load_html_text(to, "<a href=\"x\">&'");
    fclose(to);
    ck_assert_str_eq(out, "&lt;a href=&quot;x&quot;&gt;&amp;&#39;");
}
END_TEST

START_TEST(cursors_survive_the_query)
{
    char path[1024];
    load_question_path(path, sizeof path, LOAD_ASK_ENDED,
                       &(load_question_about){.cursor = "a&b=1:2 \xff", .limit = 9, .wait_s = 3});
    ck_assert_str_eq(path, "/tasks?ended_after=a%26b%3D1%3A2%20%FF&limit=9&wait=3");
    load_question_path(path, sizeof path, LOAD_ASK_QUEUED, &(load_question_about){.cursor = ""});
    ck_assert_str_eq(path, "/tasks?state=queued&limit=1");
    load_question_path(path, sizeof path, LOAD_ASK_RUNNING, &(load_question_about){.cursor = "41"});
    ck_assert_str_eq(path, "/tasks?state=running&limit=1&after=41");
}
END_TEST

int main(void)
{
    return unit_main("load_figures",
                     (const TTest *const[]){
                         promised_ids_are_found_and_noted_once, an_id_that_is_promised_twice_counts_once,
                         no_promise_is_settled_too, a_page_becomes_rows, the_next_page_is_a_text_a_number_or_none,
                         a_page_that_is_wrong_anywhere_adds_no_row, multiplicity_is_what_overlaps,
                         a_task_that_starts_when_another_ends_does_not_overlap_it,
                         rows_that_never_started_make_no_curve, thinning_keeps_the_peak_the_gap_and_both_ends,
                         the_ideal_is_the_longest_sequence_or_the_pools_share, durations_have_three_digits_and_a_unit,
                         counts_have_separators, text_for_html_is_escaped, cursors_survive_the_query, NULL});
}
