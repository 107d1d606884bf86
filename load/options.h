/* SPDX-License-Identifier: MIT */
/** @file
 *  The options of the command line, as they were typed. */
#ifndef LOAD_OPTIONS_H
#define LOAD_OPTIONS_H

#include <stdbool.h>

#include <tandem/option.h>

/** What the option table fills. A zero `requests` and a zero `duration_s`: one request per connection. */
typedef struct load_options {
    /* what to send */
    const char *connections; /**< NULL: one, or in an open loop LOAD_OPEN_CONNECTIONS */
    const char *rates;       /**< NULL: a closed loop */
    int arrivals;            /**< a load_arrivals */
    unsigned requests;
    double duration_s, warmup_s, ramp_s;
    unsigned rounds, threads, pipeline, reconnect, seed;
    bool mix;
    const char *method, *body, *body_path, *unix_path;
    tdm_option_list headers;
    const char *fields[TDM_OPTION_LIST_MAX + 1]; /**< the same, NULL-terminated */
    double timeout_s, connect_timeout_s;

    /* how to measure */
    bool follow, until_knee;
    double follow_timeout_s, max_lag_s;
    unsigned knee_share, knee_factor, max_cpu, batching; /**< per cent, but for the factor */

    /* what to write */
    const char *labels, *json_path, *html_path, *csv_path, *log_path;
    tdm_option_list checks;
    bool quiet;
} load_options;

/** Connections of an open loop for which none were asked. */
enum { LOAD_OPEN_CONNECTIONS = 64 };

/** Read them. @param first where the index in argv of the first operand goes (argv is permuted).
 *  @return 0; 1: help or version was printed; -EINVAL: a line that says what is wrong was printed to standard error. */
int load_options_parse(load_options *options, int argc, char **argv, int *first);

#endif
