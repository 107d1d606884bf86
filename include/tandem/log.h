/* SPDX-License-Identifier: MIT */
/** @file
 *  Logging to standard error, through a bounded ring and one writer thread, so that a slow terminal never holds a loop.
 *
 *  A line in the text form is `2026-11-22 02:46:24.017549 [THREAD] message` (local time; the kernel's thread id;
 *  messages above info start with their level); in the JSON form one object a line with `time` (RFC 3339, UTC),
 *  `level`, `thread`, `message`. When the ring is full a line is dropped and counted, and the next line that finds
 *  room (or the stop) is preceded by a warning that says how many were lost.
 *  Before tdm_log_start(), and after tdm_log_stop(), lines are written directly. */
#ifndef TANDEM_LOG_H
#define TANDEM_LOG_H

#include <tandem/base.h>

TDM_BEGIN

typedef enum tdm_log_level { TDM_LOG_DEBUG, TDM_LOG_INFO, TDM_LOG_WARNING, TDM_LOG_ERROR, TDM_LOG_OFF } tdm_log_level;
typedef enum tdm_log_format { TDM_LOG_TEXT, TDM_LOG_JSON } tdm_log_format;

typedef struct tdm_log_options {
    tdm_log_format format;
    tdm_log_level level; /**< lines below it are not written (the zero value, TDM_LOG_DEBUG, writes all) */
    unsigned ring_lines; /**< lines the ring holds; 0: 16384 */
    int fd;              /**< where the lines go; 0: standard error (2) */
    bool bare;           /**< lines of text end with the message, without whose they are (JSON lines always say so) */
} tdm_log_options;

/** The longest message, in bytes; what is longer is cut and ends in "…". */
#define TDM_LOG_LINE_MAX 1024

/** The most bytes, names and values, of the context that a line carries: see tdm_log(). A value that does not fit is left
 *  out, and so are older ones. */
#define TDM_LOG_CONTEXT_MAX 256

/** Start the writer thread. Call from one thread, before others log. @return 0; -EALREADY; -ENOMEM; -EAGAIN: no thread. */
TDM_API int tdm_log_start(const tdm_log_options *options);
/** Write what is in the ring, end the writer thread. No-op when it is not running. If nothing at all could be written
 *  for a second, because whoever reads the lines stands still, the rest is given up, and so is the thread; then lines
 *  are lost from here on, and another start is refused with -EALREADY. */
TDM_API void tdm_log_stop(void);
/** Wait until every line logged before this call was written, or nothing could be written for a second. Any thread but
 *  a signal handler. */
TDM_API void tdm_log_flush(void);
/** Lines lost to a full ring since the start. Any thread. */
TDM_API uint64_t tdm_log_dropped(void);

/** Would a line of this level be written? Any thread. */
TDM_API bool tdm_log_enabled(tdm_log_level level);
/** Log one line. Any thread; never blocks on I/O while the writer thread runs. A newline, or another control character,
 *  in it becomes a space. errno is left as it was.
 *  A line that a task or a handler writes says so: behind the message, `request=17 task=5` and the values of its context
 *  whose keys are `logged` (tandem/context.h), as `tenant=acme`, in quotes where they have spaces; in JSON as "request",
 *  "task" and the object "context". */
TDM_API void tdm_log(tdm_log_level level, const char *format, ...) TDM_PRINTF(2, 3);

#define tdm_log_debug(...) tdm_log(TDM_LOG_DEBUG, __VA_ARGS__)
#define tdm_log_info(...) tdm_log(TDM_LOG_INFO, __VA_ARGS__)
#define tdm_log_warning(...) tdm_log(TDM_LOG_WARNING, __VA_ARGS__)
#define tdm_log_error(...) tdm_log(TDM_LOG_ERROR, __VA_ARGS__)

TDM_END

#endif
