/* SPDX-License-Identifier: MIT */
/* DESIGN: the words of the table in errors.h. */
#include "load/errors.h"

#include <assert.h>

static const char *const names[] = {
#define X(name, key, text) key,
    LOAD_ERRORS(X)
#undef X
};

static const char *const texts[] = {
#define X(name, key, text) text,
    LOAD_ERRORS(X)
#undef X
};

_Static_assert(sizeof names / sizeof names[0] == LOAD_ERROR_COUNT, "one name for each error");

const char *load_error_name(load_error error)
{
    assert(error < LOAD_ERROR_COUNT);
    return names[error];
}

const char *load_error_text(load_error error)
{
    assert(error < LOAD_ERROR_COUNT);
    return texts[error];
}
