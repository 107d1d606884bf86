/* SPDX-License-Identifier: MIT */
/* DESIGN: text and tables that must fit a narrow terminal, held against what a person would write. */
#include <stdlib.h>
#include <string.h>

#include "load/report_fold.h"
#include "load/report_grid.h"
#include "tests/unit/unit.h"

static void folds(unsigned columns, unsigned indent, const char *text, const char *expected)
{
    char *seen = NULL;
    size_t size;
    FILE *to = open_memstream(&seen, &size);
    load_fold fold;
    fputs(text, load_fold_begin(&fold, to, columns, indent));
    load_fold_end(&fold);
    fclose(to);
    ck_assert_str_eq(seen, expected);
    free(seen);
}

START_TEST(a_long_line_is_broken_at_blanks_and_indented)
{
    folds(12, 3, "one two three four\n", "one two\n   three\n   four\n");
    folds(12, 3, "one two      three\n", "one two\n   three\n");
    folds(12, 9, "one two three\n", "one two\n    three\n"); /* a third of the width at most */
}
END_TEST

START_TEST(a_line_that_fits_stays_as_it_is)
{
    folds(12, 3, "  one  two 3\n\nfour\n", "  one  two 3\n\nfour\n");
    folds(0, 3, "as long as it is, however long that may be\n", "as long as it is, however long that may be\n");
}
END_TEST

START_TEST(a_word_longer_than_a_line_is_left_whole)
{
    folds(6, 2, "  abcdefghij kl\n", "  abcdefghij\n  kl\n");
    folds(6, 2, "abcdefghij\n", "abcdefghij\n");
}
END_TEST

START_TEST(colours_and_bytes_of_one_character_take_no_room)
{
    folds(7, 1, "\033[31mab\033[0m ± cd\n", "\033[31mab\033[0m ± cd\n");
    folds(7, 1, "\033[31mab\033[0m ± cde\n", "\033[31mab\033[0m ±\n cde\n");
}
END_TEST

static void prints(unsigned keys, unsigned width, const char *expected)
{
    static const char *const cells[] = {"who", "n", "first", "second", "third", "a", "4", "10", "20", "30"};
    char *seen = NULL;
    size_t size;
    load_grid grid;
    FILE *to = open_memstream(&seen, &size);
    ck_assert_int_eq(load_grid_init(&grid, 2, 5), 0);
    for (unsigned i = 0; i < 10; i++)
        load_grid_put(&grid, i / 5, i % 5, cells[i]);
    grid.keys = keys;
    grid.width = width;
    load_grid_print(to, &grid);
    load_grid_finish(&grid);
    fclose(to);
    ck_assert_str_eq(seen, expected);
    free(seen);
}

START_TEST(a_table_too_wide_becomes_several_each_with_its_keys)
{
    const char *whole = "who  n  first  second  third\na    4     10      20     30\n";
    prints(2, 0, whole);
    prints(2, 28, whole);
    prints(2, 27, "who  n  first  second\na    4     10      20\n\nwho  n  third\na    4     30\n");
    prints(0, 14, "who  n  first\na    4     10\n\nwho  second\na        20\n\nwho  third\na       30\n");
    prints(2, 1, "who  n  first\na    4     10\n\nwho  n  second\na    4      20\n\nwho  n  third\na    4     30\n");
}
END_TEST

int main(void)
{
    return unit_main("load_fold",
                     (const TTest *const[]){a_long_line_is_broken_at_blanks_and_indented,
                                            a_line_that_fits_stays_as_it_is, a_word_longer_than_a_line_is_left_whole,
                                            colours_and_bytes_of_one_character_take_no_room,
                                            a_table_too_wide_becomes_several_each_with_its_keys, NULL});
}
