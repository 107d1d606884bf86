/* SPDX-License-Identifier: MIT */
/* llhttp, behind what the message rules need of it. One thread at a time. */
#ifndef TANDEM_SERVER_PARSER_H
#define TANDEM_SERVER_PARSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct tdm__parser tdm__parser;

/* What is told while bytes are parsed. @return false: stop; tdm__parser_eat() fails then. */
typedef struct tdm__parser_ways {
    /* A field's name, and then its value, where they lie in the bytes. The value may come with the bytes after its line:
     * the name may lie elsewhere by then. An empty value has no place. */
    bool (*name)(void *owner, const char *name, size_t size);
    bool (*value)(void *owner, const char *value, size_t size);
    bool (*data)(void *owner, const char *bytes, size_t size); /* of a chunk */
} tdm__parser_ways;

/* @return 0; -ENOMEM. */
int tdm__parser_create(tdm__parser **out, const tdm__parser_ways *ways, void *owner);
/* NULL is accepted; *parser becomes NULL. */
void tdm__parser_destroy(tdm__parser **parser);
/* Begin a message. */
void tdm__parser_start(tdm__parser *parser);
/* Bytes that end with a line's end, if they are of a head, of trailers or of a chunk's first line. @return were they
 * right? */
bool tdm__parser_eat(tdm__parser *parser, const char *bytes, size_t size);
/* After a chunk's first line: its size. */
uint64_t tdm__parser_chunk_size(const tdm__parser *parser);

#endif
