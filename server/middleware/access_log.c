/* SPDX-License-Identifier: MIT */
/* DESIGN: one line for each request, written when it is over, because only then is it known whether the client got its
 * reply. The address is asked for when the request comes: at the end there may be no socket any more. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tandem/log.h>

#include "server/request.h"
#include "server/status.h"

static int arrive(tdm_request *req, void *arg)
{
    (void) arg;
    (void) tdm_request_client(req); /* keeps it */
    return 0;
}

static const char *client_of(tdm_request *req)
{
    const char *client = tdm_request_client(req);
    return client ? client : "-";
}

static bool went_away(const tdm_request *req)
{
    return req->ending != TDM__HANDED;
}

static void log_text(tdm_request *req)
{
    const char *trace = req->trace ? req->trace : "";
    tdm_log_info("%s%s%s%s - \"%s %s HTTP/1.%d\" %d %s%s", *trace ? "[" : "", trace, *trace ? "] " : "", client_of(req),
                 req->method, req->target, req->old ? 0 : 1, req->status,
                 req->status ? tdm__status_phrase(req->status) : "-", went_away(req) ? " (client gone)" : "");
}

static void write_json(tdm_request *req, tdm_json_writer *w)
{
    tdm_json_object_begin(w);
    tdm_json_key(w, "client");
    tdm_json_string(w, client_of(req));
    tdm_json_key(w, "method");
    tdm_json_string(w, req->method);
    tdm_json_key(w, "target");
    tdm_json_string(w, req->target);
    tdm_json_key(w, "status");
    tdm_json_int(w, req->status);
    tdm_json_key(w, "seconds");
    tdm_json_double(w, tdm_request_seconds(req));
    tdm_json_key(w, "client_gone");
    tdm_json_bool(w, went_away(req));
    tdm_json_key(w, "request");
    tdm_json_uint(w, req->id);
    tdm_json_key(w, "trace");
    tdm_json_string(w, req->trace);
    tdm_json_key(w, "user");
    tdm_json_string(w, tdm__request_user_name(req)); /* a token or a key is a secret */
    tdm_json_object_end(w);
}

static void log_json(tdm_request *req)
{
    tdm_json_writer w;
    tdm_json_init(&w);
    write_json(req, &w);
    const char *text = tdm_json_text(&w, NULL);
    if (text)
        tdm_log_info("%s", text);
    tdm_json_finish(&w);
}

static void done(tdm_request *req, void *arg)
{
    const tdm_access_log_options *options = arg;
    if (!tdm_log_enabled(TDM_LOG_INFO))
        return;
    if (options->json)
        log_json(req);
    else
        log_text(req);
}

tdm_middleware tdm_access_log(const tdm_access_log_options *options)
{
    tdm_access_log_options *kept = calloc(1, sizeof *kept);
    if (kept && options)
        *kept = *options;
    return (tdm_middleware){
        .name = "access_log", .arg = kept, .arrive = arrive, .done = done, .drop = free, .error = kept ? 0 : -ENOMEM};
}
