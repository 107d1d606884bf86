/* SPDX-License-Identifier: MIT */
/* DESIGN: whoever waits for a descriptor stands in one table of the process, from which it is seen that two want the same
 * thing. Its entries lie on the waiters' stacks, so entering never allocates.
 * A fiber's descriptor goes into a second epoll instance of its loop, made when it is first needed, which is itself one
 * event of the base. Not into the base: that one collects changes until it polls, and so mistakes a descriptor that was
 * closed and has come back, or stands for the same file as another, for the one it knew. Entries are one-shot and named
 * by number: of a file that lives on under another number after its own was closed, one stray report comes, and finds nobody
 * or is answered by looking again.
 * libevent tells the kernel of that event only when it polls, and keeps to itself that the kernel did not take it: so the
 * instance begins with something to report, and where no report has come after a poll, those who wait are told.
 * A thread sleeps in poll(2), on the descriptor and on an eventfd of its own, which whoever ends its wait writes (wait.c).
 * It too is made when it is first needed; where none can be had the call says so and has not waited: a wait that could
 * not be cancelled would be worse.
 * poll(2) has the last word for both: before each wait, so that what is ready costs one system call, and after it. */
#include "tasks/fd.h"

#include <assert.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tasks/loop.h"
#include "tasks/waiters.h"
#include <event2/event.h>
#include <tandem/clock.h>
#include <tandem/fd.h>

_Static_assert(POLLIN == EPOLLIN && POLLOUT == EPOLLOUT && POLLHUP == EPOLLHUP && POLLERR == EPOLLERR,
               "one set of bits for both");

/* One that waits: on its stack. */
typedef struct fd_wait {
    struct fd_wait *next; /* in its chain; guarded by the table's lock */
    int fd;
    short events; /* POLLIN, POLLOUT */
    tdm__exec *exec;
} fd_wait;

enum { CHAINS = 256 };

static struct {
    pthread_mutex_t lock;
    fd_wait *chains[CHAINS];
} table = {.lock = PTHREAD_MUTEX_INITIALIZER};

static fd_wait **chain_of(int fd)
{
    return &table.chains[(unsigned) fd % CHAINS];
}

/* With the table's lock held. */
static bool is_busy(const fd_wait *self)
{
    for (const fd_wait *other = *chain_of(self->fd); other; other = other->next)
        if (other->fd == self->fd && (other->events & self->events))
            return true;
    return false;
}

/* @return 0; -EBUSY. With `look_only` it is not in the table then. */
static int enter(fd_wait *self, bool look_only)
{
    tdm__lock(&table.lock);
    bool busy = is_busy(self);
    if (!busy && !look_only) {
        fd_wait **chain = chain_of(self->fd);
        self->next = *chain;
        *chain = self;
    }
    tdm__unlock(&table.lock);
    return busy ? -EBUSY : 0;
}

static void leave(const fd_wait *self)
{
    tdm__lock(&table.lock);
    fd_wait **at = chain_of(self->fd);
    while (*at != self)
        at = &(*at)->next;
    *at = self->next;
    tdm__unlock(&table.lock);
}

/* ---- looking ---- */

static int found(int revents)
{
    return (revents & POLLIN ? TDM_FD_READABLE : 0) | (revents & POLLOUT ? TDM_FD_WRITABLE : 0) |
           (revents & POLLHUP ? TDM_FD_HANGUP : 0) | (revents & POLLERR ? TDM_FD_ERROR : 0);
}

