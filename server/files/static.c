/* SPDX-License-Identifier: MIT */
/* DESIGN: a directory as a route. The path has been decoded once and has no dot segments when it comes here (route/path.c);
 * what it leads to is the kernel's to say (beneath.c). Whatever keeps a client from a file looks the same from outside:
 * 404. The directory's descriptor and the options hang on middleware of a router of its own, which frees them with the
 * app. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tandem/log.h>

#include "server/files/beneath.h"
#include "server/files/file.h"
#include "server/front.h"

typedef struct place {
    int dir;
    char *index;
    tdm_file_options options;
    bool hidden;
} place;

static void free_place(void *arg)
{
    place *p = arg;
    close(p->dir);
    free(p->index);
    free(p);
}

/* Has it a segment that begins with a dot? */
static bool is_hidden(const char *path)
{
    for (const char *p = path; *p; p += strcspn(p, "/"), p += *p == '/') {
        size_t size = strcspn(p, "/");
        bool known = size == strlen(".well-known") && memcmp(p, ".well-known", size) == 0;
        if (*p == '.' && !known)
            return true;
    }
    return false;
}

static int not_found(tdm_request *req)
{
    return tdm_reply_error(req, 404, "Not Found");
}

/* "/static/a" is a directory: its relative links only work from "/static/a/". */
static int add_slash(tdm_request *req)
{
    size_t room = req->path_size + req->query_size + 3;
    char *target = tdm__arena_alloc(&req->arena, room);
    if (!target)
        return -ENOMEM;
    snprintf(target, room, "%.*s/%s%s", (int) req->path_size, req->path, req->query_size ? "?" : "", req->query);
    /* "//host" would be another host's address. */
    return target[1] == '/' ? not_found(req) : tdm_reply_redirect(req, 308, target);
}

/* Whatever keeps a client from a file is 404, but for want of something that may be there again. */
static int answer(tdm_request *req, int err)
{
    bool wanting = err == -ENOMEM || err == -EMFILE || err == -ENFILE;
    return err < 0 && !wanting && !req->replied ? not_found(req) : err;
}

static int send_index(tdm_request *req, const place *p, const char *path)
{
    size_t size = strlen(path), more = strlen(p->index);
    char *name = tdm__arena_alloc(&req->arena, size + more + 1);
    if (!name)
        return -ENOMEM;
    memcpy(name, path, size);
    memcpy(name + size, p->index, more + 1);
    int fd = more ? tdm__open_beneath(p->dir, name) : -ENOENT;
    return answer(req, fd < 0 ? fd : tdm__file_reply(req, fd, name, &p->options));
}

static int send_file(tdm_request *req)
{
    const place *p = req->endpoint->route.arg;
    const char *path = tdm_request_path(req, "path");
    size_t size = strlen(path);
    bool directory = size == 0 || path[size - 1] == '/';
    if (path[0] == '/' || strstr(path, "//") || (!p->hidden && is_hidden(path)))
        return not_found(req);
    if (directory)
        return send_index(req, p, path);
    int fd = tdm__open_beneath(p->dir, path);
    int err = fd < 0 ? fd : tdm__file_reply(req, fd, path, &p->options);
    if (err == -EISDIR && !req->replied)
        return add_slash(req);
    return answer(req, err);
}

static int make_place(place **out, const tdm_static_options *options)
{
    place *p = calloc(1, sizeof *p);
    if (!p)
        return -ENOMEM;
    p->index = strdup(options->index ? options->index : "index.html");
    p->options.cache_control = options->cache_control;
    p->hidden = options->hidden;
    p->dir = options->directory ? open(options->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    int err = p->dir < 0 ? (options->directory ? -errno : -EINVAL) : p->index ? 0 : -ENOMEM;
    if (!err) {
        *out = p;
        return 0;
    }
    if (p->dir >= 0)
        close(p->dir);
    free(p->index);
    free(p);
    tdm_log_error("directory `%s`: %s", options->directory ? options->directory : "", strerror(-err));
    return err;
}

int tdm_router_static(tdm_router *router, const char *prefix, const tdm_static_options *options)
{
    tdm_router *own;
    place *p = NULL;
    int err = tdm_router_create(&own, router, &(tdm_router_options){.prefix = prefix});
    if (!err)
        err = make_place(&p, options);
    if (!err)
        err = tdm_router_use(own, (tdm_middleware){.name = "static", .arg = p, .drop = free_place});
    if (err)
        return err;
    return tdm_router_route(own, &(tdm_route){.method = "GET",
                                              .path = "/{path:path}",
                                              .run = send_file,
                                              .lane = options->lane,
                                              .arg = p,
                                              .hidden = true});
}
