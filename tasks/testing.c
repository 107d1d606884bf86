/* SPDX-License-Identifier: MIT */
/* DESIGN: what a test sees of the baton: beginning and ending, seeds from the environment, letting time pass, and the
 * report of a failure, which always ends with the command that replays it. An assert of anybody's is reported too: abort()
 * raises a signal, and a handler that only writes a line made beforehand is safe in one. */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tandem/clock.h>

#include "tasks/game.h"
#include "tasks/loop.h"
#include "tasks/thread.h"

static tdm__game *const game = &tdm__the_game;

static _Atomic int executors;

/* Set while testing mode is on, by the thread that began. */
static tdm_testing_options options;
static char replay[1024]; /* the last line of every report */
static size_t replay_size;
static struct sigaction abort_before;

void tdm__testing_count_executors(int change)
{
    atomic_fetch_add(&executors, change);
}

bool tdm_testing_is_on(void)
{
    return tdm__testing();
}

/* ---- reports ---- */

typedef struct text {
    char bytes[16384];
    size_t size;
} text;

static void say(text *out, const char *format, ...) TDM_PRINTF(2, 3);
static void say(text *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(out->bytes + out->size, sizeof out->bytes - out->size, format, args);
    va_end(args);
    if (n > 0)
        out->size += (size_t) n;
    if (out->size >= sizeof out->bytes)
        out->size = sizeof out->bytes - 1; /* it does not fit: the end is cut off */
}

static void write_all(const char *bytes, size_t size)
{
    while (size) {
        ssize_t n = write(STDERR_FILENO, bytes, size);
        if (n <= 0)
            return;
        bytes += n;
        size -= (size_t) n;
    }
}

static void say_deadline(text *out, int64_t deadline_ns)
{
    if (deadline_ns != INT64_MAX)
        say(out, ", until %.9f s", tdm_s_from_ns(deadline_ns));
    say(out, "\n");
}

/* Notes come newest first. */
static void say_waits(text *out, const tdm__player *p, bool fiber)
{
    for (const tdm__baton_note *note = game->notes; note; note = note->next) {
        if (note->player != p || note->fiber != fiber)
            continue;
        say(out, "      %s", note->name ? note->name : "it");
        if (note->task)
            say(out, " (task %" PRIu64 ")", note->task);
        say(out, " waits in %s()", note->in);
        say_deadline(out, note->deadline_ns);
    }
}

static void say_player(text *out, const tdm__player *p)
{
    static const char *const words[] = {
        [TDM__PLAYER_RUNS] = "runs",
        [TDM__PLAYER_READY] = "could run",
        [TDM__PLAYER_WAITS] = "waits in ",
        [TDM__PLAYER_SETTLES] = "settles in ",
    };
    bool waits = p->state == TDM__PLAYER_WAITS || p->state == TDM__PLAYER_SETTLES;
    say(out, "  %-15s %s%s%s", p->name, words[p->state], waits ? p->in : "", waits ? "()" : "");
    say_deadline(out, p->state == TDM__PLAYER_WAITS ? p->deadline_ns : INT64_MAX);
    if (waits)
        say_waits(out, p, false);
    say_waits(out, p, true);
}

static void say_all(text *out, const char *what)
{
    say(out, "tandem: a test failed: %s\n", what);
    if (!tdm__testing())
        return;
    pthread_mutex_lock(&game->lock);
    for (const tdm__player *p = game->first; p; p = p->next)
        say_player(out, p);
    say(out, "  virtual time %.9f s, %" PRIu64 " choices\n", tdm_s_from_ns(game->now_ns), game->choices);
    pthread_mutex_unlock(&game->lock);
    say(out, "%s", replay);
}

void tdm__baton_fail(const char *what)
{
    static text report; /* a fiber's stack is small; whoever fails is the only one to run */
    say_all(&report, what);
    if (options.failed)
        options.failed(report.bytes, options.failed_arg);
    else
        write_all(report.bytes, report.size);
    if (tdm__testing())
        sigaction(SIGABRT, &abort_before, NULL); /* what it would say has been said */
    abort();
}

