/* SPDX-License-Identifier: MIT */
/** @file
 *  Files as replies, and directories as routes.
 *
 *  Every file has an ETag and a Last-Modified; If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since, If-Range
 *  and Range (one range of bytes) are understood: 304, 206, 412 and 416 come by themselves. If-Range takes a strong tag,
 *  or the file's date once the second it names is over: until then the file may change again and keep the date. A file
 *  dated in the future is told to be of now (RFC 9110, 8.8.2.1). */
#ifndef TANDEM_FILES_H
#define TANDEM_FILES_H

#include <tandem/base.h>
#include <tandem/request.h>
#include <tandem/route.h>

TDM_BEGIN

typedef struct tdm_file_options {
    const char *type;          /**< Content-Type; NULL: by the name's ending, else application/octet-stream */
    const char *download;      /**< save it under this name (Content-Disposition); NULL: show it */
    const char *cache_control; /**< NULL: none is said */
} tdm_file_options;

/** Reply with a file of the program's own choice; a path that a client has a part in belongs under tdm_router_static().
 *  Small files go at once, larger ones as a stream. @param options NULL: the defaults.
 *  @return as tdm_stream_write(); -ENOENT, -EACCES, -EISDIR, …: it cannot be opened, and nothing was replied. */
TDM_API int tdm_reply_file(tdm_request *req, const char *path, const tdm_file_options *options);

typedef struct tdm_static_options {
    const char *directory;     /**< required; opened once, when the route is added */
    const char *index;         /**< what stands for a directory; NULL: "index.html"; "": nothing does */
    const char *cache_control; /**< NULL: none is said */
    bool hidden;               /**< also names that begin with a dot, which are 404 otherwise (but for .well-known) */
    tdm_lane lane;             /**< TDM_POOL where the disk is slow */
} tdm_static_options;

/** Serve a directory under `prefix` ("/static"), with GET and HEAD. Nothing outside the directory can be reached, by
 *  whatever name: not by `..`, not by symbolic links that lead out, not by encodings.
 *  @return as tdm_router_route(); -ENOENT, -ENOTDIR, …: the directory cannot be opened (the log says so). */
TDM_API int tdm_router_static(tdm_router *router, const char *prefix, const tdm_static_options *options);

TDM_END

#endif
