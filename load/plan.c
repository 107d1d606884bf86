/* SPDX-License-Identifier: MIT */
/* DESIGN: the command line becomes a plan here, or one line that says why not; past this file nothing is wrong with
 * the plan any more. A plan is rounds times targets times levels: every URL runs every level, so that two lanes of the
 * same service stand side by side in one report. With --mix all URLs are one target. */
#include "load/plan.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "load/levels.h"

enum { CONNECTIONS_MAX = 1000000, TARGETS_MAX = 64, STEPS_MAX = 100000, SPARE_DESCRIPTORS = 64 };
#define RATE_MAX 10000000.0
#define BODY_MAX ((size_t) 64 * 1024 * 1024)
#define FIRST_WINDOW ((size_t) 10 * 1220)        /* ten segments (RFC 6928) of the smallest usual size */
#define SCRATCH_MAX ((size_t) 256 * 1024 * 1024) /* requests that are pipelined are put together in memory */

static int complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int complain(const char *format, ...)
{
    va_list args;
    fputs("tandem-load: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return -EINVAL;
}

/* ---- levels ---- */

/* Connections alone, or with one rate, or one count of connections with several rates. */
static int make_levels(const double *counts, int count_of_counts, const double *rates, int count_of_rates,
                       load_level **out)
{
    int n = count_of_counts > count_of_rates ? count_of_counts : count_of_rates;
    assert(n > 0); /* a list has an entry */
    load_level *levels = calloc((size_t) n, sizeof *levels);
    if (!levels)
        return -ENOMEM;
    for (int i = 0; i < n; i++) {
        levels[i].connections = (unsigned) counts[count_of_counts > 1 ? i : 0];
        levels[i].rate = count_of_rates ? rates[count_of_rates > 1 ? i : 0] : 0;
    }
    *out = levels;
    return n;
}

/* -n must suffice for every connection of a closed loop. */
static int check_requests(const load_options *options, const load_level *levels, unsigned count)
{
    for (unsigned i = 0; options->requests && !options->rates && i < count; i++)
        if (levels[i].connections > options->requests)
            return complain("-n %u is less than %u connections: some would have nothing to send", options->requests,
                            levels[i].connections);
    return 0;
}

/* `what` names the list of counts in the complaint. */
static int read_levels(const load_options *options, const char *what, const char *text, load_level **out,
                       unsigned *count)
{
    static const load_levels_limits count_limits = {CONNECTIONS_MAX, 1}, rate_limits = {RATE_MAX, 0};
    double counts[LOAD_LEVELS_MAX], rates[LOAD_LEVELS_MAX];
    const char *why;
    int n = load_levels_parse(text, &count_limits, counts, &why), m = 0;
    if (n < 0)
        return complain("%s: \"%s\": %s: give counts from 1 to %d, separated by commas (4,20 or 10..1000)", what, text,
                        why, CONNECTIONS_MAX);
    if (options->rates)
        m = load_levels_parse(options->rates, &rate_limits, rates, &why);
    if (m < 0)
        return complain("-R: \"%s\": %s: give requests a second, up to %.0f, separated by commas (500 or 100..6400)",
                        options->rates, why, RATE_MAX);
    if (n > 1 && m > 1)
        return complain("give a list for %s or for -R, not for both", what);
    n = make_levels(counts, n, rates, m, out);
    if (n < 0)
        return n;
    *count = (unsigned) n;
    return check_requests(options, *out, *count);
}

static int plan_levels(load_plan *plan)
{
    char open_default[16];
    const load_options *options = &plan->options;
    const char *text = options->connections;
    snprintf(open_default, sizeof open_default, "%d", LOAD_OPEN_CONNECTIONS);
    if (!text)
        text = options->rates ? open_default : "1";
    return read_levels(options, "-c", text, &plan->levels, &plan->level_count);
}

/* ---- what does not go together ---- */

static int check_options(const load_options *options)
{
    if (options->requests && options->duration_s > 0)
        return complain("give -n or -d, not both");
    if (options->rates && !options->requests && !(options->duration_s > 0))
        return complain("with -R, give -n or -d: an open loop ends by a count or by a time");
    if (!options->rates && options->arrivals)
        return complain("--arrivals is for an open loop: give a rate with -R");
    if (options->warmup_s + options->ramp_s > 0 && !options->requests && !(options->duration_s > 0))
        return complain("--warmup and --ramp want -n or -d: a volley is over before it is warm");
    if (options->body && options->body_path)
        return complain("give --body or --body-file, not both");
    return 0;
}

static int read_body(load_plan *plan)
{
    const load_options *options = &plan->options;
    if (options->body) {
        plan->body = strdup(options->body);
        plan->body_size = strlen(options->body);
        return plan->body ? 0 : -ENOMEM;
    }
    if (!options->body_path)
        return 0;
    FILE *from = fopen(options->body_path, "re");
    if (!from)
        return complain("cannot read %s: %s", options->body_path, strerror(errno));
    plan->body = malloc(BODY_MAX + 1);
    plan->body_size = plan->body ? fread(plan->body, 1, BODY_MAX + 1, from) : 0;
    int err = !plan->body ? -ENOMEM : 0;
    if (!err && ferror(from))
        err = complain("cannot read %s: %s", options->body_path, strerror(errno));
    else if (!err && plan->body_size > BODY_MAX)
        err = complain("%s is longer than %zu bytes", options->body_path, BODY_MAX);
    fclose(from);
    return err;
}

/* ---- targets ---- */

/* COUNTS@URL: the target's own counts, and past them in *text; else those of -c and -R. */
static int own_levels(const load_plan *plan, load_target *target, char **text)
{
    size_t size = strspn(*text, "0123456789,.x+");
    if (size && (*text)[size] == '@') {
        if (plan->options.mix)
            return complain("\"%s\": with --mix all URLs run the same levels: give them with -c", *text);
        char *counts = strndup(*text, size);
        int err =
            counts ? read_levels(&plan->options, "COUNTS@URL", counts, &target->levels, &target->level_count) : -ENOMEM;
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

/* WEIGHT*URL */
static int own_weight(const load_plan *plan, load_request *request, char **text)
{
    size_t size = strspn(*text, "0123456789");
    request->weight = 1;
    if (!size || (*text)[size] != '*')
        return 0;
    if (!plan->options.mix)
        return complain("\"%s\": a weight wants --mix", *text);
    request->weight = size < 6 ? (unsigned) strtoul(*text, NULL, 10) : 0;
    if (!request->weight || request->weight > LOAD_WEIGHTS_MAX)
        return complain("\"%s\": a weight is a number from 1 to %d", *text, LOAD_WEIGHTS_MAX);
    *text += size + 1;
    return 0;
}

static int read_url(load_request *request, const char *text)
{
    const char *why = NULL;
    int err = load_url_parse(&request->url, text, &why);
    return err == -EINVAL && why ? complain("wrong URL: \"%s\": %s", text, why) : err;
}

/* Each URL is a target of its own. */
static int separate_targets(load_plan *plan, char **texts, unsigned count)
{
    plan->targets = calloc(count, sizeof *plan->targets);
    if (!plan->targets)
        return -ENOMEM;
    for (unsigned i = 0; i < count; i++) {
        load_target *target = &plan->targets[plan->target_count++];
        char *text = texts[i];
        target->requests = calloc(1, sizeof *target->requests);
        if (!target->requests)
            return -ENOMEM;
        target->request_count = 1;
        int err = own_levels(plan, target, &text);
        if (!err)
            err = own_weight(plan, &target->requests[0], &text);
        if (!err)
            err = read_url(&target->requests[0], text);
        if (err)
            return err;
    }
    return 0;
}

/* All URLs are one target, on one server. */
static int mixed_target(load_plan *plan, char **texts, unsigned count)
{
    unsigned weights = 0;
    plan->targets = calloc(1, sizeof *plan->targets);
    load_request *requests = calloc(count, sizeof *requests);
    if (!plan->targets || !requests) {
        free(requests);
        return -ENOMEM;
    }
    load_target *target = &plan->targets[plan->target_count++];
    target->requests = requests;
    for (unsigned i = 0; i < count; i++) {
        char *text = texts[i];
        target->request_count++;
        int err = i == 0 ? own_levels(plan, target, &text) : 0;
        if (!err)
            err = own_weight(plan, &requests[i], &text);
        if (!err)
            err = read_url(&requests[i], text);
        if (err)
            return err;
        weights += requests[i].weight;
        if (strcmp(requests[i].url.host, requests[0].url.host) != 0 ||
            strcmp(requests[i].url.port, requests[0].url.port) != 0)
            return complain("\"%s\": with --mix all URLs must be of one server, and the first is of %s", text,
                            requests[0].url.authority);
    }
    return weights <= LOAD_WEIGHTS_MAX ? 0 : complain("the weights add up to more than %d", LOAD_WEIGHTS_MAX);
}

/* --label sync,async: one name for each URL, in order. */
static int given_labels(const char *names, unsigned count, char **labels)
{
    unsigned n = 1;
    for (const char *p = names; *p; p++)
        n += *p == ',';
    if (n != count)
        return complain("--label: \"%s\": give one name for each URL, separated by commas", names);
    for (unsigned i = 0; i < count; i++) {
        size_t size = strcspn(names, ",");
        labels[i] = strndup(names, size);
        if (!labels[i])
            return -ENOMEM;
        names += size + 1;
    }
    return 0;
}

static int label(load_plan *plan, unsigned count)
{
    load_url urls[TARGETS_MAX];
    char *labels[TARGETS_MAX] = {0};
    bool mix = plan->options.mix;
    for (unsigned i = 0; i < count; i++)
        urls[i] = mix ? plan->targets[0].requests[i].url : plan->targets[i].requests[0].url;
    int err =
        plan->options.labels ? given_labels(plan->options.labels, count, labels) : load_url_labels(urls, count, labels);
    for (unsigned i = 0; i < count; i++) { /* moved even after an error: the plan frees them */
        load_request *request = mix ? &plan->targets[0].requests[i] : &plan->targets[i].requests[0];
        request->label = labels[i];
    }
    for (unsigned i = 0; i < plan->target_count && !err; i++) {
        load_target *target = &plan->targets[i];
        int size = mix ? asprintf(&target->label, "mix of %u", count)
                       : asprintf(&target->label, "%s", target->requests[0].label);
        err = size < 0 ? -ENOMEM : 0;
    }
    return err;
}

static int prepare_requests(load_plan *plan)
{
    const load_options *options = &plan->options;
    const load_request_form form = {
        .method = options->method, .fields = options->fields, .body = plan->body, .body_size = plan->body_size};
    for (unsigned i = 0; i < plan->target_count; i++) {
        char why[200] = "";
        int err = load_target_prepare(&plan->targets[i], &form, why, sizeof why);
        if (err)
            return err == -EINVAL ? complain("%s", why) : err;
        plan->targets[i].light = true;
        for (unsigned k = 0; k < plan->targets[i].request_count; k++) {
            size_t size = load_template_size_max(plan->targets[i].requests[k].template) * options->pipeline;
            if (size > SCRATCH_MAX)
                return complain("--pipeline %u: so many of these requests take more than %zu MiB", options->pipeline,
                                SCRATCH_MAX >> 20);
            plan->targets[i].light = plan->targets[i].light && size <= FIRST_WINDOW;
        }
    }
    return 0;
}

unsigned load_plan_steps(const load_plan *plan)
{
    unsigned steps = 0;
    for (unsigned i = 0; i < plan->target_count; i++)
        steps += plan->targets[i].level_count;
    return steps * plan->rounds;
}

static int make(load_plan *plan, char **texts, unsigned count)
{
    int err = check_options(&plan->options);
    if (!err)
        err = plan_levels(plan);
    if (!err)
        err = read_body(plan);
    if (!err)
        err = plan->options.mix ? mixed_target(plan, texts, count) : separate_targets(plan, texts, count);
    if (!err)
        err = label(plan, count);
    if (!err)
        err = prepare_requests(plan);
    if (!err && load_plan_steps(plan) > STEPS_MAX)
        err = complain("that would be %u steps; %d are too many", load_plan_steps(plan), STEPS_MAX);
    return err;
}

int load_plan_parse(load_plan *plan, int argc, char **argv)
{
    int first = argc;
    *plan = (load_plan){0};
    int err = load_options_parse(&plan->options, argc, argv, &first);
    if (err)
        return err;
    unsigned count = (unsigned) (argc - first);
    if (count == 0 || count > TARGETS_MAX)
        return complain("give 1 to %d URLs (tandem-load --help)", TARGETS_MAX);
    plan->rounds = plan->options.rounds;
    err = make(plan, argv + first, count);
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
    free(plan->body);
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
    rlim_t needed = (rlim_t) most + SPARE_DESCRIPTORS + plan->options.threads;
    if (limit.rlim_cur != hard) {
        struct rlimit raised = {.rlim_cur = hard, .rlim_max = hard};
        if (setrlimit(RLIMIT_NOFILE, &raised) < 0)
            hard = limit.rlim_cur;
    }
    if (hard == RLIM_INFINITY || hard >= needed)
        return 0;
    fprintf(stderr, "tandem-load: -c %u needs %llu open files, and the limit is %llu (ulimit -Hn)\n", most,
            (unsigned long long) needed, (unsigned long long) hard);
    return -EMFILE;
}
