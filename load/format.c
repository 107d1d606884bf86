/* SPDX-License-Identifier: MIT */
/* DESIGN: one way to write a duration, a count and a rate, for the terminal and the page. Values come back in a small
 * struct, so that a line of a report is one printf. */
#include "load/format.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

static load_text scaled(double value, const char *unit)
{
    load_text out;
    int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
    snprintf(out.text, sizeof out.text, "%.*f %s", decimals, value, unit);
    return out;
}

load_text load_format_duration(int64_t ns)
{
    double value = (double) ns;
    if (fabs(value) < 999.5) {
        load_text out;
        snprintf(out.text, sizeof out.text, "%.0f ns", value);
        return out;
    }
    if (value < 999.5e3)
        return scaled(value / 1e3, "us");
    if (value < 999.5e6)
        return scaled(value / 1e6, "ms");
    return scaled(value / 1e9, "s");
}

load_text load_format_seconds(int64_t ns)
{
    load_text out;
    snprintf(out.text, sizeof out.text, "%.3f s", (double) ns / 1e9);
    return out;
}

load_text load_format_count(uint64_t count)
{
    char digits[24];
    load_text out;
    int size = snprintf(digits, sizeof digits, "%" PRIu64, count), n = 0;
    for (int i = 0; i < size; i++) {
        if (i && (size - i) % 3 == 0)
            out.text[n++] = ',';
        out.text[n++] = digits[i];
    }
    out.text[n] = '\0';
    return out;
}

load_text load_format_number(double number)
{
    load_text out;
    if (number >= 0 && number < 1e15 && number == floor(number))
        return load_format_count((uint64_t) number);
    snprintf(out.text, sizeof out.text, "%.6g", number);
    return out;
}

load_text load_format_rate(double per_second)
{
    load_text out;
    if (per_second >= 999.5e3)
        return scaled(per_second / 1e6, "M/s");
    if (per_second >= 999.5)
        return scaled(per_second / 1e3, "k/s");
    snprintf(out.text, sizeof out.text, "%.3g /s", per_second);
    return out;
}

load_text load_format_mean(double mean)
{
    load_text out;
    snprintf(out.text, sizeof out.text, "%.1f", mean);
    return out;
}

size_t load_format_columns(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += ((unsigned char) *text & 0xc0) != 0x80;
    return n;
}
