/* SPDX-License-Identifier: MIT */
/* DESIGN: the command line as a table, in three parts: what to send and how, how to measure, what to write. Whether the
 * values go together is the plan's business (plan.c). */
#include "load/options.h"

#include <stddef.h>

#include <string.h>

#include <tandem/tandem.h>

#include "load/metric.h"

static const tdm_option option_table[] = {
    {.name = "connections",
     .letter = 'c',
     .type = TDM_OPTION_STRING,
     .offset = offsetof(load_options, connections),
     .fallback = "1",
     .value_name = "LIST",
     .help = "connections; a list (4,20,1000) runs one step for each"},
    {.name = "requests",
     .letter = 'n',
     .type = TDM_OPTION_UINT,
     .offset = offsetof(load_options, requests),
     .min = 1,
     .max = 4e9,
     .value_name = "REQUESTS",
     .help = "requests of a step in all; without -n and -d one per connection"},
    {.name = "duration",
     .letter = 'd',
     .type = TDM_OPTION_SECONDS,
     .offset = offsetof(load_options, duration_s),
     .min = 0.001,
     .max = 7 * 86400,
     .value_name = "SECONDS",
     .help = "send requests for so long in each step"},
    {.name = "follow",
     .type = TDM_OPTION_FLAG,
     .offset = offsetof(load_options, follow),
     .help = "wait until every background task has ended, and report them"},
    {.name = "label",
     .type = TDM_OPTION_STRING,
     .offset = offsetof(load_options, labels),
     .value_name = "NAMES",
     .help = "names of the URLs in the reports, with commas (sync,async)"},
    {.name = "json",
     .type = TDM_OPTION_STRING,
     .offset = offsetof(load_options, json_path),
     .value_name = "FILE",
     .help = "write every figure as JSON; - is standard output"},
    {.name = "html",
     .type = TDM_OPTION_STRING,
     .offset = offsetof(load_options, html_path),
     .value_name = "FILE",
     .help = "write a page with multiplicity over time for every step"},
    {.name = "csv",
     .type = TDM_OPTION_STRING,
     .offset = offsetof(load_options, csv_path),
     .value_name = "FILE",
     .help = "write the figures over time as CSV"},
    {.name = "log",
     .type = TDM_OPTION_STRING,
     .offset = offsetof(load_options, log_path),
     .value_name = "FILE",
     .help = "write a line for each request (CSV)"},
    {.name = "check",
     .type = TDM_OPTION_LIST,
     .offset = offsetof(load_options, checks),
     .value_name = "CHECK",
     .help = "exit with 5 unless this holds ('p99<20ms', 'lost==0'); repeatable; help lists the figures"},
    {.name = "timeout",
     .type = TDM_OPTION_SECONDS,
     .offset = offsetof(load_options, timeout_s),
     .fallback = "60",
     .min = 0.01,
     .max = 86400,
     .value_name = "SECONDS",
     .help = "for one request, sent to complete"},
    {.name = "connect-timeout",
     .type = TDM_OPTION_SECONDS,
     .offset = offsetof(load_options, connect_timeout_s),
     .fallback = "10",
     .min = 0.01,
     .max = 3600,
     .value_name = "SECONDS",
     .help = "for opening one connection"},
    {.name = "follow-timeout",
     .type = TDM_OPTION_SECONDS,
     .offset = offsetof(load_options, follow_timeout_s),
     .fallback = "3600",
     .min = 0.01,
     .max = 7 * 86400,
     .value_name = "SECONDS",
     .help = "how long to follow tasks after the last reply of a step"},
    {.name = "quiet",
     .letter = 'q',
     .type = TDM_OPTION_FLAG,
     .offset = offsetof(load_options, quiet),
     .help = "no progress and no step reports, only the table"},
    {.name = NULL},
};

static const tdm_command command = {
    .name = "tandem-load",
    .version = TDM__VERSION,
    .summary = "Load an HTTP server in a closed loop, and see what its background tasks did.",
    .operands = "[COUNTS@]URL...",
    .options = option_table,
    .epilogue = "A URL runs a step for each count of -c, or, given as 4,20@URL, for each count of its own.\n"
                "Closed loop: each connection sends its next request when its reply is complete.\n"
                "Exit status: 0 fine; 1 something was lost, failed or not seen to its end; 2 wrong usage;\n"
                "3 a target that cannot be reached, or does not answer as promised.\n"
                "Example: tandem-load -c 4,20 --follow --html report.html \\\n"
                "  'http://127.0.0.1:8000/?as_async=0' 'http://127.0.0.1:8000/?as_async=1'",
};

int load_options_parse(load_options *options, int argc, char **argv, int *first)
{
    int err = tdm_options_parse(&command, options, argc, argv, first);
    for (unsigned i = 0; !err && i < options->checks.count; i++) {
        if (strcmp(options->checks.items[i], "help") != 0)
            continue;
        printf(
            "A check is FIGURE[LABEL@LEVEL] RELATION VALUE, as 'p99<20ms' or 'multiplicity.peak[async@1000]>=1000'.\n"
            "The brackets may be left out: then every step must hold it. Figures, as GROUP.FIGURE:\n\n");
        load_metric_list(stdout);
        return 1;
    }
    return err;
}
