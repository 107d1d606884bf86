/* SPDX-License-Identifier: MIT */
/** @file
 *  An executor in testing mode, for unit tests. */
#ifndef TANDEM_TESTS_VIRTUAL_H
#define TANDEM_TESTS_VIRTUAL_H

#include <tandem/testing.h>

#include "tests/unit/executor.h"

/** Testing mode and an executor with two workers in each pool. */
static inline tdm_executor *virtual_begin(uint64_t seed, unsigned loops)
{
    tdm_executor *executor;
    ck_assert_int_eq(tdm_testing_begin(&(tdm_testing_options){.seed = seed}), 0);
    ck_assert_int_eq(tdm_executor_create(&executor, &(tdm_executor_options){.loops = loops, .workers = 2}), 0);
    return executor;
}

/** All tasks must end. */
static inline tdm_testing_report virtual_end(tdm_executor *executor)
{
    tdm_testing_report report;
    ck_assert_int_eq(tdm_executor_drain(executor, &(tdm_drain_options){.timeout = 1e9}, NULL), 0);
    ck_assert_int_eq(tdm_executor_destroy(&executor), 0);
    ck_assert_int_eq(tdm_testing_end(&report), 0);
    return report;
}

#endif
