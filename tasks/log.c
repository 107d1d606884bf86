/* SPDX-License-Identifier: MIT */
/* DESIGN: the log's ring and its writer thread. A producer formats its message on its own stack, copies it into a slot
 * under the lock, and is done; what the terminal does is the writer's business. Waking a thread is what costs, so a
 * producer signals only when the writer is asleep; after a wake the writer drains the ring, then naps a few
 * milliseconds with nobody's signal due (a ring half full ends the nap early), and sleeps deeply only when a nap
 * brought nothing. The writer formats straight from the slots, without the lock: they are its own until it moves the
 * head. An empty ring starts again at slot 0, so a quiet log touches little memory. Without a writer, lines are
 * written directly, under the same lock. A reader that stands still holds the writer, but nobody else for long. */
#include <tandem/log.h>

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <tandem/clock.h>

#include "tasks/clock.h"
#include "tasks/context.h"
#include "tasks/log_line.h"
#include "tasks/thread.h"

enum { RING_LINES = 16384, BATCH_BYTES = 64 * 1024, NAP_MS = 3, PATIENCE_S = 1 };

typedef enum rest { AWAKE, NAPPING, ASLEEP } rest;

static atomic_int threshold = TDM_LOG_DEBUG;
static atomic_uint_fast64_t dropped;

/* Guards everything below, except that while `running` the style, the fd and the slots in use belong to the writer. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t written_some = PTHREAD_COND_INITIALIZER; /* `written` has grown */
static pthread_cond_t wake; /* for the writer; made once for its clock, and kept: a late producer may still signal it */
static pthread_once_t wake_once = PTHREAD_ONCE_INIT;
static bool running, stopping;
static bool stuck; /* somebody waited for the writer in vain, and it has written nothing since */
static pthread_t writer;
static rest writer_rest;
static tdm__log_entry *ring;
static size_t capacity, head, used; /* slots in use: head … head + used - 1, modulo capacity */
static uint64_t pushed, written;    /* lines, ever */
static uint64_t lost;               /* dropped since the last line that found room */
static tdm__log_style style;
static int out_fd = STDERR_FILENO;

/* ---- the writer ---- */

/* Hand `n` slots back. Called with the lock held. */
static void release_slots(size_t n)
{
    used -= n;
    head = used ? (head + n) % capacity : 0;
}

/* Sleep until there is something to do. Called with the lock held. */
static void rest_a_while(void)
{
    if (used || stopping)
        return;
    int64_t until_ns = tdm__clock_real_ns() + NAP_MS * INT64_C(1000000);
    struct timespec until = {.tv_sec = until_ns / TDM_NS_PER_S, .tv_nsec = until_ns % TDM_NS_PER_S};
    writer_rest = NAPPING;
    while (writer_rest == NAPPING && pthread_cond_timedwait(&wake, &lock, &until) != ETIMEDOUT)
        ;
    if (writer_rest == NAPPING && !used && !stopping) {
        writer_rest = ASLEEP;
        while (writer_rest == ASLEEP)
            pthread_cond_wait(&wake, &lock);
    }
    writer_rest = AWAKE;
}

/* Write what is in the ring, as much as a batch holds. Called with the lock held; lets go of it meanwhile. */
static void write_batch(char *batch)
{
    size_t first = head, lines = 0, there = used, bytes = 0;
    pthread_mutex_unlock(&lock);
    while (lines < there && bytes + TDM__LOG_BOUND <= BATCH_BYTES) {
        bytes += tdm__log_format(&style, &ring[(first + lines) % capacity], batch + bytes);
        lines++;
    }
    pthread_mutex_lock(&lock);
    release_slots(lines); /* before the write: it may take long, and the slots are needed */
    pthread_mutex_unlock(&lock);
    tdm__log_write(out_fd, batch, bytes);
    pthread_mutex_lock(&lock);
    written += lines;
    stuck = false;
    pthread_cond_broadcast(&written_some);
}

/* Lines lost with no line after them. Called with the lock held, at the end. */
static void write_lost(char *batch)
{
    if (!lost)
        return;
    tdm__log_entry entry = {
        .wall_ns = tdm_clock_wall_ns(), .lost = lost, .thread = tdm_thread_id(), .level = TDM_LOG_OFF};
    lost = 0;
    tdm__log_write(out_fd, batch, tdm__log_format(&style, &entry, batch));
}

static void *write_lines(void *batch)
{
    pthread_mutex_lock(&lock);
    while (!stopping || used) {
        while (used)
            write_batch(batch);
        if (!stopping)
            rest_a_while();
    }
    write_lost(batch);
    running = false; /* from here on lines are written directly */
    pthread_cond_broadcast(&written_some);
    pthread_mutex_unlock(&lock);
    free(batch);
    return NULL;
}

/* Called with the lock held. */
static void wake_writer(void)
{
    writer_rest = AWAKE;
    pthread_cond_signal(&wake);
}

/* ---- start and stop ---- */

static void init_wake(void)
{
    pthread_condattr_t attributes;
    int err = pthread_condattr_init(&attributes);
    assert(!err);
    err = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    assert(!err);
    err = pthread_cond_init(&wake, &attributes);
    assert(!err);
    (void) err; /* for a build without asserts */
    pthread_condattr_destroy(&attributes);
}

