/* SPDX-License-Identifier: MIT */
/* DESIGN: the linker puts these functions between the library and libc, and they count. What a connection and the first
 * requests need is taken once; after that a small request is to cost no allocation, on any thread but the client's, where
 * Check makes some. */
#include <arpa/inet.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tasks/sanitizer.h"
#include "tests/unit/unit.h"
#include <tandem/tandem.h>

static _Atomic long allocations;
static _Thread_local bool is_client;

static void count_one(void)
{
    if (!is_client)
        atomic_fetch_add(&allocations, 1);
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

void *__wrap_malloc(size_t size)
{
    count_one();
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    count_one();
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    count_one();
    return __real_realloc(old, size);
}

struct item_params {
    int64_t count;
    const char *name;
};

static const tdm_param item_params[] = {
    {.name = "count", .type = TDM_INT, .offset = offsetof(struct item_params, count)},
    {.name = "name", .type = TDM_STRING, .offset = offsetof(struct item_params, name)},
    {0},
};

static int reply_item(tdm_request *req)
{
    const struct item_params *p = tdm_request_params(req);
    tdm_json_writer w;
    tdm_json_init(&w);
    tdm_json_object_begin(&w);
    tdm_json_key(&w, "count");
    tdm_json_int(&w, p->count);
    tdm_json_key(&w, "name");
    tdm_json_string(&w, p->name);
    tdm_json_object_end(&w);
    int err = tdm_reply_json(req, 200, &w);
    tdm_json_finish(&w);
    return err;
}

static tdm_app *start(void)
{
    tdm_app *app;
    const tdm_route route = {.method = "GET",
                             .path = "/items/{kind}",
                             .run = reply_item,
                             .params = item_params,
                             .params_size = sizeof(struct item_params)};
    ck_assert_int_eq(tdm_app_create(&app, &(tdm_app_options){.port = "0", .transport = TDM_DIRECT}), 0);
    ck_assert_int_eq(tdm_app_route(app, &route), 0);
    ck_assert_int_eq(tdm_app_start(app), 0);
    return app;
}

static int connect_to(const char *url)
{
    const char *port = strrchr(url, ':') + 1;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t) strtoul(port, NULL, 10)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *) &address, sizeof address), 0);
    return fd;
}

static void ask(int fd)
{
    static const char request[] = "GET /items/small?count=5&name=a%20b HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n"
                                  "User-Agent: test\r\nConnection: keep-alive\r\n\r\n";
    static const char end[] = "{\"count\":5,\"name\":\"a b\"}";
    char reply[1024];
    size_t size = 0;
    ck_assert_int_eq(send(fd, request, sizeof request - 1, 0), sizeof request - 1);
    do {
        ssize_t n = recv(fd, reply + size, sizeof reply - 1 - size, 0);
        ck_assert_int_gt(n, 0);
        size += (size_t) n;
        reply[size] = '\0';
    } while (!strstr(reply, end));
}

START_TEST(a_small_request_on_direct_allocates_nothing)
{
    enum { FIRST = 20, MORE = 200 };
    if (TDM__SANITIZED)
        return; /* memory is not used again where every use after free is to be seen */
    is_client = true;
    tdm_app *app = start();
    int fd = connect_to(tdm_app_url(app));
    for (int i = 0; i < FIRST; i++)
        ask(fd);
    ck_assert_int_gt(allocations, 0); /* they are counted */
    allocations = 0;
    for (int i = 0; i < MORE; i++)
        ask(fd);
    ck_assert_int_eq(allocations, 0);
    close(fd);
    ck_assert_int_eq(tdm_app_stop(app, NULL), 0);
    ck_assert_int_eq(tdm_app_destroy(&app), 0);
}
END_TEST

int main(void)
{
    return unit_main("fault-requests", (const TTest *const[]){a_small_request_on_direct_allocates_nothing, NULL});
}
