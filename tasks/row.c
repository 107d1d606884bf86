/* SPDX-License-Identifier: MIT */
/* DESIGN: rows are laid out for the many that are written, not for the few that are read: a reason is a code, a state
 * and a lane are a byte each, and what users read is put together here when somebody asks. */
#include "tasks/row.h"

static const char *const reasons[] = {
    [TDM__NO_REASON] = NULL,
    [TDM__NOT_MET] = "its run condition was not met",
    [TDM__DRAIN_ENDED] = "the drain ended first",
    [TDM__STILL_RUNNING] = "it was still running when the drain ended",
    [TDM__TOO_OLD] = "it was too old to start",
};
_Static_assert(sizeof reasons / sizeof *reasons == TDM__REASONS, "words for every reason");

void tdm__row_info(const tdm__row *row, tdm_task_info *out)
{
    *out = (tdm_task_info){
        .id = row->id,
        .request = row->request,
        .name = row->name,
        .lane = (tdm_lane) row->lane,
        .state = (tdm_state) row->state,
        .cancel_requested = row->cancel_requested,
        .thread = row->thread,
        .error = row->error,
        .reason = reasons[row->reason],
        .accepted_ns = row->accepted_ns,
        .ready_ns = row->ready_ns,
        .started_ns = row->started_ns,
        .accepted_wall_ns = row->accepted_wall_ns,
    };
}

void tdm__ended_row_info(const tdm__ended_row *row, tdm_task_info *out)
{
    *out = (tdm_task_info){
        .id = row->id,
        .request = row->request,
        .name = row->name,
        .lane = (tdm_lane) row->lane,
        .state = (tdm_state) row->state,
        .cancel_requested = row->cancel_requested,
        .thread = row->thread,
        .error = row->error,
        .reason = reasons[row->reason],
        .accepted_ns = row->accepted_ns,
        .ready_ns = row->ready_ns,
        .started_ns = row->started_ns,
        .ended_ns = row->ended_ns,
        .accepted_wall_ns = row->accepted_wall_ns,
    };
}
