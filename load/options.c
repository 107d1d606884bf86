/* SPDX-License-Identifier: MIT */
/* DESIGN: the command line as a table, in three parts: what to send and how, how to measure, what to write. Whether the
 * values go together is the plan's business (plan.c). Two things the table's reader does not know are done before it: -H
 * may be given again and again, so headers are taken out of the arguments first; and --help is cut to what fits a
 * screen, while --help=all prints the whole table. */
#include "load/options.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <tandem/tandem.h>

#define PERCENT(name_, field, fallback_, least, most, help_)                                                           \
    {                                                                                                                  \
        .name = name_, .type = TDM_OPTION_UINT, .offset = offsetof(load_options, field), .fallback = fallback_,        \
        .min = least, .max = most, .value_name = "PERCENT", .help = help_                                              \
    }
#define SECONDS(name_, letter_, field, fallback_, least, most, help_)                                                  \
    {                                                                                                                  \
        .name = name_, .letter = letter_, .type = TDM_OPTION_SECONDS, .offset = offsetof(load_options, field),         \
        .fallback = fallback_, .min = least, .max = most, .value_name = "SECONDS", .help = help_                       \
    }
#define NUMBER(name_, letter_, field, fallback_, least, most, help_)                                                   \
    {                                                                                                                  \
        .name = name_, .letter = letter_, .type = TDM_OPTION_UINT, .offset = offsetof(load_options, field),            \
        .fallback = fallback_, .min = least, .max = most, .value_name = "N", .help = help_                             \
    }
#define TEXT(name_, letter_, field, value, help_)                                                                      \
    {                                                                                                                  \
        .name = name_, .letter = letter_, .type = TDM_OPTION_STRING, .offset = offsetof(load_options, field),          \
        .value_name = value, .help = help_                                                                             \
    }
#define FLAG(name_, letter_, field, help_)                                                                             \
    {                                                                                                                  \
        .name = name_, .letter = letter_, .type = TDM_OPTION_FLAG, .offset = offsetof(load_options, field),            \
        .help = help_                                                                                                  \
    }

#define WEEK_S (7 * 86400)

static const char *const arrivals_words[] = {"uniform", "poisson", NULL};

