/* SPDX-License-Identifier: MIT */
/* DESIGN: tandem-load's main(): plan, run, report, exit status. Reports go to standard output, progress and complaints
 * to standard error; where they go otherwise is decided in outputs.c. */
#include <signal.h>
#include <string.h>

#include "load/compare.h"
#include "load/experiment.h"
#include "load/outputs.h"
#include "load/plan.h"
#include "load/sweep.h"

enum { STATUS_FINE = 0, STATUS_FAILED = 1, STATUS_USAGE = 2 };

static void on_begun(void *arg, const load_step *step)
{
    load_outputs *outputs = arg;
    (void) step;
    load_progress_begin(&outputs->progress);
}

static void on_tick(void *arg, const load_live *live)
{
    load_outputs *outputs = arg;
    load_progress_tick(&outputs->progress, live);
}

static void on_ended(void *arg, const load_step *step)
{
    load_outputs *outputs = arg;
    load_progress_end(&outputs->progress);
    if (outputs->options->quiet)
        return;
    load_report_step(outputs->text, step, &outputs->look);
    fflush(outputs->text);
}

static void on_log(void *arg, const load_step *step, const load_record *records, size_t count)
{
    load_outputs *outputs = arg;
    load_log_write(outputs->log, step, records, count);
}

static int run(const load_plan *plan)
{
    load_outputs outputs;
    load_sweep sweep;
    if (load_outputs_open(&outputs, &plan->options) < 0)
        return STATUS_USAGE;
    const load_sweep_calls calls = {
        .begun = on_begun, .tick = on_tick, .ended = on_ended, .log = outputs.log ? on_log : NULL};
    int err = load_sweep_run(&sweep, plan, &calls, &outputs);
    if (err)
        fprintf(stderr, "tandem-load: %s\n", strerror(-err));
    int status = err ? STATUS_FAILED : load_outputs_report(&outputs, &sweep);
    load_outputs_close(&outputs);
    load_sweep_finish(&sweep);
    return status;
}

static int experiment(int argc, char **argv)
{
    load_experiment e;
    int err = load_experiment_parse(&e, argc, argv);
    if (err)
        return err > 0 ? STATUS_FINE : STATUS_USAGE;
    int status = load_plan_fit_descriptors(&e.plan) == 0 ? run(&e.plan) : STATUS_USAGE;
    load_experiment_finish(&e);
    return status;
}

int main(int argc, char **argv)
{
    load_plan plan;
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGPIPE, &ignore, NULL); /* whoever reads the text may leave; what goes to files is still written */
    if (argc > 1 && !strcmp(argv[1], "compare"))
        return load_compare_main(argc - 1, argv + 1);
    if (argc > 1 && !strcmp(argv[1], "experiment"))
        return experiment(argc - 1, argv + 1);
    int err = load_plan_parse(&plan, argc, argv);
    if (err)
        return err > 0 ? STATUS_FINE : STATUS_USAGE;
    int status = load_plan_fit_descriptors(&plan) == 0 ? run(&plan) : STATUS_USAGE;
    load_plan_finish(&plan);
    return status;
}
