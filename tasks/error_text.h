/* SPDX-License-Identifier: MIT */
/* Words for a result that a user's function returned. */
#ifndef TANDEM_TASKS_ERROR_TEXT_H
#define TANDEM_TASKS_ERROR_TEXT_H

#include <limits.h>
#include <string.h>

/* @param result below 0: a negative errno, or any other number. As strerror(). */
static inline const char *tdm__error_text(int result)
{
    return strerror(result == INT_MIN ? INT_MAX : -result);
}

#endif
