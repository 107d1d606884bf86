/* SPDX-License-Identifier: MIT */
/* DESIGN: task-local values across every hop, what a child sees of its parent's and the parent of the child's, marks, and
 * values that are dropped once when nobody can see them any more. */
#include <tandem/context.h>

#include <string.h>

#include "tasks/context.h"
#include "tests/unit/log_unit.h"
#include "tests/unit/place.h"
#include <tandem/evented.h>
#include <tandem/group.h>
#include <tandem/join.h>
#include <tandem/offload.h>

static const tdm_context_key user = {.name = "user", .logged = true}, tenant = {.name = "tenant", .logged = true},
                             secret = {.name = "secret"};

typedef struct hops {
    tdm_executor *executor;
    int depth;
    _Atomic int seen, leaked;
    _Atomic int drops;
} hops;

/* In each lane, as a task, a child of a group, an evented task and an offloaded function: the same values. */
static int look(tdm_task *task, void *arg)
{
    (void) task;
    hops *h = arg;
    const char *name = tdm_context_get(&user);
    if (name && strcmp(name, "ada") == 0)
        h->seen++;
    if (tdm_context_get(&tenant))
        h->leaked++;
    return 0;
}

static int look_and_finish(tdm_task *task, void *arg)
{
    look(task, arg);
    tdm_task_finish(task, 0);
    return 0;
}

static int spoil(tdm_task *task, void *arg)
{
    look(task, arg);
    return tdm_context_set(&tenant, "acme", NULL); /* nobody but this task sees it */
}

static int hop(void *arg)
{
    hops *h = arg;
    tdm_group *group;
    tdm_context_mark mark = tdm_context_save();
    int err = tdm_context_set(&user, "ada", NULL);
    if (!err)
        err = tdm_group_open(&group, &(tdm_group_options){.executor = h->executor});
    if (err)
        return err;
    for (int lane = 0; lane < TDM_LANES && !err; lane++) {
        tdm_task *task;
        tdm_task_spec spec = {.run = spoil, .arg = h, .lane = (tdm_lane) lane};
        err = tdm_group_spawn(group, &spec) < 0;
        if (!err)
            err = tdm_task_start(&task, h->executor, &spec);
        if (!err)
            err = tdm_join(&task, NULL);
    }
    tdm_task_spec evented = {.start = look_and_finish, .arg = h};
    if (!err)
        err = tdm_group_spawn(group, &evented) < 0;
    int waited = tdm_group_wait(group), closed = tdm_group_close(&group);
    if (!err)
        err = tdm_offload(look, h, &(tdm_offload_options){.executor = h->executor}, NULL);
    look(NULL, h); /* and here it is as it was */
    tdm_context_restore(mark);
    bool gone = !tdm_context_get(&user);
    return err ? err : waited ? waited : closed ? closed : gone ? 0 : -EPROTO;
}

START_TEST(values_go_along_every_hop_from_every_place_and_never_back)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.loops = 2, .workers = 3});
    for (int place = 0; place < UNIT_PLACES; place++) {
        hops h = {.executor = executor};
        ck_assert_int_eq(unit_run(executor, (unit_place) place, hop, &h), 0);
        ck_assert_int_eq(h.seen, 7);
        ck_assert_int_eq(h.leaked, 0);
    }
    unit_destroy(executor);
}
END_TEST

/* ---- marks and values ---- */

static int shadow_and_go_back(void *arg)
{
    (void) arg;
    if (tdm_context_get(&user) || tdm_context_set(&user, "ada", NULL))
        return -EIO;
    tdm_context_mark outer = tdm_context_save();
    if (tdm_context_set(&user, "bob", NULL) || strcmp(tdm_context_get(&user), "bob") != 0)
        return -EIO;
    tdm_context_mark inner = tdm_context_save();
    if (tdm_context_set(&user, NULL, NULL) || tdm_context_get(&user)) /* counts as not set */
        return -EIO;
    tdm_context_restore(inner);
    if (strcmp(tdm_context_get(&user), "bob") != 0)
        return -EIO;
    tdm_context_restore(outer);
    return strcmp(tdm_context_get(&user), "ada") == 0 ? 0 : -EIO;
}

START_TEST(a_later_value_hides_an_earlier_one_and_a_mark_goes_back_to_it)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    for (int place = 0; place < UNIT_THREAD; place++)
        ck_assert_int_eq(unit_run(executor, (unit_place) place, shadow_and_go_back, NULL), 0);
    unit_destroy(executor);
}
END_TEST

static int set_in_callback(void *arg)
{
    return tdm_context_set(&user, arg, NULL);
}

START_TEST(in_a_callback_there_is_no_context)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    char value[] = "x";
    ck_assert_int_eq(unit_in_callback(executor, set_in_callback, value), -EDEADLK);
    unit_destroy(executor);
}
END_TEST

typedef struct dropped {
    _Atomic int drops;
    unit_gate gate;
    tdm_task *child;
} dropped;

static int outlive_parent(tdm_task *task, void *arg)
{
    dropped *d = arg;
    unit_hold(task, &d->gate);
    return tdm_context_get(&secret) == d && d->drops == 0 ? 0 : -EIO;
}

