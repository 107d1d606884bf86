/* SPDX-License-Identifier: MIT */
/* DESIGN: pairs of reports written here, a figure for each round, and what must be said of them. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "load/compare.h"
#include "tests/unit/unit.h"

/* One step of a report. */
typedef struct one_round {
    const char *label, *level;
    double rate, p99, lost; /* p99 below 0: not known */
} one_round;

typedef struct made {
    const char *system;
    one_round rounds[24];
} made;

static char *write_report(const made *m, const char *targets)
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    fprintf(to, "{\"machine\":{\"system\":\"%s\",\"cores\":2},\"targets\":%s,\"steps\":[", m->system ? m->system : "x",
            targets);
    for (const one_round *r = m->rounds; r->label; r++) {
        fprintf(to, "%s{\"label\":\"%s\",\"level\":\"%s\",\"loop\":\"closed\",\"ok\":true,\"valid\":true,",
                r > m->rounds ? "," : "", r->label, r->level);
        fprintf(to, "\"requests\":{\"rate\":%f},\"tasks\":{\"lost\":%f},\"latency\":", r->rate, r->lost);
        if (r->p99 < 0)
            fputs("null}", to);
        else
            fprintf(to, "{\"p99\":%f}}", r->p99);
    }
    fputs("]}", to);
    fclose(to);
    return text;
}

typedef struct result {
    load_compared found;
    char *text;
} result;

static result compare(const made *a, const made *b, const char *targets, double tolerance)
{
    load_comparison comparison;
    result r = {.text = NULL};
    tdm_json *left = NULL, *right = NULL;
    size_t size = 0;
    char *texts[] = {write_report(a, targets), write_report(b, targets)};
    ck_assert_int_eq(tdm_json_parse(&left, texts[0], strlen(texts[0]), NULL), 0);
    ck_assert_int_eq(tdm_json_parse(&right, texts[1], strlen(texts[1]), NULL), 0);
    load_comparison_init(&comparison);
    comparison.tolerance = tolerance;
    FILE *to = open_memstream(&r.text, &size);
    ck_assert_int_eq(load_compare_reports(to, &comparison, left, right, &(load_look){.colour = false}, &r.found), 0);
    fclose(to);
    tdm_json_destroy(&left);
    tdm_json_destroy(&right);
    free(texts[0]);
    free(texts[1]);
    return r;
}

static void says(const result *r, const char *what)
{
    ck_assert_msg(strstr(r->text, what) != NULL, "\"%s\" is not in \"%.2000s\"", what, r->text);
}

#define ROUND(rate, p99)                                                                                               \
    {                                                                                                                  \
        "sync", "20", rate, p99, 0                                                                                     \
    }
#define TWO "[{},{}]"

static const made base = {.rounds = {ROUND(1000, 0.010), ROUND(1010, 0.011), ROUND(990, 0.012), ROUND(1005, 0.010)}};

START_TEST(a_clear_difference_has_an_interval_and_a_verdict)
{
    const made faster = {.rounds = {ROUND(1500, 0.010), ROUND(1515, 0.012), ROUND(1485, 0.011), ROUND(1510, 0.010)}};
    result r = compare(&base, &faster, TWO, -1);
    ck_assert_uint_eq(r.found.pairs, 1);
    ck_assert_uint_eq(r.found.better, 1);
    ck_assert_uint_eq(r.found.worse, 0);
    ck_assert_uint_eq(r.found.alike, 2); /* p99, and nothing lost in both */
    says(&r, "sync at 20, closed loop: 4 and 4 rounds\n");
    says(&r, "rate    1.00 k/s  1.50 k/s");
    says(&r, "  1.501  1.4");
    says(&r, "  better\n");
    says(&r, "B is better in 1 figures and worse in 0; in 2 no difference was seen\n");
    free(r.text);
    r = compare(&faster, &base, TWO, -1);
    ck_assert_uint_eq(r.found.worse, 1);
    ck_assert_uint_eq(r.found.failed, 0); /* no tolerance was given */
    free(r.text);
}
END_TEST

START_TEST(a_report_does_not_differ_from_itself)
{
    result r = compare(&base, &base, TWO, 0);
    ck_assert_uint_eq(r.found.better + r.found.worse + r.found.other + r.found.failed, 0);
    ck_assert_uint_eq(r.found.alike, 3);
    free(r.text);
}
END_TEST

