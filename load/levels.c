/* SPDX-License-Identifier: MIT */
/* DESIGN: one small grammar for connections and for rates. A range is spelled out here, so that everything behind sees
 * plain lists; the end of a range is always in it, for it is what the user asked to see. */
#include "load/levels.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

typedef struct reader {
    const char *at;
    const load_levels_limits *limits;
    double *out;
    int count;
    const char *why;
} reader;

static int refuse(reader *r, const char *why)
{
    if (!r->why)
        r->why = why;
    return -EINVAL;
}

/* Digits, and a fraction where that may be. */
static int read_number(reader *r, bool whole, double *out)
{
    double value = 0, unit = 1;
    const char *start = r->at;
    *out = 0;
    for (; *r->at >= '0' && *r->at <= '9'; r->at++)
        value = value * 10 + (*r->at - '0');
    if (r->at == start)
        return refuse(r, "a number is missing");
    if (!whole && r->at[0] == '.' && r->at[1] >= '0' && r->at[1] <= '9')
        for (r->at++; *r->at >= '0' && *r->at <= '9'; r->at++)
            value += (*r->at - '0') * (unit /= 10);
    *out = value;
    return 0;
}

static int read_level(reader *r, double *out)
{
    int err = read_number(r, r->limits->whole, out);
    if (!err && (r->limits->whole ? *out < 1 : *out <= 0))
        return refuse(r, "a level must be above 0");
    if (!err && *out > r->limits->most)
        return refuse(r, "a level is too large");
    return err;
}

static int add(reader *r, double level)
{
    if (r->count == LOAD_LEVELS_MAX)
        return refuse(r, "more than 100 levels");
    r->out[r->count++] = level;
    return 0;
}

/* What stands after "FROM..TO": how one level leads to the next. */
static int read_step(reader *r, double *factor, double *step)
{
    *factor = 2;
    *step = 0;
    if (*r->at == 'x') {
        r->at++;
        if (read_number(r, false, factor) < 0)
            return -EINVAL;
        return *factor > 1 ? 0 : refuse(r, "the factor of a range must be above 1");
    }
    if (*r->at == '+') {
        r->at++;
        if (read_number(r, r->limits->whole, step) < 0)
            return -EINVAL;
        *factor = 1;
        return *step > 0 ? 0 : refuse(r, "the step of a range must be above 0");
    }
    return 0;
}

static int add_range(reader *r, double from)
{
    double to, factor, step;
    if (read_level(r, &to) < 0 || read_step(r, &factor, &step) < 0)
        return -EINVAL;
    if (to <= from)
        return refuse(r, "a range must end above its beginning");
    for (double exact = from; exact < to;) {
        double level = r->limits->whole ? round(exact) : exact;
        if ((r->count == 0 || r->out[r->count - 1] != level || exact == from) && level < to && add(r, level) < 0)
            return -EINVAL;
        exact = exact * factor + step;
    }
    return add(r, to);
}

static int add_entry(reader *r)
{
    double from;
    if (read_level(r, &from) < 0)
        return -EINVAL;
    if (strncmp(r->at, "..", 2) != 0)
        return add(r, from);
    r->at += 2;
    return add_range(r, from);
}

int load_levels_parse(const char *text, const load_levels_limits *limits, double *out, const char **why)
{
    reader r = {.at = text, .limits = limits, .out = out};
    int err = 0;
    do {
        err = add_entry(&r);
        if (!err && *r.at && *r.at != ',')
            err = refuse(&r, "it is no list of numbers and ranges");
        if (!err && *r.at == ',' && !*++r.at)
            err = refuse(&r, "a number is missing after the last comma");
    } while (!err && *r.at);
    *why = r.why;
    return err ? err : r.count;
}