static int set_and_leave(void *arg)
{
    dropped *d = arg;
    int err = tdm_context_set(&secret, d, unit_count);
    tdm_task_spec spec = {.run = outlive_parent, .arg = d, .lane = TDM_POOL};
    return err ? err : tdm_task_start(&d->child, NULL, &spec);
}

START_TEST(a_value_is_dropped_once_when_the_last_task_that_sees_it_has_ended)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.workers = 3});
    for (int place = 0; place < UNIT_THREAD; place++) {
        dropped d = {.drops = 0};
        unit_gate_init(&d.gate);
        ck_assert_int_eq(unit_run(executor, (unit_place) place, set_and_leave, &d), 0);
        unit_sem_wait(&d.gate.started);
        ck_assert_int_eq(d.drops, 0);
        sem_post(&d.gate.go);
        tdm_end end;
        ck_assert_int_eq(tdm_join(&d.child, &end), 0);
        ck_assert_int_eq(end.state, TDM_DONE);
        UNIT_UNTIL(d.drops == 1); /* the parent's own reference goes after its argument */
    }
    unit_destroy(executor);
}
END_TEST

static void *set_and_end(void *arg)
{
    return tdm_context_set(&secret, arg, unit_count) == 0 && tdm_context_set(&user, "ada", NULL) == 0 ? arg : NULL;
}

START_TEST(what_a_thread_of_the_users_own_has_set_is_dropped_when_it_ends)
{
    _Atomic int drops = 0;
    for (int i = 1; i <= 3; i++) {
        pthread_t thread;
        void *held;
        ck_assert_int_eq(pthread_create(&thread, NULL, set_and_end, &drops), 0);
        ck_assert_int_eq(pthread_join(thread, &held), 0);
        ck_assert_ptr_eq(held, &drops);
        ck_assert_int_eq(drops, i);
    }
}
END_TEST

/* ---- in log lines ---- */

typedef struct line {
    char text[64];
    size_t room;
    unsigned size;
    uint64_t request, task;
} line;

static int tell(void *arg)
{
    line *l = arg;
    tdm_context_set(&user, "ada", NULL);
    tdm_context_set(&secret, "hidden", NULL);
    tdm_context_set(&tenant, "acme", NULL);
    tdm_context_set(&user, "bob", NULL);
    l->size = tdm__context_tell(&l->request, &l->task, l->text, l->room);
    return 0;
}

START_TEST(logged_values_are_told_newest_first_each_key_once_and_only_whole)
{
    static const char both[] = "user\0bob\0tenant\0acme";
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    for (int place = 0; place < UNIT_THREAD; place++) {
        line l = {.room = sizeof both};
        ck_assert_int_eq(unit_run(executor, (unit_place) place, tell, &l), 0);
        ck_assert_uint_eq(l.size, sizeof both);
        ck_assert_mem_eq(l.text, both, sizeof both);
        ck_assert(l.task > 0 && l.request == 0);
        l = (line){.room = sizeof both - 1};
        ck_assert_int_eq(unit_run(executor, (unit_place) place, tell, &l), 0);
        ck_assert_uint_eq(l.size, sizeof "user\0bob"); /* the older one finds no room */
    }
    line l = {.room = 1};
    l.size = tdm__context_tell(&l.request, &l.task, l.text, l.room);
    ck_assert(l.size == 0 && l.task == 0 && l.request == 0);
    unit_destroy(executor);
}
END_TEST

static int log_something(tdm_task *task, void *arg)
{
    (void) task, (void) arg;
    tdm_context_set(&tenant, "acme", NULL);
    tdm_log_info("ordered");
    return 0;
}

START_TEST(lines_of_tasks_carry_it_in_both_lanes_and_other_lines_do_not)
{
    int fd = unit_memory_file();
    log_start(fd, TDM_LOG_TEXT, 0);
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    tdm_log_info("before");
    for (int lane = 0; lane < TDM_LANES; lane++)
        unit_await(executor, unit_spawn(executor, (tdm_lane) lane, log_something, NULL), TDM_DONE);
    unit_destroy(executor);
    tdm_log_stop();
    char *text = unit_contents(fd);
    ck_assert_ptr_nonnull(strstr(text, "] before\n"));
    ck_assert_ptr_nonnull(strstr(text, "] ordered task=1 tenant=acme\n"));
    ck_assert_ptr_nonnull(strstr(text, "] ordered task=2 tenant=acme\n"));
    free(text);
}
END_TEST

int main(void)
{
    return unit_main("context",
                     (const TTest *const[]){values_go_along_every_hop_from_every_place_and_never_back,
                                            a_later_value_hides_an_earlier_one_and_a_mark_goes_back_to_it,
                                            in_a_callback_there_is_no_context,
                                            a_value_is_dropped_once_when_the_last_task_that_sees_it_has_ended,
                                            what_a_thread_of_the_users_own_has_set_is_dropped_when_it_ends,
                                            logged_values_are_told_newest_first_each_key_once_and_only_whole,
                                            lines_of_tasks_carry_it_in_both_lanes_and_other_lines_do_not, NULL});
}
