/* SPDX-License-Identifier: MIT */
/* DESIGN: the command line as a table, in three parts: what to send and how, how to measure, what to write. What is
 * seldom wanted is marked as rare, so that --help fits a screen. Whether the values go together is the plan's business
 * (plan.c). */
#include "load/options.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <tandem/tandem.h>

#include "load/metric.h"

/* Their arguments are initialisers of one field each, not operands. */
/* NOLINTBEGIN(bugprone-macro-parentheses) */
#define PERCENT(name_, field, fallback_, least, most, help_, rare_)                                                    \
    {                                                                                                                  \
        .name = name_, .type = TDM_OPTION_UINT, .offset = offsetof(load_options, field), .fallback = fallback_,        \
        .min = least, .max = most, .value_name = "PERCENT", .help = help_, .rare = rare_                               \
    }
#define SECONDS(name_, letter_, field, fallback_, least, most, help_, rare_)                                           \
    {                                                                                                                  \
        .name = name_, .letter = letter_, .type = TDM_OPTION_SECONDS, .offset = offsetof(load_options, field),         \
        .fallback = fallback_, .min = least, .max = most, .value_name = "SECONDS", .help = help_, .rare = rare_        \
    }
#define NUMBER(name_, letter_, field, fallback_, least, most, help_, rare_)                                            \
    {                                                                                                                  \
        .name = name_, .letter = letter_, .type = TDM_OPTION_UINT, .offset = offsetof(load_options, field),            \
        .fallback = fallback_, .min = least, .max = most, .value_name = "N", .help = help_, .rare = rare_              \
    }
#define TEXT(name_, letter_, field, value, help_, rare_)                                                               \
    {                                                                                                                  \
        .name = name_, .letter = letter_, .type = TDM_OPTION_STRING, .offset = offsetof(load_options, field),          \
        .value_name = value, .help = help_, .rare = rare_                                                              \
    }
#define LIST(name_, letter_, field, value, help_, rare_)                                                               \
    {                                                                                                                  \
        .name = name_, .letter = letter_, .type = TDM_OPTION_LIST, .offset = offsetof(load_options, field),            \
        .value_name = value, .help = help_, .rare = rare_                                                              \
    }
#define FLAG(name_, letter_, field, help_, rare_)                                                                      \
    {                                                                                                                  \
        .name = name_, .letter = letter_, .type = TDM_OPTION_FLAG, .offset = offsetof(load_options, field),            \
        .help = help_, .rare = rare_                                                                                   \
    }

/* NOLINTEND(bugprone-macro-parentheses) */

#define WEEK_S (7 * 86400)

static const char *const arrivals_words[] = {"uniform", "poisson", NULL};

