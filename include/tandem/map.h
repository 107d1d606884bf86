/* SPDX-License-Identifier: MIT */
/** @file
 *  Map: many inputs through one function, so many at once and so many a second, in constant memory.
 *
 *      static int next_line(void **item, void *arg)             // draws the inputs, one by one
 *      {
 *          *item = read_line(arg);
 *          return *item ? 1 : 0;
 *      }
 *
 *      static int check(tdm_task *task, void *item)             // one task each, in either lane
 *
 *      static int take(const tdm_map_result *result, void *arg) // as they complete, or in order
 *
 *      err = tdm_map(&(tdm_map_options){
 *          .next = next_line, .run = check, .result = take, .drop = free, .arg = file, .at_once = 50, .per_second = 100});
 *
 *  `next`, `result` and `drop` are called by the thread of control that called tdm_map(), one at a time, so they share
 *  what they like with each other; they may wait. An input is drawn when there is room for it, never before. */
#ifndef TANDEM_MAP_H
#define TANDEM_MAP_H

#include <tandem/base.h>
#include <tandem/task.h>

TDM_BEGIN

/** The most inputs that may be under way at once. */
#define TDM_MAP_MAX 100000

/** What became of one input. */
typedef struct tdm_map_result {
    uint64_t index; /**< of the input, from 0, in the order in which they were drawn */
    void *item;     /**< what `next` gave; still there */
    tdm_end end;    /**< how its task ended; end.result is what `run` returned */
} tdm_map_result;

typedef struct tdm_map_options {
    /** Draw the next input. @return 1: *item is set (NULL is an input like any other); 0: there are no more; negative
     *  errno: the map ends with that, as if a task had failed first. */
    int (*next)(void **item, void *arg);
    tdm_task_fn *run; /**< the work on one input: `run(task, item)` */
    /** Take one result. @return 0: go on; negative errno: the map ends with that. NULL: nobody wants to know. */
    int (*result)(const tdm_map_result *result, void *arg);
    void (*drop)(void *item); /**< called exactly once for each input drawn, after its result was taken or will not be,
                                   by the caller of tdm_map(). NULL: nothing to free */
    void *arg;                /**< handed to `next` and `result` */

    unsigned at_once;  /**< inputs under way at most, those that wait for their turn in `ordered` included; 0: 16 */
    double per_second; /**< starts a second at most, evenly spaced; 0: no limit */
    bool ordered;      /**< results in the order of the inputs; else as they complete */
    bool collect;      /**< a task that fails does not end the map: `result` sees its end like any other */

    tdm_executor *executor; /**< NULL: that of the caller */
    const char *name;       /**< of the tasks; a literal; NULL: "map" */
    tdm_lane lane;
    struct tdm_pool *pool; /**< for TDM_POOL; NULL: `background`. A full queue, or a full loop lane, is waited for */
    double deadline;       /**< seconds for each input's task, as in tdm_task_spec; 0: none */
} tdm_map_options;

/** Run all inputs, and wait. Whatever it returns, nothing of it is left: what was under way has been cancelled and waited
 *  for, and every input drawn has been dropped. On a fiber it yields, elsewhere it blocks; a worker whose own pool has no
 *  other free thread runs the tasks itself.
 *  @return 0: all inputs were drawn and all results taken, and, without `collect`, every task ended as `done`; else the
 *          first error: a task's result (-ECANCELED for one that was cancelled from outside), what `next` or `result`
 *          returned; -ECANCELED, -ETIMEDOUT: of the caller; -ESHUTDOWN; -ENOMEM; -EINVAL: no `next` or no `run`, more than
 *          TDM_MAP_MAX at once, a rate that a limiter would refuse, or as tdm_spawn(); -EDEADLK: as tdm_join(). */
TDM_API int tdm_map(const tdm_map_options *options);

TDM_END

#endif
