/* SPDX-License-Identifier: MIT */
/** @file
 *  Tasks with a handle, in one line. */
#ifndef TANDEM_TESTS_HANDLES_H
#define TANDEM_TESTS_HANDLES_H

#include "tests/unit/executor.h"
#include <tandem/join.h>

static inline tdm_task *start(tdm_executor *executor, tdm_task_spec spec)
{
    tdm_task *task = NULL;
    spec.name = "unit";
    ck_assert_int_eq(tdm_task_start(&task, executor, &spec), 0);
    return task;
}

static inline tdm_end join(tdm_task *task)
{
    tdm_end end = {0};
    ck_assert_int_eq(tdm_join(&task, &end), 0);
    ck_assert_ptr_null(task);
    return end;
}

#endif
