/* SPDX-License-Identifier: MIT */
/* DESIGN: main() for a service. Signals are blocked before any thread starts, so that all threads inherit the mask, and
 * are read from a descriptor by the main thread alone: no code of ours ever runs inside a signal handler. The stop runs
 * on a thread of its own, made at the start, when there is memory for it, so that the main thread can hear the second signal while the first one's drain goes on.
 * What the end needs is there from the start: when it comes, descriptors may have run out, and whoever reads our lines
 * may stand still. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <tandem/json.h>
#include <tandem/log.h>

#include "server/front.h"

enum { FAILED_TO_START = 1, LOST_WORK = 3, PRINT_PATIENCE_MS = 1000 };

struct stopper {
    tdm_app *app;
    tdm_manifest manifest;
    int signal_fd, go_fd, done_fd, err;
    bool called_off; /* there was nothing to stop */
    pthread_t thread;
};

/* Where one is missing, the next descriptor of ours would take its number and get what is printed. */
static int fill_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
            return -errno;
    }
    return 0;
}

/* A pipe that has room takes a line at once; one that nobody reads must hold neither the start nor the end. */
static void print_line(const char *what, const char *text)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    if (poll(&out, 1, PRINT_PATIENCE_MS) == 0) {
        tdm_log_error("nobody reads standard output: %s was not printed", what);
        return;
    }
    puts(text);
    fflush(stdout);
}

static int open_signals(void)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigemptyset(&ignore.sa_mask);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    int err = pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (err)
        return -err;
    if (sigaction(SIGPIPE, &ignore, NULL))
        return -errno;
    int fd = signalfd(-1, &set, SFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* As many connections as the system lets this process have: the soft limit is often 1024. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur == limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit))
        tdm_log_warning("cannot raise the limit on open files: %s", strerror(errno));
}

static int start(tdm_app *app)
{
    int err = tdm_log_start(&(tdm_log_options){.level = TDM_LOG_INFO});
    if (err && err != -EALREADY) {
        tdm_log_error("%s cannot start its log: %s", app->name, strerror(-err));
        return err;
    }
    raise_descriptor_limit();
    err = tdm_app_start(app); /* which tells what is wrong itself */
    if (err)
        return err;
    const tdm_executor_options *settings = tdm_executor_settings(app->executor);
    char line[512];
    snprintf(line, sizeof line, "%s %s listening on %s (loops=%u workers=%u queue=%u)", app->name, app->version,
             tdm_app_url(app), settings->loops, settings->workers, settings->queue);
    print_line("the ready line", line);
    return 0;
}

static const char *wait_for_signal(int fd)
{
    struct signalfd_siginfo info;
    ssize_t n;
    do {
        n = read(fd, &info, sizeof info);
    } while (n < 0 && errno == EINTR);
    return n == (ssize_t) sizeof info && info.ssi_signo == SIGINT ? "SIGINT" : "SIGTERM";
}

static void *run_stop(void *arg)
{
    struct stopper *stopper = arg;
    eventfd_t go;
    while (eventfd_read(stopper->go_fd, &go) < 0 && errno == EINTR)
        ;
    if (!stopper->called_off)
        stopper->err = tdm_app_stop(stopper->app, &stopper->manifest);
    eventfd_write(stopper->done_fd, 1);
    return NULL;
}

static void wait_for_stop(struct stopper *stopper)
{
    struct pollfd fds[] = {{.fd = stopper->done_fd, .events = POLLIN}, {.fd = stopper->signal_fd, .events = POLLIN}};
    for (;;) {
        int ready = poll(fds, 2, -1);
        if (ready > 0 && (fds[0].revents & POLLIN))
            return;
        if (ready > 0 && (fds[1].revents & POLLIN)) {
            tdm_log_warning("%s again: leaving at once", wait_for_signal(stopper->signal_fd));
            tdm_app_hurry(stopper->app);
            fds[1].fd = -1;
        }
    }
}

/* Drain, and hurry at the next signal. @return 0; or a negative errno, and nothing was stopped. */
static int stop(struct stopper *stopper)
{
    eventfd_write(stopper->go_fd, 1);
    wait_for_stop(stopper);
    pthread_join(stopper->thread, NULL);
    return stopper->err;
}

