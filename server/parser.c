/* SPDX-License-Identifier: MIT */
/* DESIGN: the only file of the server that knows llhttp. It is compiled strict, sees whole lines, and sees the body only
 * if that is chunked. A field's name and its value come apart; an empty value comes late, with a place in the next
 * line. An Upgrade would stop it: no other protocol is spoken here, so it is passed over. */
#include "server/parser.h"

#include <errno.h>
#include <stdlib.h>

#include <llhttp.h>

struct tdm__parser {
    llhttp_t llhttp;
    const tdm__parser_ways *ways;
    void *owner;
};

static int on_name(llhttp_t *llhttp, const char *at, size_t size)
{
    tdm__parser *parser = llhttp->data;
    return parser->ways->name(parser->owner, at, size) ? 0 : HPE_USER;
}

static int on_value(llhttp_t *llhttp, const char *at, size_t size)
{
    tdm__parser *parser = llhttp->data;
    return parser->ways->value(parser->owner, at, size) ? 0 : HPE_USER;
}

static int on_head_complete(llhttp_t *llhttp)
{
    llhttp->upgrade = 0;
    return 0;
}

static int on_data(llhttp_t *llhttp, const char *at, size_t size)
{
    tdm__parser *parser = llhttp->data;
    return parser->ways->data(parser->owner, at, size) ? 0 : HPE_USER;
}

static const llhttp_settings_t settings = {
    .on_header_field = on_name,
    .on_header_value = on_value,
    .on_headers_complete = on_head_complete,
    .on_body = on_data,
};

int tdm__parser_create(tdm__parser **out, const tdm__parser_ways *ways, void *owner)
{
    tdm__parser *parser = malloc(sizeof *parser);
    if (!parser)
        return -ENOMEM;
    parser->ways = ways;
    parser->owner = owner;
    tdm__parser_start(parser);
    *out = parser;
    return 0;
}

void tdm__parser_destroy(tdm__parser **parser)
{
    free(*parser);
    *parser = NULL;
}

void tdm__parser_start(tdm__parser *parser)
{
    llhttp_init(&parser->llhttp, HTTP_REQUEST, &settings);
    parser->llhttp.data = parser;
}

bool tdm__parser_eat(tdm__parser *parser, const char *bytes, size_t size)
{
    return llhttp_execute(&parser->llhttp, bytes, size) == HPE_OK;
}

uint64_t tdm__parser_chunk_size(const tdm__parser *parser)
{
    return parser->llhttp.content_length;
}
