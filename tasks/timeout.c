/* SPDX-License-Identifier: MIT */
/* DESIGN: open scopes hang on their execution, innermost first, and their earliest deadline is kept beside them, so a
 * wait without scopes pays one test. Below all scopes lies the base: the task's own deadline. A shield puts scopes and
 * base aside. When a wait ends by a scope's deadline, the innermost scope that is due is the one that fired: one wait,
 * one scope; where an outer one is due too, the next wait after the inner one is closed ends by it. */
#include <tandem/timeout.h>

#include <assert.h>
#include <errno.h>

#include "tasks/exec.h"

static int64_t earlier(int64_t a, int64_t b)
{
    return !a || (b && b < a) ? b : a; /* 0: none */
}

static void recompute(tdm__exec *exec)
{
    exec->scope_ns = exec->base_ns;
    for (const tdm_timeout *scope = exec->scopes; scope; scope = scope->_outer)
        exec->scope_ns = earlier(exec->scope_ns, scope->_deadline_ns);
}

void tdm__exec_set_deadline(tdm__exec *exec, int64_t deadline_ns)
{
    exec->base_ns = deadline_ns;
    recompute(exec);
}

static tdm_timeout *innermost_due(const tdm__exec *exec)
{
    tdm_timeout *scope = exec->scopes;
    while (scope && !(scope->_deadline_ns && scope->_deadline_ns <= exec->scope_ns))
        scope = scope->_outer;
    return scope;
}

void tdm__scope_fired(tdm__exec *exec)
{
    tdm_timeout *scope = innermost_due(exec);
    if (scope)
        scope->_fired = true;
}

tdm_timeout *tdm__scope_that_would_fire(tdm__exec *exec)
{
    tdm_timeout *scope = exec ? innermost_due(exec) : NULL;
    return scope && !scope->_fired ? scope : NULL;
}

void tdm__scope_spare(tdm_timeout *scope)
{
    if (scope)
        scope->_fired = false;
}

static int64_t deadline_of(double seconds)
{
    int64_t deadline_ns = tdm__deadline_in(seconds);
    return deadline_ns == INT64_MAX ? 0 : deadline_ns;
}

int tdm_timeout_begin(tdm_timeout *scope, double seconds)
{
    tdm__exec *exec = tdm__exec_to_wait();
    if (!exec)
        return -EDEADLK;
    *scope = (tdm_timeout){._outer = exec->scopes, ._deadline_ns = deadline_of(seconds)};
    exec->scopes = scope;
    exec->scope_ns = earlier(exec->scope_ns, scope->_deadline_ns);
    return 0;
}

int tdm_timeout_set(tdm_timeout *scope, double seconds)
{
    if (scope->_fired)
        return -EALREADY;
    scope->_deadline_ns = deadline_of(seconds);
    recompute(tdm__exec_to_wait());
    return 0;
}

bool tdm_timeout_end(tdm_timeout *scope)
{
    tdm__exec *exec = tdm__exec_to_wait();
    assert(exec && exec->scopes == scope); /* brackets: the scope opened last is closed first */
    exec->scopes = scope->_outer;
    recompute(exec);
    return scope->_fired;
}

int tdm_shield_begin(tdm_shield *shield)
{
    tdm__exec *exec = tdm__exec_to_wait();
    if (!exec)
        return -EDEADLK;
    *shield = (tdm_shield){._scopes = exec->scopes, ._deadline_ns = exec->base_ns};
    exec->scopes = NULL;
    exec->base_ns = exec->scope_ns = 0;
    exec->shields++;
    assert(exec->shields);
    return 0;
}

void tdm_shield_end(tdm_shield *shield)
{
    tdm__exec *exec = tdm__exec_to_wait();
    assert(exec && exec->shields && !exec->scopes); /* brackets */
    exec->shields--;
    exec->scopes = shield->_scopes;
    exec->base_ns = shield->_deadline_ns;
    recompute(exec);
}
