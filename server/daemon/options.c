/* SPDX-License-Identifier: MIT */
/* DESIGN: the options as one table beside the struct they fill. `auto` is 0 here: workers' automatic count is the
 * library's own default, loops' is the number of processors this process may use. */
#include "server/daemon/options.h"

#include <errno.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tandem/option.h>

static const char *const transports[] = {"evhttp", "direct", NULL};
static const char *const levels[] = {"debug", "info", "warning", "error", "off", NULL};
static const char *const formats[] = {"text", "json", NULL};

_Static_assert(TDM_LOG_DEBUG == 0 && TDM_LOG_OFF == 4, "the levels' names are in the enum's order");
_Static_assert(TDM_LOG_TEXT == 0 && TDM_LOG_JSON == 1, "the formats' names are in the enum's order");

_Static_assert(TDM_EVHTTP == 0 && TDM_DIRECT == 1, "the transports' names are in the enum's order");

#define FIELD(name) offsetof(daemon_options, name)
#define MAX_COUNT 100e6 /* of tasks: what memory can be thought to hold */
#define MAX_SECONDS 86400
#define MAX_BYTES (1u << 30)
#define MAX_HEAD (1u << 28)

static const tdm_option table[] = {
    {"host", 0, TDM_OPTION_STRING, FIELD(host), "127.0.0.1", .value_name = "HOST",
     .help = "address or name to listen on"},
    {"port", 'p', TDM_OPTION_UINT, FIELD(port), "8000", 0, 65535, .value_name = "PORT", .help = "0: any free one"},
    {"unix", 0, TDM_OPTION_STRING, FIELD(unix_path), NULL, .value_name = "PATH",
     .help = "listen on a Unix socket in place of host and port"},
    {"unix-mode", 0, TDM_OPTION_STRING, FIELD(unix_mode), "660", .value_name = "OCTAL", .help = "of its file"},
    {"inherit", 0, TDM_OPTION_FLAG, FIELD(inherit),
     .help = "listen on the socket that a supervisor passed (LISTEN_FDS=1)"},
    {"backlog", 0, TDM_OPTION_UINT, FIELD(backlog), "4096", 1, 65535, .value_name = "N",
     .help = "connections that the kernel keeps until they are accepted"},
    {"transport", 0, TDM_OPTION_CHOICE, FIELD(transport), "evhttp", .choices = transports, .value_name = "NAME",
     .help = "how bytes travel"},
    {"loops", 0, TDM_OPTION_UINT, FIELD(loops), "1", 1, TDM_MAX_LOOPS, "auto", 0, .value_name = "N",
     .help = "event-loop threads; auto: one per processor"},
    {"workers", 0, TDM_OPTION_UINT, FIELD(workers), "auto", 1, TDM_MAX_WORKERS, "auto", 0, .value_name = "N",
     .help = "threads of each pool; auto: min(32, processors + 4)"},
    {"min-workers", 0, TDM_OPTION_UINT, FIELD(min_workers), "1", 1, TDM_MAX_WORKERS, .value_name = "N",
     .help = "of them, those that never retire"},
    {"hold-limit", 0, TDM_OPTION_SECONDS, FIELD(hold_limit), "0.1", 0, MAX_SECONDS, .value_name = "SECONDS",
     .help = "what holds a loop for longer is named in the log; 0: nothing is"},
    {"stuck-after", 0, TDM_OPTION_SECONDS, FIELD(stuck_after), "60", 0.001, MAX_SECONDS, .value_name = "SECONDS",
     .help = "what holds a worker for longer is named in the log"},
    {"queue", 0, TDM_OPTION_UINT, FIELD(queue), "10000", 1, MAX_COUNT, .value_name = "N",
     .help = "tasks accepted and not yet started, per pool"},
    {"max-loop-tasks", 0, TDM_OPTION_UINT, FIELD(max_loop_tasks), "100000", 1, MAX_COUNT, .value_name = "N",
     .help = "unfinished loop tasks in all"},
    {"ledger", 0, TDM_OPTION_UINT, FIELD(ledger), "100000", 1, MAX_COUNT, .value_name = "ROWS",
     .help = "ended tasks remembered by each loop and pool"},
    {"drain-timeout", 0, TDM_OPTION_SECONDS, FIELD(drain_timeout), "30", 0, MAX_SECONDS, .value_name = "SECONDS",
     .help = "accepted tasks may go on so long after a stop"},
    {"drain-announce", 0, TDM_OPTION_SECONDS, FIELD(drain_announce), "0", 0, MAX_SECONDS, .value_name = "SECONDS",
     .help = "listeners stay open so long after a stop"},
    {"drain-grace", 0, TDM_OPTION_SECONDS, FIELD(drain_grace), "2", 0, MAX_SECONDS, .value_name = "SECONDS",
     .help = "cancelled tasks have so long to end"},
    {"max-connections", 0, TDM_OPTION_UINT, FIELD(max_connections), "10000", 1, 1e6, .value_name = "N",
     .help = "open at once; accepting pauses beyond it"},
    {"max-requests", 0, TDM_OPTION_UINT, FIELD(max_requests), "1000", 1, 1e9, .value_name = "N",
     .help = "on one connection; then it is closed"},
    {"max-target", 0, TDM_OPTION_UINT, FIELD(max_target), "8192", 1, MAX_BYTES, .value_name = "BYTES",
     .help = "of a request's target, else 414"},
    {"max-head", 0, TDM_OPTION_UINT, FIELD(max_head), "16384", 64, MAX_HEAD, .value_name = "BYTES",
     .help = "of a request's line and header fields, else 431"},
    {"max-fields", 0, TDM_OPTION_UINT, FIELD(max_fields), "100", 1, 1e5, .value_name = "N",
     .help = "header fields of a request, else 431"},
    {"max-body", 0, TDM_OPTION_UINT, FIELD(max_body), "1048576", 1, MAX_BYTES, .value_name = "BYTES",
     .help = "of a request's body, else 413; a route may have its own"},
    {"max-buffered", 0, TDM_OPTION_UINT, FIELD(max_buffered), "268435456", 1, UINT32_MAX, .value_name = "BYTES",
     .help = "of all bodies that are being read or answered, else 503"},
    {"head-timeout", 0, TDM_OPTION_SECONDS, FIELD(head_timeout), "10", 0.001, MAX_SECONDS, .value_name = "SECONDS",
     .help = "in which a request's head must come, else 408"},
    {"body-timeout", 0, TDM_OPTION_SECONDS, FIELD(body_timeout), "30", 0.001, MAX_SECONDS, .value_name = "SECONDS",
     .help = "and its body, with one more for each 64 KiB; else 408"},
    {"idle-timeout", 0, TDM_OPTION_SECONDS, FIELD(idle_timeout), "75", 0.001, MAX_SECONDS, .value_name = "SECONDS",
     .help = "that a connection may be idle"},
    {"write-timeout", 0, TDM_OPTION_SECONDS, FIELD(write_timeout), "30", 0.001, MAX_SECONDS, .value_name = "SECONDS",
     .help = "in which a client must take 1 KiB of its reply"},
    {"log-level", 0, TDM_OPTION_CHOICE, FIELD(log_level), "info", .choices = levels, .value_name = "LEVEL",
     .help = "the least that is logged"},
    {"log-format", 0, TDM_OPTION_CHOICE, FIELD(log_format), "text", .choices = formats, .value_name = "FORMAT",
     .help = "form of the log lines, on standard error"},
    {"log-context", 0, TDM_OPTION_FLAG, FIELD(log_context), .help = "text lines end with request=, task= and context"},
    {NULL},
};

