/* SPDX-License-Identifier: MIT */
/* Conditions and ranges that a client asks under (RFC 9110, 13 and 14). Pure; any thread. */
#ifndef TANDEM_SERVER_FILES_CONDITION_H
#define TANDEM_SERVER_FILES_CONDITION_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* What the client's fields say; NULL: it has none of the name. */
typedef struct tdm__conditions {
    const char *if_match, *if_none_match, *if_modified_since, *if_unmodified_since, *if_range, *range;
} tdm__conditions;

/* What is there. */
typedef struct tdm__version {
    const char *tag; /* with its quotes; a strong one */
    time_t modified;
    time_t seen; /* when the others were looked at, by the clock of Date and not later than that */
    uint64_t size;
} tdm__version;

typedef struct tdm__part_wanted {
    int status;           /* 200, 206, 304, 412, 416 */
    uint64_t first, size; /* what to send, for 200 and 206 */
} tdm__part_wanted;

/* Does a list as `"a", W/"b"` have this tag (`"b"`) in its weak form? A star is no tag. */
bool tdm__has_weak_tag(const char *list, const char *tag);

/* What to answer to a GET or HEAD. */
tdm__part_wanted tdm__conditions_judge(const tdm__conditions *asked, const tdm__version *is);

#endif
