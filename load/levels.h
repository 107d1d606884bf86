/* SPDX-License-Identifier: MIT */
/** @file
 *  Lists of levels as they are typed: 1,2,5,10..1000. Pure. */
#ifndef LOAD_LEVELS_H
#define LOAD_LEVELS_H

enum { LOAD_LEVELS_MAX = 100 };

/** What an entry of a list may be. */
typedef struct load_levels_limits {
    double most; /**< and at least 1 where whole, above 0 elsewhere */
    int whole;   /**< whole numbers only */
} load_levels_limits;

/** Entries are separated by commas: a number; FROM..TO, which doubles from one to the next; FROM..TOxF, which goes by
 *  the factor F; FROM..TO+S, which goes by steps of S. A range ends with its TO, whether it meets it or not.
 *  @param out has room for LOAD_LEVELS_MAX. @param why where a short sentence goes on -EINVAL (a static string).
 *  @return how many; -EINVAL. */
int load_levels_parse(const char *text, const load_levels_limits *limits, double *out, const char **why);

#endif
