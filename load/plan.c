/* SPDX-License-Identifier: MIT */
/* DESIGN: the command line becomes a plan here, or one line that says why not; past this file nothing is wrong with
 * the plan any more. A plan is targets times connection counts: every URL runs every count, so that two lanes of the
 * same service stand side by side in one report. */
#include "load/plan.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { CONNECTIONS_MAX = 1000000, STEPS_MAX = 100, TARGETS_MAX = 64, SPARE_DESCRIPTORS = 32 };

static int complain(const char *what, const char *value, const char *why)
{
    fprintf(stderr, "tandem-load: %s: \"%s\": %s\n", what, value, why);
    return -EINVAL;
}

/* One count at *text, and past the comma after it. 0: not a count. */
static unsigned read_count(const char **text)
{
    unsigned value = 0;
    const char *p = *text;
    for (; *p >= '0' && *p <= '9' && value <= CONNECTIONS_MAX; p++)
        value = value * 10 + (unsigned) (*p - '0');
    if (p == *text || value > CONNECTIONS_MAX || (*p && *p != ',') || (*p == ',' && !p[1]))
        return 0;
    *text = p + (*p == ',');
    return value;
}

int load_plan_counts(const char *text, load_level **out)
{
    load_level *counts = calloc(STEPS_MAX, sizeof *counts);
    if (!counts)
        return -ENOMEM;
    int n = 0;
    do {
        unsigned count = n < STEPS_MAX ? read_count(&text) : 0;
        if (!count) {
            free(counts);
            return -EINVAL;
        }
        counts[n++].connections = count;
    } while (*text);
    *out = counts;
    return n;
}

/* Read a list of counts, and see that it goes with -n. `what` names it in the complaint. */
static int read_counts(const load_options *options, const char *what, const char *text, load_level **out,
                       unsigned *count)
{
    int n = load_plan_counts(text, out);
    if (n == -EINVAL)
        return complain(what, text, "give counts from 1 to 1000000, separated by commas (4,20,1000)");
    if (n < 0)
        return n;
    *count = (unsigned) n;
    for (unsigned i = 0; options->requests && i < *count; i++) {
        if ((*out)[i].connections <= options->requests)
            continue;
        fprintf(stderr, "tandem-load: -n %u is less than %u connections: some would have nothing to send\n",
                options->requests, (*out)[i].connections);
        return -EINVAL;
    }
    return 0;
}

static int plan_steps(load_plan *plan)
{
    const load_options *options = &plan->options;
    if (options->requests && options->duration_s > 0) {
        fprintf(stderr, "tandem-load: give -n or -d, not both\n");
        return -EINVAL;
    }
    return read_counts(options, "-c", options->connections, &plan->levels, &plan->level_count);
}

/* COUNTS@URL: the target's own counts, and past them in *text; else those of -c. */
static int target_counts(const load_plan *plan, load_target *target, char **text)
{
    size_t size = strspn(*text, "0123456789,");
    if (size && (*text)[size] == '@') {
        char *counts = strndup(*text, size);
        int err =
            counts ? read_counts(&plan->options, "COUNTS@URL", counts, &target->levels, &target->level_count) : -ENOMEM;
        free(counts);
        *text += size + 1;
        return err;
    }
    size = plan->level_count * sizeof *plan->levels;
    target->levels = malloc(size);
    if (!target->levels)
        return -ENOMEM;
    memcpy(target->levels, plan->levels, size);
    target->level_count = plan->level_count;
    return 0;
}

static int read_targets(load_plan *plan, load_url *urls, char **texts, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        const char *why = NULL;
        char *text = texts[i];
        int err = target_counts(plan, &plan->targets[i], &text);
        if (!err)
            err = load_url_parse(&urls[i], text, &why);
        if (err == -EINVAL && why)
            complain("wrong URL", text, why);
        if (err)
            return err;
    }
    return 0;
}

/* --label sync,async: one name for each target, in order. */
static int given_labels(const char *names, unsigned count, char **labels)
{
    unsigned n = 1;
    for (const char *p = names; *p; p++)
        n += *p == ',';
    if (n != count)
        return complain("--label", names, "give one name for each URL, separated by commas");
    for (unsigned i = 0; i < count; i++) {
        size_t size = strcspn(names, ",");
        labels[i] = strndup(names, size);
        if (!labels[i])
            return -ENOMEM;
        names += size + 1;
    }
    return 0;
}

static int plan_targets(load_plan *plan, char **texts, unsigned count)
{
    load_url urls[TARGETS_MAX] = {{0}};
    char *labels[TARGETS_MAX] = {0};
    plan->targets = calloc(count, sizeof *plan->targets);
    int err = plan->targets ? read_targets(plan, urls, texts, count) : -ENOMEM;
    if (!err && plan->options.labels)
        err = given_labels(plan->options.labels, count, labels);
    else if (!err)
        err = load_url_labels(urls, count, labels);
    plan->target_count = plan->targets ? count : 0;
    for (unsigned i = 0; i < plan->target_count; i++) { /* moved even after an error: the plan frees them */
        load_target *target = &plan->targets[i];
        target->label = labels[i];
        target->requests = calloc(1, sizeof *target->requests);
        if (!target->requests) {
            load_url_finish(&urls[i]);
            err = -ENOMEM;
            continue;
        }
        target->request_count = 1;
        target->requests[0] = (load_request){.url = urls[i], .weight = 1};
        if (!err)
            err = load_target_prepare(target);
    }
    return err;
}

int load_plan_parse(load_plan *plan, int argc, char **argv)
{
    int first = argc;
    *plan = (load_plan){.rounds = 1};
    int err = load_options_parse(&plan->options, argc, argv, &first);
    if (err)
        return err;
    unsigned count = (unsigned) (argc - first);
    if (count == 0 || count > TARGETS_MAX) {
        fprintf(stderr, "tandem-load: give 1 to %d URLs (tandem-load --help)\n", TARGETS_MAX);
        return -EINVAL;
    }
    err = plan_steps(plan);
    if (!err)
        err = plan_targets(plan, argv + first, count);
    if (err == -ENOMEM)
        fprintf(stderr, "tandem-load: out of memory\n");
    if (err)
        load_plan_finish(plan);
    return err;
}

void load_plan_finish(load_plan *plan)
{
    for (unsigned i = 0; i < plan->target_count; i++)
        load_target_finish(&plan->targets[i]);
    free(plan->targets);
    free(plan->levels);
    *plan = (load_plan){0};
}

int load_plan_fit_descriptors(const load_plan *plan)
{
    struct rlimit limit;
    unsigned most = 0;
    for (const load_target *t = plan->targets; t < plan->targets + plan->target_count; t++)
        for (unsigned i = 0; i < t->level_count; i++)
            most = t->levels[i].connections > most ? t->levels[i].connections : most;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return 0; /* not known: opening will tell */
    rlim_t hard = limit.rlim_max;
    if (limit.rlim_cur != hard) {
        struct rlimit raised = {.rlim_cur = hard, .rlim_max = hard};
        if (setrlimit(RLIMIT_NOFILE, &raised) < 0)
            hard = limit.rlim_cur;
    }
    if (hard == RLIM_INFINITY || hard >= (rlim_t) most + SPARE_DESCRIPTORS)
        return 0;
    fprintf(stderr, "tandem-load: -c %u needs %u open files, and the limit is %llu (ulimit -Hn)\n", most,
            most + SPARE_DESCRIPTORS, (unsigned long long) hard);
    return -EMFILE;
}
