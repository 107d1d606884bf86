/* SPDX-License-Identifier: MIT */
/* DESIGN: the ledger over HTTP. `/tasks` has two forms: a list, newest first, in pages; and with `ended_after` the stream
 * of ended tasks, oldest first, that a client follows with a cursor, waiting for the next one. A wait is cut into short
 * pieces so that a drain, which wants to see its connections go, ends it. */
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tandem/clock.h>

#include "server/daemon/routes.h"
#include "server/daemon/rows.h"

#define MAX_LIMIT 1000
#define MAX_WAIT 60
#define WAIT_PIECE 0.25

struct list_params {
    int64_t after, limit;
    int state, lane;
    double wait;
    const char *ended_after;
    bool has_state, has_lane;
};

#define FIELD(name) offsetof(struct list_params, name)

static const char *const lanes[] = {"loop", "pool", NULL};
static const char *const states[] = {"queued",    "running", "done",    "failed",    "cancelled",
                                     "timed_out", "skipped", "dropped", "abandoned", NULL};
_Static_assert(TDM_LOOP == 0 && TDM_LANES == 2, "the lanes' names are in the enum's order");
_Static_assert(sizeof states / sizeof states[0] == TDM_STATES + 1, "every state has its name");

static const tdm_param list_params[] = {
    {.name = "state",
     .type = TDM_ENUM,
     .offset = FIELD(state),
     .optional = true,
     .choices = states,
     .given = FIELD(has_state)},
    {.name = "lane",
     .type = TDM_ENUM,
     .offset = FIELD(lane),
     .optional = true,
     .choices = lanes,
     .given = FIELD(has_lane)},
    {.name = "after", .type = TDM_INT, .offset = FIELD(after), .optional = true, .range = TDM_RANGE(1, 9e18)},
    {.name = "limit", .type = TDM_INT, .offset = FIELD(limit), .fallback = "100", .range = TDM_RANGE(1, MAX_LIMIT)},
    {.name = "ended_after", .type = TDM_STRING, .offset = FIELD(ended_after), .optional = true},
    {.name = "wait", .type = TDM_FLOAT, .offset = FIELD(wait), .fallback = "0", .range = TDM_RANGE(0, MAX_WAIT)},
    {0},
};

static bool is_wanted(const struct list_params *params, const tdm_task_info *row)
{
    return (!params->has_state || (int) row->state == params->state) &&
           (!params->has_lane || (int) row->lane == params->lane);
}

static void write_rows(tdm_json_writer *w, const struct list_params *params, const tdm_task_info *rows, int count)
{
    tdm_json_key(w, "tasks");
    tdm_json_array_begin(w);
    for (int i = 0; i < count; i++) {
        if (is_wanted(params, &rows[i]))
            write_task(w, &rows[i]);
    }
    tdm_json_array_end(w);
}

/* ---- newest first ---- */

static int reply_list(tdm_request *req, const struct list_params *params, tdm_task_info *rows)
{
    tdm_task_query query = {.before = (uint64_t) params->after};
    if (params->has_state)
        query.states = 1u << params->state;
    if (params->has_lane)
        query.lanes = 1u << params->lane;
    uint64_t next = 0;
    int count = tdm_task_list(tdm_request_executor(req), &query, rows, (unsigned) params->limit, &next);
    if (count < 0)
        return count;
    tdm_json_writer w;
    tdm_json_init(&w);
    tdm_json_object_begin(&w);
    write_rows(&w, params, rows, count);
    tdm_json_key(&w, "next");
    if (next)
        tdm_json_uint(&w, next);
    else
        tdm_json_null(&w);
    tdm_json_object_end(&w);
    int err = tdm_reply_json(req, 200, &w);
    tdm_json_finish(&w);
    return err;
}

/* ---- as they end ---- */

/* @return how many rows; -EINVAL: not a cursor. */
static int follow(tdm_request *req, const struct list_params *params, tdm_cursor *cursor, tdm_task_info *rows,
                  uint64_t *missed)
{
    tdm_executor *executor = tdm_request_executor(req);
    int64_t until_ns = tdm_clock_ns() + tdm_ns_from_s(params->wait);
    for (;;) {
        double left = tdm_s_from_ns(until_ns - tdm_clock_ns());
        bool last = left <= WAIT_PIECE || tdm_app_draining(tdm_request_app(req));
        double wait = left <= 0 || tdm_app_draining(tdm_request_app(req)) ? 0 : last ? left : WAIT_PIECE;
        int count = tdm_task_ended(executor, cursor, rows, (unsigned) params->limit, wait, missed);
        if (count != 0 || last)
            return count;
    }
}

static int first_cursor(tdm_request *req, const char *text, tdm_cursor *cursor)
{
    if (strcmp(text, "now") == 0)
        return tdm_cursor_now(tdm_request_executor(req), cursor);
    if (strlen(text) >= sizeof cursor->text)
        return -EINVAL;
    snprintf(cursor->text, sizeof cursor->text, "%s", strcmp(text, "start") == 0 ? "" : text);
    return 0;
}

