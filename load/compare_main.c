/* SPDX-License-Identifier: MIT */
/* DESIGN: the subcommand compare: its options, and reading two files. A file that is no report of ours is said to be
 * none, with what is wrong, before anything is compared. */
#include "load/compare.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <tandem/tandem.h>

#include "load/report_json.h"
#include "load/term.h"

enum { STATUS_FINE = 0, STATUS_WORSE = 1, STATUS_USAGE = 2 };

#define REPORT_MOST ((off_t) 256 * 1024 * 1024)

typedef struct options {
    tdm_option_list figures;
    const char *tolerance;
} options;

static const tdm_option option_table[] = {
    {.name = "figure",
     .letter = 'f',
     .type = TDM_OPTION_LIST,
     .offset = offsetof(options, figures),
     .value_name = "NAME",
     .help =
         "compare this figure (p99, queue_wait.p50, ...; tandem-load --check help lists them); else the usual ones"},
    {.name = "tolerance",
     .type = TDM_OPTION_STRING,
     .offset = offsetof(options, tolerance),
     .value_name = "SHARE",
     .help = "exit with 1 if a figure of B is surely worse by more than this (5%)"},
    {.name = NULL},
};

static const tdm_command command = {
    .name = "tandem-load compare",
    .version = TDM__VERSION,
    .summary = "Compare two reports of tandem-load (--json): is B better than A?",
    .operands = "A.json B.json",
    .options = option_table,
    .epilogue = "Each level that both have is compared. A value is a round: with three rounds or more on both sides "
                "(tandem-load --rounds) the ratio has a 95 % bootstrap interval, and a figure whose interval holds 1 "
                "shows no difference.\n"
                "Exit status: 0 fine; 1 worse by more than --tolerance; 2 wrong usage, or a file that is no report.",
};

static int complain(const char *path, const char *what)
{
    fprintf(stderr, "tandem-load compare: %s: %s\n", path, what);
    return -EINVAL;
}

/* The whole file, or NULL: a line was printed. */
static char *read_file(const char *path, size_t *size)
{
    struct stat st;
    FILE *from = fopen(path, "re");
    if (!from || fstat(fileno(from), &st) < 0) {
        complain(path, strerror(errno));
        if (from)
            fclose(from);
        return NULL;
    }
    char *text = NULL;
    const char *wrong = !S_ISREG(st.st_mode) ? "it is not a file" : st.st_size > REPORT_MOST ? "it is too long" : NULL;
    if (!wrong && !(text = malloc((size_t) st.st_size + 1)))
        wrong = strerror(ENOMEM);
    if (text) {
        *size = fread(text, 1, (size_t) st.st_size, from);
        wrong = ferror(from) ? strerror(EIO) : NULL;
    }
    fclose(from);
    if (!wrong)
        return text;
    complain(path, wrong);
    free(text);
    return NULL;
}

static int check_report(const char *path, const tdm_json *report)
{
    const char *schema = NULL;
    char what[160];
    if (!tdm_json_as_string(tdm_json_get(report, "schema"), &schema))
        return complain(path, "it is JSON, and no report of tandem-load: it has no \"schema\"");
    if (strcmp(schema, LOAD_SCHEMA) != 0) {
        snprintf(what, sizeof what, "its schema is \"%.60s\"; this tandem-load reads \"%s\": measure again", schema,
                 LOAD_SCHEMA);
        return complain(path, what);
    }
    if (!tdm_json_is_array(tdm_json_get(report, "steps")))
        return complain(path, "it has no list of \"steps\"");
    return 0;
}

static int read_report(tdm_json **report, const char *path)
{
    size_t size = 0, at = 0;
    char what[100], *text = read_file(path, &size);
    if (!text)
        return -EINVAL;
    int err = tdm_json_parse(report, text, size, &at);
    free(text);
    if (err == -EINVAL) {
        snprintf(what, sizeof what, "it is not JSON (byte %zu)", at);
        return complain(path, what);
    }
    if (err)
        return complain(path, strerror(-err));
    err = check_report(path, *report);
    if (err)
        tdm_json_destroy(report);
    return err;
}

static int read_options(load_comparison *comparison, const options *given)
{
    const char *why;
    load_comparison_init(comparison);
    if (given->figures.count)
        comparison->count = 0;
    for (unsigned i = 0; i < given->figures.count; i++)
        if (load_comparison_add(comparison, given->figures.items[i]) < 0)
            return complain(given->figures.items[i],
                            "there is no such figure; tandem-load --check help lists them (p99, rate, lost, ...)");
    if (given->tolerance && load_metric_read(LOAD_UNIT_SHARE, given->tolerance, &comparison->tolerance, &why) < 0)
        return complain(given->tolerance, why);
    return 0;
}

static int compare(const load_comparison *comparison, const char *a_path, const char *b_path)
{
    const load_look look = load_look_at(stdout);
    tdm_json *a = NULL, *b = NULL;
    load_compared found;
    int status = STATUS_USAGE;
    if (read_report(&a, a_path) == 0 && read_report(&b, b_path) == 0) {
        printf("A: %s\nB: %s\n", a_path, b_path);
        int err = load_compare_reports(stdout, comparison, a, b, &look, &found);
        if (err)
            fprintf(stderr, "tandem-load compare: %s\n", strerror(-err));
        else if (fflush(stdout) != 0)
            fprintf(stderr, "tandem-load compare: cannot write: %s\n", strerror(errno));
        else
            status = !found.pairs ? STATUS_USAGE : found.failed ? STATUS_WORSE : STATUS_FINE;
    }
    tdm_json_destroy(&a);
    tdm_json_destroy(&b);
    return status;
}

int load_compare_main(int argc, char **argv)
{
    options given = {.tolerance = NULL};
    load_comparison comparison;
    int first = argc;
    int err = tdm_options_parse(&command, &given, argc, argv, &first);
    if (err)
        return err > 0 ? STATUS_FINE : STATUS_USAGE;
    if (argc - first != 2) {
        fprintf(stderr, "tandem-load compare: give two reports, A.json and B.json (tandem-load compare --help)\n");
        return STATUS_USAGE;
    }
    if (read_options(&comparison, &given) < 0)
        return STATUS_USAGE;
    return compare(&comparison, argv[first], argv[first + 1]);
}
