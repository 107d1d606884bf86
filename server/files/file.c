/* SPDX-License-Identifier: MIT */
/* DESIGN: a file becomes a reply: its version is told, the client's conditions are judged, and the part it wants is
 * sent, a small one together with its head, a large one piece by piece as the client takes it. A file that shrinks
 * meanwhile ends the connection: the promised length cannot be kept, and the client must see that. */
#include "server/files/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tandem/stream.h>

#include "server/files/condition.h"
#include "server/files/date.h"
#include "server/files/type.h"
#include "server/front.h"
#include "tasks/clock.h"

#define SMALL ((uint64_t) 32 << 10) /* goes out in one piece */
#define PIECE ((size_t) 64 << 10)
#define TAG_MAX 64

static int add_disposition(tdm_request *req, const char *name)
{
    static const char plain[] = "!#$&+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    static const char start[] = "attachment; filename*=UTF-8''";
    char *text = tdm__arena_alloc(&req->arena, sizeof start + 3 * strlen(name));
    if (!text)
        return -ENOMEM;
    char *to = text + sizeof start - 1;
    memcpy(text, start, sizeof start);
    for (const char *p = name; *p; p++) {
        if (strchr(plain, *p))
            *to++ = *p;
        else
            to += snprintf(to, 4, "%%%02X", (unsigned char) *p);
    }
    *to = '\0';
    return tdm_reply_header(req, "Content-Disposition", text);
}

static int add_version(tdm_request *req, const tdm__version *version)
{
    char date[TDM__DATE_MAX];
    int err = tdm_reply_header(req, "ETag", version->tag);
    if (!err && tdm__date_write(version->modified, date))
        err = tdm_reply_header(req, "Last-Modified", date);
    if (!err)
        err = tdm_reply_header(req, "Accept-Ranges", "bytes");
    if (!err)
        err = tdm_reply_header(req, "X-Content-Type-Options", "nosniff");
    return err;
}

/* What is said of the file, and not of a refusal: a cache that may keep a 416 gives it to those who want the whole. */
static int add_options(tdm_request *req, const tdm_file_options *options)
{
    int err = options->cache_control ? tdm_reply_header(req, "Cache-Control", options->cache_control) : 0;
    return !err && options->download ? add_disposition(req, options->download) : err;
}

/* A range is asked for with GET only: what comes with another method is passed over (RFC 9110, 14.2). */
static int read_conditions(tdm_request *req, tdm__conditions *out)
{
    bool get = strcmp(req->method, "GET") == 0;
    *out = (tdm__conditions){
        .if_modified_since = tdm_request_header(req, "If-Modified-Since"),
        .if_unmodified_since = tdm_request_header(req, "If-Unmodified-Since"),
        .if_range = tdm_request_header(req, "If-Range"),
        .range = get ? tdm_request_header(req, "Range") : NULL,
    };
    int err = tdm_request_header_list(req, "If-Match", &out->if_match);
    return err ? err : tdm_request_header_list(req, "If-None-Match", &out->if_none_match);
}

static int add_range(tdm_request *req, const tdm__part_wanted *part, uint64_t size)
{
    char text[80];
    if (part->status == 416)
        snprintf(text, sizeof text, "bytes */%llu", (unsigned long long) size);
    else
        snprintf(text, sizeof text, "bytes %llu-%llu/%llu", (unsigned long long) part->first,
                 (unsigned long long) (part->first + part->size - 1), (unsigned long long) size);
    return tdm_reply_header(req, "Content-Range", text);
}

/* Tell middleware which reply a condition or a range keeps back: the one sent in its place must name the same version,
 * and in what it depends on the client (RFC 9110, 15.3.7 and 15.4.5). */
static int keep_back(tdm_request *req, const char *type, uint64_t size)
{
    tdm_outgoing *whole = tdm__arena_alloc(&req->arena, sizeof *whole);
    if (!whole)
        return -ENOMEM;
    *whole = (tdm_outgoing){.status = 200, .type = type, .size = (size_t) size, .streamed = size > SMALL};
    req->instead_of = whole;
    return 0;
}

/* ---- the bytes ---- */