static const tdm_option option_table[] = {
    /* what to send */
    TEXT("connections", 'c', connections, "LIST",
         "connections; a list (4,20 or 1,2,5,10..1000) runs one step for each (default 1; 64 with -R)"),
    TEXT("rate", 'R', rates, "LIST",
         "open loop: so many requests a second, whatever the server does; a list as for -c"),
    {.name = "arrivals",
     .type = TDM_OPTION_CHOICE,
     .offset = offsetof(load_options, arrivals),
     .fallback = "uniform",
     .choices = arrivals_words,
     .value_name = "HOW",
     .help = "open loop: evenly spaced, or at random"},
    NUMBER("requests", 'n', requests, NULL, 1, 4e9, "requests of a step in all; without -n and -d one per connection"),
    SECONDS("duration", 'd', duration_s, NULL, 0.001, WEEK_S, "send requests for so long in each step"),
    SECONDS("warmup", 'w', warmup_s, "0", 0, 3600, "send so long before anything is measured, in each step"),
    SECONDS("ramp", 0, ramp_s, "0", 0, 3600, "rise to the level of a step in so long, before warm-up and measuring"),
    NUMBER("rounds", 'r', rounds, "1", 1, 1000, "do it all so often, one round after another"),
    NUMBER("threads", 't', threads, "1", 1, 256, "threads that send"),
    FLAG("mix", 0, mix, "the URLs are one target: send to all of them in turn, by weight (3*URL 1*URL)"),
    TEXT("method", 'X', method, "METHOD", "request method (default GET; POST with a body)"),
    TEXT("header", 'H', fields, "FIELD", "add a header field, \"Name: value\"; may be given again"),
    TEXT("body", 0, body, "TEXT",
         "request body; {{counter}}, {{random:1-9}} and {{uuid}} are filled in, as in URL and fields"),
    TEXT("body-file", 0, body_path, "FILE", "request body from a file"),
    NUMBER("seed", 0, seed, "1", 0, 4294967295.0, "of what is drawn at random"),
    NUMBER("pipeline", 0, pipeline, "1", 1, 64, "requests on their way on one connection"),
    NUMBER("reconnect", 0, reconnect, NULL, 1, 4e9, "open a new connection after so many requests"),
    TEXT("unix-socket", 0, unix_path, "PATH", "connect to a Unix socket in place of the URL's host"),
    SECONDS("timeout", 0, timeout_s, "60", 0.01, 86400, "for one request, sent to complete"),
    SECONDS("connect-timeout", 0, connect_timeout_s, "10", 0.01, 3600, "for opening one connection"),
    /* how to measure */
    FLAG("follow", 'f', follow, "wait until every background task has ended, and report them"),
    SECONDS("follow-timeout", 0, follow_timeout_s, "3600", 0.01, WEEK_S,
            "how long to follow tasks after the last reply of a step"),
    FLAG("until-knee", 0, until_knee, "leave out the levels after the first that the server does not keep up with"),
    PERCENT("knee-share", knee_share, "98", 1, 100, "the knee: less than so much of the offered rate was achieved"),
    NUMBER("knee-factor", 0, knee_factor, "5", 2, 1000, "the knee: p99 is so many times that of the lowest level"),
    PERCENT("max-cpu", max_cpu, "95", 1, 100, "closed loop: INVALID if a thread of ours was this busy"),
    SECONDS("max-lag", 0, max_lag_s, "0.001", 0.000001, 3600,
            "open loop: INVALID if more than 1 % of sends were later by our fault"),
    PERCENT("batching", batching, "5", 0, 50, "pause so much of the usual latency to handle replies together"),
    /* what to write */
    TEXT("label", 'l', labels, "NAMES", "names of the URLs in the reports, with commas (sync,async)"),
    TEXT("json", 0, json_path, "FILE", "write every figure as JSON; - is standard output"),
    TEXT("html", 0, html_path, "FILE", "write a page with multiplicity over time for every step"),
    FLAG("quiet", 'q', quiet, "no progress and no step reports, only the table"),
    {.name = NULL},
};

static const tdm_command command = {
    .name = "tandem-load",
    .version = TDM__VERSION,
    .summary = "Load an HTTP server, in a closed or an open loop, and see what its background tasks did.",
    .operands = "[COUNTS@]URL...",
    .options = option_table,
    .epilogue = "A URL runs a step for each level of -c or -R, or, given as 4,20@URL, for each count of its own.\n"
                "Lists: 4,20 is two levels; 10..1000 doubles from 10 to 1000; 10..1000x10 goes by the factor, "
                "10..50+10 by steps.\n"
                "Closed loop: each connection sends its next request when its reply is complete. Open loop (-R):\n"
                "requests are due at a rate, and latency is measured from when they were due.\n"
                "Exit status: 0 fine; 1 something was lost, failed or not seen to its end; 2 wrong usage;\n"
                "3 a target that cannot be reached, or does not answer as promised; 4 INVALID: the generator was\n"
                "the bottleneck, so that the figures are not the server's.\n"
                "Example: tandem-load -c 4,20 --follow --html report.html \\\n"
                "  'http://127.0.0.1:8000/?as_async=0' 'http://127.0.0.1:8000/?as_async=1'",
};

static const char short_help[] =
    "Load an HTTP server, in a closed or an open loop, and see what its background tasks did.\n"
    "usage: tandem-load [OPTION]... [COUNTS@]URL...\n"
    "\n"
    "  -c, --connections LIST  connections: 20, or 4,20,1000, or 1,2,5,10..1000: a step for each\n"
    "  -R, --rate LIST         open loop: so many requests a second, whatever the server does\n"
    "  -n, --requests N        requests of a step in all; without -n and -d one per connection\n"
    "  -d, --duration SECONDS  send for so long in each step\n"
    "  -w, --warmup SECONDS    send so long before anything is measured\n"
    "  -r, --rounds N          do it all so often\n"
    "  -t, --threads N         threads that send\n"
    "  -f, --follow            wait until every background task has ended, and report them\n"
    "      --until-knee        stop at the first level that the server does not keep up with\n"
    "  -X, --method METHOD     GET, or POST with a body\n"
    "  -H, --header FIELD      add a header field; may be given again\n"
    "      --body TEXT         request body; --body-file FILE reads it\n"
    "      --mix               send to all URLs in turn, by weight: 3*URL 1*URL\n"
    "      --json FILE         write every figure; --html FILE writes a page\n"
    "  -q, --quiet             the table only\n"
    "      --help=all          every option, and what each means\n"
    "\n"
    "Exit status: 0 fine, 1 lost or failed, 2 wrong usage, 3 unreachable, 4 INVALID (we were too slow).\n"
    "Example: tandem-load -c 4,20 --follow 'http://127.0.0.1:8000/?as_async=1'\n";

