/* SPDX-License-Identifier: MIT */
/* DESIGN: what a transport says when it cannot read on. It is a reply like any other, in the form of all errors, and
 * the connection always ends with it, because where the next request would begin is not known. */
#include "server/refusal.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "server/status.h"
#include "server/wire.h"

size_t tdm__refusal_write(int status, bool head_only, char to[TDM__REFUSAL_MAX])
{
    char body[64];
    int size = snprintf(body, sizeof body, "{\"detail\":\"%s\"}", tdm__status_phrase(status));
    tdm__wire wire = {.status = status, .type = "application/json", .body = body, .body_size = (size_t) size};
    wire.close = true;
    wire.head_only = head_only;
    assert(tdm__wire_bound(&wire) <= TDM__REFUSAL_MAX);
    return tdm__wire_write(&wire, to);
}
