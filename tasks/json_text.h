/* SPDX-License-Identifier: MIT */
/** @file
 *  The parts of JSON that know no tree: escaping, and the strict check of a text before cJSON sees it.
 *  No state: any thread. */
#ifndef TANDEM_TASKS_JSON_TEXT_H
#define TANDEM_TASKS_JSON_TEXT_H

#include <stddef.h>

/** The most bytes that `size` bytes of text take as a JSON string, quotes included. */
#define TDM__JSON_STRING_BOUND(size) (6 * (size) + 2)

/** Write `text` as a JSON string with its quotes; `to` has room for TDM__JSON_STRING_BOUND(size).
 *  @return where the next byte goes. */
char *tdm__json_put_string(char *to, const char *text, size_t size);

/** How many bytes at the start of `text` need no escape. */
size_t tdm__json_plain(const char *text, size_t size);

/** Is `text` one JSON document (RFC 8259), nested at most TDM_JSON_MAX_DEPTH, that cJSON reads without loss?
 *  Uses no recursion.
 *  @return 0; -EINVAL, *error_at is the offset of the first wrong byte; -E2BIG: too deep. */
int tdm__json_check(const char *text, size_t size, size_t *error_at);
/** The same, and *why says in words what is wrong there (a literal). */
int tdm__json_check_why(const char *text, size_t size, size_t *error_at, const char **why);

/** Decode the escapes of a checked string's inside, in place, with a NUL after it. @return its size now. */
size_t tdm__json_unescape(char *text, size_t size);

/** Has no object of a checked document the same name twice? Uses no recursion.
 *  @return 0; -EEXIST: `name` is (as much of it as there is room for) one that comes again at `at`; -ENOMEM. */
int tdm__json_unique(const char *text, size_t size, size_t *at, char *name, size_t room);

#endif
