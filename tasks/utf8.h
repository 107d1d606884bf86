/* SPDX-License-Identifier: MIT */
/** @file
 *  One question about UTF-8, asked by the JSON writer, the JSON checker and the log. No state: any thread. */
#ifndef TANDEM_TASKS_UTF8_H
#define TANDEM_TASKS_UTF8_H

#include <stddef.h>

/** The length (1 … 4) of the character that begins at `p`; 0 if the bytes before `end` are not well-formed UTF-8:
 *  stray or missing continuation bytes, overlong forms, surrogates, beyond U+10FFFF. Requires p < end. */
static inline size_t tdm__utf8_length(const unsigned char *p, const unsigned char *end)
{
    unsigned char first = p[0], low = 0x80, high = 0xBF; /* low … high: what the second byte may be */
    size_t length;
    if (first < 0x80)
        return 1;
    if (first < 0xC2 || first > 0xF4)
        return 0;
    if (first < 0xE0) {
        length = 2;
    } else if (first < 0xF0) {
        length = 3;
        low = first == 0xE0 ? 0xA0 : 0x80;
        high = first == 0xED ? 0x9F : 0xBF;
    } else {
        length = 4;
        low = first == 0xF0 ? 0x90 : 0x80;
        high = first == 0xF4 ? 0x8F : 0xBF;
    }
    if ((size_t) (end - p) < length || p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    return length;
}

#endif
