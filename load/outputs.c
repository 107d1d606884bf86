/* SPDX-License-Identifier: MIT */
/* DESIGN: a run may take an hour, so what could keep its figures from being written is found before it begins: each
 * file is opened for a moment, no two are the same, each check is read. With a report on standard output (-) the text
 * moves to standard error, so that what a program reads stands alone. */
#include "load/outputs.h"

#include <errno.h>
#include <string.h>

#include "load/report_csv.h"
#include "load/report_html.h"
#include "load/report_json.h"

enum { FILES = 4 };

typedef struct output_file {
    const char *option, *path;
    int (*write)(FILE *to, const load_sweep *sweep); /* NULL: it is written while the run goes on */
} output_file;

static void list_files(const load_options *options, output_file files[FILES])
{
    const output_file all[FILES] = {{"--json", options->json_path, load_report_json},
                                    {"--html", options->html_path, load_report_html},
                                    {"--csv", options->csv_path, load_report_csv},
                                    {"--log", options->log_path, NULL}};
    memcpy(files, all, sizeof all);
}

static bool is_standard(const char *path)
{
    return path && !strcmp(path, "-");
}

static int cannot_write(const char *path, int err)
{
    fprintf(stderr, "tandem-load: cannot write %s: %s\n", path, strerror(err ? err : EIO));
    return -EINVAL;
}

/* ---- before the run ---- */

static int check_names(const output_file files[FILES])
{
    for (int i = 0; i < FILES; i++) {
        for (int k = 0; k < i; k++) {
            if (!files[i].path || !files[k].path || strcmp(files[i].path, files[k].path) != 0)
                continue;
            fprintf(stderr, "tandem-load: %s and %s both name %s: one would overwrite the other\n", files[k].option,
                    files[i].option, files[i].path);
            return -EINVAL;
        }
    }
    return 0;
}

static int check_files(const output_file files[FILES])
{
    for (int i = 0; i < FILES; i++) {
        if (!files[i].path || (files[i].write && is_standard(files[i].path)))
            continue;
        FILE *to = fopen(files[i].path, "ae"); /* what stands there is kept for now */
        if (!to)
            return cannot_write(files[i].path, errno);
        fclose(to);
    }
    return 0;
}

static int read_checks(load_outputs *outputs, const tdm_option_list *texts)
{
    char why[256];
    for (; outputs->check_count < texts->count; outputs->check_count++) {
        const char *text = texts->items[outputs->check_count];
        if (load_check_parse(&outputs->checks[outputs->check_count], text, why, sizeof why) == 0)
            continue;
        fprintf(stderr, "tandem-load: --check: \"%s\": %s\n", text, why);
        return -EINVAL;
    }
    return 0;
}

int load_outputs_open(load_outputs *outputs, const load_options *options)
{
    output_file files[FILES];
    _Static_assert((int) LOAD_CHECKS_MAX >= (int) TDM_OPTION_LIST_MAX, "every check has its place");
    *outputs = (load_outputs){.options = options, .text = stdout};
    list_files(options, files);
    for (int i = 0; i < FILES; i++)
        if (is_standard(files[i].path) && files[i].write)
            outputs->text = stderr;
    outputs->look = load_look_at(outputs->text);
    outputs->progress.term = load_term_of(options->quiet ? NULL : stderr);
    int err = check_names(files);
    if (!err)
        err = check_files(files);
    if (!err)
        err = read_checks(outputs, &options->checks);
    if (!err && options->log_path) {
        int failed = load_log_open(&outputs->log, options->log_path);
        err = failed ? cannot_write(options->log_path, -failed) : 0;
    }
    return err;
}

/* ---- after it ---- */

static bool write_file(const output_file *file, const load_sweep *sweep)
{
    bool standard = is_standard(file->path);
    FILE *to = standard ? stdout : fopen(file->path, "we");
    if (!to) {
        cannot_write(file->path, errno);
        return false;
    }
    errno = 0;
    int err = file->write(to, sweep);
    bool bad = ferror(to) != 0;
    bad = (standard ? fflush(to) : fclose(to)) != 0 || bad;
    if (err || bad)
        cannot_write(file->path, err ? -err : errno);
    return !err && !bad;
}

/* @return how many checks failed. */
static unsigned report_checks(const load_outputs *outputs, const load_sweep *sweep)
{
    tdm_json *report = NULL;
    if (!outputs->check_count)
        return 0;
    if (load_report_tree(&report, sweep) < 0) {
        fprintf(stderr, "tandem-load: out of memory: the checks were not judged\n");
        return outputs->check_count;
    }
    fputc('\n', outputs->text);
    unsigned failed = load_check_report(outputs->checks, outputs->check_count, report, outputs->text);
    tdm_json_destroy(&report);
    return failed;
}

bool load_outputs_close(load_outputs *outputs)
{
    int err = load_log_close(&outputs->log);
    if (err)
        cannot_write(outputs->options->log_path, -err);
    return err == 0;
}

int load_outputs_report(load_outputs *outputs, const load_sweep *sweep)
{
    int status = load_sweep_status(sweep);
    output_file files[FILES];
    load_report_table(outputs->text, sweep, &outputs->look);
    unsigned failed = report_checks(outputs, sweep);
    bool written = fflush(outputs->text) == 0 && !ferror(outputs->text);
    if (!written)
        fprintf(stderr, "tandem-load: cannot write the report: %s\n", strerror(errno ? errno : EIO));
    list_files(outputs->options, files);
    for (int i = 0; i < FILES; i++)
        if (files[i].path && files[i].write)
            written = write_file(&files[i], sweep) && written;
    written = load_outputs_close(outputs) && written;
    if (sweep->unreachable)
        fprintf(stderr, "tandem-load: %s\n", sweep->why);
    if (status <= 1 && !written)
        return LOAD_STATUS_UNWRITTEN;
    return status <= 1 && failed ? LOAD_STATUS_CHECK : status;
}
