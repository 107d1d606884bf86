/* SPDX-License-Identifier: MIT */
/* The line before a chunk's data: its size, and extensions that nobody here understands. Pure; one thread at a time. */
#ifndef TANDEM_SERVER_CHUNK_H
#define TANDEM_SERVER_CHUNK_H

#include <stddef.h>

#define TDM__CHUNK_DIGITS 16

/* Zeroed is the beginning of a line. */
typedef struct tdm__chunk_line {
    char digits[TDM__CHUNK_DIGITS + 2]; /* once the line is whole: the size, and CRLF */
    unsigned char count;                /* of the digits */
    signed char state;
} tdm__chunk_line;

typedef enum tdm__chunk_step {
    TDM__CHUNK_MORE,
    TDM__CHUNK_EXTRA, /* more, and this byte is of an extension: it counts */
    TDM__CHUNK_READY, /* the line is whole */
    TDM__CHUNK_WRONG,
} tdm__chunk_step;

tdm__chunk_step tdm__chunk_line_take(tdm__chunk_line *line, char byte);

#endif
