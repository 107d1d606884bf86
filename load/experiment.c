/* SPDX-License-Identifier: MIT */
/* DESIGN: the experiment that Tandem grew from, as one command. It is nothing but a plan: the same command line could be
 * typed, but for one thing, that half of its targets send their requests one after another on one connection, as the
 * first client of the experiment did, and so bring the count of their requests with each level. */
#include "load/experiment.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VARIANTS = 4, BEFORE = 6 };

static int complain(const char *what)
{
    fprintf(stderr, "tandem-load experiment: %s\n", what);
    return -EINVAL;
}

static int no_memory(void)
{
    complain("out of memory");
    return -ENOMEM;
}

/* The URL with one more parameter, before a fragment if there is one. */
static char *with_parameter(const char *url, int async)
{
    char *text = NULL;
    int size = (int) strcspn(url, "#");
    bool query = memchr(url, '?', (size_t) size) != NULL;
    if (asprintf(&text, "%.*s%sas_async=%d", size, url, query ? "&" : strchr(url + 7, '/') ? "?" : "/?", async) < 0)
        return NULL;
    return text;
}

static bool asks_for_help(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (!strcmp(argv[i], "-h") || !strncmp(argv[i], "--help", 6) || !strcmp(argv[i], "-V") ||
            !strcmp(argv[i], "--version"))
            return true;
    return false;
}

/* What the user would have typed; his own options come later and so win. */
static int spell_out(load_experiment *e, int argc, char **argv)
{
    static char first[BEFORE][48] = {"tandem-load", "-f", "-c",
                                     "4,20,1000",   "-l", "sync,async,sync one by one,async one by one"};
    const char *url = argv[argc - 1];
    int n = BEFORE;
    e->argv = calloc((size_t) argc + BEFORE + VARIANTS, sizeof *e->argv);
    for (int async = 0; async < 2; async++)
        e->urls[async] = with_parameter(url, async);
    if (!e->argv || !e->urls[0] || !e->urls[1])
        return no_memory();
    for (int i = 0; i < BEFORE; i++)
        e->argv[i] = first[i];
    for (int i = 1; i < argc - 1; i++)
        e->argv[n++] = argv[i];
    for (int variant = 0; variant < VARIANTS; variant++)
        e->argv[n++] = e->urls[variant % 2];
    return n;
}

/* The last two targets: as many requests, one after another. */
static int one_by_one(load_plan *plan)
{
    const load_options *options = &plan->options;
    if (options->requests || options->duration_s > 0 || options->rates || options->mix ||
        plan->target_count != VARIANTS)
        return complain("each count of -c is sent once: leave out -n, -d, -R and --mix, and give one URL");
    for (unsigned t = VARIANTS / 2; t < VARIANTS; t++) {
        for (unsigned i = 0; i < plan->targets[t].level_count; i++) {
            plan->targets[t].levels[i].requests = plan->targets[t].levels[i].connections;
            plan->targets[t].levels[i].connections = 1;
        }
    }
    return 0;
}

int load_experiment_parse(load_experiment *experiment, int argc, char **argv)
{
    *experiment = (load_experiment){.argv = NULL};
    if (asks_for_help(argc, argv))
        return load_plan_parse(&experiment->plan, argc, argv);
    if (argc < 2 || strncmp(argv[argc - 1], "http://", 7) != 0)
        return complain("the last argument must be the URL (http://127.0.0.1:8000/?period=0.1)");
    if (strstr(argv[argc - 1], "as_async="))
        return complain("give the URL without as_async: both are asked for");
    int n = spell_out(experiment, argc, argv);
    int err = n < 0 ? n : load_plan_parse(&experiment->plan, n, experiment->argv);
    if (!err) {
        err = one_by_one(&experiment->plan);
        if (err)
            load_plan_finish(&experiment->plan);
    }
    if (err)
        load_experiment_finish(experiment);
    return err;
}

void load_experiment_finish(load_experiment *experiment)
{
    load_plan_finish(&experiment->plan);
    free(experiment->argv);
    free(experiment->urls[0]);
    free(experiment->urls[1]);
    *experiment = (load_experiment){.argv = NULL};
}