/* Until the writer has written `target` lines or ended, or is stuck. Called with the lock held. */
static void wait_for_writer(uint64_t target)
{
    while (running && !stuck && written < target) {
        uint64_t before = written;
        int64_t until_ns = tdm__clock_real_ns() + PATIENCE_S * TDM_NS_PER_S;
        struct timespec until = {.tv_sec = until_ns / TDM_NS_PER_S, .tv_nsec = until_ns % TDM_NS_PER_S};
        int err = 0;
        while (running && written == before && err != ETIMEDOUT)
            err = pthread_cond_clockwait(&written_some, &lock, CLOCK_MONOTONIC, &until);
        stuck = running && written == before;
    }
}

static void set_options(const tdm_log_options *options)
{
    style = (tdm__log_style){.format = options->format, .bare = options->bare};
    out_fd = options->fd ? options->fd : STDERR_FILENO;
    atomic_store_explicit(&threshold, (int) options->level, memory_order_relaxed);
    atomic_store_explicit(&dropped, 0, memory_order_relaxed);
    capacity = options->ring_lines ? options->ring_lines : RING_LINES;
    head = used = 0;
    pushed = written = lost = 0;
    stuck = false;
}

int tdm_log_start(const tdm_log_options *options)
{
    pthread_mutex_lock(&lock);
    char *batch = NULL;
    int err = ring ? -EALREADY : 0;
    if (err)
        goto out;
    set_options(options);
    ring = reallocarray(NULL, capacity, sizeof *ring);
    batch = malloc(BATCH_BYTES);
    err = ring && batch ? 0 : -ENOMEM;
    if (!err) {
        pthread_once(&wake_once, init_wake);
        stopping = false;
        writer_rest = AWAKE;
        err = tdm__thread_start_apart(&writer, "tdm-log", write_lines, batch);
    }
    running = !err;
    if (err) {
        free(batch);
        free(ring);
        ring = NULL;
    }
out:
    pthread_mutex_unlock(&lock);
    return err;
}

void tdm_log_stop(void)
{
    pthread_mutex_lock(&lock);
    bool mine = running && !stopping;
    if (mine) {
        stopping = true;
        wake_writer();
    }
    if (mine)
        wait_for_writer(UINT64_MAX);
    bool ended = !running;
    pthread_mutex_unlock(&lock);
    if (!mine)
        return;
    if (!ended) { /* it is left where it is, with the ring that it uses */
        pthread_detach(writer);
        return;
    }
    pthread_join(writer, NULL);
    pthread_mutex_lock(&lock);
    free(ring);
    ring = NULL;
    pthread_mutex_unlock(&lock);
}

void tdm_log_flush(void)
{
    pthread_mutex_lock(&lock);
    uint64_t target = pushed;
    if (running && writer_rest != AWAKE && used)
        wake_writer();
    wait_for_writer(target);
    pthread_mutex_unlock(&lock);
}

uint64_t tdm_log_dropped(void)
{
    return atomic_load_explicit(&dropped, memory_order_relaxed);
}

/* ---- producers ---- */

bool tdm_log_enabled(tdm_log_level level)
{
    return (int) level >= atomic_load_explicit(&threshold, memory_order_relaxed) && level < TDM_LOG_OFF;
}

/* Called with the lock held. @return whether the writer is to be signalled, which is best done without the lock. */
static bool push(tdm__log_entry *entry)
{
    if (used == capacity) {
        lost++;
        atomic_fetch_add_explicit(&dropped, 1, memory_order_relaxed);
        return false;
    }
    entry->lost = lost;
    lost = 0;
    memcpy(&ring[(head + used) % capacity], entry, offsetof(tdm__log_entry, text) + entry->size + entry->context_size);
    used++;
    pushed++;
    if (writer_rest != ASLEEP && (writer_rest != NAPPING || used * 2 < capacity))
        return false;
    writer_rest = AWAKE;
    return true;
}

/* Called with the lock held. */
static void write_directly(tdm__log_entry *entry)
{
    char line[TDM__LOG_BOUND];
    entry->lost = 0;
    tdm__log_write(out_fd, line, tdm__log_format(&style, entry, line));
}

void tdm_log(tdm_log_level level, const char *format, ...)
{
    if (!tdm_log_enabled(level))
        return;
    int error = errno; /* a caller may log before it looks at errno */
    tdm__log_entry entry;
    va_list args;
    va_start(args, format);
    int size = vsnprintf(entry.text, sizeof entry.text, format, args);
    va_end(args);
    if (size < 0)
        size = snprintf(entry.text, sizeof entry.text, "(a message that cannot be formatted: %s)", format);
    entry.size = tdm__log_clean(entry.text, TDM_LOG_LINE_MAX, (size_t) size);
    entry.level = level;
    entry.thread = tdm_thread_id();
    entry.context_size = tdm__context_tell(&entry.request, &entry.task, entry.text + entry.size, TDM_LOG_CONTEXT_MAX);
    tdm__log_clean_context(entry.text + entry.size, entry.context_size);
    pthread_mutex_lock(&lock);
    entry.wall_ns = tdm_clock_wall_ns(); /* under the lock, so that lines are in the order of their times */
    bool wake_up = running && push(&entry);
    if (!running)
        write_directly(&entry);
    pthread_mutex_unlock(&lock);
    if (wake_up)
        pthread_cond_signal(&wake);
    errno = error;
}