/* @return what is so now; 0: nothing; -EBADF; what poll(2) said. */
static int look(int fd, short events)
{
    struct pollfd at = {.fd = fd, .events = events};
    if (fd < 0)
        return -EBADF;
    while (poll(&at, 1, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return at.revents & POLLNVAL ? -EBADF : found(at.revents);
}

/* ---- on a loop; for its thread alone ---- */

struct tdm__fds {
    tdm__timer check; /* armed until the first report */
    tdm__loop *loop;
    int epoll_fd;
    int first_fd; /* it is to be reported first; -1: it was */
    bool polled;  /* the loop has polled since the event was added, or is about to for the first time */
    struct event *event;
};

/* What fibers of this loop want of `fd`. */
static short wanted(const tdm__fds *fds, int fd)
{
    int events = 0;
    tdm__lock(&table.lock);
    for (const fd_wait *wait = *chain_of(fd); wait; wait = wait->next)
        if (wait->fd == fd && wait->exec->loop == fds->loop)
            events |= wait->events;
    tdm__unlock(&table.lock);
    return (short) events;
}

static int control(const tdm__fds *fds, int how, int fd, short events)
{
    struct epoll_event event = {.events = (uint32_t) events | EPOLLONESHOT, .data.fd = fd};
    return epoll_ctl(fds->epoll_fd, how, fd, &event) < 0 ? -errno : 0;
}

/* Report `fd` once when what is wanted of it is so; or, if nothing is, no more. */
static int tell(const tdm__fds *fds, int fd)
{
    short events = wanted(fds, fd);
    if (!events)
        return control(fds, EPOLL_CTL_DEL, fd, 0);
    int err = control(fds, EPOLL_CTL_ADD, fd, events);
    return err == -EEXIST ? control(fds, EPOLL_CTL_MOD, fd, events) : err;
}

/* @return true: somebody's wait was for this, and that one will tell what is still wanted. */
static bool wake_waiters(const tdm__fds *fds, int fd, int revents)
{
    bool any = false;
    tdm__lock(&table.lock);
    for (const fd_wait *wait = *chain_of(fd); wait; wait = wait->next)
        if (wait->fd == fd && wait->exec->loop == fds->loop && (revents & (wait->events | POLLHUP | POLLERR))) {
            any = true;
            tdm__wake(wait->exec, 0); /* or something else was first */
        }
    tdm__unlock(&table.lock);
    return any;
}

/* The kernel has the event. */
static void proven(tdm__fds *fds)
{
    tdm__timer_disarm(fds->loop, &fds->check);
    close(fds->first_fd); /* which takes it out, too */
    fds->first_fd = -1;
}

static void on_ready(evutil_socket_t epoll_fd, short what, void *arg)
{
    (void) what;
    tdm__fds *fds = arg;
    struct epoll_event events[64]; /* what is left comes in the next turn */
    int count = epoll_wait(epoll_fd, events, sizeof events / sizeof *events, 0);
    if (fds->first_fd >= 0)
        proven(fds);
    for (int i = 0; i < count; i++)
        if (!wake_waiters(fds, events[i].data.fd, (int) events[i].events) && wanted(fds, events[i].data.fd))
            tell(fds, events[i].data.fd); /* a stray one has used up the shot */
}

void tdm__fds_destroy(tdm__fds **slot)
{
    tdm__fds *fds = *slot;
    if (!fds)
        return;
    *slot = NULL;
    if (fds->event)
        event_free(fds->event);
    if (fds->first_fd >= 0)
        close(fds->first_fd);
    if (fds->epoll_fd >= 0)
        close(fds->epoll_fd);
    free(fds);
}

/* Nobody who waits would be told of anything. The next who waits begins anew. */
static void give_up(tdm__fds *fds)
{
    tdm__lock(&table.lock);
    for (int i = 0; i < CHAINS; i++)
        for (const fd_wait *wait = table.chains[i]; wait; wait = wait->next)
            if (wait->exec->loop == fds->loop)
                tdm__wake(wait->exec, -ENOMEM);
    tdm__unlock(&table.lock);
    tdm__fds_destroy(tdm__loop_fds(fds->loop));
}

enum { CHECK_NS = 1000000 };

/* Timers come before the poll of their turn, so only the second time one is sure to have passed. */
static void check_due(tdm__timer *timer)
{
    tdm__fds *fds = (tdm__fds *) timer;
    if (fds->polled || tdm__timer_arm(fds->loop, timer, tdm_clock_ns() + CHECK_NS) < 0)
        give_up(fds);
    else
        fds->polled = true;
}

/* Something to report from the first poll on. */
static int ask_for_proof(tdm__fds *fds)
{
    fds->first_fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fds->first_fd < 0)
        return -errno;
    int err = control(fds, EPOLL_CTL_ADD, fds->first_fd, EPOLLIN);
    return err ? err : tdm__timer_arm(fds->loop, &fds->check, tdm_clock_ns() + CHECK_NS);
}

static int fds_create(tdm__fds **out, tdm__loop *loop)
{
    tdm__fds *fds = calloc(1, sizeof *fds);
    if (!fds)
        return -ENOMEM;
    fds->loop = loop;
    fds->check.run = check_due;
    fds->first_fd = -1;
    fds->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    int err = fds->epoll_fd < 0 ? -errno : 0;
    if (!err) {
        fds->event = event_new(tdm__loop_base(loop), fds->epoll_fd, EV_READ | EV_PERSIST, on_ready, fds);
        err = fds->event && event_add(fds->event, NULL) == 0 ? 0 : -ENOMEM;
    }
    if (!err)
        err = ask_for_proof(fds);
    if (err)
        tdm__fds_destroy(&fds);
    *out = fds;
    return err;
}

static int wait_on_fiber(const fd_wait *self, int64_t deadline_ns)
{
    tdm__fds **fds = tdm__loop_fds(self->exec->loop);
    int err = *fds ? 0 : fds_create(fds, self->exec->loop);
    if (!err)
        err = tell(*fds, self->fd); /* no report comes before this fiber suspends */
    if (err)
        return err;
    tdm__wait_begin_in(self->exec, false, "tdm_wait_fd");
    return tdm__wait_until(self->exec, deadline_ns);
}

static void forget_on_fiber(const fd_wait *self)
{
    tdm__fds **fds = tdm__loop_fds(self->exec->loop);
    if (*fds)
        tell(*fds, self->fd); /* it may have been closed, and then epoll has forgotten it already */
}

/* ---- on a thread ---- */

static _Thread_local int bell = -1; /* this thread's eventfd */
static pthread_key_t bell_key;      /* closes it when the thread ends */
static int bell_key_err;
static pthread_once_t bell_once = PTHREAD_ONCE_INIT;

static void bell_close(void *value)
{
    close(*(int *) value);
}

static void bell_key_make(void)
{
    bell_key_err = -pthread_key_create(&bell_key, bell_close);
}

/* @return 0: this thread has one. */
static int bell_make(void)
{
    if (bell >= 0)
        return 0;
    pthread_once(&bell_once, bell_key_make);
    if (bell_key_err)
        return bell_key_err;
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0)
        return -errno;
    int err = -pthread_setspecific(bell_key, &bell);
    if (err)
        close(fd);
    else
        bell = fd;
    return err;
}

