/* SPDX-License-Identifier: MIT */
/* DESIGN: the objects that keep something while nobody waits: events, mutexes, conditions, channels, descriptors. */
#include <unistd.h>

#include "tests/ties/ties.h"

enum {
    FOR_ALL =
        TIE_BIT(TIE_COMPLETE) | TIE_BIT(TIE_CANCEL) | TIE_BIT(TIE_DEADLINE) | TIE_BIT(TIE_FULL) | TIE_BIT(TIE_DRAIN),
    AND_GONE = FOR_ALL | TIE_BIT(TIE_GONE)
};

/* ---- event ---- */

static void event_setup(tie_scene *s)
{
    TDM_EXPECT(tdm_event_create((tdm_event **) &s->object) == 0);
}

static int event_wait(tie_scene *s, double seconds)
{
    return seconds < TDM_FOREVER ? tdm_event_wait_for(s->object, seconds) : tdm_event_wait(s->object);
}

static void event_complete(tie_scene *s)
{
    tdm_event_set(s->object);
}

static void event_check(tie_scene *s)
{
    TDM_EXPECT(tdm_event_waiting(s->object) == 0 && tdm_event_is_set(s->object) == (s->completions > 0));
}

static void event_finish(tie_scene *s)
{
    tdm_event_destroy((tdm_event **) &s->object);
}

/* ---- mutex: a thread holds it until it is told to let go ---- */

typedef struct held {
    tdm_mutex *mutex;
    tdm_condition *condition;
    tdm_event *let_go;
    pthread_t holder;
    int tokens, inside;
} held;

static void *hold(void *arg)
{
    held *h = arg;
    TDM_EXPECT(tdm_mutex_lock(h->mutex) == 0);
    TDM_EXPECT(tdm_event_wait(h->let_go) == 0);
    TDM_EXPECT(tdm_mutex_unlock(h->mutex) == 0);
    return NULL;
}

static void mutex_setup(tie_scene *s)
{
    static held one;
    one = (held){0};
    s->object = &one;
    TDM_EXPECT(tdm_mutex_create(&one.mutex) == 0);
    TDM_EXPECT(tdm_event_create(&one.let_go) == 0);
    TDM_EXPECT(tdm_testing_thread_start(&one.holder, "holder", hold, &one) == 0);
    tdm_testing_settle();
}

static int mutex_wait(tie_scene *s, double seconds)
{
    held *h = s->object;
    int err = seconds < TDM_FOREVER ? tdm_mutex_lock_for(h->mutex, seconds) : tdm_mutex_lock(h->mutex);
    if (!err) {
        TDM_EXPECT(++h->inside == 1);
        tdm_testing_point();
        h->inside--;
        TDM_EXPECT(tdm_mutex_unlock(h->mutex) == 0);
    }
    return err;
}

static void mutex_complete(tie_scene *s)
{
    tdm_event_set(((held *) s->object)->let_go);
}

static void mutex_check(tie_scene *s)
{
    held *h = s->object;
    tdm_event_set(h->let_go);
    tdm_testing_thread_join(h->holder);
    TDM_EXPECT(tdm_mutex_waiting(h->mutex) == 0 && h->inside == 0);
    TDM_EXPECT(tdm_mutex_try_lock(h->mutex) == 0 && tdm_mutex_unlock(h->mutex) == 0);
}

static void mutex_finish(tie_scene *s)
{
    held *h = s->object;
    tdm_mutex_destroy(&h->mutex);
    tdm_condition_destroy(&h->condition);
    tdm_event_destroy(&h->let_go);
}

/* ---- condition: tokens under a mutex, one signal for each ---- */

static void condition_setup(tie_scene *s)
{
    static held one;
    one = (held){0};
    s->object = &one;
    TDM_EXPECT(tdm_mutex_create(&one.mutex) == 0);
    TDM_EXPECT(tdm_condition_create(&one.condition) == 0);
}

static void put_token(held *h)
{
    h->tokens++;
    tdm_condition_signal(h->condition);
}

static bool has_token(void *arg)
{
    return ((held *) arg)->tokens > 0;
}

static int condition_wait(tie_scene *s, double seconds)
{
    held *h = s->object;
    int err = tdm_mutex_lock(h->mutex);
    if (err)
        return err;
    err = tdm_condition_wait_until(h->condition, h->mutex, has_token, h, seconds);
    if (!err) {
        h->tokens--;
        tdm_testing_point();
        put_token(h);
    }
    TDM_EXPECT(tdm_mutex_unlock(h->mutex) == 0); /* held, whatever `err` is */
    return err;
}

static void condition_complete(tie_scene *s)
{
    held *h = s->object;
    tdm_shield shield;
    TDM_EXPECT(tdm_shield_begin(&shield) == 0);
    TDM_EXPECT(tdm_mutex_lock(h->mutex) == 0);
    put_token(h);
    TDM_EXPECT(tdm_mutex_unlock(h->mutex) == 0);
    tdm_shield_end(&shield);
}

static void condition_check(tie_scene *s)
{
    held *h = s->object;
    TDM_EXPECT(h->tokens == s->completions);
    TDM_EXPECT(tdm_condition_waiting(h->condition) == 0 && tdm_mutex_waiting(h->mutex) == 0);
}