/* ---- -H, again and again ---- */

/* The option that a long argument means, also when it is cut short; NULL if none or several. */
static const tdm_option *find_long(const char *text)
{
    size_t size = strcspn(text, "=");
    const tdm_option *found = NULL;
    for (const tdm_option *o = option_table; o->name; o++) {
        if (strncmp(o->name, text, size) != 0)
            continue;
        if (!o->name[size])
            return o;
        if (found)
            return NULL;
        found = o;
    }
    return found;
}

static const tdm_option *find_letter(char letter)
{
    for (const tdm_option *o = option_table; o->name; o++)
        if (o->letter == letter)
            return o;
    return NULL;
}

static bool is_header(const tdm_option *option)
{
    return option && option->letter == 'H';
}

/* Where an argument ("--name=value", "-qHvalue") brings its option's value along: there; else NULL. *option: the one
 * that takes a value. */
static const char *value_within(const char *text, const tdm_option **option)
{
    *option = NULL;
    if (text[1] == '-') {
        const tdm_option *found = find_long(text + 2);
        *option = found && found->type != TDM_OPTION_FLAG ? found : NULL;
        return text[2 + strcspn(text + 2, "=")] ? text + 2 + strcspn(text + 2, "=") + 1 : NULL;
    }
    for (const char *p = text + 1; *p; p++) {
        const tdm_option *found = find_letter(*p);
        if (!found || found->type == TDM_OPTION_FLAG)
            continue;
        *option = found;
        return p[1] ? p + 1 : NULL;
    }
    return NULL;
}

/* Take every header out of the arguments. "-qH field" leaves "-q" behind. */
static int take_headers(load_options *options, int *argc, char **argv)
{
    unsigned count = 0;
    int kept = 1, i = 1;
    for (; i < *argc && strcmp(argv[i], "--") != 0; i++) {
        const tdm_option *option = NULL;
        const char *value = argv[i][0] == '-' && argv[i][1] ? value_within(argv[i], &option) : NULL;
        bool apart = option && !value && i + 1 < *argc;
        if (!is_header(option) || (!value && !apart)) {
            argv[kept++] = argv[i];
            if (apart)
                argv[kept++] = argv[++i];
            continue;
        }
        if (count == LOAD_FIELDS_MAX) {
            fprintf(stderr, "tandem-load: more than %d header fields\n", LOAD_FIELDS_MAX);
            return -EINVAL;
        }
        size_t before = argv[i][1] == '-' ? 0 : strcspn(argv[i], "H");
        options->fields[count++] = value ? value : argv[i + 1];
        if (before > 1) { /* other letters stood in front of it */
            argv[i][before] = '\0';
            argv[kept++] = argv[i];
        }
        i += apart;
    }
    while (i < *argc)
        argv[kept++] = argv[i++];
    argv[kept] = NULL;
    *argc = kept;
    return 0;
}

/* ---- help ---- */

/* @return whether help was asked for, and printed. */
static bool help(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        const tdm_option *option = NULL;
        if (!strcmp(argv[i], "--help=all")) {
            tdm_options_help(&command, stdout);
            return true;
        }
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
            fputs(short_help, stdout);
            return true;
        }
        if (argv[i][0] == '-' && argv[i][1] && !value_within(argv[i], &option) && option)
            i++;
    }
    return false;
}

int load_options_parse(load_options *options, int *argc, char **argv, int *first)
{
    if (help(*argc, argv))
        return 1;
    int err = take_headers(options, argc, argv);
    if (!err)
        err = tdm_options_parse(&command, options, *argc, argv, first);
    return err;
}
