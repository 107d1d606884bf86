/* SPDX-License-Identifier: MIT */
/* tandemd's command line and environment. */
#ifndef TANDEM_DAEMON_OPTIONS_H
#define TANDEM_DAEMON_OPTIONS_H

#include <tandem/app.h>
#include <tandem/log.h>

typedef struct daemon_options {
    const char *host, *unix_path, *unix_mode;
    bool inherit;
    unsigned port, loops, workers, min_workers, queue, max_loop_tasks, ledger;
    double hold_limit, stuck_after;
    double drain_timeout, drain_announce, drain_grace;
    int transport;
    unsigned max_connections, max_requests, max_fields, backlog;
    unsigned max_target, max_head, max_body, max_buffered; /* bytes */
    double head_timeout, body_timeout, idle_timeout, write_timeout;
    int log_level, log_format;
    bool log_context;
    char port_text[8];
} daemon_options;

/* @return as tdm_options_parse(). */
int daemon_options_parse(daemon_options *options, int argc, char **argv);
/* The same, as the library wants them; `options` must outlive the app's creation. */
tdm_app_options daemon_options_for_app(daemon_options *options);
tdm_log_options daemon_options_for_log(const daemon_options *options);

#endif
