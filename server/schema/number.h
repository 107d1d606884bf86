/* SPDX-License-Identifier: MIT */
/* Numbers as clients write them. Pure; any thread; no locale. */
#ifndef TANDEM_SERVER_SCHEMA_NUMBER_H
#define TANDEM_SERVER_SCHEMA_NUMBER_H

#include <stddef.h>
#include <stdint.h>

/* The text is `size` bytes with a NUL, or something else that is part of no number, after them. */

/* "-5", " 7 ", "3.0". @return 0; -EINVAL: not an integer; -ERANGE: it is one, but too large: *out is clamped. */
int tdm__number_int(const char *text, size_t size, int64_t *out);
/* "0.5", "1e3", ".5". @return 0; -EINVAL: not a number; -EDOM: not a finite one ("nan", "-inf", "1e999"). */
int tdm__number_float(const char *text, size_t size, double *out);

#endif
