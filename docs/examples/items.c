/* SPDX-License-Identifier: MIT */
/* A small shop: JSON bodies checked against a table, a router with a prefix, and work that goes on after the answer.
 *
 *     curl -i -X POST -H 'Content-Type: application/json' -d '{"name": "tea", "price": 2.5, "tags": ["hot"]}' \
 *          http://127.0.0.1:8000/shop/items
 *     curl -i http://127.0.0.1:8000/shop/items/1
 *
 * http://127.0.0.1:8000/docs shows all of it in a browser, and lets you try it. */
#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tandem/tandem.h>

#define MAX_ITEMS 100

struct item {
    int64_t id;
    const char *name;
    double price;
    int unit;
    tdm_list tags;
    const char *note;
    bool has_note;
};

static const char *const units[] = {"piece", "gram", "litre", NULL};

#define FIELD(name) offsetof(struct item, name)

/* What a client sends; what it gets back has the id too. */
#define ITEM_FIELDS                                                                                                    \
    {.name = "name", .type = TDM_STRING, .offset = FIELD(name), .min_length = 1, .max_length = 40},                    \
        {.name = "price",                                                                                              \
         .type = TDM_FLOAT,                                                                                            \
         .offset = FIELD(price),                                                                                       \
         .range = TDM_RANGE(0, 10000),                                                                                 \
         .summary = "In euros"},                                                                                       \
        {.name = "unit", .type = TDM_ENUM, .offset = FIELD(unit), .fallback = "piece", .choices = units},              \
        {.name = "tags",                                                                                               \
         .type = TDM_STRING,                                                                                           \
         .offset = FIELD(tags),                                                                                        \
         .list = true,                                                                                                 \
         .optional = true,                                                                                             \
         .max_items = 5,                                                                                               \
         .pattern = "^[a-z]+$"},                                                                                       \
    {                                                                                                                  \
        .name = "note", .type = TDM_STRING, .offset = FIELD(note), .optional = true, .given = FIELD(has_note)          \
    }

static const tdm_field new_item_fields[] = {ITEM_FIELDS, {0}};
static const tdm_field item_fields[] = {{.name = "id", .type = TDM_INT, .offset = FIELD(id)}, ITEM_FIELDS, {0}};
static const tdm_schema new_item = {.name = "NewItem", .fields = new_item_fields, .size = sizeof(struct item)};
static const tdm_schema item = {.name = "Item", .fields = item_fields, .size = sizeof(struct item)};

/* The stock: each item as its JSON. Handlers may run on several threads. */
static struct {
    pthread_mutex_t lock;
    char *items[MAX_ITEMS + 1]; /* by id, from 1 */
    int count;
} stock = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int put(int64_t id, const char *json)
{
    char *copy = strdup(json);
    if (!copy)
        return -ENOMEM;
    free(stock.items[id]);
    stock.items[id] = copy;
    return 0;
}

static int write_label(tdm_task *task, void *arg)
{
    (void) task;
    int err = tdm_sleep(0.1); /* the printer is slow */
    if (!err)
        tdm_log_info("label for %s printed", (const char *) arg);
    return err;
}

static int print_label(tdm_request *req, const char *name)
{
    char *copy = strdup(name);
    if (!copy)
        return -ENOMEM;
    int err = tdm_background(req, &(tdm_task_spec){.name = "label", .run = write_label, .arg = copy, .drop = free});
    if (err)
        free(copy);
    return err;
}

/* Store the item under its id, and reply with it. */
static int store(tdm_request *req, int status, const struct item *it)
{
    tdm_json_writer w;
    tdm_json_init(&w);
    tdm_json_struct(&w, &item, it);
    const char *json = tdm_json_text(&w, NULL);
    int err = json ? put(it->id, json) : tdm_json_error(&w);
    if (!err)
        err = tdm_reply_json(req, status, &w);
    tdm_json_finish(&w);
    return err;
}

static int post_item(tdm_request *req)
{
    struct item *it = tdm_request_model(req);
    int err = print_label(req, it->name);
    if (err)
        return err;
    pthread_mutex_lock(&stock.lock);
    if (stock.count == MAX_ITEMS) {
        err = tdm_fail(req, 507, "the shop holds %d items and no more", MAX_ITEMS);
    } else {
        char location[64];
        it->id = ++stock.count;
        snprintf(location, sizeof location, "/shop/items/%lld", (long long) it->id);
        err = tdm_reply_header(req, "Location", location);
        if (!err)
            err = store(req, 201, it);
    }
    pthread_mutex_unlock(&stock.lock);
    return err;
}