static const tdm_option option_table[] = {
    /* what to send */
    TEXT("connections", 'c', connections, "LIST", "connections; 4,20,1000: a step for each (default 1)", false),
    TEXT("rate", 'R', rates, "LIST", "open loop: requests a second; may be a list, too", false),
    {.name = "arrivals",
     .type = TDM_OPTION_CHOICE,
     .offset = offsetof(load_options, arrivals),
     .fallback = "uniform",
     .choices = arrivals_words,
     .value_name = "HOW",
     .help = "open loop: evenly spaced, or at random",
     .rare = true},
    NUMBER("requests", 'n', requests, NULL, 1, 4e9, "requests of a step in all", false),
    SECONDS("duration", 'd', duration_s, NULL, 0.001, WEEK_S, "or so long in each step", false),
    SECONDS("warmup", 'w', warmup_s, "0", 0, 3600, "send so long in each step before measuring", true),
    SECONDS("ramp", 0, ramp_s, "0", 0, 3600, "rise to the level of a step in so long, before warm-up and measuring",
            true),
    NUMBER("rounds", 'r', rounds, "1", 1, 1000, "how often to do it all", false),
    NUMBER("threads", 't', threads, "1", 1, 256, "threads that send", true),
    FLAG("mix", 0, mix, "the URLs are one target: send to all of them in turn, by weight (3*URL 1*URL)", true),
    TEXT("method", 'X', method, "METHOD", "request method (default GET; POST with a body)", false),
    LIST("header", 'H', headers, "FIELD", "add a header field, \"Name: value\"; may be repeated", false),
    TEXT("body", 0, body, "TEXT", "request body", false),
    TEXT("body-file", 0, body_path, "FILE", "request body from a file", true),
    NUMBER("seed", 0, seed, "1", 0, 4294967295.0, "of what is drawn at random", true),
    NUMBER("pipeline", 0, pipeline, "1", 1, 64, "requests on their way on one connection", true),
    NUMBER("reconnect", 0, reconnect, NULL, 1, 4e9, "open a new connection after so many requests", true),
    TEXT("unix-socket", 0, unix_path, "PATH", "connect to a Unix socket in place of the URL's host", true),
    SECONDS("timeout", 0, timeout_s, "60", 0.01, 86400, "for one request, sent to complete", true),
    SECONDS("connect-timeout", 0, connect_timeout_s, "10", 0.01, 3600, "for opening one connection", true),
    /* how to measure */
    FLAG("follow", 'f', follow, "wait for all background tasks, and report them", false),
    SECONDS("follow-timeout", 0, follow_timeout_s, "3600", 0.01, WEEK_S,
            "how long to follow tasks after the last reply of a step", true),
    FLAG("until-knee", 0, until_knee, "leave out the levels after the first that the server does not keep up with",
         true),
    PERCENT("knee-share", knee_share, "98", 1, 100, "the knee: less than so much of the offered rate was achieved",
            true),
    NUMBER("knee-factor", 0, knee_factor, "5", 2, 1000, "the knee: p99 is so many times that of the lowest level",
           true),
    PERCENT("max-cpu", max_cpu, "95", 1, 100, "closed loop: INVALID if a thread of ours was this busy", true),
    SECONDS("max-lag", 0, max_lag_s, "0.001", 0.000001, 3600,
            "open loop: INVALID if more than 1 % of sends were later by our fault", true),
    PERCENT("batching", batching, "5", 0, 50, "pause so much of the usual latency to handle replies together", true),
    /* what to write */
    TEXT("label", 'l', labels, "NAMES", "names of the URLs in the reports, with commas (sync,async)", true),
    TEXT("json", 0, json_path, "FILE", "write every figure as JSON; - is standard output", false),
    TEXT("html", 0, html_path, "FILE", "write a page with charts of every step", false),
    TEXT("csv", 0, csv_path, "FILE", "write the figures over time as CSV", true),
    TEXT("log", 0, log_path, "FILE", "write a line for each request (CSV)", true),
    LIST("check", 0, checks, "CHECK", "must hold, as 'p99<20ms'; --check help: figures", false),
    FLAG("quiet", 'q', quiet, "no progress and no step reports, only the table", false),
    {.name = NULL},
};

static const tdm_command command = {
    .name = "tandem-load",
    .version = TDM__VERSION,
    .summary = "Load an HTTP server, and see what its background tasks did.",
    .operands = "[COUNTS@]URL...",
    .options = option_table,
    .epilogue = "Exit: 0 fine, 1 lost or failed, 2 usage, 3 target, 4 INVALID, 5 a check failed.\n"
                "More: --help=all, compare A.json B.json, experiment URL, man tandem-load.\n"
                "tandem-load -c 4,20 -f --html report.html 'http://127.0.0.1:8000/?as_async=1'",
    .more = "Without -n and -d each connection sends one request. A URL given as 4,20@URL has levels of its own.\n"
            "Lists: 10..1000 doubles from 10 to 1000, 10..1000x10 goes by the factor, 10..50+10 by steps.\n"
            "URL, fields and body may hold {{counter}}, {{random:1-9}} and {{uuid}}.\n"
            "tandem-load compare A.json B.json compares two reports; tandem-load experiment URL: sync and async.\n"
            "Exit status: 0 fine; 1 lost, failed or not seen to its end; 2 wrong usage; 3 a target that cannot be "
            "reached or does not answer as promised; 4 INVALID, the generator was too slow; 5 a check failed.\n"
            "Example: tandem-load -c 4,20 --follow --html report.html 'http://127.0.0.1:8000/?as_async=1'",
};

/* --check help */
static int list_figures(void)
{
    printf("A check is FIGURE[LABEL@LEVEL] RELATION VALUE, as 'p99<20ms' or 'multiplicity.peak[async@1000]>=1000'.\n"
           "The brackets may be left out: then every step must hold it. Figures, as GROUP.FIGURE:\n\n");
    load_metric_list(stdout);
    return 1;
}

int load_options_parse(load_options *options, int argc, char **argv, int *first)
{
    int err = tdm_options_parse(&command, options, argc, argv, first);
    if (err)
        return err;
    for (unsigned i = 0; i < options->checks.count; i++)
        if (!strcmp(options->checks.items[i], "help"))
            return list_figures();
    memcpy(options->fields, options->headers.items, options->headers.count * sizeof *options->fields);
    options->fields[options->headers.count] = NULL;
    return 0;
}
