/* SPDX-License-Identifier: MIT */
/** @file
 *  What every public header needs: the export mark, the version, and the calling conventions.
 *
 *  Conventions of the whole library:
 *  - A call that can fail returns 0 (or a count) on success and a negative errno otherwise.
 *  - When a call fails, the caller still owns what it passed.
 *  - Options are structs whose zero value means the default.
 *  - Times handed to a caller are seconds (double); times measured inside are nanoseconds (int64_t, `_ns`).
 *  - `init`/`finish` work on storage of the caller, `create`/`destroy` allocate; destructors accept NULL. */
#ifndef TANDEM_BASE_H
#define TANDEM_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define TDM_API __attribute__((visibility("default")))
#define TDM_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#define TDM_NORETURN __attribute__((noreturn))
#else
#define TDM_API
#define TDM_PRINTF(fmt, first)
#define TDM_NORETURN
#endif

#ifdef __cplusplus
#define TDM_BEGIN extern "C" {
#define TDM_END }
#else
#define TDM_BEGIN
#define TDM_END
#endif

TDM_BEGIN

/** The library's version, "MAJOR.MINOR.PATCH". Any thread; a static string. */
TDM_API const char *tdm_version(void);

TDM_END

#endif
