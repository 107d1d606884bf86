/* SPDX-License-Identifier: MIT */
/* DESIGN: a shield around the release, and a deadline inside the shield. The shield is opened after the body has
 * returned, so that scopes which the body opened are closed by then, as brackets must be. Whether anything may wait here
 * is asked before anything is acquired: what cannot be released in peace is not acquired. */
#include <tandem/scope.h>

#include <assert.h>

#include "tasks/exec.h"
#include <tandem/timeout.h>

static int release(const tdm_scope *scope, int body)
{
    tdm_shield shield;
    tdm_timeout within;
    int err = tdm_shield_begin(&shield);
    assert(!err); /* as at the beginning */
    if (scope->release_within > 0)
        tdm_timeout_begin(&within, scope->release_within);
    err = scope->release(scope->arg, body);
    if (scope->release_within > 0)
        tdm_timeout_end(&within);
    tdm_shield_end(&shield);
    return err;
}

int tdm_scope_run(const tdm_scope *scope, tdm_scope_result *result)
{
    tdm_scope_result r = {0};
    if (result)
        *result = r;
    if (!scope->body || !scope->release || !(scope->release_within >= 0))
        return -EINVAL;
    if (!tdm__exec_to_wait())
        return -EDEADLK;
    if (scope->acquire)
        r.acquire = scope->acquire(scope->arg);
    if (r.acquire >= 0) {
        r.body = scope->body(scope->arg);
        r.release = release(scope, r.body);
    }
    if (result)
        *result = r;
    return r.acquire < 0 ? r.acquire : r.body < 0 || r.release >= 0 ? r.body : r.release;
}
