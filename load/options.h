/* SPDX-License-Identifier: MIT */
/** @file
 *  The options of the command line, as they were typed. */
#ifndef LOAD_OPTIONS_H
#define LOAD_OPTIONS_H

#include <stdbool.h>

#include <tandem/option.h>

/** What the option table fills. A zero `requests` and a zero `duration_s`: one request per connection. */
typedef struct load_options {
    const char *connections, *labels, *json_path, *html_path, *csv_path, *log_path;
    tdm_option_list checks;
    unsigned requests;
    double duration_s, timeout_s, connect_timeout_s, follow_timeout_s;
    bool follow, quiet;
} load_options;

/** Read them. @param first where the index in argv of the first operand goes.
 *  @return 0; 1: help or version was printed; -EINVAL: a line that says what is wrong was printed to standard error. */
int load_options_parse(load_options *options, int argc, char **argv, int *first);

#endif
