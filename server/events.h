/* SPDX-License-Identifier: MIT */
/* The heartbeat of server-sent events. All on the loop's thread. */
#ifndef TANDEM_SERVER_EVENTS_H
#define TANDEM_SERVER_EVENTS_H

#include "server/request.h"

void tdm__events_start(tdm_request *req);
/* Something was written: the next heartbeat is not due yet. */
void tdm__events_note(tdm_request *req);
void tdm__events_stop(tdm_request *req);

#endif
