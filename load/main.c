/* SPDX-License-Identifier: MIT */
/* DESIGN: tandem-load's main(): plan, run, report, exit status. Reports go to standard output, progress and
 * complaints to standard error; with --json - or --html - the report moves to standard error, so that what a program
 * reads stands alone. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "load/plan.h"
#include "load/progress.h"
#include "load/report_html.h"
#include "load/report_json.h"
#include "load/report_text.h"
#include "load/sweep.h"

enum { STATUS_FINE = 0, STATUS_FAILED = 1, STATUS_USAGE = 2, STATUS_TARGET = 3 };

typedef struct screen {
    FILE *report;
    load_look look;
    bool quiet;
    load_progress progress;
} screen;

static void on_begun(void *arg, const load_step *step)
{
    screen *s = arg;
    (void) step;
    load_progress_begin(&s->progress);
}

static void on_tick(void *arg, const load_live *live)
{
    screen *s = arg;
    load_progress_tick(&s->progress, live);
}

static void on_ended(void *arg, const load_step *step)
{
    screen *s = arg;
    load_progress_end(&s->progress);
    if (s->quiet)
        return;
    load_report_step(s->report, step, &s->look);
    fflush(s->report);
}

static bool is_standard(const char *path)
{
    return path && !strcmp(path, "-");
}

static screen make_screen(const load_options *options)
{
    screen s = {.quiet = options->quiet};
    s.report = is_standard(options->json_path) || is_standard(options->html_path) ? stderr : stdout;
    s.look.colour = load_term_of(s.report).colour;
    s.progress.term = load_term_of(options->quiet ? NULL : stderr);
    return s;
}

static int write_file(const char *path, int (*write)(FILE *to, const load_sweep *sweep), const load_sweep *sweep)
{
    bool standard = is_standard(path);
    FILE *to = standard ? stdout : fopen(path, "we");
    if (!to) {
        fprintf(stderr, "tandem-load: cannot write %s: %s\n", path, strerror(errno));
        return -errno;
    }
    int err = write(to, sweep);
    bool bad = ferror(to) != 0;
    bad = (standard ? fflush(to) : fclose(to)) != 0 || bad;
    if (err || bad) {
        fprintf(stderr, "tandem-load: cannot write %s: %s\n", path, strerror(err ? -err : errno ? errno : EIO));
        return err ? err : -EIO;
    }
    return 0;
}

/* A file that cannot be written must be known before the measuring, not after it. */
static int check_writable(const char *path)
{
    if (!path || is_standard(path))
        return 0;
    FILE *to = fopen(path, "ae");
    if (!to) {
        fprintf(stderr, "tandem-load: cannot write %s: %s\n", path, strerror(errno));
        return -EINVAL;
    }
    fclose(to);
    return 0;
}

static int report(const load_sweep *sweep, const screen *s)
{
    const load_options *options = &sweep->plan->options;
    int status = load_sweep_status(sweep);
    load_report_table(s->report, sweep, &s->look);
    bool written = fflush(s->report) == 0 && !ferror(s->report);
    if (!written)
        fprintf(stderr, "tandem-load: cannot write the report: %s\n", strerror(errno ? errno : EIO));
    if (options->json_path && write_file(options->json_path, load_report_json, sweep) < 0)
        written = false;
    if (options->html_path && write_file(options->html_path, load_report_html, sweep) < 0)
        written = false;
    if (sweep->unreachable)
        fprintf(stderr, "tandem-load: %s\n", sweep->why);
    return status == STATUS_FINE && !written ? STATUS_FAILED : status;
}

int main(int argc, char **argv)
{
    static const load_sweep_calls calls = {.begun = on_begun, .tick = on_tick, .ended = on_ended};
    load_plan plan;
    load_sweep sweep;
    int err = load_plan_parse(&plan, argc, argv);
    if (err)
        return err > 0 ? STATUS_FINE : STATUS_USAGE;
    int status = STATUS_USAGE;
    if (load_plan_fit_descriptors(&plan) == 0 && check_writable(plan.options.json_path) == 0 &&
        check_writable(plan.options.html_path) == 0) {
        screen s = make_screen(&plan.options);
        err = load_sweep_run(&sweep, &plan, &calls, &s);
        if (err)
            fprintf(stderr, "tandem-load: %s\n", strerror(-err));
        status = err ? STATUS_FAILED : report(&sweep, &s);
        load_sweep_finish(&sweep);
    }
    load_plan_finish(&plan);
    return status;
}
