/* SPDX-License-Identifier: MIT */
/** @file
 *  What a log line looks like, and how bytes reach the fd. Knows nothing of the ring or of threads: a tdm__log_style
 *  has one user at a time (log.c says who). */
#ifndef TANDEM_TASKS_LOG_LINE_H
#define TANDEM_TASKS_LOG_LINE_H

#include <time.h>

#include <tandem/log.h>

/** One message, as it waits in the ring. `lost`: lines that the full ring dropped just before it. */
typedef struct tdm__log_entry {
    int64_t wall_ns;
    uint64_t lost;
    uint64_t request, task; /* whose line it is; 0: nobody's */
    uint32_t thread;
    tdm_log_level level;
    unsigned size, context_size;
    char text[TDM_LOG_LINE_MAX + 1 + TDM_LOG_CONTEXT_MAX]; /* the message, with room for printf's NUL; right behind it
                                                              the context: "key\0value\0" for each */
} tdm__log_entry;

/** The form of the lines, and the calendar of the last second seen: a line in the same second needs no conversion. */
typedef struct tdm__log_style {
    tdm_log_format format;
    bool bare;  /* text without the context */
    bool known; /* `second` and `calendar` are set */
    time_t second;
    char calendar[32];
} tdm__log_style;

/** The most bytes that tdm__log_format() writes: a message of which every byte is escaped, its frame, and the warning
 *  that may go before it. */
enum { TDM__LOG_BOUND = 6 * (TDM_LOG_LINE_MAX + TDM_LOG_CONTEXT_MAX) + 640 };

/** Make the message one line: what is over the maximum (`size` is what it would have been) is cut on a character and
 *  ends in "…"; control characters become spaces. @return its size. */
unsigned tdm__log_clean(char *text, size_t room, size_t size);

/** Make the values of a context parts of one line: control characters become spaces. */
void tdm__log_clean_context(char *context, unsigned size);

/** Write the line of an entry, and before it the warning if it has lost some. @return how many bytes. */
size_t tdm__log_format(tdm__log_style *style, const tdm__log_entry *entry, char to[TDM__LOG_BOUND]);

/** Write all of it: interrupted and short writes are taken up again, a full pipe is waited for. Any other failure (the
 *  reader has gone, the fd is closed) gives up in silence: there is nowhere to tell it. Never raises SIGPIPE. */
void tdm__log_write(int fd, const char *data, size_t size);

#endif