static void call_off(struct stopper *stopper)
{
    stopper->called_off = true;
    eventfd_write(stopper->go_fd, 1);
    pthread_join(stopper->thread, NULL);
}

static void write_totals(tdm_json_writer *w, const tdm_totals *totals)
{
    tdm_json_object_begin(w);
    tdm_json_key(w, "carried");
    tdm_json_uint(w, totals->carried);
    tdm_json_key(w, "accepted");
    tdm_json_uint(w, totals->accepted);
    for (int state = 0; state < TDM_STATES; state++) {
        tdm_json_key(w, tdm_state_name((tdm_state) state));
        tdm_json_uint(w, totals->state[state]);
    }
    tdm_json_key(w, "rejected");
    tdm_json_uint(w, totals->rejected);
    tdm_json_object_end(w);
}

static void print_manifest(const tdm_app *app, const tdm_manifest *manifest)
{
    tdm_json_writer w;
    tdm_json_init(&w);
    tdm_json_object_begin(&w);
    tdm_json_key(&w, "name");
    tdm_json_string(&w, app->name);
    tdm_json_key(&w, "version");
    tdm_json_string(&w, app->version);
    tdm_json_key(&w, "lanes");
    tdm_json_object_begin(&w);
    for (int lane = 0; lane < TDM_LANES; lane++) {
        tdm_json_key(&w, tdm_lane_name((tdm_lane) lane));
        write_totals(&w, &manifest->lanes[lane]);
    }
    tdm_json_object_end(&w);
    tdm_json_key(&w, "requests");
    tdm_json_uint(&w, manifest->requests);
    tdm_json_key(&w, "replies");
    tdm_json_uint(&w, manifest->replies);
    tdm_json_key(&w, "unanswered");
    tdm_json_uint(&w, manifest->unanswered);
    tdm_json_key(&w, "seconds");
    tdm_json_double(&w, manifest->seconds);
    tdm_json_key(&w, "exit_status");
    tdm_json_int(&w, manifest->exit_status);
    tdm_json_object_end(&w);
    const char *text = tdm_json_text(&w, NULL);
    if (text)
        print_line("the manifest", text);
    else
        tdm_log_error("no memory for the manifest");
    tdm_json_finish(&w);
}

/* From the ready line to the manifest. @return the exit status. */
static int serve(struct stopper *stopper)
{
    int err = start(stopper->app);
    if (err) {
        call_off(stopper);
        return FAILED_TO_START;
    }
    tdm_log_info("%s: draining", wait_for_signal(stopper->signal_fd));
    err = stop(stopper);
    tdm_log_flush();
    if (err) {
        tdm_log_error("cannot stop: %s", strerror(-err));
        return LOST_WORK;
    }
    print_manifest(stopper->app, &stopper->manifest);
    return stopper->manifest.exit_status;
}

/* All that the end needs, while there is enough of everything: descriptors, and the thread that will stop the app.
 * Signals are blocked before it exists. */
static int prepare(struct stopper *stopper)
{
    int err = fill_standard_descriptors();
    if (err)
        return err;
    stopper->signal_fd = open_signals();
    if (stopper->signal_fd < 0)
        return stopper->signal_fd;
    stopper->go_fd = eventfd(0, EFD_CLOEXEC);
    stopper->done_fd = eventfd(0, EFD_CLOEXEC);
    if (stopper->go_fd < 0 || stopper->done_fd < 0)
        return -errno;
    return -pthread_create(&stopper->thread, NULL, run_stop, stopper);
}

static void close_descriptors(const struct stopper *stopper)
{
    const int fds[] = {stopper->signal_fd, stopper->go_fd, stopper->done_fd};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

int tdm_app_main(tdm_app *app)
{
    struct stopper stopper = {.app = app, .signal_fd = -1, .go_fd = -1, .done_fd = -1};
    int status = FAILED_TO_START, err = prepare(&stopper);
    if (err)
        tdm_log_error("%s cannot wait for signals: %s", app->name, strerror(-err));
    else
        status = serve(&stopper);
    close_descriptors(&stopper);
    tdm_log_flush();
    return status;
}