static int reply_stream(tdm_request *req, const struct list_params *params, tdm_task_info *rows)
{
    tdm_cursor cursor;
    uint64_t missed = 0;
    int count = params->ended_after[0] ? first_cursor(req, params->ended_after, &cursor) : -EINVAL;
    assert(count <= 0);
    if (count == 0)
        count = follow(req, params, &cursor, rows, &missed);
    if (count == -EINVAL)
        return tdm_reply_invalid(req, TDM_QUERY, "ended_after", params->ended_after,
                                 "not a cursor of this server: start with 'start' or 'now', go on with 'next'");
    if (count < 0)
        return count;
    tdm_json_writer w;
    tdm_json_init(&w);
    tdm_json_object_begin(&w);
    write_rows(&w, params, rows, count);
    tdm_json_key(&w, "next");
    tdm_json_string(&w, cursor.text);
    tdm_json_key(&w, "missed");
    tdm_json_uint(&w, missed);
    tdm_json_object_end(&w);
    int err = tdm_reply_json(req, 200, &w);
    tdm_json_finish(&w);
    return err;
}

static int get_tasks(tdm_request *req)
{
    const struct list_params *params = tdm_request_params(req);
    tdm_task_info *rows = malloc((size_t) params->limit * sizeof *rows);
    if (!rows)
        return -ENOMEM;
    int err = params->ended_after ? reply_stream(req, params, rows) : reply_list(req, params, rows);
    free(rows);
    return err;
}

/* ---- one ---- */

struct one_params {
    int64_t id;
};

static const tdm_param one_params[] = {
    {.name = "id",
     .in = TDM_PATH,
     .type = TDM_INT,
     .offset = offsetof(struct one_params, id),
     .range = TDM_RANGE(1, 9e18)},
    {0},
};

static int reply_no_task(tdm_request *req, int64_t id, int err)
{
    char detail[96];
    if (err == -ENOENT)
        snprintf(detail, sizeof detail, "No task %lld: no task has had this id", (long long) id);
    else
        snprintf(detail, sizeof detail, "Task %lld has ended and was forgotten", (long long) id);
    return tdm_reply_error(req, 404, detail);
}

static int reply_task(tdm_request *req, int status, const tdm_task_info *info)
{
    tdm_json_writer w;
    tdm_json_init(&w);
    write_task(&w, info);
    int err = tdm_reply_json(req, status, &w);
    tdm_json_finish(&w);
    return err;
}

static int get_task(tdm_request *req)
{
    const struct one_params *params = tdm_request_params(req);
    tdm_task_info info;
    int err = tdm_task_get(tdm_request_executor(req), (uint64_t) params->id, &info);
    if (err == -ENOENT || err == -ESTALE)
        return reply_no_task(req, params->id, err);
    return err ? err : reply_task(req, 200, &info);
}

/* @return what a request to stop came to; *info is the task as it is then or, if it ended and was forgotten meanwhile,
 * as it was before. */
static int stop_task(tdm_executor *executor, uint64_t id, tdm_task_info *info)
{
    tdm_task_info now;
    int err = tdm_task_get(executor, id, info);
    if (err)
        return err;
    int asked = tdm_task_cancel(executor, id);
    if (asked && asked != -EALREADY)
        return asked;
    err = tdm_task_get(executor, id, &now);
    if (!err)
        *info = now;
    else if (err == -ESTALE && !asked)
        info->cancel_requested = true;
    else
        return err;
    return asked;
}

static int delete_task(tdm_request *req)
{
    const struct one_params *params = tdm_request_params(req);
    tdm_task_info info;
    int err = stop_task(tdm_request_executor(req), (uint64_t) params->id, &info);
    if (err == -ENOENT || err == -ESTALE)
        return reply_no_task(req, params->id, err);
    if (err == 0)
        return reply_task(req, 202, &info);
    if (err != -EALREADY)
        return err;
    char detail[96];
    snprintf(detail, sizeof detail, "Task %lld has ended already: %s", (long long) params->id,
             tdm_state_name(info.state));
    return tdm_reply_error(req, 409, detail);
}

static const char *const tags[] = {"tasks", NULL};
static const tdm_reply_doc missing[] = {{404, "No task has had this id, or it was forgotten", NULL}, {0}};
static const tdm_reply_doc ended[] = {
    {404, "No task has had this id, or it was forgotten", NULL}, {409, "It has ended already", NULL}, {0}};

static const tdm_route routes[] = {
    {.method = "GET",
     .path = "/tasks",
     .run = get_tasks,
     .params = list_params,
     .params_size = sizeof(struct list_params),
     .tags = tags,
     .summary = "Tasks, newest first; or those that end, as they end",
     .description = "With `ended_after` (start, now, or what `next` said) the stream of ended tasks, oldest first, for "
                    "which `wait` waits so many seconds; else a list, newest first, which `after` goes on with."},
    {.method = "GET",
     .path = "/tasks/{id}",
     .run = get_task,
     .params = one_params,
     .params_size = sizeof(struct one_params),
     .tags = tags,
     .other = missing,
     .summary = "One task"},
    {.method = "DELETE",
     .path = "/tasks/{id}",
     .run = delete_task,
     .params = one_params,
     .params_size = sizeof(struct one_params),
     .tags = tags,
     .status = 202,
     .other = ended,
     .summary = "Ask a task to stop"},
};

int routes_tasks(tdm_app *app)
{
    return routes_add(app, routes, sizeof routes / sizeof routes[0]);
}
