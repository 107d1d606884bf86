/* SPDX-License-Identifier: MIT */
/* DESIGN: checks are read and judged on reports written by hand, so that each promise is one line of JSON. */
#include <errno.h>
#include <string.h>

#include "load/check.h"
#include "load/format.h"
#include "tests/unit/unit.h"

static const char report_text[] =
    "{\"steps\":["
    "{\"label\":\"sync\",\"level\":\"20\",\"requests\":{\"rate\":13700.5,\"errors\":0},"
    "\"latency\":{\"p50\":0.0005,\"p99\":0.015,\"p999\":0.02},"
    "\"tasks\":{\"lost\":0,\"elapsed\":15.0,\"multiplicity\":{\"both\":{\"peak\":12},\"pool\":{\"peak\":12}}}},"
    "{\"label\":\"async\",\"level\":\"20\",\"requests\":{\"rate\":9000,\"errors\":2},"
    "\"latency\":{\"p50\":0.0004,\"p99\":0.025,\"p999\":0.03},"
    "\"tasks\":{\"lost\":null,\"elapsed\":9.0,\"multiplicity\":{\"both\":{\"peak\":20},\"pool\":{\"peak\":0}}}},"
    "{\"label\":\"async\",\"level\":\"1000\",\"requests\":{\"rate\":9000,\"errors\":0},\"latency\":null,"
    "\"tasks\":{\"lost\":0,\"elapsed\":9.1,\"multiplicity\":{\"both\":{\"peak\":1000},\"pool\":{\"peak\":0}}}}]}";

/* Judge one check; `says` must stand in the line that it prints. */
static void expect(bool good, const char *text, const char *says)
{
    load_check check;
    char why[256] = "", line[512] = "";
    tdm_json *report = NULL;
    if (load_check_parse(&check, text, why, sizeof why) < 0)
        ck_abort_msg("%s: %s", text, why);
    ck_assert_int_eq(tdm_json_parse(&report, report_text, strlen(report_text), NULL), 0);
    FILE *to = fmemopen(line, sizeof line, "w");
    unsigned failed = load_check_report(&check, 1, report, to);
    fclose(to);
    tdm_json_destroy(&report);
    if ((failed == 0) != good || !strstr(line, says))
        ck_abort_msg("%s printed \"%s\", and should have said \"%s\"", text, line, says);
    ck_assert_ptr_nonnull(strstr(line, good ? "check passed  " : "check FAILED  "));
    ck_assert_uint_eq(line[strlen(line) - 1], '\n');
}

START_TEST(a_check_holds_if_every_step_holds_it_and_names_the_worst)
{
    expect(true, "rate>=9000", "(at worst 9.00 k/s, async at 20)");
    expect(true, "multiplicity.peak>=12", "(at worst 12, sync at 20)");
    expect(true, "elapsed<=15s", "(at worst 15.0 s, sync at 20)");
    expect(false, "rate>10k/s", "(async at 20: 9.00 k/s; async at 1000: 9.00 k/s)");
    expect(false, "requests.errors==0", "(async at 20: 2)");
}
END_TEST

START_TEST(brackets_pick_steps_by_label_and_level)
{
    expect(true, "p99[sync]<20ms", "(15.0 ms)");
    expect(false, "p99[async@20]<20ms", "(async at 20: 25.0 ms)");
    expect(true, "multiplicity.peak[@1000]>=1000", "(1,000)");
    expect(true, "multiplicity.pool.peak[async]==0", "(at worst 0, async at 20)");
    expect(true, "tasks.multiplicity.both.peak[async@1000] == 1000", "(1,000)");
    expect(false, "p99[nobody]<20ms", "(no step is called so)");
    expect(false, "p99[async@21]<20ms", "(no step is called so)");
}
END_TEST

START_TEST(a_figure_that_is_not_known_fails_its_check)
{
    expect(false, "lost==0", "(async at 20: not known)");
    expect(false, "p99[@1000]<1s", "(async at 1000: not known)");
    expect(false, "queue_wait.p99<1s", "sync at 20: not known");
}
END_TEST

START_TEST(each_relation_is_what_it_says_at_its_edge)
{
    expect(true, "p99[sync]<=15ms", "");
    expect(false, "p99[sync]<15ms", "");
    expect(true, "p99[sync]>=15ms", "");
    expect(false, "p99[sync]>15ms", "");
    expect(true, "p99[sync]!=16ms", "");
    expect(false, "p99[sync]!=15ms", "");
}
END_TEST

