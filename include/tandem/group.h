/* SPDX-License-Identifier: MIT */
/** @file
 *  Groups: several tasks as one, after Python's `TaskGroup` and `gather`. Nothing outlives its group.
 *
 *      tdm_group *group;
 *      tdm_group_open(&group, NULL);
 *      for (int i = 0; i < 3; i++)
 *          tdm_group_spawn(group, &(tdm_task_spec){.name = "fetch", .run = fetch, .arg = urls[i]});
 *      int err = tdm_group_wait(group);            // 0, or the first error
 *      tdm_group_close(&group);                    // cancels and waits for what is left
 *
 *  Children run in whatever lane their spec names, at once, and are ordinary tasks with a row in the ledger. They may
 *  open groups of their own. A child that was refused is not in the group. One thread of control opens, waits for and
 *  closes a group; spawning and cancelling may be done from any thread as long as it is open. */
#ifndef TANDEM_GROUP_H
#define TANDEM_GROUP_H

#include <tandem/base.h>
#include <tandem/task.h>

TDM_BEGIN

typedef struct tdm_group tdm_group;

typedef enum tdm_group_policy {
    TDM_FAIL_FAST, /**< the first child that does not end as `done` makes all others be cancelled (`TaskGroup`) */
    TDM_COLLECT,   /**< children do not disturb each other (`gather(…, return_exceptions=True)`) */
    TDM_FIRST_DONE /**< the first child that ends as `done` makes all others be cancelled */
} tdm_group_policy;

typedef struct tdm_group_options {
    tdm_executor *executor; /**< NULL: that of the caller */
    tdm_group_policy policy;
    bool forget; /**< keep no ends: tdm_group_ends() and tdm_group_next() have nothing to tell, and memory does not grow
                      with the number of children */
} tdm_group_options;

/** Open a group. Any thread. @param options NULL: all defaults. @return 0; -EINVAL: no executor; -ENOMEM. */
TDM_API int tdm_group_open(tdm_group **out, const tdm_group_options *options);

/** Accept a child, as tdm_spawn(). Any thread. @return its index, from 0, in the order of the calls; errors as
 *  tdm_spawn(); -ECANCELED: the group is being cancelled, or closed. On an error the caller still owns `arg`. */
TDM_API int tdm_group_spawn(tdm_group *group, const tdm_task_spec *spec);

/** Wait until all children have ended. If the wait itself is ended (-ECANCELED, -ETIMEDOUT), the children are cancelled
 *  and waited for first. A worker runs children that are queued in its own pool itself, in their order, and is told of
 *  what would have ended its wait when that child has ended.
 *  @return 0: TDM_FAIL_FAST, TDM_COLLECT: every child ended as `done`; TDM_FIRST_DONE: one did; else the first error in
 *          time (the result of a child; -ECANCELED for one that was cancelled from outside); -ECANCELED, -ETIMEDOUT: of
 *          the caller; -EDEADLK: as tdm_join(). */
TDM_API int tdm_group_wait(tdm_group *group);

/** As completed: wait for the next child to end that was not told yet.
 *  @param index the child's; may be NULL. @return 1: *end is filled; 0: all were told, and no child is left;
 *          -ECANCELED, -ETIMEDOUT, -ENOMEM, -EDEADLK: the group goes on. */
TDM_API int tdm_group_next(tdm_group *group, tdm_end *end, unsigned *index);

/** How the children ended, in the order in which they were spawned. After tdm_group_wait(), until the group is closed.
 *  @return how many there are. */
TDM_API unsigned tdm_group_ends(const tdm_group *group, const tdm_end **ends);

/** TDM_FIRST_DONE: the index of the child that was first; -1: none was. */
TDM_API int tdm_group_first(const tdm_group *group);

/** Ask all children to stop; new ones are refused. Any thread. */
TDM_API void tdm_group_cancel(tdm_group *group);

/** Cancel what is left, wait for it, whatever comes, and free the group; *group becomes NULL, which is accepted too.
 *  @return 0; -EDEADLK: children are left, and nothing may wait here: the group is still open. */
TDM_API int tdm_group_close(tdm_group **group);

TDM_END

#endif