/* @return 0; -EIO: there are fewer. */
static int read_all(int fd, char *to, size_t size, uint64_t at)
{
    while (size) {
        ssize_t n = pread(fd, to, size, (off_t) at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        to += n;
        at += (uint64_t) n;
        size -= (size_t) n;
    }
    return 0;
}

static int send_small(tdm_request *req, int fd, const char *type, const tdm__part_wanted *part)
{
    char *bytes = tdm__arena_alloc(&req->arena, (size_t) part->size + 1);
    if (!bytes)
        return -ENOMEM;
    int err = read_all(fd, bytes, (size_t) part->size, part->first);
    return err ? err : tdm_reply(req, part->status, type, bytes, (size_t) part->size);
}

static int send_pieces(tdm_request *req, int fd, const tdm__part_wanted *part, char *room)
{
    int err = 0;
    for (uint64_t done = 0; done < part->size && !err;) {
        size_t n = part->size - done < PIECE ? (size_t) (part->size - done) : PIECE;
        err = read_all(fd, room, n, part->first + done);
        if (!err)
            err = tdm_stream_write(req, room, n);
        done += n;
    }
    return err ? err : tdm_stream_end(req);
}

static int send_large(tdm_request *req, int fd, const char *type, const tdm__part_wanted *part)
{
    int err = tdm_stream_begin(req, part->status, type, part->size);
    if (err || strcmp(req->method, "HEAD") == 0)
        return err;
    char *room = malloc(PIECE);
    if (!room)
        return -ENOMEM;
    err = send_pieces(req, fd, part, room);
    free(room);
    return err;
}

/* ---- the reply ---- */

static int look_at(int fd, char tag[TAG_MAX], tdm__version *out)
{
    struct stat st;
    time_t seen = (time_t) tdm__clock_wall_s(); /* before the file: what is over now was over then */
    if (fstat(fd, &st))
        return -errno;
    if (!S_ISREG(st.st_mode))
        return S_ISDIR(st.st_mode) ? -EISDIR : -EACCES;
    snprintf(tag, TAG_MAX, "\"%llx-%llx-%llx\"", (unsigned long long) st.st_ino,
             (unsigned long long) st.st_mtim.tv_sec * 1000000000u + (unsigned long long) st.st_mtim.tv_nsec,
             (unsigned long long) st.st_size);
    /* No later than the reply itself, whatever the file says (RFC 9110, 8.8.2.1). */
    time_t modified = st.st_mtim.tv_sec < seen ? st.st_mtim.tv_sec : seen;
    *out = (tdm__version){.tag = tag, .modified = modified, .seen = seen, .size = (uint64_t) st.st_size};
    return 0;
}

static int reply_with(tdm_request *req, int fd, const char *type, const tdm_file_options *options)
{
    char tag[TAG_MAX];
    tdm__version version = {.tag = ""};
    int err = look_at(fd, tag, &version);
    if (err)
        return err;
    tdm__conditions conditions;
    err = read_conditions(req, &conditions);
    if (err)
        return err;
    tdm__part_wanted part = tdm__conditions_judge(&conditions, &version);
    err = add_version(req, &version);
    if (!err && part.status < 400)
        err = add_options(req, options);
    if (!err && (part.status == 206 || part.status == 416))
        err = add_range(req, &part, version.size);
    if (!err && part.status != 200)
        err = keep_back(req, type, version.size);
    if (err)
        return err;
    if (part.status == 304)
        return tdm_reply_empty(req, 304);
    if (part.status == 412)
        return tdm_reply_error(req, 412, "The file is not as the request wants it to be");
    if (part.status == 416)
        return tdm_reply_error(req, 416, "The file has no such range");
    return part.size <= SMALL ? send_small(req, fd, type, &part) : send_large(req, fd, type, &part);
}

int tdm__file_reply(tdm_request *req, int fd, const char *name, const tdm_file_options *options)
{
    static const tdm_file_options defaults;
    options = options ? options : &defaults;
    tdm__extra **end = req->last_extra;
    int err = reply_with(req, fd, options->type ? options->type : tdm__type_of(name), options);
    close(fd);
    if (err && !req->replied && req->extras) { /* what was said of the file is not said of another reply */
        *end = NULL;
        req->last_extra = end;
        req->instead_of = NULL;
    }
    return err;
}

int tdm_reply_file(tdm_request *req, const char *path, const tdm_file_options *options)
{
    /* O_NONBLOCK: a pipe of that name must not hold the loop. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    return tdm__file_reply(req, fd, path, options);
}
