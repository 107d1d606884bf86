/* SPDX-License-Identifier: MIT */
/** @file
 *  The data model: what a run measured. The engine and the follower fill it, the reports read it, and nothing else
 *  joins the two halves of the program. A finished step does not change any more.
 *
 *  Times end in `_ns`. Unless it says otherwise, a time is nanoseconds from the step's zero, which is when its first
 *  measured request was sent; a duration that is not known is LOAD_UNKNOWN. */
#ifndef LOAD_RESULT_H
#define LOAD_RESULT_H

#include <tandem/histogram.h>

#include "load/curve.h"
#include "load/errors.h"
#include "load/promise.h"
#include "load/target.h"

#define LOAD_UNKNOWN INT64_C(-1)

/** What decides when a request is sent. Every output says which. */
typedef enum load_loop {
    LOAD_LOOP_CLOSED, /**< each connection sends its next request when its reply is complete */
    LOAD_LOOP_OPEN,   /**< requests are sent at a rate, whatever the server does */
} load_loop;

typedef enum load_arrivals { LOAD_UNIFORM, LOAD_POISSON } load_arrivals;

/* ---- what was measured of the requests ---- */

/** A slice of a step's time, about a tenth of a second or longer; the last may be half as long. Slices of warm-up and
 *  ramp lie before zero. */
typedef struct load_sample {
    int64_t at_ns, span_ns;                     /**< it begins here, and is so long */
    uint64_t made, succeeded, rejected, failed; /**< failed: errors of all kinds */
    double offered;                             /**< requests a second that the plan asked for; 0 in a closed loop */
    int64_t p50_ns, p99_ns, max_ns; /**< corrected latency of those that succeeded; LOAD_UNKNOWN: none did. Where
                                          slices were joined because a run is long, the larger of the two */
    int64_t running[LOAD_LANE_COUNT], queued[LOAD_LANE_COUNT]; /**< tasks, as /stats told; LOAD_UNKNOWN */
} load_sample;

/** One load thread's part in a step. */
typedef struct load_thread_part {
    uint32_t thread; /**< the kernel's id */
    unsigned connections;
    uint64_t made, succeeded, rejected, failed;
    int64_t cpu_ns, wait_ns;        /**< it ran; it was ready and waited for a core (LOAD_UNKNOWN) */
    int64_t p50_ns, p99_ns, max_ns; /**< corrected latency of those that succeeded; LOAD_UNKNOWN: none did */
} load_thread_part;

/** One URL's part in a step; a step has more than one only with --mix. */
typedef struct load_url_part {
    uint64_t made, succeeded, rejected, failed;
    tdm_histogram *latency; /**< corrected, of those that succeeded */
} load_url_part;

/* ---- what was measured of the tasks ---- */

typedef enum load_follow_result {
    LOAD_FOLLOW_OFF,        /**< it was not asked for */
    LOAD_FOLLOW_NO_IDS,     /**< the target tells nothing of its tasks */
    LOAD_FOLLOW_COMPLETE,   /**< every promised task is accounted for */
    LOAD_FOLLOW_INCOMPLETE, /**< some ends are not known; `why` says why */
} load_follow_result;

/** For how long how many tasks ran at once, or so many as from `low` to `high` where there are too many levels. */
typedef struct load_share {
    uint32_t low, high;
    int64_t ns;
} load_share;

enum { LOAD_SHARES_MAX = 64 };

typedef struct load_lane_figures {
    uint64_t tasks;   /**< seen to end, started or not */
    unsigned threads; /**< different threads that ran them */
    int64_t run_total_ns;
    load_curve curve; /**< multiplicity over time, thinned */
    load_curve queue; /**< tasks ready and not started, over time, thinned; `peak` is how far the queue grew */
    load_share shares[LOAD_SHARES_MAX]; /**< of the time from the first start to the last end, by multiplicity */
    unsigned share_count;
} load_lane_figures;

/** One task for the swim-lanes: which thread ran it when. */
typedef struct load_swim {
    uint64_t id, request;
    int64_t accepted_ns, ready_ns, started_ns, ended_ns; /**< LOAD_NEVER where it did not come to that */
    uint32_t thread;
    uint8_t lane, state;
} load_swim;

/** Of at most so many tasks of a step the swim-lanes are kept: the first to start. */
enum { LOAD_SWIMS_MAX = 10000 };

/** What the server itself counted while the step ran, from its /stats before and after. Other clients' tasks are in it. */
typedef struct load_server_counts {
    bool known;
    uint64_t accepted, rejected, requests;
    uint64_t states[LOAD_STATE_COUNT]; /**< ended in each state; of queued and running, what is so now */
    bool agrees; /**< accepted and the ended states are exactly those that were promised and followed */
} load_server_counts;