START_TEST(a_difference_within_the_scatter_or_below_a_percent_is_none)
{
    const made scattered = {.rounds = {ROUND(1300, 0.010), ROUND(800, 0.011), ROUND(1200, 0.012), ROUND(900, 0.011)}};
    const made nearly = {
        .rounds = {ROUND(1001.5, 0.0109), ROUND(1001.4, 0.0108), ROUND(1001.6, 0.0107), ROUND(1001.5, 0.0109)}};
    const made exact = {.rounds = {ROUND(1000, 0.0109), ROUND(1000, 0.0108), ROUND(1000, 0.0107), ROUND(1000, 0.0109)}};
    result r = compare(&base, &scattered, TWO, 0);
    ck_assert_uint_eq(r.found.alike, 3);
    free(r.text);
    r = compare(&exact, &nearly, TWO, 0);
    ck_assert_uint_eq(r.found.alike, 3);
    free(r.text);
}
END_TEST

START_TEST(too_few_rounds_give_a_ratio_and_no_verdict)
{
    const made once = {.rounds = {ROUND(1500, 0.010), ROUND(1515, 0.012)}};
    result r = compare(&base, &once, TWO, 0);
    ck_assert_uint_eq(r.found.untold, 2);
    ck_assert_uint_eq(r.found.failed, 0);
    says(&r, "too few rounds to tell");
    says(&r, "2 cannot be told (3 rounds on both sides are needed: --rounds)\n");
    ck_assert_ptr_null(strstr(r.text, "interval"));
    free(r.text);
}
END_TEST

START_TEST(what_is_surely_worse_than_the_tolerance_fails)
{
    const made slower = {.rounds = {ROUND(900, 0.010), ROUND(905, 0.012), ROUND(895, 0.011), ROUND(900, 0.010)}};
    result r = compare(&base, &slower, TWO, 0.05);
    ck_assert_uint_eq(r.found.failed, 1); /* about 10 % */
    says(&r, "worse (FAILED)");
    free(r.text);
    r = compare(&base, &slower, TWO, 0.2);
    ck_assert_uint_eq(r.found.worse, 1);
    ck_assert_uint_eq(r.found.failed, 0);
    free(r.text);
}
END_TEST

START_TEST(something_where_there_was_nothing_is_worse_without_a_ratio)
{
    made losing = base;
    for (one_round *r = losing.rounds; r->label; r++)
        r->lost = 2;
    result r = compare(&base, &losing, TWO, 0.05);
    ck_assert_uint_eq(r.found.worse, 1);
    ck_assert_uint_eq(r.found.failed, 1);
    free(r.text);
    losing.rounds[1].lost = 0; /* now and then: that may be chance */
    r = compare(&base, &losing, TWO, 0.05);
    ck_assert_uint_eq(r.found.worse, 0);
    ck_assert_uint_eq(r.found.untold, 1);
    free(r.text);
}
END_TEST

START_TEST(levels_are_matched_by_label_and_two_single_targets_by_level)
{
    const made async = {.rounds = {{"async", "20", 2000, 0.01, 0},
                                   {"async", "20", 2000, 0.01, 0},
                                   {"async", "20", 2000, 0.01, 0},
                                   {"async", "50", 2000, 0.01, 0}}};
    result r = compare(&base, &async, TWO, -1);
    ck_assert_uint_eq(r.found.pairs, 0);
    ck_assert_uint_eq(r.found.unmatched, 3);
    says(&r, "only A has sync at 20\n");
    says(&r, "only B has async at 50\n");
    says(&r, "nothing was compared\n");
    free(r.text);
    r = compare(&base, &async, "[{}]", -1);
    ck_assert_uint_eq(r.found.pairs, 1);
    ck_assert_uint_eq(r.found.unmatched, 1);
    says(&r, "sync (A) and async (B) at 20, closed loop: 4 and 3 rounds\n");
    free(r.text);
}
END_TEST

START_TEST(what_one_side_does_not_know_is_not_compared)
{
    made unknown = base;
    for (one_round *r = unknown.rounds; r->label; r++)
        r->p99 = -1;
    result r = compare(&base, &unknown, TWO, -1);
    ck_assert_uint_eq(r.found.alike, 2);
    ck_assert_ptr_null(strstr(r.text, "p99"));
    free(r.text);
}
END_TEST

START_TEST(another_machine_is_said)
{
    made elsewhere = base;
    elsewhere.system = "y";
    result r = compare(&base, &elsewhere, TWO, -1);
    says(&r, "A was measured on x with 2 cores, B on y with 2: what differs may be the machine\n");
    free(r.text);
}
END_TEST

int main(void)
{
    return unit_main("load_compare",
                     (const TTest *const[]){
                         a_clear_difference_has_an_interval_and_a_verdict, a_report_does_not_differ_from_itself,
                         a_difference_within_the_scatter_or_below_a_percent_is_none,
                         too_few_rounds_give_a_ratio_and_no_verdict, what_is_surely_worse_than_the_tolerance_fails,
                         something_where_there_was_nothing_is_worse_without_a_ratio,
                         levels_are_matched_by_label_and_two_single_targets_by_level,
                         what_one_side_does_not_know_is_not_compared, another_machine_is_said, NULL});
}
