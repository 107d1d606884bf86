/* SPDX-License-Identifier: MIT */
/* DESIGN: the service that the http benches load: an ordinary user of the library, with one route for each. Arguments:
 * evhttp or direct, and how many workers each pool has. Prints `service 0 listening on http://127.0.0.1:PORT`. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tandem/tandem.h>

struct item_params {
    int64_t count;
    const char *name;
};

static const tdm_param item_params[] = {
    {.name = "count", .type = TDM_INT, .offset = offsetof(struct item_params, count), .fallback = "1"},
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

static int nothing(tdm_task *task, void *arg)
{
    (void) task, (void) arg;
    return 0;
}

static int add_tasks(tdm_request *req, tdm_lane lane)
{
    for (int i = 0; i < 3; i++) {
        int err = tdm_background(req, &(tdm_task_spec){.name = "nothing", .run = nothing, .lane = lane});
        if (err)
            return err;
    }
    return reply_item(req);
}

static int loop_tasks(tdm_request *req)
{
    return add_tasks(req, TDM_LOOP);
}

static int pool_tasks(tdm_request *req)
{
    return add_tasks(req, TDM_POOL);
}

/* ---- a body of 1 KiB, checked into a struct ---- */

struct address {
    const char *street, *city, *zip;
};

struct order {
    int64_t id;
    const char *name, *note;
    double price;
    int kind;
    bool urgent;
    tdm_list tags;
    struct address address;
};

static const char *const kinds[] = {"buy", "sell", NULL};

static const tdm_field address_fields[] = {
    {.name = "street", .type = TDM_STRING, .offset = offsetof(struct address, street), .max_length = 100},
    {.name = "city", .type = TDM_STRING, .offset = offsetof(struct address, city), .max_length = 100},
    {.name = "zip", .type = TDM_STRING, .offset = offsetof(struct address, zip), .min_length = 3, .max_length = 10},
    {0},
};
static const tdm_schema address = {.name = "Address", .fields = address_fields, .size = sizeof(struct address)};

#define ORDER(field) offsetof(struct order, field)
static const tdm_field order_fields[] = {
    {.name = "id", .type = TDM_INT, .offset = ORDER(id), .range = TDM_RANGE(1, 1e9)},
    {.name = "name", .type = TDM_STRING, .offset = ORDER(name), .min_length = 1, .max_length = 100},
    {.name = "note", .type = TDM_STRING, .offset = ORDER(note), .max_length = 1000},
    {.name = "price", .type = TDM_FLOAT, .offset = ORDER(price), .range = TDM_RANGE(0, 1e6)},
    {.name = "kind", .type = TDM_ENUM, .offset = ORDER(kind), .choices = kinds},
    {.name = "urgent", .type = TDM_BOOL, .offset = ORDER(urgent), .fallback = "false"},
    {.name = "tags", .type = TDM_STRING, .offset = ORDER(tags), .list = true, .max_items = 20},
    {.name = "address", .type = TDM_OBJECT, .offset = ORDER(address), .object = &address},
    {0},
};
static const tdm_schema order = {.name = "Order", .fields = order_fields, .size = sizeof(struct order)};

static int post_order(tdm_request *req)
{
    const struct order *o = tdm_request_model(req);
    tdm_json_writer w;
    tdm_json_init(&w);
    tdm_json_object_begin(&w);
    tdm_json_key(&w, "id");
    tdm_json_int(&w, o->id);
    tdm_json_key(&w, "tags");
    tdm_json_uint(&w, o->tags.count);
    tdm_json_object_end(&w);
    int err = tdm_reply_json(req, 200, &w);
    tdm_json_finish(&w);
    return err;
}

/* ---- 64 KiB in pieces ---- */

static int get_stream(tdm_request *req)
{
    static char piece[8192];
    memset(piece, 'x', sizeof piece);
    int err = tdm_stream_begin(req, 200, "text/plain", TDM_LENGTH_UNKNOWN);
    for (int i = 0; i < 8 && !err; i++)
        err = tdm_stream_write(req, piece, sizeof piece);
    return err ? err : tdm_stream_end(req);
}

/* How many tasks have ended: a bench counts those, not what was accepted. */
static int get_done(tdm_request *req)
{
    tdm_stats stats;
    int err = tdm_stats_get(tdm_request_executor(req), &stats);
    if (err)
        return err;
    char text[64];
    uint64_t done = stats.lanes[TDM_LOOP].lifetime.state[TDM_DONE] + stats.lanes[TDM_POOL].lifetime.state[TDM_DONE];
    snprintf(text, sizeof text, "{\"done\":%" PRIu64 "}", done);
    return tdm_reply_json_text(req, 200, text);
}

static int add_route(tdm_app *app, const char *path, tdm_handler_fn *run)
{
    return tdm_app_route(app, &(tdm_route){.method = "GET",
                                           .path = path,
                                           .run = run,
                                           .params = item_params,
                                           .params_size = sizeof(struct item_params)});
}

int main(int argc, char **argv)
{
    bool direct = argc > 1 && strcmp(argv[1], "direct") == 0;
    unsigned workers = argc > 2 ? (unsigned) strtoul(argv[2], NULL, 10) : 4;
    tdm_app *app;
    tdm_app_options options = {
        .name = "service",
        .version = "0",
        .port = "0",
        .transport = direct ? TDM_DIRECT : TDM_EVHTTP,
        .max_requests = 1000000000, /* a client of the bench keeps its connections */
        .max_connections = 100000,
        .executor = {.loops = 1, .workers = workers, .queue = 1000000, .max_loop_tasks = 1000000, .ledger = 1000},
    };
    int err = tdm_app_create(&app, &options);
    if (!err)
        err = add_route(app, "/json", reply_item);
    if (!err)
        err = add_route(app, "/loop", loop_tasks);
    if (!err)
        err = add_route(app, "/pool", pool_tasks);
    if (!err)
        err = tdm_app_route(app, &(tdm_route){.method = "POST", .path = "/body", .run = post_order, .body = &order});
    if (!err)
        err = tdm_app_get(app, "/stream", get_stream);
    if (!err)
        err = tdm_app_get(app, "/done", get_done);
    if (err) {
        fprintf(stderr, "service: %s\n", strerror(-err));
        return 1;
    }
    int status = tdm_app_main(app);
    tdm_app_destroy(&app);
    return status;
}