/** What is known of the background tasks. Law: promised = the ended states + lost + unknown. */
typedef struct load_tasks {
    load_follow_result follow;
    bool broken; /**< the task list was not what is promised: the target is at fault */
    char why[240];
    uint64_t promised, lost, unknown, missed;
    uint64_t states[LOAD_STATE_COUNT];
    load_lane_figures lanes[LOAD_LANE_COUNT + 1];                      /**< loop, pool, both */
    tdm_histogram *start_latency, *queue_wait, *run_time, *completion; /**< nanoseconds; never NULL, maybe empty */
    tdm_histogram *loop_lag; /**< how long the server's loops took to come round, asked a few times a second */
    bool timed;              /**< elapsed, ideal, drain and the clock are known */
    int64_t elapsed_ns;      /**< first request sent → last task's end */
    int64_t ideal_ns;        /**< the same, had the same requests and run times met no waiting */
    int64_t drain_ns;        /**< last reply → last task's end; 0 if the tasks had ended before */
    bool clock_same;         /**< server and client read the same clock */
    int64_t clock_offset_ns; /**< server's time minus the client's */
    int64_t clock_error_ns;  /**< the offset may be wrong by so much; 0 when the clock is the same */
    load_swim *swims;        /**< in order of their starts */
    size_t swim_count;
    uint64_t swims_left_out;
    load_server_counts server;
} load_tasks;

/* ---- a step ---- */

typedef struct load_step {
    const load_target *target;
    unsigned target_index, level_index, round; /**< round counts from 0 */
    unsigned connections;                      /**< of the level */
    unsigned repeat; /**< steps before it in the same round, of the same target, with the same level */
    load_loop loop;
    load_arrivals arrivals; /**< of an open loop */
    double rate;            /**< offered, requests a second; 0 in a closed loop */
    uint64_t planned;       /**< requests; 0: by time */
    double duration_s;      /**< 0: by count */
    double warmup_s, ramp_s;
    bool interrupted; /**< the user stopped it */
    bool target_gone; /**< stopped because no connection could be opened any more */
    bool invalid;     /**< the generator was the bottleneck: the figures are not the server's; `why_invalid` */
    char why_invalid[200];

    /** made = succeeded + rejected + the errors + unfinished */
    uint64_t made, succeeded, rejected, unfinished;
    uint64_t unsent; /**< open loop: due before the sending ended and not sent, because every connection was busy */
    uint64_t warmup_made; /**< requests of ramp and warm-up, which nothing else counts, /stats of a server aside */
    uint64_t errors[LOAD_ERROR_COUNT];
    char error_detail[LOAD_ERROR_COUNT][96]; /**< of the first of its kind; may be empty */
    uint64_t retried, reopened;
    uint64_t bytes_sent, bytes_received; /**< of requests and replies, heads included */
    int64_t retry_after_s;               /**< the longest that a 503 asked for; -1: none did */
    int64_t retry_after_least_s;         /**< the shortest; -1: none did */
    uint64_t bad_promises;               /**< replies whose Tandem-Tasks could not be read */
    /** On the monotonic clock: the step's zero; the last complete reply; the end of the time in which requests were
     *  sent. On the wall clock: zero. */
    int64_t first_sent_ns, last_reply_ns, sending_ended_ns, started_wall_ns;

    /** Nanoseconds to the complete reply (or to the failure). Corrected: from when the request was due; uncorrected:
     *  from when its first byte was handed to the kernel. In a closed loop a request is due when it is sent, and the
     *  two are equal. `failed`: rejections and errors of all kinds but `connect`. */
    tdm_histogram *latency, *uncorrected, *failed_latency, *failed_uncorrected;
    /** Open loop: how late requests were sent by the generator's own fault: from when one was due and a connection was
     *  free. Closed loop: from the moment the generator was told that a reply had come to the next request sent. */
    tdm_histogram *send_lag;
    uint64_t held_up;        /**< open loop: sent late because every connection was busy */
    int64_t cpu_ns, wall_ns; /**< of all load threads, while requests were sent and awaited */
    double cpu_share;        /**< of the busiest load thread: CPU time through wall time, 0 … 1 */
    load_thread_part *threads;
    unsigned thread_count;
    load_url_part *urls; /**< one for each of target->requests */
    unsigned url_count;
    load_sample *samples;
    size_t sample_count;
    load_promises promises;
    load_tasks tasks;
} load_step;

/* ---- the knee ---- */

typedef enum load_knee_rule {
    LOAD_KNEE_NOT_SOUGHT, /**< fewer than two levels; volleys, in which no load goes on; an interrupt came first */
    LOAD_KNEE_NONE,       /**< every step kept up */
    LOAD_KNEE_RATE,       /**< open loop: achieved / offered fell below the limit */
    LOAD_KNEE_QUEUE,      /**< the server's queue of tasks kept growing */
    LOAD_KNEE_LATENCY,    /**< p99 passed so many times its value at the lowest level */
} load_knee_rule;

