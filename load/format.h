/* SPDX-License-Identifier: MIT */
/** @file
 *  Figures as a person reads them. Pure. */
#ifndef LOAD_FORMAT_H
#define LOAD_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Room for one formatted figure. */
typedef struct load_text {
    char text[40];
} load_text;

/** "418 ns", "1.25 ms", "15.0 s", "1250 s": three significant digits or more. */
load_text load_format_duration(int64_t ns);
/** "15.004 s": seconds with milliseconds, for durations that are compared with one another. */
load_text load_format_seconds(int64_t ns);
/** "9,540": with separators. */
load_text load_format_count(uint64_t count);
/** "12,345" if it is whole, else "12.3" with six digits at most. */
load_text load_format_number(double number);
/** "9.54 k/s" */
load_text load_format_rate(double per_second);
/** "12.0": one decimal. */
load_text load_format_mean(double mean);

/** How many columns UTF-8 text takes (code points; none of ours is wide). */
size_t load_format_columns(const char *text);

#endif