void tdm_testing_fail(const char *format, ...)
{
    char what[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    tdm__baton_fail(what);
}

static void on_abort(int number)
{
    write_all(replay, replay_size);
    sigaction(number, &abort_before, NULL);
    raise(number);
}

/* ---- how to replay ---- */

static bool is_plain(const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=.,:/@%";
    return *word && !word[strspn(word, plain)];
}

/* The command line of this process, as one would type it. */
static void say_command(text *out)
{
    char words[2048];
    FILE *f = fopen("/proc/self/cmdline", "re");
    size_t size = f ? fread(words, 1, sizeof words - 1, f) : 0;
    if (f)
        fclose(f);
    words[size] = '\0';
    if (!size)
        say(out, " this program");
    for (const char *word = words; word < words + size; word += strlen(word) + 1)
        say(out, is_plain(word) ? " %s" : " '%s'", word);
}

static void make_replay(void)
{
    static text line;
    line.size = 0;
    say(&line, "tandem: replay it by: TDM_SEED=%" PRIu64, options.seed);
    if (options.replay)
        say(&line, " %s", options.replay);
    else
        say_command(&line);
    replay_size = (size_t) snprintf(replay, sizeof replay, "%.*s\n", (int) sizeof replay - 2, line.bytes);
}

/* ---- begin and end ---- */

int tdm_testing_begin(const tdm_testing_options *given)
{
    if (tdm__testing())
        return -EALREADY;
    if (atomic_load(&executors))
        return -EBUSY;
    options = given ? *given : (tdm_testing_options){0};
    make_replay();
    int err = tdm__baton_begin(&options);
    if (!err)
        sigaction(SIGABRT, &(struct sigaction){.sa_handler = on_abort, .sa_flags = SA_NODEFER}, &abort_before);
    return err;
}

int tdm_testing_end(tdm_testing_report *out)
{
    tdm_testing_report report;
    int err = atomic_load(&executors) ? -EBUSY : tdm__baton_end(&report);
    if (err)
        return err;
    sigaction(SIGABRT, &abort_before, NULL);
    if (out)
        *out = report;
    return 0;
}

/* ---- seeds ---- */

/* @return false: it is not set. */
static bool number_in_environment(const char *name, uint64_t *out)
{
    const char *given = getenv(name);
    char *end;
    if (!given)
        return false;
    errno = 0;
    *out = strtoull(given, &end, 10);
    if (errno || end == given || *end || *given == '-') {
        fprintf(stderr, "tandem: %s=%s is no number from 0 to %" PRIu64 "\n", name, given, UINT64_MAX);
        exit(2);
    }
    return true;
}

uint64_t tdm_testing_seed(uint64_t otherwise)
{
    uint64_t seed;
    return number_in_environment("TDM_SEED", &seed) ? seed : otherwise;
}

int tdm_testing_run(const tdm_testing_options *given, uint64_t seeds, void (*test)(void *arg), void *arg)
{
    tdm_testing_options each = given ? *given : (tdm_testing_options){0};
    number_in_environment("TDM_SEEDS", &seeds);
    if (number_in_environment("TDM_SEED", &each.seed))
        seeds = 1;
    for (; seeds; seeds--, each.seed++) {
        int err = tdm_testing_begin(&each);
        if (err)
            return err;
        test(arg);
        err = tdm_testing_end(NULL);
        if (err)
            tdm_testing_fail("the test left an executor or a thread behind");
    }
    return 0;
}

uint64_t tdm_testing_choose(uint64_t n)
{
    return tdm__choose(n);
}

uint64_t tdm_testing_choices(void)
{
    return tdm__baton_choices();
}

void tdm_testing_point(void)
{
    tdm__point();
}

/* ---- time ---- */

int tdm_testing_advance_to(int64_t ns)
{
    if (!tdm__testing())
        return -EINVAL;
    if (tdm__loop_current())
        return -EDEADLK;
    tdm__baton_let_pass(ns, __func__);
    return 0;
}

int tdm_testing_advance(double seconds)
{
    return tdm_testing_advance_to(tdm__deadline_in(seconds));
}

int tdm_testing_settle(void)
{
    return tdm_testing_advance_to(INT64_MIN);
}

/* ---- threads ---- */

int tdm_testing_thread_start(pthread_t *out, const char *name, void *(*run)(void *arg), void *arg)
{
    return tdm__thread_start(out, name, run, arg);
}

void *tdm_testing_thread_join(pthread_t thread)
{
    return tdm__thread_join(thread);
}
