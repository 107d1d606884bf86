/* SPDX-License-Identifier: MIT */
/* DESIGN: what belongs to a step and what does not: connections that stay, warm-ups, slices, threads, the log. */
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/load/witness.h"
#include "tests/unit/unit.h"

static void done(witness *w, load_run *r)
{
    load_run_finish(r);
    witness_finish(w);
}

static void check_all_succeeded(const load_step *step, uint64_t made)
{
    ck_assert_uint_eq(step->made, made);
    ck_assert_uint_eq(step->succeeded, made);
    ck_assert_uint_eq(load_step_errors(step), 0);
}

START_TEST(connections_are_kept_from_step_to_step)
{
    witness w;
    load_run r;
    unsigned last = 0;
    WITNESS_RUN(&w, &r, "/", "-c", "1,2,4", "-r", "2");
    ck_assert_uint_eq(r.sweep.step_count, 6);
    for (unsigned i = 0; i < w.count; i++)
        last = w.connection[i] > last ? w.connection[i] : last;
    /* the one that only asks, then 1, 2 and 4 without one opened twice; then back to 1, and 2 and 4 again */
    ck_assert_uint_eq(last, 1 + 4 + 3);
    ck_assert_uint_eq(w.count, 2 * (1 + 2 + 4));
    for (unsigned i = 0; i < 6; i++) {
        ck_assert_uint_eq(r.sweep.steps[i].round, i / 3);
        ck_assert_uint_eq(r.sweep.steps[i].level_index, i % 3);
        ck_assert_uint_eq(r.sweep.steps[i].connections, 1u << (i % 3));
        check_all_succeeded(&r.sweep.steps[i], 1u << (i % 3));
        ck_assert_uint_eq(r.sweep.steps[i].reopened, 0);
    }
    done(&w, &r);
}
END_TEST

/* ---- connections that end between two steps ---- */

typedef struct idle_server {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned open, ended; /* connections that carried a request; steps */
} idle_server;