/* ---- channel: an empty one to receive from, a full one to send to ---- */

static const int item = 42;

static void receive_setup(tie_scene *s)
{
    tdm_channel_options options = {.item_size = sizeof(int), .capacity = 4};
    TDM_EXPECT(tdm_channel_create((tdm_channel **) &s->object, &options) == 0);
}

static int receive_wait(tie_scene *s, double seconds)
{
    int got = 0;
    int err = seconds < TDM_FOREVER ? tdm_channel_receive_for(s->object, &got, seconds)
                                    : tdm_channel_receive(s->object, &got);
    if (!err) {
        TDM_EXPECT(got == item);
        s->taken++;
    }
    return err;
}

static void receive_complete(tie_scene *s)
{
    int err = tdm_channel_try_send(s->object, &item);
    TDM_EXPECT(err == 0 || (err == -EPIPE && s->closed));
    s->given += err == 0;
}

static void channel_gone(tie_scene *s)
{
    s->closed = true;
    tdm_channel_close(s->object);
}

static void receive_check(tie_scene *s)
{
    TDM_EXPECT((int) tdm_channel_count(s->object) == s->given - s->taken);
    TDM_EXPECT(tdm_channel_waiting_receivers(s->object) == 0);
}

static void channel_finish(tie_scene *s)
{
    tdm_channel_destroy((tdm_channel **) &s->object);
}

static void send_setup(tie_scene *s)
{
    receive_setup(s);
    while (!tdm_channel_try_send(s->object, &item))
        s->given++;
}

static int send_wait(tie_scene *s, double seconds)
{
    int err =
        seconds < TDM_FOREVER ? tdm_channel_send_for(s->object, &item, seconds) : tdm_channel_send(s->object, &item);
    s->given += err == 0;
    return err;
}

static void send_complete(tie_scene *s)
{
    int got = 0;
    if (!tdm_channel_try_receive(s->object, &got)) {
        TDM_EXPECT(got == item);
        s->taken++;
    }
}

static void send_check(tie_scene *s)
{
    TDM_EXPECT((int) tdm_channel_count(s->object) == s->given - s->taken);
    TDM_EXPECT(tdm_channel_waiting_senders(s->object) == 0);
}

/* ---- descriptor: a pipe ---- */

typedef struct pipe_ends {
    int read, write;
} pipe_ends;

static void fd_setup(tie_scene *s)
{
    static pipe_ends ends;
    int fds[2];
    TDM_EXPECT(pipe(fds) == 0);
    ends = (pipe_ends){fds[0], fds[1]};
    s->object = &ends;
}

static int fd_wait(tie_scene *s, double seconds)
{
    int found = tdm_wait_fd(((pipe_ends *) s->object)->read, TDM_FD_READABLE, seconds);
    if (found < 0)
        return found;
    TDM_EXPECT(found & (TDM_FD_READABLE | TDM_FD_HANGUP));
    return found & TDM_FD_READABLE ? 0 : -EPIPE;
}

static void fd_complete(tie_scene *s)
{
    pipe_ends *ends = s->object;
    if (!s->closed)
        TDM_EXPECT(write(ends->write, "x", 1) == 1);
}

static void fd_gone(tie_scene *s)
{
    s->closed = true;
    close(((pipe_ends *) s->object)->write);
}

static void fd_finish(tie_scene *s)
{
    pipe_ends *ends = s->object;
    close(ends->read);
    if (!s->closed)
        close(ends->write);
}

const tie_wait tie_objects[] = {
    {.name = "event",
     .events = FOR_ALL,
     .timed = true,
     .passes_on = true,
     .setup = event_setup,
     .wait = event_wait,
     .complete = event_complete,
     .check = event_check,
     .finish = event_finish},
    {.name = "mutex",
     .events = FOR_ALL,
     .timed = true,
     .passes_on = true,
     .setup = mutex_setup,
     .wait = mutex_wait,
     .complete = mutex_complete,
     .check = mutex_check,
     .finish = mutex_finish},
    {.name = "condition",
     .events = FOR_ALL,
     .timed = true,
     .passes_on = true,
     .setup = condition_setup,
     .wait = condition_wait,
     .complete = condition_complete,
     .check = condition_check,
     .finish = mutex_finish},
    {.name = "receive",
     .events = AND_GONE,
     .gone = -EPIPE,
     .timed = true,
     .setup = receive_setup,
     .wait = receive_wait,
     .complete = receive_complete,
     .gone_now = channel_gone,
     .check = receive_check,
     .finish = channel_finish},
    {.name = "send",
     .events = AND_GONE,
     .gone = -EPIPE,
     .timed = true,
     .setup = send_setup,
     .wait = send_wait,
     .complete = send_complete,
     .gone_now = channel_gone,
     .check = send_check,
     .finish = channel_finish},
    {.name = "fd",
     .events = AND_GONE,
     .gone = -EPIPE,
     .timed = true,
     .alone = true,
     .setup = fd_setup,
     .wait = fd_wait,
     .complete = fd_complete,
     .gone_now = fd_gone,
     .finish = fd_finish},
    {0},
};
