/* SPDX-License-Identifier: MIT */
/* DESIGN: a load thread: it waits for an order, turns its loop until the order is carried out, and waits again. A turn
 * looks at the sockets, tells what was found, sends what is due, and now and then compares deadlines and publishes its
 * counts. The clock is read once after a look and once for each reply, where it is both the end of one request and the
 * beginning of the next.
 * Batching: a thread that sleeps and is woken for every single reply spends as much on that as on the reply itself. So
 * where many replies are on their way, it pauses for a small share of their usual latency and finds several at once.
 * What that can add to a latency, and all else that the thread itself adds, is in `send_lag`: a closed loop counts, for
 * every request, from when the thread had last looked, or, if it had to wait, from when it was woken. */
#include "load/worker.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

#include <tandem/clock.h>

#define BUFFER_SIZE ((size_t) 256 * 1024)
#define TICK_NS (INT64_C(20) * 1000 * 1000)
#define TICK_PER_SLOT_NS 1000 /* so that ticks of very many connections do not take over */
#define PUBLISH_NS (INT64_C(50) * 1000 * 1000)
#define BLOCKED_NS 5000 /* a look that took longer had to wait */
#define BATCH_FROM 16   /* requests on their way before replies are batched */
#define PAUSE_MOST_NS 200000
#define TIMER_SLACK_NS 1000

/* ---- what it tells ---- */

static void publish(load_worker *w)
{
    const load_step *part = &w->tally.part;
    unsigned open = 0;
    w->publish_ns = w->now_ns + PUBLISH_NS;
    for (unsigned i = 0; i < w->slot_count; i++)
        open += load_link_state_of(w->slots[i].link) == LOAD_LINK_OPEN;
    pthread_mutex_lock(&w->lock);
    w->news.phase = w->phase;
    w->news.made = part->made;
    w->news.succeeded = part->succeeded;
    w->news.rejected = part->rejected;
    w->news.failed = load_step_errors(part);
    w->news.connections_open = open;
    int err = tdm_histogram_merge(w->news.window, w->tally.window);
    pthread_mutex_unlock(&w->lock);
    assert(!err);
    (void) err;
    tdm_histogram_reset(w->tally.window);
}

static void flush_records(load_worker *w)
{
    if (w->record_count)
        load_engine_log(w->engine, w->records, w->record_count);
    w->record_count = 0;
}

void load_worker_log(load_worker *w, const load_slot *slot, const load_shot *shot, unsigned status, int error,
                     const load_reply *reply)
{
    if (!w->records || !shot->measured)
        return;
    load_record *record = &w->records[w->record_count++];
    int64_t sent_ns = shot->sent_ns ? shot->sent_ns : w->now_ns; /* it may not have come to that */
    int64_t due_ns = shot->due_ns ? shot->due_ns : sent_ns;
    *record = (load_record){.due_ns = due_ns - w->measured_from_ns,
                            .sent_ns = sent_ns - w->measured_from_ns,
                            .ended_ns = w->now_ns - w->measured_from_ns,
                            .thread = w->index,
                            .connection = slot->number,
                            .url = shot->url,
                            .status = (uint16_t) status,
                            .error = (int16_t) error};
    if (status >= 400 && status != 503)
        record->error = status < 500 ? LOAD_ERROR_STATUS_4XX : LOAD_ERROR_STATUS_5XX;
    if (reply && reply->has_tasks) {
        record->first_task = reply->first_task;
        record->last_task = reply->last_task;
    }
    if (w->record_count == LOAD_RECORDS)
        flush_records(w);
}

