/* SPDX-License-Identifier: MIT */
/* DESIGN: one task as JSON. Times are seconds, and null where something has not happened. The library keeps one wall
 * clock reading per task; the other wall times follow from it by the monotonic clock, so that they never run backwards
 * when somebody sets the clock. */
#include <limits.h>
#include <string.h>

#include "server/daemon/rows.h"

static void write_moment(tdm_json_writer *w, const char *key, int64_t ns, int64_t shift)
{
    tdm_json_key(w, key);
    if (ns)
        tdm_json_seconds(w, ns + shift);
    else
        tdm_json_null(w);
}

static void write_moments(tdm_json_writer *w, const char *key, const tdm_task_info *info, int64_t shift)
{
    tdm_json_key(w, key);
    tdm_json_object_begin(w);
    write_moment(w, "accepted", info->accepted_ns, shift);
    write_moment(w, "ready", info->ready_ns, shift);
    write_moment(w, "started", info->started_ns, shift);
    write_moment(w, "ended", info->ended_ns, shift);
    tdm_json_object_end(w);
}

static void write_error(tdm_json_writer *w, int error)
{
    tdm_json_key(w, "error");
    if (!error) {
        tdm_json_null(w);
        return;
    }
    tdm_json_object_begin(w);
    tdm_json_key(w, "code");
    tdm_json_int(w, error);
    tdm_json_key(w, "message");
    tdm_json_string(w, strerror(error == INT_MIN ? INT_MAX : -error));
    tdm_json_object_end(w);
}

void write_task(tdm_json_writer *w, const tdm_task_info *info)
{
    tdm_json_object_begin(w);
    tdm_json_key(w, "id");
    tdm_json_uint(w, info->id);
    tdm_json_key(w, "request");
    tdm_json_uint(w, info->request);
    tdm_json_key(w, "name");
    tdm_json_string(w, info->name);
    tdm_json_key(w, "lane");
    tdm_json_string(w, tdm_lane_name(info->lane));
    tdm_json_key(w, "state");
    tdm_json_string(w, tdm_state_name(info->state));
    tdm_json_key(w, "thread");
    if (info->thread)
        tdm_json_uint(w, info->thread);
    else
        tdm_json_null(w);
    tdm_json_key(w, "cancel_requested");
    tdm_json_bool(w, info->cancel_requested);
    write_error(w, info->error);
    tdm_json_key(w, "reason");
    tdm_json_string(w, info->reason);
    write_moments(w, "monotonic", info, 0);
    write_moments(w, "wall", info, info->accepted_wall_ns - info->accepted_ns);
    tdm_json_object_end(w);
}
