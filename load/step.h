/* SPDX-License-Identifier: MIT */
/** @file
 *  What one step measured: the figures that every report shows. Filled by the engine and the follower, read by the
 *  reports. One owner; no locks. */
#ifndef LOAD_STEP_H
#define LOAD_STEP_H

#include <tandem/histogram.h>

#include "load/curve.h"
#include "load/errors.h"
#include "load/promise.h"
#include "load/target.h"

typedef enum load_follow_result {
    LOAD_FOLLOW_OFF,        /**< it was not asked for */
    LOAD_FOLLOW_NO_IDS,     /**< the target tells nothing of its tasks */
    LOAD_FOLLOW_COMPLETE,   /**< every promised task is accounted for */
    LOAD_FOLLOW_INCOMPLETE, /**< some ends are not known; `why` says why */
} load_follow_result;

typedef struct load_lane_figures {
    uint64_t tasks;   /**< seen to end, started or not */
    unsigned threads; /**< different threads that ran them */
    int64_t run_total_ns;
    load_curve curve; /**< in the client's time after its clock is known, thinned */
} load_lane_figures;

/** What is known of the background tasks. Law: promised = the ended states + lost + unknown. */
typedef struct load_tasks {
    load_follow_result follow;
    bool broken; /**< the task list was not what is promised: the target is at fault */
    char why[240];
    uint64_t promised, lost, unknown, missed;
    uint64_t states[LOAD_STATE_COUNT];
    load_lane_figures lanes[LOAD_LANE_COUNT + 1];                      /**< loop, pool, both */
    tdm_histogram *start_latency, *queue_wait, *run_time, *completion; /**< nanoseconds; NULL unless followed */
    bool timed;                                                        /**< elapsed, ideal and the clock are known */
    int64_t elapsed_ns;                                                /**< first request sent → last task's end */
    int64_t ideal_ns;        /**< the same, had the same requests and run times met no waiting */
    bool clock_same;         /**< server and client read the same clock */
    int64_t clock_offset_ns; /**< server's time minus the client's */
    int64_t clock_error_ns;  /**< the offset may be wrong by so much; 0 when the clock is the same */
} load_tasks;

typedef struct load_step {
    const load_target *target;
    unsigned target_index, connections;
    unsigned repeat;   /**< steps before it of the same target with as many connections */
    uint64_t planned;  /**< requests; 0: by time */
    double duration_s; /**< 0: by count */
    bool interrupted;  /**< the user stopped it */
    bool target_gone;  /**< stopped because no connection could be opened any more */

    /** made = succeeded + rejected + the errors + unfinished */
    uint64_t made, succeeded, rejected, unfinished;
    uint64_t errors[LOAD_ERROR_COUNT];
    char error_detail[LOAD_ERROR_COUNT][96]; /**< of the first of its kind; may be empty */
    uint64_t retried, reopened;
    int64_t retry_after_s; /**< the longest that a 503 asked for; -1: none did */
    uint64_t bad_promises; /**< replies whose Tandem-Tasks could not be read */
    int64_t first_sent_ns, last_reply_ns, started_wall_ns;
    tdm_histogram *latency; /**< nanoseconds, request sent → reply complete, of the requests that succeeded */
    load_promises promises;
    load_tasks tasks;
} load_step;

/** @return 0; -ENOMEM. */
int load_step_init(load_step *step, const load_target *target, unsigned target_index, unsigned connections);
void load_step_finish(load_step *step);

/** Errors of all kinds together. */
uint64_t load_step_errors(const load_step *step);
/** Requests that got a complete reply, whatever its status. */
uint64_t load_step_answered(const load_step *step);
/** Requests that were sent and never got a complete reply. */
uint64_t load_step_unanswered(const load_step *step);
/** Complete replies a second, from the first request sent to the last reply; 0 if not known. */
double load_step_rate(const load_step *step);
/** Was anything lost, failed, or not seen to its end? */
bool load_step_failed(const load_step *step);
/** Did `tasks` see any task run? */
bool load_step_has_runs(const load_step *step);
/** Tasks that did not end well: failed, timed out, dropped, abandoned. */
uint64_t load_step_tasks_failed(const load_step *step);

#endif