/* Time on a core and time waiting for one, of this thread. */
static void read_cpu(int64_t *cpu_ns, int64_t *wait_ns)
{
    struct rusage usage;
    long long ran, waited;
    FILE *from = fopen("/proc/thread-self/schedstat", "re");
    bool good = from && fscanf(from, "%lld %lld", &ran, &waited) == 2;
    if (from)
        fclose(from);
    *cpu_ns = good ? ran : 0;
    *wait_ns = good ? waited : LOAD_UNKNOWN;
    if (!good && getrusage(RUSAGE_THREAD, &usage) == 0)
        *cpu_ns = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * TDM_NS_PER_S +
                  (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * INT64_C(1000);
}

/* ---- its turns ---- */

static int64_t span_of(const load_worker *w)
{
    int64_t until_ns = w->tick_ns < w->publish_ns ? w->tick_ns : w->publish_ns;
    bool driven = w->phase != LOAD_PHASE_OPENING && w->tally.open && !w->sending_over && w->free_count;
    if (driven && load_pace_due_ns(&w->pace) < until_ns)
        until_ns = load_pace_due_ns(&w->pace);
    return until_ns - w->now_ns;
}

/* Let replies gather, if that costs them little. */
static void pause_for_batch(const load_worker *w, int found_before)
{
    if (w->tally.open || w->in_hand < BATCH_FROM || (unsigned) found_before * 4 > w->in_hand)
        return;
    double pause_ns = (double) w->latency_ns * w->job->batching;
    const struct timespec pause = {.tv_nsec = (long) (pause_ns < PAUSE_MOST_NS ? pause_ns : PAUSE_MOST_NS)};
    if (pause.tv_nsec > TIMER_SLACK_NS)
        nanosleep(&pause, NULL);
}

static void look(load_worker *w, int *found)
{
    pause_for_batch(w, *found);
    int64_t asked_ns = tdm_clock_ns();
    w->now_ns = asked_ns;
    *found = load_poller_find(w->shared.poll, span_of(w));
    int64_t found_ns = tdm_clock_ns();
    w->looked_ns = found_ns - asked_ns > BLOCKED_NS ? found_ns : w->found_ns;
    w->found_ns = w->now_ns = found_ns;
    load_poller_tell(w->shared.poll);
}

static void turn_until_done(load_worker *w)
{
    int found = 0;
    int64_t tick_ns = TICK_NS + (int64_t) w->slot_count * TICK_PER_SLOT_NS;
    while (!load_slots_done(w)) {
        look(w, &found);
        if (w->tally.open && w->phase != LOAD_PHASE_OPENING)
            load_slots_pump(w);
        if (w->now_ns >= w->tick_ns) {
            load_slots_tick(w);
            w->tick_ns = w->now_ns + tick_ns;
            if (load_engine_stopped(w->engine))
                load_slots_abandon(w);
        }
        if (w->phase == LOAD_PHASE_WARMUP && w->now_ns >= w->measured_from_ns)
            return; /* the measuring begins */
        if (w->phase == LOAD_PHASE_MEASURING && w->sending_over)
            return; /* nothing more will be sent */
        if (w->now_ns >= w->publish_ns)
            publish(w);
    }
}

/* Once in a run: steps and rounds carry on, so that a server that was given an id meets it no second time. */
static void begin_values(load_worker *w)
{
    if (!w->values.stride)
        w->values = (load_values){
            .random = load_random_stream(w->job->seed, 2 * w->index), .counter = w->index + 1, .stride = w->threads};
}

static void begin(load_worker *w)
{
    const load_job *job = w->job;
    unsigned used = job->level.connections < w->threads ? job->level.connections : w->threads;
    uint64_t share = job->requests / used + (w->index < job->requests % used);
    w->now_ns = w->looked_ns = w->found_ns = w->last_good_ns = tdm_clock_ns();
    w->begun_ns = load_engine_start_ns(w->engine);
    w->measured_from_ns = w->begun_ns + job->ramp_ns + job->warmup_ns;
    w->end_ns = job->requests ? 0 : w->measured_from_ns + job->duration_ns;
    w->left = w->index >= used ? 0 : job->requests ? share : UINT64_MAX;
    w->stopping = w->index >= used;
    w->phase = job->ramp_ns + job->warmup_ns > 0 ? LOAD_PHASE_WARMUP : LOAD_PHASE_MEASURING;
    w->sending_over = w->gone = false;
    w->latency_ns = 0;
    w->turn_of_urls = 0;
    begin_values(w);
    const load_pacing pacing = {.rate = job->level.rate,
                                .arrivals = job->arrivals,
                                .start_ns = w->begun_ns,
                                .ramp_ns = job->ramp_ns,
                                .threads = used};
    if (w->tally.open && w->index < used)
        load_pace_init(&w->pace, &pacing, w->index, job->seed);
}

/* Warm-up, measuring, and waiting for the last replies. */
static void drive(load_worker *w)
{
    load_thread_part *thread = &w->tally.thread;
    int64_t cpu[3], wait[3], at[3];
    begin(w);
    load_slots_begin(w);
    if (w->phase == LOAD_PHASE_WARMUP)
        turn_until_done(w);
    w->phase = LOAD_PHASE_MEASURING;
    read_cpu(&cpu[0], &wait[0]);
    at[0] = w->now_ns;
    turn_until_done(w);
    read_cpu(&cpu[1], &wait[1]);
    at[1] = tdm_clock_ns();
    w->phase = LOAD_PHASE_AWAITING;
    turn_until_done(w);
    read_cpu(&cpu[2], &wait[2]);
    at[2] = tdm_clock_ns();
    if (w->tally.open && w->slot_count)
        load_slots_count_unsent(w);
    thread->cpu_ns = cpu[2] - cpu[0];
    thread->wait_ns = wait[2] == LOAD_UNKNOWN ? LOAD_UNKNOWN : wait[2] - wait[0];
    w->tally.part.wall_ns = at[2] - at[0];
    w->tally.part.cpu_share = at[1] > at[0] ? (double) (cpu[1] - cpu[0]) / (double) (at[1] - at[0]) : 0;
    w->tally.part.target_gone = w->gone;
    flush_records(w);
}

static void open_all(load_worker *w)
{
    w->phase = LOAD_PHASE_OPENING;
    w->opening = w->opened_upto = 0;
    load_slots_freshen(w);
    w->now_ns = tdm_clock_ns();
    load_slots_open(w);
    turn_until_done(w);
}

static void carry_out(load_worker *w, load_order order)
{
    w->tally.thread.thread = tdm_thread_id();
    w->tick_ns = w->publish_ns = 0;
    if (order == LOAD_ORDER_OPEN)
        open_all(w);
    else
        drive(w);
    w->now_ns = tdm_clock_ns();
    publish(w);
    for (unsigned i = 0; i < w->slot_count; i++) {
        uint64_t received, sent;
        load_link_take_bytes(w->slots[i].link, &received, &sent);
        w->tally.part.bytes_received += received;
        w->tally.part.bytes_sent += sent;
    }
}

/* ---- its life ---- */

static load_order await_order(load_worker *w)
{
    pthread_mutex_lock(&w->lock);
    while (w->order == LOAD_ORDER_NONE)
        pthread_cond_wait(&w->ordered, &w->lock);
    load_order order = w->order;
    w->order = LOAD_ORDER_NONE;
    pthread_mutex_unlock(&w->lock);
    return order;
}

static void *run(void *arg)
{
    load_worker *w = arg;
    (void) prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS, 0, 0, 0);
    for (load_order order; (order = await_order(w)) != LOAD_ORDER_QUIT;) {
        carry_out(w, order);
        load_engine_worker_done(w->engine);
    }
    return NULL;
}