/** Where a target stops keeping up, in one round. */
typedef struct load_knee {
    unsigned target_index, round;
    load_knee_rule rule;
    unsigned step;       /**< index in `steps` of the first step past the knee; with a rule from RATE on */
    double value, limit; /**< what was compared with what */
    char words[240];     /**< the sentence for people */
} load_knee;

/* ---- a run ---- */

typedef struct load_plan load_plan;

typedef struct load_sweep {
    const load_plan *plan;
    load_step *steps; /**< in the order they ran: round by round, in a round target by target, of a target all levels */
    unsigned step_count;
    load_knee *knees; /**< one for each target and round that was begun */
    unsigned knee_count;
    bool interrupted;
    bool unreachable; /**< a target could not be reached, or did not answer as promised; `why` says which and how */
    char why[400];
} load_sweep;

/* ---- while it runs ---- */

typedef enum load_phase {
    LOAD_PHASE_OPENING,   /**< connections are being opened */
    LOAD_PHASE_WARMUP,    /**< ramp and warm-up: not measured */
    LOAD_PHASE_MEASURING, /**< requests are sent */
    LOAD_PHASE_AWAITING,  /**< the last replies are on their way */
    LOAD_PHASE_FOLLOWING, /**< tasks are followed to their end */
} load_phase;

/** A snapshot for the live view, some 20 times a second. It lives until the call returns. */
typedef struct load_live {
    const load_step *step; /**< how it is meant; none of its counts and figures are there yet, but for `samples` */
    unsigned step_number, step_total; /**< 1 … total (over all targets and rounds) */
    load_phase phase;
    int64_t now_ns, phase_ns;                   /**< monotonic clock; how long this phase lasts */
    uint64_t made, succeeded, rejected, failed; /**< measured requests so far */
    double rate;                                /**< complete replies a second in the last slice */
    int64_t p50_ns, p99_ns;                     /**< of the last slice in which a request succeeded; LOAD_UNKNOWN */
    unsigned connections_open;
    bool following;                       /**< --follow, and the target tells of its tasks */
    uint64_t tasks_promised, tasks_ended; /**< ended: rows read, and those of others until all promises are known */
    int64_t tasks_running[LOAD_LANE_COUNT], tasks_queued[LOAD_LANE_COUNT]; /**< LOAD_UNKNOWN */
    const load_sample *samples;                                            /**< of the step so far, for sparklines */
    size_t sample_count;
} load_live;

/** One request as it ended, for --log. Warm-up is not logged. */
typedef struct load_record {
    int64_t due_ns, sent_ns, ended_ns; /**< from when the measuring began, which is just before the step's zero */
    uint64_t first_task, last_task;    /**< promised; 0, 0: none */
    uint32_t thread;                   /**< index in `threads` */
    uint32_t connection;               /**< its number within the step */
    uint16_t url;                      /**< index in target->requests */
    uint16_t status;                   /**< 0: no complete reply */
    int16_t error;                     /**< a load_error, or -1: none (a 503 is none: see `status`) */
} load_record;

/* ---- sums that more than one report needs ---- */

const char *load_loop_name(load_loop loop);
/** "latency", "rate", "queue"; "none" and "not_sought". */
const char *load_knee_rule_name(load_knee_rule rule);

/** Errors of all kinds together. */
uint64_t load_step_errors(const load_step *step);
/** Requests that got a complete reply, whatever its status. */
uint64_t load_step_answered(const load_step *step);
/** Requests that were sent and never got a complete reply. */
uint64_t load_step_unanswered(const load_step *step);
/** Complete replies a second, from the first request sent to the last reply; 0 if not known. */
double load_step_rate(const load_step *step);
/** Open loop: requests sent in time or late, through those that the plan asked for, 0 … 1; 1 in a closed loop. */
double load_step_kept_up(const load_step *step);
/** Was anything lost, failed, or not seen to its end? (An invalid step is not failed by that alone.) */
bool load_step_failed(const load_step *step);
/** Did `tasks` see any task run? */
bool load_step_has_runs(const load_step *step);
/** Tasks that did not end well: failed, timed out, dropped, abandoned. */
uint64_t load_step_tasks_failed(const load_step *step);

/** A histogram as all of a step's are: nanoseconds, up to a week, three digits. @return 0; -ENOMEM. */
int load_histogram_create(tdm_histogram **out);
/** @return 0; -ENOMEM. */
int load_step_init(load_step *step, const load_target *target, unsigned target_index, const load_level *level);
void load_step_finish(load_step *step);

#endif