struct one {
    int64_t id;
};

static const tdm_param one[] = {
    {.name = "id",
     .in = TDM_PATH,
     .type = TDM_INT,
     .offset = offsetof(struct one, id),
     .range = TDM_RANGE(1, MAX_ITEMS)},
    {0},
};

/* With the lock. @return its JSON; NULL: there is none. */
static const char *find(const tdm_request *req)
{
    const struct one *params = tdm_request_params(req);
    return stock.items[params->id];
}

static int no_item(tdm_request *req)
{
    return tdm_fail(req, 404, "no item %s", tdm_request_path(req, "id"));
}

static int get_item(tdm_request *req)
{
    pthread_mutex_lock(&stock.lock);
    const char *json = find(req);
    int err = json ? tdm_reply_json_text(req, 200, json) : no_item(req);
    pthread_mutex_unlock(&stock.lock);
    return err;
}

static int put_item(tdm_request *req)
{
    struct item *it = tdm_request_model(req);
    it->id = ((const struct one *) tdm_request_params(req))->id;
    pthread_mutex_lock(&stock.lock);
    int err = find(req) ? store(req, 200, it) : no_item(req);
    pthread_mutex_unlock(&stock.lock);
    return err;
}

static int delete_item(tdm_request *req)
{
    const struct one *params = tdm_request_params(req);
    pthread_mutex_lock(&stock.lock);
    bool there = find(req) != NULL;
    free(stock.items[params->id]);
    stock.items[params->id] = NULL;
    pthread_mutex_unlock(&stock.lock);
    return there ? tdm_reply_empty(req, 204) : no_item(req);
}

static int list_items(tdm_request *req)
{
    tdm_json_writer w;
    tdm_json_init(&w);
    tdm_json_array_begin(&w);
    pthread_mutex_lock(&stock.lock);
    for (int id = 1; id <= stock.count; id++) {
        if (stock.items[id])
            tdm_json_raw(&w, stock.items[id]);
    }
    pthread_mutex_unlock(&stock.lock);
    tdm_json_array_end(&w);
    int err = tdm_reply_json(req, 200, &w);
    tdm_json_finish(&w);
    return err;
}

static const tdm_reply_doc missing[] = {{404, "There is no such item", NULL}, {0}};

static const tdm_route routes[] = {
    {.method = "GET", .path = "/items", .run = list_items, .summary = "All items"},
    {.method = "POST",
     .path = "/items",
     .run = post_item,
     .body = &new_item,
     .status = 201,
     .reply = &item,
     .summary = "Add an item, and print its label afterwards"},
    {.method = "GET",
     .path = "/items/{id:int}",
     .run = get_item,
     .params = one,
     .params_size = sizeof(struct one),
     .reply = &item,
     .other = missing,
     .summary = "One item"},
    {.method = "PUT",
     .path = "/items/{id:int}",
     .run = put_item,
     .params = one,
     .params_size = sizeof(struct one),
     .body = &new_item,
     .reply = &item,
     .other = missing,
     .summary = "Change an item"},
    {.method = "DELETE",
     .path = "/items/{id:int}",
     .run = delete_item,
     .params = one,
     .params_size = sizeof(struct one),
     .status = 204,
     .other = missing,
     .summary = "Take an item out"},
};

static int add_routes(tdm_app *app)
{
    static const char *const tags[] = {"shop", NULL};
    tdm_router *shop;
    int err = tdm_router_create(&shop, tdm_app_router(app), &(tdm_router_options){.prefix = "/shop", .tags = tags});
    for (size_t i = 0; i < sizeof routes / sizeof routes[0] && !err; i++)
        err = tdm_router_route(shop, &routes[i]);
    return err;
}

int main(int argc, char **argv)
{
    tdm_app *app;
    if (tdm_app_create(&app, &(tdm_app_options){.name = "items", .port = argc > 1 ? argv[1] : NULL}) < 0)
        return 1;
    int err = tdm_app_use(app, tdm_request_ids(NULL));
    if (!err)
        err = tdm_app_use(app, tdm_access_log(NULL));
    if (!err)
        err = add_routes(app);
    int status = err < 0 ? 1 : tdm_app_main(app);
    tdm_app_destroy(&app);
    for (int id = 1; id <= stock.count; id++)
        free(stock.items[id]);
    return status;
}