void load_worker_order(load_worker *w, load_order order)
{
    pthread_mutex_lock(&w->lock);
    assert(w->order == LOAD_ORDER_NONE);
    w->order = order;
    pthread_cond_signal(&w->ordered);
    pthread_mutex_unlock(&w->lock);
}

int load_worker_start(load_worker *w, load_engine *engine, unsigned index, unsigned threads)
{
    w->engine = engine;
    w->index = index;
    w->threads = threads;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->ordered, NULL);
    w->shared.buffer = malloc(BUFFER_SIZE);
    w->shared.buffer_size = BUFFER_SIZE;
    int err = w->shared.buffer ? load_poller_create(&w->shared.poll) : -ENOMEM;
    if (!err)
        err = load_engine_window(&w->news.window);
    if (!err)
        err = -pthread_create(&w->thread, NULL, run, w);
    w->started = !err;
    return err;
}

void load_worker_finish(load_worker *w)
{
    if (w->started) {
        load_worker_order(w, LOAD_ORDER_QUIT);
        pthread_join(w->thread, NULL);
    }
    load_slots_finish(w);
    load_tally_finish(&w->tally);
    tdm_histogram_destroy(&w->news.window);
    load_poller_destroy(&w->shared.poll);
    free(w->shared.buffer);
    free(w->scratch);
    free(w->records);
    pthread_cond_destroy(&w->ordered);
    pthread_mutex_destroy(&w->lock);
}
