/* SPDX-License-Identifier: MIT */
/* DESIGN: a check is read before the run, and judged after it on the JSON report. It holds only if every step that it
 * picks holds it: a check that nothing answers to has failed, since CI asked for it to be seen. */
#include "load/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "load/format.h"

static int wrong(char *why, size_t size, const char *what, const char *right)
{
    snprintf(why, size, "%s; %s", what, right);
    return -EINVAL;
}

static const struct {
    const char *text;
    load_relation relation;
} relations[] = {
    {"<=", LOAD_AT_MOST}, {">=", LOAD_AT_LEAST}, {"==", LOAD_EQUAL},
    {"!=", LOAD_UNEQUAL}, {"<", LOAD_BELOW},     {">", LOAD_ABOVE},
};
enum { RELATIONS = sizeof relations / sizeof relations[0] };

/* The relation at `text`, or -1. */
static int relation_at(const char *text)
{
    for (int i = 0; i < RELATIONS; i++)
        if (!strncmp(text, relations[i].text, strlen(relations[i].text)))
            return i;
    return -1;
}

static size_t trimmed(const char *text, size_t size)
{
    while (size && text[size - 1] == ' ')
        size--;
    return size;
}

/* [LABEL@LEVEL]: what is between the brackets, `size` bytes. */
static int read_pick(load_check *check, const char *text, size_t size, char *why, size_t why_size)
{
    size_t label = size, level = 0;
    for (size_t i = 0; i < size; i++)
        if (text[i] == '@')
            label = i;
    if (label < size)
        level = size - label - 1;
    if ((label < size && !level) || !size || label >= sizeof check->label || level >= sizeof check->level)
        return wrong(why, why_size, "the brackets pick no step", "write [async], [@1000] or [async@1000]");
    memcpy(check->label, text, label);
    check->label[label] = '\0';
    memcpy(check->level, text + size - level, level);
    check->level[level] = '\0';
    return 0;
}

int load_check_parse(load_check *check, const char *text, char *why, size_t why_size)
{
    *check = (load_check){.text = text};
    size_t name = strcspn(text, "[<>=! ");
    const char *at = text + name, *right;
    if (*at == '[') {
        const char *end = strchr(at, ']');
        if (!end)
            return wrong(why, why_size, "the bracket is not closed", "write p99[async@1000]<20ms");
        int err = read_pick(check, at + 1, (size_t) (end - at - 1), why, why_size);
        if (err)
            return err;
        at = end + 1;
    }
    if (load_metric_find(&check->metric, text, trimmed(text, name)) < 0)
        return wrong(why, why_size, "there is no such figure",
                     "the figures are listed by tandem-load --check help (p99, rate, lost, multiplicity.peak, ...)");
    at += strspn(at, " ");
    int relation = relation_at(at);
    if (relation < 0)
        return wrong(why, why_size, "no relation stands after the figure", "write one of < <= > >= == !=");
    check->relation = relations[relation].relation;
    at += strlen(relations[relation].text);
    at += strspn(at, " ");
    if (load_metric_read(check->metric.unit, at, &check->value, &right) < 0)
        return wrong(why, why_size, "the value cannot be read", right);
    return 0;
}

static bool holds(load_relation relation, double value, double limit)
{
    switch (relation) {
    case LOAD_BELOW:
        return value < limit;
    case LOAD_AT_MOST:
        return value <= limit;
    case LOAD_ABOVE:
        return value > limit;
    case LOAD_AT_LEAST:
        return value >= limit;
    case LOAD_EQUAL:
        return value == limit;
    case LOAD_UNEQUAL:
        return value != limit;
    }
    return false;
}

static const char *text_of(const tdm_json *object, const char *key)
{
    const char *text = "";
    tdm_json_as_string(tdm_json_get(object, key), &text);
    return text;
}

static bool picks(const load_check *check, const tdm_json *step)
{
    return (!*check->label || !strcmp(check->label, text_of(step, "label"))) &&
           (!*check->level || !strcmp(check->level, text_of(step, "level")));
}

/* What was seen of one check while the steps went by. */
typedef struct tally {
    const load_check *check;
    FILE *words; /* which steps failed it, and how */
    unsigned picked, failed;
    double worst; /* of those that hold it */
    const tdm_json *worst_step;
} tally;

static bool is_worse(load_relation relation, double value, double than)
{
    return relation == LOAD_BELOW || relation == LOAD_AT_MOST ? value > than : value < than;
}

static void write_step(FILE *to, const tdm_json *step)
{
    fprintf(to, "%s at %s", text_of(step, "label"), text_of(step, "level"));
}

static void look_at(tally *t, const tdm_json *step)
{
    const load_check *check = t->check;
    double value = 0;
    t->picked++;
    bool known = load_metric_number(&check->metric, step, &value);
    if (known && holds(check->relation, value, check->value)) {
        if (!t->worst_step || is_worse(check->relation, value, t->worst)) {
            t->worst = value;
            t->worst_step = step;
        }
        return;
    }
    fputs(t->failed++ ? "; " : "", t->words);
    write_step(t->words, step);
    if (known)
        fprintf(t->words, ": %s", load_metric_text(check->metric.unit, value).text);
    else
        fputs(": not known", t->words);
}

static void conclude(tally *t)
{
    if (!t->picked) {
        fputs("no step is called so", t->words);
    } else if (!t->failed) {
        fprintf(t->words, "%s%s", t->picked > 1 ? "at worst " : "",
                load_metric_text(t->check->metric.unit, t->worst).text);
        if (t->picked > 1) {
            fputs(", ", t->words);
            write_step(t->words, t->worst_step);
        }
    }
}

/* One check, one line. */
static bool judge(const load_check *check, const tdm_json *report, FILE *to)
{
    char *text = NULL;
    size_t size = 0;
    tally t = {.check = check, .words = open_memstream(&text, &size)};
    if (!t.words)
        return false;
    for (const tdm_json *step = tdm_json_first(tdm_json_get(report, "steps")); step; step = tdm_json_next(step))
        if (picks(check, step))
            look_at(&t, step);
    conclude(&t);
    bool good = fclose(t.words) == 0 && t.picked && !t.failed;
    fprintf(to, "check %-6s  %s  (%s)\n", good ? "passed" : "FAILED", check->text, text ? text : "out of memory");
    free(text);
    return good;
}

unsigned load_check_report(const load_check *checks, unsigned count, const tdm_json *report, FILE *to)
{
    unsigned failed = 0;
    for (unsigned i = 0; i < count; i++)
        failed += !judge(&checks[i], report, to);
    return failed;
}
