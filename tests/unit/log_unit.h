/* SPDX-License-Identifier: MIT */
/** @file
 *  What the two test programs of the log share. */
#ifndef TANDEM_TESTS_LOG_UNIT_H
#define TANDEM_TESTS_LOG_UNIT_H

#include <string.h>

#include <tandem/log.h>

#include "tests/unit/unit.h"

static inline void log_start(int fd, tdm_log_format format, unsigned ring_lines)
{
    ck_assert_int_eq(tdm_log_start(&(tdm_log_options){.format = format, .ring_lines = ring_lines, .fd = fd}), 0);
}

/* The message of a line in the text form: what follows "[THREAD] ". */
static inline const char *message_of(const char *line)
{
    const char *end = strstr(line, "] ");
    ck_assert_ptr_nonnull(end);
    return end + 2;
}

/* Let lines be written directly to this fd, as before the start. */
static inline void write_directly_to(int fd)
{
    log_start(fd, TDM_LOG_TEXT, 1);
    tdm_log_stop();
}

#endif
