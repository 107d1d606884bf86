/* SPDX-License-Identifier: MIT */
/* DESIGN: how a failure looks from outside. One table turns what a handler returned into a status; the client learns
 * the status and its words, never what went wrong inside. Where a handler knows what to say, it says it with a status
 * of its own. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "server/front.h"
#include "server/schema/problem.h"
#include "server/status.h"

static const struct {
    int err, status;
} failures[] = {
    {-EAGAIN, 503}, {-ESHUTDOWN, 503}, {-ETIMEDOUT, 504}, {0, 500}, /* the last is for all others */
};

static int status_of(int err)
{
    size_t i = 0;
    while (failures[i].err && failures[i].err != err)
        i++;
    return failures[i].status;
}

static void ask_to_retry(tdm_request *req)
{
    unsigned seconds = req->endpoint ? req->endpoint->route.retry_after : 0;
    char text[16];
    snprintf(text, sizeof text, "%u", seconds ? seconds : 1);
    tdm_reply_header(req, "Retry-After", text);
}

void tdm__request_fail(tdm_request *req, int err)
{
    if (err == -ECANCELED && tdm_app_draining(req->front->app))
        err = -ESHUTDOWN;
    int status = status_of(err);
    tdm__request_forget_fields(req); /* what the handler meant for its own reply */
    if (status == 503)
        ask_to_retry(req);
    if (tdm_reply_error(req, status, tdm__status_phrase(status)) != -ENOMEM)
        return;
    /* No memory for a reply: the connection goes, and with it the client's hope for one. */
    req->replied = true;
    req->status = status;
    if (!req->accepted)
        tdm__batch_release(&req->batch);
    if (req->exchange)
        tdm__exchange_cut(req->exchange);
}

int tdm_reply_error(tdm_request *req, int status, const char *detail)
{
    tdm_json_writer w;
    tdm_json_init(&w);
    tdm_json_object_begin(&w);
    tdm_json_key(&w, "detail");
    tdm_json_string(&w, detail);
    tdm_json_object_end(&w);
    int err = tdm_reply_json(req, status, &w);
    tdm_json_finish(&w);
    return err;
}

int tdm_fail(tdm_request *req, int status, const char *format, ...)
{
    char detail[512];
    va_list args;
    va_start(args, format);
    vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    return tdm_reply_error(req, status, detail);
}

int tdm_reply_invalid(tdm_request *req, tdm_param_in in, const char *name, const char *input, const char *why)
{
    tdm__problems problems = {0};
    const tdm__loc place = {.name = tdm__place_name(in)}, loc = {.up = &place, .name = name};
    tdm__problems_add_value(&problems, &loc, input, why);
    int err = tdm__problems_end(&problems);
    if (!err)
        err = tdm_reply_json(req, 422, &problems.w);
    tdm__problems_finish(&problems);
    return err;
}
