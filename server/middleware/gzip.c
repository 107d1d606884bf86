/* SPDX-License-Identifier: MIT */
/* DESIGN: the one file that knows zlib. Whole bodies are compressed, when their type is worth it and the client says
 * that it takes gzip; a body that would not get smaller stays. Each thread keeps one compressor, because making one
 * takes a quarter of a megabyte. An entity tag that a handler gave becomes a weak one, because the bytes may be others
 * now; also where they did not get smaller, for a 304 must have the tag of the 200 without making its body. A part of a
 * file is one of its plain bytes, and keeps the strong tag. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ZLIB_CONST
#include <zlib.h>

#include <tandem/log.h>

#include "server/files/condition.h"
#include "server/request.h"

#define GZIP_WINDOW (15 + 16) /* zlib's word for gzip's wrapping */

typedef struct compressor {
    z_stream z;
    int level;
} compressor;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t compressor_key;

static void free_compressor(void *arg)
{
    compressor *c = arg;
    deflateEnd(&c->z);
    free(c);
}

static void prepare(void)
{
    pthread_key_create(&compressor_key, free_compressor);
}

static compressor *new_compressor(int level)
{
    compressor *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->level = level;
    if (deflateInit2(&c->z, level, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        free(c);
        return NULL;
    }
    return c;
}

/* The calling thread's; NULL: no memory. */
static compressor *compressor_here(int level)
{
    pthread_once(&once, prepare);
    compressor *c = pthread_getspecific(compressor_key);
    if (c && c->level == level)
        return deflateReset(&c->z) == Z_OK ? c : NULL;
    if (c)
        free_compressor(c);
    c = new_compressor(level);
    pthread_setspecific(compressor_key, NULL);
    if (c && pthread_setspecific(compressor_key, c)) {
        free_compressor(c);
        return NULL;
    }
    return c;
}

/* ---- does the client take it? ---- */

/* Is this the parameter "q=0", "q=0.0", …? */
static bool is_refusal(const char *text, size_t size)
{
    const char *q = memchr(text, ';', size), *end = text + size;
    if (!q)
        return false;
    for (q++; q < end && (*q == ' ' || *q == '\t'); q++)
        ;
    if (end - q < 3 || (*q != 'q' && *q != 'Q') || q[1] != '=' || q[2] != '0')
        return false;
    for (q += 3; q < end && *q != ' ' && *q != '\t'; q++) {
        if (*q != '.' && *q != '0')
            return false;
    }
    return true;
}

static bool accepts_gzip(const char *accepted)
{
    int any = -1;
    for (const char *p = accepted; p && *p;) {
        p += strspn(p, ", \t");
        size_t size = strcspn(p, ","), name = strcspn(p, ",; \t");
        bool yes = !is_refusal(p, size);
        if ((name == 4 && strncasecmp(p, "gzip", 4) == 0) || (name == 6 && strncasecmp(p, "x-gzip", 6) == 0))
            return yes;
        if (name == 1 && *p == '*')
            any = yes;
        p += size;
    }
    return any == 1;
}

static bool is_worth_it(const char *type)
{
    static const char *const types[] = {
        "text/",        "application/json", "application/xml", "application/javascript", "application/problem+json",
        "image/svg+xml"};
    for (size_t i = 0; type && i < sizeof types / sizeof types[0]; i++) {
        if (strncasecmp(type, types[i], strlen(types[i])) == 0)
            return strncasecmp(type, "text/event-stream", strlen("text/event-stream")) != 0;
    }
    return false;
}

/* ---- the reply ---- */

static tdm__extra *find_extra(tdm_request *req, const char *name)
{
    for (tdm__extra *extra = req->extras; extra; extra = extra->next) {
        if (strcasecmp(extra->name, name) == 0)
            return extra;
    }
    return NULL;
}

static int weaken_tag(tdm_request *req)
{
    tdm__extra *tag = find_extra(req, "ETag");
    if (!tag || tag->value[0] == 'W')
        return 0;
    char *weak = tdm__arena_alloc(&req->arena, tag->value_size + 3);
    if (!weak)
        return -ENOMEM;
    memcpy(weak, "W/", 2);
    memcpy(weak + 2, tag->value, tag->value_size + 1);
    tag->value = weak;
    tag->value_size += 2;
    return 0;
}

static int compress_body(tdm_request *req, tdm_outgoing *reply, int level)
{
    compressor *c = compressor_here(level);
    unsigned char *out = c && reply->size < UINT32_MAX ? tdm__arena_alloc(&req->arena, reply->size) : NULL;
    if (!out)
        return 0; /* it goes as it is */
    c->z.next_in = reply->body;
    c->z.avail_in = (uInt) reply->size;
    c->z.next_out = out;
    c->z.avail_out = (uInt) reply->size;
    if (deflate(&c->z, Z_FINISH) != Z_STREAM_END)
        return 0; /* it would not get smaller */
    reply->body = out;
    reply->size = c->z.total_out;
    return tdm_reply_header(req, "Content-Encoding", "gzip");
}

/* A 304 of which nobody knows what the 200 would be: who has a weak tag of ours has what was compressed. */
static int has_compressed(tdm_request *req)
{
    const tdm__extra *tag = find_extra(req, "ETag");
    const char *list;
    int err = tdm_request_header_list(req, "If-None-Match", &list);
    return err ? err : tag && list && tdm__has_weak_tag(list, tag->value);
}

/* Does the reply, or the one in whose place it is sent, look different to clients that take gzip?
 * @return 0, 1, or a negative errno. */
static int depends_on_client(tdm_request *req, const tdm_outgoing *reply, const tdm_gzip_options *options)
{
    if (req->instead_of)
        reply = req->instead_of;
    else if (reply->status == 304)
        return has_compressed(req);
    return !reply->streamed && reply->status != 206 && reply->size >= options->min_size && is_worth_it(reply->type) &&
           !find_extra(req, "Content-Encoding");
}

/* Is it a part of a file, or a word on its size? */
static bool is_of_plain_bytes(const tdm_request *req, const tdm_outgoing *reply)
{
    return req->instead_of && (reply->status == 206 || reply->status == 416);
}

static int after(tdm_request *req, tdm_outgoing *reply, void *arg)
{
    const tdm_gzip_options *options = arg;
    const char *accepted;
    int depends = depends_on_client(req, reply, options);
    if (depends <= 0)
        return depends;
    int err = tdm_reply_header(req, "Vary", "Accept-Encoding");
    if (!err)
        err = tdm_request_header_list(req, "Accept-Encoding", &accepted);
    if (err || is_of_plain_bytes(req, reply) || !accepts_gzip(accepted))
        return err;
    err = weaken_tag(req);
    return err || req->instead_of || reply->status == 304 ? err : compress_body(req, reply, options->level);
}

tdm_middleware tdm_gzip(const tdm_gzip_options *options)
{
    tdm_middleware middleware = {.name = "gzip", .after = after, .drop = free};
    if (options && (options->level < 0 || options->level > 9)) {
        tdm_log_error("gzip: %d is not a level from 1 to 9", options->level);
        middleware.error = -EINVAL;
        return middleware;
    }
    tdm_gzip_options *kept = calloc(1, sizeof *kept);
    if (kept) {
        kept->level = options && options->level ? options->level : 6;
        kept->min_size = options && options->min_size ? options->min_size : 500;
    }
    middleware.arg = kept;
    middleware.error = kept ? 0 : -ENOMEM;
    return middleware;
}
