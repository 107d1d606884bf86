/* SPDX-License-Identifier: MIT */
/* DESIGN: one long question asked again and again: what has ended since? While the step runs, pages are small, so that
 * reading one never holds up the measured connections, and every row is kept, for a task may end before the reply that
 * promises its id was read; when the step is over the promised ids are known, and the rest is dropped.
 * When a page comes back empty, the server is asked whether it has any task left at all. If not, and after one more
 * page, what is still open will never end: a few ids are asked for one by one, and the rest is lost, or, if rows were
 * missed, unknown. So a lost task is found in seconds, not by the timeout.
 * A server that answers as another run of itself has lost the tasks of the run before. One that cannot be reached for
 * three seconds may have finished them before it left: what became of them is unknown. */
#include "load/follow.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tandem/clock.h>

#include "load/question.h"
#include "load/summary.h"

#define BODY_LIMIT ((size_t) 16 * 1024 * 1024)
#define POLL_EVERY_NS (INT64_C(50) * 1000 * 1000)
#define POLL_WAIT_S 2
#define ANSWER_NS (15 * TDM_NS_PER_S) /* how long an answer may take beyond the wait that was asked for */
#define GONE_AFTER_NS (3 * TDM_NS_PER_S)
#define PAGE_WHILE_RUNNING 100
#define PAGE_AFTER 1000
#define LOOK_UP_MOST 100
#define ROWS_MOST ((size_t) 8 * 1024 * 1024)

struct load_follow {
    load_step *step;
    load_link *link;
    uint64_t asked;       /* questions */
    load_question asking; /* what is asked now, or next */
    bool pending;         /* a request is on its way */
    bool settled;         /* the promised ids are known */
    bool over, stopped, gone, restarted, timed_out, out_of_memory;
    bool none; /* the target has no task list */
    char *request;
    char cursor[200], page_after[200];
    load_rows rows;
    uint64_t missed, forgotten, denied;
    bool alive; /* a task that was looked up is still to end */
    uint64_t open_ids[LOOK_UP_MOST];
    size_t open_count, open_next;
    unsigned refusals; /* wrong answers in a row */
    int64_t next_ns, asked_ns, last_good_ns, deadline_ns;
};

static void over(load_follow *f)
{
    f->over = true;
    f->asking = LOAD_ASK_NOTHING;
}

