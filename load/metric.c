/* SPDX-License-Identifier: MIT */
/* DESIGN: the JSON report is the vocabulary. A check or a comparison never asks the engine's structs: it names a place
 * in the report, so what CI is told is exactly what the report says, and a saved report can be judged like a fresh one.
 * The names are a closed list, groups times fields, so that a misspelt check is refused before the run and not after. */
#include "load/metric.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "load/errors.h"

typedef struct field {
    const char *name;
    load_unit unit;
    load_better better;
} field;

typedef struct group {
    const char *name, *path;
    const field *fields;
    bool bare; /* its fields may be named without it */
} group;

#define COUNT(name)                                                                                                    \
    {                                                                                                                  \
        name, LOAD_UNIT_COUNT, LOAD_BETTER_NEITHER                                                                     \
    }
#define BAD(name)                                                                                                      \
    {                                                                                                                  \
        name, LOAD_UNIT_COUNT, LOAD_BETTER_LOWER                                                                       \
    }
#define TIME(name)                                                                                                     \
    {                                                                                                                  \
        name, LOAD_UNIT_SECONDS, LOAD_BETTER_LOWER                                                                     \
    }

#define GOOD(name)                                                                                                     \
    {                                                                                                                  \
        name, LOAD_UNIT_COUNT, LOAD_BETTER_HIGHER                                                                      \
    }

static const field of_histogram[] = {TIME("p50"), TIME("p90"), TIME("p95"),  TIME("p99"),    TIME("p999"),
                                     TIME("min"), TIME("max"), TIME("mean"), COUNT("count"), {NULL}};
static const field of_tasks[] = {COUNT("accepted"), COUNT("done"),  BAD("failed"),  BAD("cancelled"),
                                 BAD("timed_out"),  BAD("skipped"), BAD("dropped"), BAD("abandoned"),
                                 BAD("lost"),       BAD("unknown"), BAD("missed"),  BAD("bad_promises"),
                                 TIME("elapsed"),   TIME("ideal"),  TIME("drain"),  {NULL}};
static const field of_requests[] = {COUNT("made"),
                                    COUNT("succeeded"),
                                    BAD("errors"),
                                    BAD("rejected"),
                                    BAD("unfinished"),
                                    BAD("unanswered"),
                                    BAD("retried"),
                                    BAD("reopened"),
                                    BAD("unsent"),
                                    BAD("held_up"),
                                    COUNT("bytes_sent"),
                                    COUNT("bytes_received"),
                                    {"rate", LOAD_UNIT_RATE, LOAD_BETTER_HIGHER},
                                    {"offered", LOAD_UNIT_RATE, LOAD_BETTER_NEITHER},
                                    {"kept_up", LOAD_UNIT_SHARE, LOAD_BETTER_HIGHER},
                                    TIME("elapsed"),
                                    {NULL}};
static const field of_errors[] = {
#define X(name, key, text) BAD(key),
    LOAD_ERRORS(X)
#undef X
        {NULL}};
static const field of_lane[] = {
    GOOD("peak"),   GOOD("mean"),      COUNT("threads"),
    COUNT("tasks"), BAD("queue_peak"), {"run_total", LOAD_UNIT_SECONDS, LOAD_BETTER_NEITHER},
    {NULL}};
static const field of_generator[] = {TIME("cpu"), {"cpu_share", LOAD_UNIT_SHARE, LOAD_BETTER_LOWER}, {NULL}};

/* Where a name without a group fits several, the first has it. */
static const group groups[] = {
    {"latency", "latency", of_histogram, true},
    {"tasks", "tasks", of_tasks, true},
    {"requests", "requests", of_requests, true},
    {"errors", "errors", of_errors, false},
    {"uncorrected", "uncorrected", of_histogram, false},
    {"failed_latency", "failed_latency", of_histogram, false},
    {"start_latency", "tasks.start_latency", of_histogram, false},
    {"queue_wait", "tasks.queue_wait", of_histogram, false},
    {"run_time", "tasks.run_time", of_histogram, false},
    {"completion", "tasks.completion", of_histogram, false},
    {"loop_lag", "tasks.loop_lag", of_histogram, false},
    {"multiplicity.loop", "tasks.multiplicity.loop", of_lane, false},
    {"multiplicity.pool", "tasks.multiplicity.pool", of_lane, false},
    {"multiplicity", "tasks.multiplicity.both", of_lane, false},
    {"send_lag", "generator.send_lag", of_histogram, false},
    {"generator", "generator", of_generator, false},
};
enum { GROUPS = sizeof groups / sizeof groups[0] };

static bool is(const char *text, size_t size, const char *word)
{
    return strlen(word) == size && !memcmp(text, word, size);
}

static const field *field_of(const group *g, const char *name, size_t size)
{
    for (const field *f = g->fields; f->name; f++)
        if (is(name, size, f->name))
            return f;
    return NULL;
}