static int wait_on_thread(const fd_wait *self, int64_t deadline_ns)
{
    int err = bell_make();
    if (err)
        return err;
    struct pollfd poll_for = {.fd = self->fd, .events = self->events};
    tdm__wait_begin_in(self->exec, false, "tdm_wait_fd");
    return tdm__wait_until_polled(self->exec, &poll_for, bell, deadline_ns);
}

static int wait_in_table(fd_wait *self, int64_t deadline_ns)
{
    int err = enter(self, false), ready = 0;
    if (err)
        return err;
    bool on_loop = self->exec->loop;
    do
        err = on_loop ? wait_on_fiber(self, deadline_ns) : wait_on_thread(self, deadline_ns);
    while (!err && !(ready = look(self->fd, self->events)));
    leave(self);
    if (on_loop)
        forget_on_fiber(self);
    return err ? err : ready;
}

/* No time to wait in: what every wait looks at besides counts all the same. */
static int wait_for_nothing(fd_wait *self)
{
    int err = enter(self, true);
    if (err)
        return err;
    tdm__wait_begin_in(self->exec, false, "tdm_wait_fd");
    return tdm__wait_until(self->exec, 0);
}

int tdm_wait_fd(int fd, int what, double seconds)
{
    if (what <= 0 || (what & ~(TDM_FD_READABLE | TDM_FD_WRITABLE)))
        return -EINVAL;
    fd_wait self = {.fd = fd};
    self.events = (short) ((what & TDM_FD_READABLE ? POLLIN : 0) | (what & TDM_FD_WRITABLE ? POLLOUT : 0));
    int ready = look(fd, self.events);
    if (ready)
        return ready;
    self.exec = tdm__exec_to_wait();
    if (!self.exec)
        return -EDEADLK;
    int64_t ns = tdm_ns_from_s(seconds);
    return tdm__timed(ns ? wait_in_table(&self, tdm__deadline(ns)) : wait_for_nothing(&self));
}