START_TEST(values_have_the_unit_of_their_figure)
{
    static const struct {
        load_unit unit;
        const char *text;
        double value;
    } good[] = {
        {LOAD_UNIT_SECONDS, "20ms", 0.02}, {LOAD_UNIT_SECONDS, "500us", 0.0005}, {LOAD_UNIT_SECONDS, "1.5 s", 1.5},
        {LOAD_UNIT_SECONDS, "2min", 120},  {LOAD_UNIT_SECONDS, "0", 0},          {LOAD_UNIT_SECONDS, "3µs", 3e-6},
        {LOAD_UNIT_COUNT, "1000", 1000},   {LOAD_UNIT_COUNT, "10k", 10000},      {LOAD_UNIT_COUNT, "1.5M", 1.5e6},
        {LOAD_UNIT_RATE, "10k/s", 10000},  {LOAD_UNIT_RATE, "500/s", 500},       {LOAD_UNIT_RATE, "12", 12},
        {LOAD_UNIT_SHARE, "1%", 0.01},     {LOAD_UNIT_SHARE, "0.25", 0.25}};
    static const struct {
        load_unit unit;
        const char *text;
    } bad[] = {{LOAD_UNIT_SECONDS, "20"},     {LOAD_UNIT_SECONDS, "ms"}, {LOAD_UNIT_SECONDS, ""},
               {LOAD_UNIT_SECONDS, "20msx"},  {LOAD_UNIT_COUNT, "20ms"}, {LOAD_UNIT_COUNT, "-1"},
               {LOAD_UNIT_COUNT, "inf"},      {LOAD_UNIT_COUNT, "nan"},  {LOAD_UNIT_COUNT, "0x10"},
               {LOAD_UNIT_COUNT, "0 apples"}, {LOAD_UNIT_RATE, "10ms"},  {LOAD_UNIT_SHARE, "1k"}};
    const char *why;
    double value;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        ck_assert_msg(load_metric_read(good[i].unit, good[i].text, &value, &why) == 0, "%s", good[i].text);
        ck_assert_double_eq_tol(value, good[i].value, 1e-12 * (1 + good[i].value));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ck_assert_msg(load_metric_read(bad[i].unit, bad[i].text, &value, &why) == -EINVAL, "%s", bad[i].text);
        ck_assert_ptr_nonnull(strstr(why, "give a "));
    }
}
END_TEST

START_TEST(a_check_that_cannot_be_read_says_what_would_be_right)
{
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"p98<20ms", "no such figure"},        {"", "no such figure"},         {"latency<20ms", "no such figure"},
        {"multiplicity.<3", "no such figure"}, {"p99", "< <= > >= == !="},     {"p99=20ms", "< <= > >= == !="},
        {"p99<20", "with its unit"},           {"p99<", "with its unit"},      {"lost==none", "give a number"},
        {"p99[async<20ms", "not closed"},      {"p99[]<20ms", "[async@1000]"}, {"p99[async@]<20ms", "[async@1000]"}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        load_check check;
        char why[256] = "";
        ck_assert_msg(load_check_parse(&check, bad[i].text, why, sizeof why) == -EINVAL, "%s", bad[i].text);
        if (!strstr(why, bad[i].says))
            ck_abort_msg("\"%s\": \"%s\" does not say \"%s\"", bad[i].text, why, bad[i].says);
    }
}
END_TEST

START_TEST(short_and_long_names_mean_the_same_place)
{
    static const struct {
        const char *name, *path;
    } names[] = {{"p99", "latency.p99"},
                 {"latency.p99", "latency.p99"},
                 {"lost", "tasks.lost"},
                 {"rate", "requests.rate"},
                 {"elapsed", "tasks.elapsed"},
                 {"requests.elapsed", "requests.elapsed"},
                 {"errors", "requests.errors"},
                 {"errors.timeout", "errors.timeout"},
                 {"queue_wait.p50", "tasks.queue_wait.p50"},
                 {"tasks.queue_wait.p50", "tasks.queue_wait.p50"},
                 {"multiplicity.mean", "tasks.multiplicity.both.mean"},
                 {"multiplicity.pool.peak", "tasks.multiplicity.pool.peak"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        load_metric metric;
        ck_assert_int_eq(load_metric_find(&metric, names[i].name, strlen(names[i].name)), 0);
        ck_assert_str_eq(metric.path, names[i].path);
    }
}
END_TEST

int main(void)
{
    return unit_main("load_check", (const TTest *const[]){a_check_holds_if_every_step_holds_it_and_names_the_worst,
                                                          brackets_pick_steps_by_label_and_level,
                                                          a_figure_that_is_not_known_fails_its_check,
                                                          each_relation_is_what_it_says_at_its_edge,
                                                          values_have_the_unit_of_their_figure,
                                                          a_check_that_cannot_be_read_says_what_would_be_right,
                                                          short_and_long_names_mean_the_same_place, NULL});
}
