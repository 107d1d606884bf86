/* SPDX-License-Identifier: MIT */
/** @file
 *  What a program printed, line by line. */
#ifndef TANDEM_TESTS_LINES_H
#define TANDEM_TESTS_LINES_H

#include <regex.h>
#include <string.h>

#include <check.h>

static inline void expect_match(const char *text, const char *pattern)
{
    regex_t regex;
    ck_assert_int_eq(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB | REG_NEWLINE), 0);
    ck_assert_msg(regexec(&regex, text, 0, NULL, 0) == 0, "'%s' does not match: %s", pattern, text);
    regfree(&regex);
}

static inline unsigned lines_of(const char *text)
{
    unsigned lines = 0;
    for (; *text; text++)
        lines += *text == '\n';
    return lines;
}

/* Stop it, and take its manifest, which is the last of exactly two lines. */

#endif
