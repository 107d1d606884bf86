/* SPDX-License-Identifier: MIT */
/* DESIGN: pictures of characters, held against what a person would draw. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "load/format.h"
#include "load/term.h"
#include "tests/unit/unit.h"

static const load_term utf8 = {.utf8 = true}, ascii = {.utf8 = false};

static void bar_is(const load_term *term, unsigned width, double share, const char *picture)
{
    char out[LOAD_TERM_ROOM];
    load_term_bar(out, term, width, share);
    ck_assert_str_eq(out, picture);
}

START_TEST(a_bar_is_filled_by_eighths_of_a_column)
{
    bar_is(&utf8, 4, 0, "░░░░");
    bar_is(&utf8, 4, 0.5, "██░░");
    bar_is(&utf8, 4, 0.53125, "██▏░");
    bar_is(&utf8, 4, 1, "████");
    bar_is(&ascii, 4, 0.5, "##..");
    bar_is(&utf8, 0, 0.5, "");
}
END_TEST

START_TEST(a_share_out_of_range_stays_inside_its_bar)
{
    bar_is(&utf8, 3, -1, "░░░");
    bar_is(&utf8, 3, 7, "███");
    bar_is(&utf8, 3, NAN, "░░░");
    char out[LOAD_TERM_ROOM];
    load_term_bar(out, &utf8, 100000, 1);
    ck_assert_uint_eq(load_format_columns(out), LOAD_TERM_WIDTH);
}
END_TEST

static void spark_is(const load_term *term, unsigned width, const double *values, size_t count, const char *picture)
{
    char out[LOAD_TERM_ROOM];
    load_term_spark(out, term, width, values, count, 0);
    ck_assert_str_eq(out, picture);
}

START_TEST(a_sparkline_shows_the_last_values_in_relation_to_the_highest)
{
    static const double values[] = {100, 0, 1, 2, 4, 8};
    spark_is(&utf8, 5, values, 6, " ▁▂▄█");
    spark_is(&utf8, 9, values, 6, "█ ▁▁▁▁");
    spark_is(&ascii, 5, values, 6, " ..:#");
    spark_is(&utf8, 5, values, 0, "");
    spark_is(&utf8, 2, (const double[]){0, 0}, 2, "  ");
}
END_TEST

START_TEST(a_pipe_is_no_terminal_and_has_no_colour)
{
    FILE *to = tmpfile();
    unsigned columns, rows;
    setenv("TERM", "xterm-256color", 1);
    setenv("LC_ALL", "de_DE.UTF-8", 1);
    load_term term = load_term_of(to);
    ck_assert(!term.live && !term.colour && term.utf8);
    load_term_size(&term, &columns, &rows);
    ck_assert(columns == 80 && rows == 24);
    setenv("LC_ALL", "POSIX", 1);
    ck_assert(!load_term_of(to).utf8);
    fclose(to);
    ck_assert(!load_term_of(NULL).live);
}
END_TEST

int main(void)
{
    return unit_main("load_term", (const TTest *const[]){a_bar_is_filled_by_eighths_of_a_column,
                                                         a_share_out_of_range_stays_inside_its_bar,
                                                         a_sparkline_shows_the_last_values_in_relation_to_the_highest,
                                                         a_pipe_is_no_terminal_and_has_no_colour, NULL});
}