static const tdm_command command = {
    .name = "tandemd",
    .version = TDM__VERSION,
    .summary =
        "Answers at once and does the work in the background, on the event loop or on a bounded pool of threads.",
    .env_prefix = "TANDEM_",
    .options = table,
    .epilogue = "SIGTERM and SIGINT drain: what was accepted is finished first. A second one leaves at once.",
};

static bool is_mode(const char *text)
{
    size_t digits = strspn(text, "01234567");
    return digits && digits <= 4 && !text[digits] && strtoul(text, NULL, 8) >= 1 && strtoul(text, NULL, 8) <= 0777;
}

int daemon_options_parse(daemon_options *options, int argc, char **argv)
{
    int err = tdm_options_parse(&command, options, argc, argv, NULL);
    if (!err && !is_mode(options->unix_mode)) {
        fprintf(stderr, "tandemd: --unix-mode %s: not a mode in octal, from 1 to 777\n", options->unix_mode);
        return -EINVAL;
    }
    if (!err)
        snprintf(options->port_text, sizeof options->port_text, "%u", options->port % 65536);
    return err;
}

static unsigned processors(void)
{
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return count < 1 ? 1 : count > TDM_MAX_LOOPS ? TDM_MAX_LOOPS : (unsigned) count;
}

tdm_app_options daemon_options_for_app(daemon_options *options)
{
    return (tdm_app_options){
        .name = "tandemd",
        .host = options->host,
        .port = options->port_text,
        .unix_path = options->unix_path,
        .unix_mode = (unsigned) strtoul(options->unix_mode, NULL, 8),
        .inherit = options->inherit,
        .backlog = options->backlog,
        .executor = {.loops = options->loops ? options->loops : processors(),
                     .workers = options->workers,
                     .min_workers = options->min_workers,
                     .hold_limit = options->hold_limit > 0 ? options->hold_limit : -1,
                     .stuck_after = options->stuck_after,
                     .queue = options->queue,
                     .max_loop_tasks = options->max_loop_tasks,
                     .ledger = options->ledger},
        .transport = (tdm_transport) options->transport,
        .max_connections = options->max_connections,
        .max_requests = options->max_requests,
        .max_target = options->max_target,
        .max_head = options->max_head,
        .max_fields = options->max_fields,
        .max_body = options->max_body,
        .max_buffered = options->max_buffered,
        .head_timeout = options->head_timeout,
        .body_timeout = options->body_timeout,
        .idle_timeout = options->idle_timeout,
        .write_timeout = options->write_timeout,
        .drain_timeout = &options->drain_timeout,
        .drain_announce = &options->drain_announce,
        .drain_grace = &options->drain_grace,
    };
}

tdm_log_options daemon_options_for_log(const daemon_options *options)
{
    return (tdm_log_options){.bare = !options->log_context,
                             .format = (tdm_log_format) options->log_format,
                             .level = (tdm_log_level) options->log_level};
}