/* Answers one request, and closes when the step is over. */
static void serve_until_idle(int fd, unsigned number, void *arg)
{
    idle_server *s = arg;
    char text[WITNESS_TEXT];
    (void) number;
    if (!fake_read_whole(fd, text, sizeof text))
        return;
    pthread_mutex_lock(&s->lock);
    unsigned ended = s->ended;
    s->open++;
    fake_reply(fd, "200 OK", "", "");
    while (s->ended == ended)
        pthread_cond_wait(&s->changed, &s->lock);
    shutdown(fd, SHUT_RDWR);
    s->open--;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

static void end_idle(void *arg, const load_step *step)
{
    idle_server *s = arg;
    (void) step;
    pthread_mutex_lock(&s->lock);
    s->ended++;
    pthread_cond_broadcast(&s->changed);
    while (s->open)
        pthread_cond_wait(&s->changed, &s->lock);
    pthread_mutex_unlock(&s->lock);
}

START_TEST(connections_that_the_server_closed_between_steps_are_opened_again)
{
    idle_server s = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    fake_server *server = fake_server_start(serve_until_idle, &s);
    const load_sweep_calls calls = {.ended = end_idle};
    load_run r;
    load_run_start_with(
        &r, &calls, &s,
        (const char *const[]){"-c", "2,2,3", "-t", "2", "--body", "x", fake_server_url(server, "/"), NULL});
    ck_assert_uint_eq(r.sweep.step_count, 3);
    for (unsigned i = 0; i < 3; i++) {
        check_all_succeeded(&r.sweep.steps[i], i < 2 ? 2 : 3);
        ck_assert_uint_eq(r.sweep.steps[i].reopened, 0); /* they are opened before the step */
    }
    ck_assert_int_eq(load_sweep_status(&r.sweep), 0);
    load_run_finish(&r);
    fake_server_stop(&server);
}
END_TEST

START_TEST(a_warm_up_is_sent_and_not_counted)
{
    witness w;
    load_run r;
    WITNESS_RUN(&w, &r, "/", "-c", "2", "-n", "50", "-w", "0.1", "--ramp", "0.05");
    const load_step *step = &r.sweep.steps[0];
    check_all_succeeded(step, 50);
    ck_assert_uint_gt(step->warmup_made, 0);
    ck_assert_uint_eq(w.count, 50 + step->warmup_made);
    ck_assert_uint_eq(tdm_histogram_count(step->latency), 50);
    ck_assert_uint_ge(step->sample_count, 1);
    ck_assert_int_lt(step->samples[0].at_ns, 0); /* its slices lie before zero */
    done(&w, &r);
}
END_TEST

START_TEST(slices_and_threads_add_up_to_the_step)
{
    witness w;
    load_run r;
    WITNESS_RUN(&w, &r, "/", "-c", "4", "-d", "0.5", "-t", "3");
    const load_step *step = &r.sweep.steps[0];
    uint64_t sliced = 0, threaded = 0, connections = 0;
    for (size_t i = 0; i < step->sample_count; i++)
        sliced += step->samples[i].succeeded;
    for (unsigned i = 0; i < step->thread_count; i++) {
        threaded += step->threads[i].succeeded;
        connections += step->threads[i].connections;
        ck_assert_uint_ne(step->threads[i].thread, 0);
    }
    ck_assert_uint_gt(step->succeeded, 4);
    ck_assert_uint_eq(threaded, step->succeeded);
    ck_assert_uint_eq(connections, 4);
    ck_assert_uint_eq(sliced, step->succeeded);
    ck_assert_int_gt(step->cpu_ns, 0);
    ck_assert_uint_eq(tdm_histogram_count(step->send_lag), step->made);
    done(&w, &r);
}
END_TEST

/* The first request takes long. */
static void serve_slow_first(int fd, unsigned number, void *arg)
{
    char text[WITNESS_TEXT];
    atomic_bool *begun = arg;
    (void) number;
    while (fake_read_whole(fd, text, sizeof text)) {
        if (!atomic_exchange(begun, true))
            usleep(60 * 1000);
        fake_reply(fd, "200 OK", "", "");
    }
}

START_TEST(a_step_shorter_than_a_slice_has_one_and_the_next_has_nothing_of_it)
{
    atomic_bool begun = false;
    fake_server *server = fake_server_start(serve_slow_first, &begun);
    load_run r;
    LOAD_RUN(&r, "-c", "1,1", "-n", "3", fake_server_url(server, "/"));
    ck_assert_uint_eq(r.sweep.step_count, 2);
    for (unsigned i = 0; i < 2; i++) {
        const load_step *step = &r.sweep.steps[i];
        int64_t slowest_ns = tdm_histogram_max(step->latency), sliced_ns = 0;
        uint64_t sliced = 0;
        for (size_t k = 0; k < step->sample_count; k++) {
            sliced += step->samples[k].succeeded;
            sliced_ns = step->samples[k].max_ns > sliced_ns ? step->samples[k].max_ns : sliced_ns;
        }
        ck_assert_uint_eq(sliced, 3);
        ck_assert_int_ge(sliced_ns, slowest_ns * 9 / 10); /* a slice's have two digits */
        ck_assert_int_le(sliced_ns, slowest_ns * 11 / 10);
    }
    load_run_finish(&r);
    fake_server_stop(&server);
}
END_TEST

/* ---- the log of requests ---- */

typedef struct log_book {
    uint64_t count, bad;
    const load_step *step;
} log_book;

static void on_log(void *arg, const load_step *step, const load_record *records, size_t count)
{
    log_book *book = arg;
    book->step = step;
    book->count += count;
    for (size_t i = 0; i < count; i++)
        book->bad += records[i].status != 200 || records[i].error != -1 || records[i].ended_ns < records[i].sent_ns ||
                     records[i].due_ns > records[i].sent_ns || records[i].thread > 1 || records[i].connection > 3;
}

START_TEST(every_measured_request_is_logged_once)
{
    witness w;
    load_run r;
    log_book book = {0};
    const load_sweep_calls calls = {.log = on_log};
    witness_init(&w);
    fake_server *server = fake_server_start(witness_serve, &w);
    load_run_start_with(
        &r, &calls, &book,
        (const char *const[]){"-c", "4", "-n", "5000", "-t", "2", "-w", "0.02", fake_server_url(server, "/"), NULL});
    ck_assert_uint_eq(book.count, 5000);
    ck_assert_uint_eq(book.bad, 0);
    fake_server_stop(&server);
    done(&w, &r);
}
END_TEST

/* ---- an interrupt ---- */

static void interrupt_at_once(void *arg, const load_step *step)
{
    (void) arg;
    (void) step;
    (void) raise(SIGINT);
}

START_TEST(an_interrupt_while_connections_open_sends_nothing)
{
    witness w;
    load_run r;
    const load_sweep_calls calls = {.begun = interrupt_at_once};
    const char *const loops[] = {"-n5", "-R100"};
    for (int i = 0; i < 2; i++) {
        witness_init(&w);
        fake_server *server = fake_server_start(witness_serve, &w);
        load_run_start_with(&r, &calls, NULL,
                            (const char *const[]){"-c", i ? "3" : "3,5", loops[i], i ? "-d9" : "-q",
                                                  fake_server_url(server, "/"), NULL});
        fake_server_stop(&server);
        ck_assert_uint_eq(w.count, 0);
        ck_assert_uint_eq(r.sweep.step_count, 1);
        ck_assert(r.sweep.steps[0].interrupted);
        ck_assert_uint_eq(r.sweep.steps[0].made + r.sweep.steps[0].unsent, 0);
        ck_assert(!r.sweep.unreachable);
        ck_assert_int_eq(load_sweep_status(&r.sweep), 1);
        done(&w, &r);
    }
}
END_TEST

int main(void)
{
    return unit_main("load_steps",
                     (const TTest *const[]){connections_are_kept_from_step_to_step,
                                            connections_that_the_server_closed_between_steps_are_opened_again,
                                            a_warm_up_is_sent_and_not_counted, slices_and_threads_add_up_to_the_step,
                                            an_interrupt_while_connections_open_sends_nothing,
                                            a_step_shorter_than_a_slice_has_one_and_the_next_has_nothing_of_it,
                                            every_measured_request_is_logged_once, NULL});
}
