/* SPDX-License-Identifier: MIT */
/* The comparison of secrets. */
#include "tests/unit/unit.h"
#include <tandem/middleware.h>

START_TEST(texts_are_compared_whole)
{
    static const struct {
        const char *given, *right;
        bool equal;
    } cases[] = {{"", "", true},       {"a", "a", true},     {"a", "b", false},
                 {"a", "", false},     {"", "a", false},     {"abc", "abd", false},
                 {"ab", "abc", false}, {"abc", "ab", false}, {"\xff\x01", "\xff\x01", true}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        ck_assert_int_eq(tdm_equal_in_constant_time(cases[i].given, cases[i].right), cases[i].equal);
}
END_TEST

int main(void)
{
    return unit_main("equal", (const TTest *const[]){texts_are_compared_whole, NULL});
}