static void explain(load_follow *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void explain(load_follow *f, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(f->step->tasks.why, sizeof f->step->tasks.why, format, args);
    va_end(args);
}

static void no_memory(load_follow *f)
{
    f->out_of_memory = true;
    explain(f, "out of memory");
    over(f);
}

/* ---- asking ---- */

static void write_path(const load_follow *f, char *path, size_t size)
{
    load_question_about about = {.limit = f->settled ? PAGE_AFTER : PAGE_WHILE_RUNNING, .wait_s = POLL_WAIT_S};
    if (f->asking == LOAD_ASK_QUEUED || f->asking == LOAD_ASK_RUNNING)
        about.cursor = f->page_after;
    else if (f->asking == LOAD_ASK_ONE)
        about.id = f->open_ids[f->open_next];
    else
        about.cursor = f->cursor;
    load_question_path(path, size, f->asking, &about);
}

static void ask(load_follow *f)
{
    char path[1024];
    if (load_link_state_of(f->link) == LOAD_LINK_CLOSED) {
        f->pending = true; /* the opening */
        int err = load_link_open(f->link, f->step->target);
        if (err) {
            f->pending = false;
            f->next_ns = tdm_clock_ns() + TDM_NS_PER_S / 4;
        }
        return;
    }
    write_path(f, path, sizeof path);
    free(f->request);
    f->request = load_target_get(f->step->target, path);
    if (!f->request) {
        no_memory(f);
        return;
    }
    f->pending = true;
    f->asked_ns = tdm_clock_ns();
    f->asked++;
    load_link_send(f->link,
                   &(load_bytes){.data = f->request, .size = strlen(f->request), .requests = 1, .lasting = true});
    load_link_set_deadline(f->link, f->asked_ns + POLL_WAIT_S * TDM_NS_PER_S + ANSWER_NS);
}

static void ask_next(load_follow *f, load_question what, int64_t at_ns)
{
    f->asking = what;
    f->next_ns = at_ns;
    if (at_ns <= tdm_clock_ns())
        ask(f);
}

/* ---- answers ---- */

static void no_list(load_follow *f, const char *what)
{
    f->none = true;
    explain(f, "%s", what);
    over(f);
}

static void broken(load_follow *f, const char *what)
{
    f->step->tasks.broken = true;
    explain(f, "the list of ended tasks is not what was promised: %s", what);
    over(f);
}

/* Mark the rows from `from` on, and keep those that were promised and new. */
static void keep_promised(load_follow *f, size_t from)
{
    size_t kept = from;
    for (size_t i = from; i < f->rows.count; i++)
        if (load_state_ended(f->rows.items[i].state) && load_promises_mark(&f->step->promises, f->rows.items[i].id))
            f->rows.items[kept++] = f->rows.items[i];
    f->rows.count = kept;
}

static bool all_resolved(const load_follow *f)
{
    return f->settled && f->step->promises.resolved == f->step->promises.total;
}

static void look_up_open(load_follow *f)
{
    uint64_t open = f->step->promises.total - f->step->promises.resolved;
    if (open > LOOK_UP_MOST) {
        *(f->missed ? &f->forgotten : &f->denied) = open;
        over(f);
        return;
    }
    f->open_count = load_promises_open(&f->step->promises, f->open_ids, LOOK_UP_MOST);
    f->open_next = 0;
    f->forgotten = f->denied = 0;
    f->alive = false;
    ask_next(f, LOAD_ASK_ONE, 0);
}

static void got_ended(load_follow *f, const load_page *page, size_t before)
{
    unsigned limit = f->settled ? PAGE_AFTER : PAGE_WHILE_RUNNING;
    f->missed += (uint64_t) page->missed;
    memcpy(f->cursor, page->next, sizeof f->cursor);
    if (f->settled)
        keep_promised(f, before);
    if (all_resolved(f))
        over(f);
    else if (f->rows.count > ROWS_MOST)
        broken(f, "it holds too many tasks of others");
    else if (page->count >= limit)
        ask_next(f, f->asking, 0);
    else if (f->asking == LOAD_ASK_LAST)
        look_up_open(f);
    else if (page->count == 0 && f->settled)
        ask_next(f, LOAD_ASK_QUEUED, 0);
    else
        ask_next(f, LOAD_ASK_ENDED, f->asked_ns + POLL_EVERY_NS);
}

/* Is any task of a state left? A page may be empty and yet not be the last. */
static void got_unfinished(load_follow *f, const load_page *page)
{
    memcpy(f->page_after, page->next, sizeof f->page_after);
    if (page->count > 0) {
        f->page_after[0] = '\0';
        ask_next(f, LOAD_ASK_ENDED, f->asked_ns + POLL_EVERY_NS);
    } else if (f->page_after[0]) {
        ask_next(f, f->asking, 0);
    } else {
        ask_next(f, f->asking == LOAD_ASK_QUEUED ? LOAD_ASK_RUNNING : LOAD_ASK_LAST, 0);
    }
}

static void got_page(load_follow *f, const char *body, size_t size)
{
    load_page page;
    size_t before = f->rows.count;
    int err = load_page_parse(&page, &f->rows, body, size);
    if (err == -ENOMEM) {
        no_memory(f);
    } else if (f->asking == LOAD_ASK_CURSOR) {
        if (err || !page.next[0]) {
            no_list(f, "GET /tasks?ended_after=now did not answer with a list of tasks");
            return;
        }
        memcpy(f->cursor, page.next, sizeof f->cursor);
        f->rows.count = 0;
        over(f);
        f->asking = LOAD_ASK_ENDED; /* from the next tick on, and so not before the step begins */
        f->next_ns = 0;
    } else if (err) {
        broken(f, "a page that is not JSON, or lacks a field");
    } else if (f->asking == LOAD_ASK_QUEUED || f->asking == LOAD_ASK_RUNNING) {
        f->rows.count = before;
        got_unfinished(f, &page);
    } else if (!page.next[0]) {
        broken(f, "a page without a cursor");
    } else {
        got_ended(f, &page, before);
    }
}

static void next_look_up(load_follow *f)
{
    if (++f->open_next < f->open_count)
        ask_next(f, LOAD_ASK_ONE, 0);
    else if (f->alive)
        ask_next(f, LOAD_ASK_ENDED, f->asked_ns + POLL_EVERY_NS);
    else
        over(f);
}

/* The answer about one id: 404 with rows missed is "forgotten", without it "never known". */
static void got_one(load_follow *f, unsigned status, const char *body, size_t size)
{
    load_row row;
    if (status == 404) {
        (*(f->missed ? &f->forgotten : &f->denied))++;
    } else if (status != 200 || load_row_parse(&row, body, size) < 0 || row.id != f->open_ids[f->open_next]) {
        broken(f, "GET /tasks/{id} did not answer with that task");
        return;
    } else if (load_rows_add(&f->rows, &row) < 0) {
        no_memory(f);
        return;
    } else {
        f->alive = f->alive || !load_state_ended(row.state);
        keep_promised(f, f->rows.count - 1);
    }
    next_look_up(f);
}

static void wrong_status(load_follow *f, unsigned status)
{
    char what[80];
    if (f->asking == LOAD_ASK_CURSOR) {
        snprintf(what, sizeof what, "GET /tasks?ended_after=now answered %u", status);
        no_list(f, what);
    } else if (status == 422) { /* a cursor belongs to one run of the server */
        f->restarted = true;
        explain(f, "the target does not know its own cursor any more: it was restarted");
        over(f);
    } else if (++f->refusals >= 5) {
        snprintf(what, sizeof what, "status %u", status);
        broken(f, what);
    } else {
        f->next_ns = tdm_clock_ns() + TDM_NS_PER_S / 2;
    }
}

static void on_replied(void *arg, const load_reply *reply)
{
    load_follow *f = arg;
    size_t size;
    const char *body = load_link_body(f->link, &size);
    f->pending = false;
    f->last_good_ns = tdm_clock_ns();
    if (f->asking == LOAD_ASK_ONE) {
        got_one(f, reply->status, body, size);
    } else if (reply->status != 200) {
        wrong_status(f, reply->status);
    } else {
        f->refusals = 0;
        got_page(f, body, size);
    }
}

static void on_opened(void *arg)
{
    load_follow *f = arg;
    f->pending = false;
    ask(f);
}

static void on_failed(void *arg, const load_failure *failure)
{
    load_follow *f = arg;
    char what[200];
    f->pending = false;
    int64_t now = tdm_clock_ns();
    snprintf(what, sizeof what, "%s%s%s", load_error_text(failure->error), *failure->detail ? ": " : "",
             failure->detail);
    if (f->asking == LOAD_ASK_CURSOR) {
        no_list(f, what);
    } else if (failure->error == LOAD_ERROR_PARSE || failure->error == LOAD_ERROR_HEAD_LIMIT ||
               failure->error == LOAD_ERROR_BODY_LIMIT || failure->error == LOAD_ERROR_EXCESS) {
        broken(f, what);
    } else if (f->settled && now - f->last_good_ns > GONE_AFTER_NS && failure->error == LOAD_ERROR_CONNECT) {
        f->gone = true;
        explain(f, "the target cannot be reached any more (%s); what its tasks came to, its own log or manifest tells",
                failure->detail);
        over(f);
    }
    bool stale = failure->untouched && failure->had_replies; /* an idle connection that the server closed */
    f->next_ns = stale ? now : now + TDM_NS_PER_S / 4;
}

/* ---- phases ---- */

static const load_link_calls calls = {.opened = on_opened, .replied = on_replied, .failed = on_failed};

int load_follow_create(load_follow **out, const load_link_shared *shared, load_step *step)
{
    load_follow *f = calloc(1, sizeof *f);
    if (!f)
        return -ENOMEM;
    f->step = step;
    f->asking = LOAD_ASK_NOTHING;
    f->over = true;
    if (load_link_create(&f->link, shared, BODY_LIMIT, &calls, f) < 0) {
        free(f);
        return -ENOMEM;
    }
    *out = f;
    return 0;
}

void load_follow_destroy(load_follow **follow)
{
    load_follow *f = *follow;
    if (!f)
        return;
    load_link_destroy(&f->link);
    load_rows_finish(&f->rows);
    free(f->request);
    free(f);
    *follow = NULL;
}

void load_follow_begin(load_follow *f)
{
    f->over = false;
    f->last_good_ns = tdm_clock_ns();
    ask_next(f, LOAD_ASK_CURSOR, 0);
}

void load_follow_finish(load_follow *f, int64_t timeout_ns)
{
    int err = load_promises_settle(&f->step->promises);
    f->settled = true;
    if (err || f->out_of_memory) {
        no_memory(f);
        return;
    }
    keep_promised(f, 0);
    f->over = f->none || f->stopped || f->gone || f->restarted || f->step->tasks.broken || all_resolved(f);
    f->last_good_ns = tdm_clock_ns();
    f->deadline_ns = f->last_good_ns + timeout_ns;
    if (!f->over && !f->pending && f->next_ns > f->last_good_ns)
        f->next_ns = f->last_good_ns;
}

bool load_follow_has_list(const load_follow *f)
{
    return !f->none;
}

bool load_follow_busy(const load_follow *f)
{
    return !f->over;
}

void load_follow_tick(load_follow *f, int64_t now_ns)
{
    load_link_tick(f->link, now_ns);
    if (f->asking == LOAD_ASK_NOTHING)
        return;
    if (f->settled && !f->over && now_ns >= f->deadline_ns) {
        f->timed_out = true;
        over(f);
    } else if (!f->pending && now_ns >= f->next_ns) {
        ask(f);
    }
}

void load_follow_stop(load_follow *f)
{
    f->stopped = true;
    load_link_close(f->link);
    over(f);
}

uint64_t load_follow_ended(const load_follow *f)
{
    return f->settled ? f->step->promises.resolved : f->rows.count;
}

uint64_t load_follow_asked(const load_follow *f)
{
    return f->asked;
}

static void judge(load_follow *f)
{
    load_tasks *tasks = &f->step->tasks;
    uint64_t open = tasks->promised - f->step->promises.resolved;
    tasks->lost = f->restarted ? open : f->denied < open ? f->denied : open;
    tasks->unknown = open - tasks->lost;
    tasks->missed = f->missed;
    tasks->follow =
        tasks->unknown || f->missed || f->gone || f->restarted ? LOAD_FOLLOW_INCOMPLETE : LOAD_FOLLOW_COMPLETE;
    if (*tasks->why || tasks->follow == LOAD_FOLLOW_COMPLETE)
        return;
    if (f->stopped)
        explain(f, "stopped before %" PRIu64 " tasks were seen to end", open);
    else if (f->timed_out)
        explain(f, "%" PRIu64 " tasks had not ended when the follow timeout passed", open);
    else if (open)
        explain(f,
                "the server had forgotten %" PRIu64
                " ended tasks (of anyone) before they were read; the ends of %" PRIu64
                " of this step are not known (a larger --ledger helps)",
                f->missed, open);
    else
        explain(f,
                "the server had forgotten %" PRIu64 " ended tasks (of anyone) before they were read; those of this "
                "step were all found",
                f->missed);
}

int load_follow_conclude(load_follow *f)
{
    load_tasks *tasks = &f->step->tasks;
    tasks->promised = f->step->promises.total;
    if (f->out_of_memory)
        return -ENOMEM;
    if (f->none) {
        tasks->broken = tasks->promised > 0;
        tasks->unknown = tasks->promised;
        tasks->follow = tasks->promised ? LOAD_FOLLOW_INCOMPLETE : LOAD_FOLLOW_NO_IDS;
        return 0;
    }
    judge(f);
    return load_summarise(f->step, &f->rows);
}
