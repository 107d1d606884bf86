/* SPDX-License-Identifier: MIT */
/* Files sent up and fetched again: bodies of any type, a limit of their own, and a directory without a way out.
 *
 *     curl -i -T notes.txt http://127.0.0.1:8000/files/notes.txt
 *     curl -i http://127.0.0.1:8000/files/notes.txt
 *     curl -i -r 0-9 http://127.0.0.1:8000/files/notes.txt
 *
 * Port and directory from the command line, else 8000 and "uploads". */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tandem/tandem.h>

#define MAX_FILE (64u << 20)

static const char *directory = "uploads";

struct upload {
    const char *name;
};

/* One segment, of harmless characters, that does not begin with a dot. */
static const tdm_param upload_params[] = {
    {.name = "name",
     .in = TDM_PATH,
     .type = TDM_STRING,
     .offset = offsetof(struct upload, name),
     .max_length = 100,
     .pattern = "^[A-Za-z0-9_-][A-Za-z0-9._-]*$"},
    {0},
};

static int write_all(int fd, const char *bytes, size_t size)
{
    while (size) {
        ssize_t n = write(fd, bytes, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        bytes += n;
        size -= (size_t) n;
    }
    return 0;
}

/* Written under another name first, so that nobody fetches half a file. */
static int save(const char *name, const void *bytes, size_t size)
{
    char path[512], draft[512];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    snprintf(draft, sizeof draft, "%s/.draft-XXXXXX", directory);
    int fd = mkstemp(draft);
    if (fd < 0)
        return -errno;
    int err = fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ? -errno : write_all(fd, bytes, size);
    if (close(fd) && !err)
        err = -errno;
    if (!err && rename(draft, path))
        err = -errno;
    if (err)
        unlink(draft);
    return err;
}

/* On the pool: it waits for the disk. */
static int put_file(tdm_request *req)
{
    const struct upload *params = tdm_request_params(req);
    size_t size;
    const void *bytes = tdm_request_body(req, &size);
    int err = save(params->name, bytes, size);
    if (err == -ENOSPC)
        return tdm_fail(req, 507, "the disk is full");
    if (err)
        return err;
    tdm_json_writer w;
    tdm_json_init(&w);
    tdm_json_object_begin(&w);
    tdm_json_key(&w, "name");
    tdm_json_string(&w, params->name);
    tdm_json_key(&w, "size");
    tdm_json_uint(&w, size);
    tdm_json_object_end(&w);
    err = tdm_reply_json(req, 201, &w);
    tdm_json_finish(&w);
    return err;
}

int main(int argc, char **argv)
{
    tdm_app *app;
    directory = argc > 2 ? argv[2] : directory;
    if (mkdir(directory, 0700) && errno != EEXIST) {
        fprintf(stderr, "upload: %s: %s\n", directory, strerror(errno));
        return 1;
    }
    if (tdm_app_create(&app, &(tdm_app_options){.name = "upload", .port = argc > 1 ? argv[1] : NULL}) < 0)
        return 1;
    int err = tdm_app_route(app, &(tdm_route){.method = "PUT",
                                              .path = "/files/{name}",
                                              .run = put_file,
                                              .lane = TDM_POOL,
                                              .params = upload_params,
                                              .params_size = sizeof(struct upload),
                                              .max_body = MAX_FILE,
                                              .body_type = "application/octet-stream",
                                              .status = 201,
                                              .summary = "Send a file up"});
    if (!err)
        err = tdm_router_static(tdm_app_router(app), "/files",
                                &(tdm_static_options){.directory = directory, .lane = TDM_POOL, .index = ""});
    int status = err < 0 ? 1 : tdm_app_main(app);
    tdm_app_destroy(&app);
    return status;
}
