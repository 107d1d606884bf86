/* SPDX-License-Identifier: MIT */
/* DESIGN: HTTP's dates are English and in GMT whatever the program's locale is, so they are neither printed nor read by
 * the C library's own calls. */
#include "server/files/date.h"

#include <stdio.h>
#include <string.h>

static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

bool tdm__date_write(time_t when, char out[TDM__DATE_MAX])
{
    struct tm tm;
    if (!gmtime_r(&when, &tm) || tm.tm_year < -1900 || tm.tm_year > 9999 - 1900)
        return false;
    snprintf(out, TDM__DATE_MAX, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT", days + 3 * tm.tm_wday, tm.tm_mday,
             months + 3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
    return true;
}

static int month_of(const char *name)
{
    for (int i = 0; i < 12; i++) {
        if (memcmp(months + 3 * i, name, 3) == 0)
            return i;
    }
    return -1;
}

/* A year of two digits more than 50 years ahead is of the last century; this code was written in this one. */
static int full_year(int year)
{
    return year < 76 ? year + 2000 : year + 1900;
}

bool tdm__date_read(const char *text, time_t *out)
{
    struct tm tm = {0};
    char month[4] = "", day[16], zone[4] = "";
    int end = 0;
    bool old = sscanf(text, "%15[A-Za-z], %2d-%3[A-Za-z]-%2d %2d:%2d:%2d %3[A-Z]%n", day, &tm.tm_mday, month,
                      &tm.tm_year, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, zone, &end) == 8;
    bool right = old;
    if (old) {
        tm.tm_year = full_year(tm.tm_year);
    } else {
        right = sscanf(text, "%3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d %3[A-Z]%n", day, &tm.tm_mday, month,
                       &tm.tm_year, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, zone, &end) == 8;
    }
    if (right) {
        right = strcmp(zone, "GMT") == 0;
    } else { /* asctime() */
        right = sscanf(text, "%3[A-Za-z] %3[A-Za-z] %2d %2d:%2d:%2d %4d%n", day, month, &tm.tm_mday, &tm.tm_hour,
                       &tm.tm_min, &tm.tm_sec, &tm.tm_year, &end) == 7;
    }
    tm.tm_mon = right ? month_of(month) : -1;
    if (!right || text[end] || tm.tm_mon < 0 || tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour > 23 ||
        tm.tm_min > 59 || tm.tm_sec > 60 || tm.tm_year < 1900 || tm.tm_hour < 0 || tm.tm_min < 0 || tm.tm_sec < 0)
        return false;
    tm.tm_year -= 1900;
    *out = timegm(&tm);
    return true;
}