/* The field that `name` means below `prefix`, or NULL. */
static const field *below(const group *g, const char *prefix, const char *name, size_t size)
{
    size_t skip = strlen(prefix);
    if (size <= skip || memcmp(name, prefix, skip) != 0 || name[skip] != '.')
        return NULL;
    return field_of(g, name + skip + 1, size - skip - 1);
}

int load_metric_find(load_metric *metric, const char *name, size_t size)
{
    for (int bare = 0; bare < 2; bare++) {
        for (int i = 0; i < GROUPS; i++) {
            const group *g = &groups[i];
            const field *f = bare ? (g->bare ? field_of(g, name, size) : NULL) : below(g, g->name, name, size);
            if (!f && !bare)
                f = below(g, g->path, name, size);
            if (!f)
                continue;
            *metric = (load_metric){.unit = f->unit, .better = f->better};
            snprintf(metric->path, sizeof metric->path, "%s.%s", g->path, f->name);
            return 0;
        }
    }
    return -ENOENT;
}

const tdm_json *load_metric_value(const load_metric *metric, const tdm_json *step)
{
    char name[sizeof metric->path];
    const char *from = metric->path;
    while (step && *from) {
        size_t size = strcspn(from, ".");
        memcpy(name, from, size);
        name[size] = '\0';
        step = tdm_json_get(step, name);
        from += size + (from[size] == '.');
    }
    return step;
}

bool load_metric_number(const load_metric *metric, const tdm_json *step, double *value)
{
    return tdm_json_as_double(load_metric_value(metric, step), value);
}

/* ---- values ---- */

load_text load_metric_text(load_unit unit, double value)
{
    load_text out;
    switch (unit) {
    case LOAD_UNIT_SECONDS:
        return load_format_duration(llround(value * 1e9));
    case LOAD_UNIT_RATE:
        return load_format_rate(value);
    case LOAD_UNIT_SHARE:
        snprintf(out.text, sizeof out.text, "%.3g %%", value * 100);
        return out;
    case LOAD_UNIT_COUNT:
        break;
    }
    if (value >= 0 && value < 1e15 && value == floor(value))
        return load_format_count((uint64_t) value);
    snprintf(out.text, sizeof out.text, "%.1f", value);
    return out;
}

typedef struct suffix {
    const char *text;
    double factor;
} suffix;

static const suffix of_seconds[] = {{"ns", 1e-9}, {"us", 1e-6}, {"µs", 1e-6}, {"ms", 1e-3},
                                    {"s", 1},     {"min", 60},  {"h", 3600},  {NULL, 0}};
static const suffix of_count[] = {{"", 1}, {"k", 1e3}, {"M", 1e6}, {NULL, 0}};
static const suffix of_rate[] = {{"", 1}, {"/s", 1}, {"k", 1e3}, {"k/s", 1e3}, {"M", 1e6}, {"M/s", 1e6}, {NULL, 0}};
static const suffix of_share[] = {{"", 1}, {"%", 0.01}, {NULL, 0}};

int load_metric_read(load_unit unit, const char *text, double *value, const char **why)
{
    static const suffix *const suffixes[] = {
        [LOAD_UNIT_COUNT] = of_count,
        [LOAD_UNIT_SECONDS] = of_seconds,
        [LOAD_UNIT_RATE] = of_rate,
        [LOAD_UNIT_SHARE] = of_share,
    };
    static const char *const right[] = {
        [LOAD_UNIT_COUNT] = "give a number (1000, 10k, 1M)",
        [LOAD_UNIT_SECONDS] = "give a duration with its unit (500us, 20ms, 1.5s, 2min)",
        [LOAD_UNIT_RATE] = "give a rate a second (1000, 10k, 10k/s)",
        [LOAD_UNIT_SHARE] = "give a share (0.01, 1%)",
    };
    char *end = NULL;
    *why = right[unit];
    if (!strchr("0123456789.", *text) || !*text)
        return -EINVAL;
    double number = strtod(text, &end);
    if (end == text || !isfinite(number) || memchr(text, 'x', (size_t) (end - text)))
        return -EINVAL;
    end += *end == ' ';
    for (const suffix *s = suffixes[unit]; s->text; s++) {
        if (strcmp(end, s->text) != 0)
            continue;
        *value = number * s->factor;
        return 0;
    }
    if (number != 0 || *end) /* nothing is nothing in any unit */
        return -EINVAL;
    *value = 0;
    return 0;
}

void load_metric_list(FILE *to)
{
    for (int i = 0; i < GROUPS; i++) {
        const group *g = &groups[i];
        fprintf(to, "  %s%s", g->name, g->bare ? " (may be left out)" : "");
        const char *before = ": ";
        for (const field *f = g->fields; f->name; f++, before = ", ")
            fprintf(to, "%s%s", before, f->name);
        fputc('\n', to);
    }
}
