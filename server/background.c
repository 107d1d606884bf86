/* SPDX-License-Identifier: MIT */
/* DESIGN: how a handler leaves work behind. Admission itself is the executor's (tasks/batch.h); here stands what a route
 * wants when there is no room. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "server/front.h"

int tdm_background(tdm_request *req, const tdm_task_spec *spec)
{
    if (req->replied)
        return -EALREADY;
    return tdm__batch_add(&req->batch, req->front->app->executor, spec);
}

void tdm__background_run_own(tdm_request *req)
{
    (void) req;
}
