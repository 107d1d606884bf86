/* SPDX-License-Identifier: MIT */
/* DESIGN: nothing runs here. A request makes rows whose times the test chose (they may lie in the future of the wall
 * clock: the client must believe the server), and the list of ended tasks has them at once. */
#include "tests/load/fake_tandem.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tandem/tandem.h>

typedef struct fake_row {
    uint64_t id, request;
    double accepted;
    fake_life life;
} fake_row;

void fake_tandem_init(fake_tandem *tandem)
{
    *tandem = (fake_tandem){.tasks_per_request = 3, ._next_id = 1, ._next_request = 1};
    pthread_mutex_init(&tandem->_lock, NULL);
    pthread_cond_init(&tandem->_polled, NULL);
}

void fake_tandem_finish(fake_tandem *tandem)
{
    pthread_cond_destroy(&tandem->_polled);
    pthread_mutex_destroy(&tandem->_lock);
    free(tandem->_rows);
}

unsigned fake_tandem_polls(fake_tandem *tandem)
{
    pthread_mutex_lock(&tandem->_lock);
    unsigned polls = tandem->_polls;
    pthread_mutex_unlock(&tandem->_lock);
    return polls;
}

static fake_life usual_life(uint64_t request, unsigned task)
{
    return (fake_life){.lane = "pool",
                       .state = "done",
                       .thread = 100 + (unsigned) request,
                       .ready = 0.01 * task,
                       .started = 0.01 * task,
                       .ended = 0.01 * (task + 1)};
}

static void add_row(fake_tandem *tandem, uint64_t request, double accepted, fake_life life)
{
    if (tandem->_count == tandem->_capacity) {
        tandem->_capacity = tandem->_capacity ? tandem->_capacity * 2 : 64;
        tandem->_rows = reallocarray(tandem->_rows, tandem->_capacity, sizeof *tandem->_rows);
        assert(tandem->_rows);
    }
    tandem->_rows[tandem->_count++] = (fake_row){tandem->_next_id++, request, accepted, life};
}

/* Tasks of one request; returns the first id. */
static uint64_t accept_tasks(fake_tandem *tandem)
{
    double now = tdm_s_from_ns(tdm_clock_ns()) + tandem->clock_offset;
    uint64_t request = tandem->_next_request++;
    for (unsigned i = 0; i < tandem->foreign; i++)
        add_row(tandem, 1000000 + request, now, usual_life(1, 0));
    uint64_t first = tandem->_next_id;
    for (unsigned i = 0; i < tandem->tasks_per_request; i++)
        add_row(tandem, request, now, (tandem->life ? tandem->life : usual_life)(request, i));
    return first;
}

static void print_row(FILE *to, const fake_row *row, const char *state)
{
    const fake_life *life = &row->life;
    fprintf(to, "{\"id\":%" PRIu64 ",\"request\":%" PRIu64 ",\"name\":\"x\",\"lane\":\"%s\",\"state\":\"%s\",", row->id,
            row->request, life->lane, state);
    if (life->started >= 0)
        fprintf(to, "\"thread\":%u,", life->thread);
    else
        fputs("\"thread\":null,", to);
    fprintf(
        to,
        "\"cancel_requested\":false,\"error\":null,\"reason\":null,\"monotonic\":{\"accepted\":%.9f,\"ready\":%.9f,",
        row->accepted, row->accepted + life->ready);
    if (life->started >= 0)
        fprintf(to, "\"started\":%.9f,", row->accepted + life->started);
    else
        fputs("\"started\":null,", to);
    if (!strcmp(state, "running"))
        fputs("\"ended\":null},\"wall\":{}}", to);
    else
        fprintf(to, "\"ended\":%.9f},\"wall\":{}}", row->accepted + life->ended);
}

static void send_text(int fd, const char *status, FILE *to, char **text)
{
    fclose(to);
    fake_reply(fd, status, "Content-Type: application/json\r\n", *text);
    free(*text);
}

/* GET /tasks?ended_after=: cursors are "c.N", N rows having been told. */
static void reply_ended(fake_tandem *tandem, int fd, const char *cursor, unsigned limit)
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    unsigned from = tandem->_count, told = 0;
    if (strncmp(cursor, "now", 3) != 0 && sscanf(cursor, "c.%u", &from) != 1)
        abort();
    fputs("{\"tasks\":[", to);
    for (; from < tandem->_count && told < limit; from++) {
        if (tandem->_rows[from].life.hidden)
            continue;
        fputs(told++ ? "," : "", to);
        print_row(to, &tandem->_rows[from], tandem->_rows[from].life.state);
    }
    uint64_t missed = told && !tandem->_told_missed ? tandem->missed : 0;
    tandem->_told_missed = tandem->_told_missed || told;
    fprintf(to, "],\"next\":\"c.%u\",\"missed\":%" PRIu64 "}", from, missed);
    send_text(fd, "200 OK", to, &text);
}

static void reply_state(const fake_tandem *tandem, int fd, const char *state)
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    fputs("{\"tasks\":[", to);
    for (unsigned i = 0; i < tandem->_count; i++) {
        if (!tandem->unfinished_hidden || !tandem->_rows[i].life.hidden || strncmp(state, "running", 7) != 0)
            continue;
        print_row(to, &tandem->_rows[i], "running");
        break;
    }
    fputs("],\"next\":null}", to);
    send_text(fd, "200 OK", to, &text);
}

static void reply_one(const fake_tandem *tandem, int fd, uint64_t id)
{
    char *text = NULL;
    size_t size = 0;
    if (id == 0 || id > tandem->_count || (tandem->_rows[id - 1].life.hidden && tandem->forgets_hidden)) {
        fake_reply(fd, "404 Not Found", "", "{\"detail\":\"Not Found\"}");
        return;
    }
    FILE *to = open_memstream(&text, &size);
    print_row(to, &tandem->_rows[id - 1], tandem->_rows[id - 1].life.state);
    send_text(fd, "200 OK", to, &text);
}

static void reply_list(fake_tandem *tandem, int fd, const char *path)
{
    const char *cursor = strstr(path, "ended_after="), *state = strstr(path, "state="), *limit = strstr(path, "limit=");
    bool first = tandem->_list_questions++ == 0;
    tandem->_polls += cursor != NULL;
    pthread_cond_broadcast(&tandem->_polled);
    if (tandem->list_status)
        fake_reply(fd, tandem->list_status, "", "{\"detail\":\"Not Found\"}");
    else if (tandem->list_body && !first)
        fake_reply(fd, "200 OK", "", tandem->list_body);
    else if (tandem->forgets_cursors && !first)
        fake_reply(fd, "422 Unprocessable Content", "", "{\"detail\":[]}");
    else if (cursor)
        reply_ended(tandem, fd, cursor + 12, limit ? (unsigned) strtoul(limit + 6, NULL, 10) : 100);
    else if (state)
        reply_state(tandem, fd, state + 6);
    else
        reply_one(tandem, fd, strtoull(path + 7, NULL, 10));
}

/* Wait until the list was asked for twice more: one question may have been on its way. */
static void await_polls(fake_tandem *tandem)
{
    unsigned until = tandem->_polls + 2;
    while (tandem->_polls < until)
        pthread_cond_wait(&tandem->_polled, &tandem->_lock);
}

/* The reply leaves under the lock, or after it, and the list does or does not know its tasks first. */
static void reply_root(fake_tandem *tandem, int fd)
{
    char fields[80] = "";
    pthread_mutex_lock(&tandem->_lock);
    if (tandem->tasks_per_request) {
        uint64_t first = accept_tasks(tandem);
        snprintf(fields, sizeof fields, "Tandem-Tasks: %" PRIu64 "-%" PRIu64 "\r\n", first,
                 first + tandem->tasks_per_request - 1);
    }
    if (tandem->ends_before_reply)
        await_polls(tandem);
    fake_reply(fd, "200 OK", fields, "\"ok\"");
    pthread_mutex_unlock(&tandem->_lock);
}

/* Its counts are those of its rows, unless the test wants them wrong; it has run everything at once. */
static void reply_stats(fake_tandem *tandem, int fd)
{
    static const char *const states[] = {"queued",    "running", "failed",  "cancelled",
                                         "timed_out", "skipped", "dropped", "abandoned"};
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    pthread_mutex_lock(&tandem->_lock);
    unsigned count = tandem->_count + (tandem->_count ? tandem->miscounted : tandem->counted_before);
    uint64_t requests = tandem->_requests + (tandem->_count ? 0 : tandem->counted_before);
    pthread_mutex_unlock(&tandem->_lock);
    fprintf(to, "{\"http\":{\"requests\":%" PRIu64 "},\"lanes\":{", requests);
    for (int lane = 0; lane < 2; lane++) {
        unsigned n = lane ? count : 0;
        fprintf(to, "%s\"%s\":{\"running\":0,\"queued\":0,\"lifetime\":{\"accepted\":%u,\"rejected\":0,\"done\":%u",
                lane ? "," : "", lane ? "pool" : "loop", n, n);
        for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
            fprintf(to, ",\"%s\":0", states[i]);
        fputs("}}", to);
    }
    fputs("}}", to);
    send_text(fd, tandem->has_stats ? "200 OK" : "404 Not Found", to, &text);
}

static void serve(int fd, unsigned number, void *arg)
{
    fake_tandem *tandem = arg;
    char path[512];
    bool leave = false;
    (void) number;
    while (!leave && fake_read_request(fd, path, sizeof path)) {
        pthread_mutex_lock(&tandem->_lock);
        tandem->_requests++;
        pthread_mutex_unlock(&tandem->_lock);
        if (!strcmp(path, "/stats")) {
            reply_stats(tandem, fd);
            continue;
        }
        if (strncmp(path, "/tasks", 6) != 0) {
            reply_root(tandem, fd);
            continue;
        }
        pthread_mutex_lock(&tandem->_lock);
        leave = tandem->leaves && tandem->_next_request > 1;
        if (leave)
            fake_server_refuse(tandem->_server);
        else
            reply_list(tandem, fd, path);
        pthread_mutex_unlock(&tandem->_lock);
    }
}

fake_server *fake_tandem_start(fake_tandem *tandem)
{
    pthread_mutex_lock(&tandem->_lock);
    fake_server *server = fake_server_start(serve, tandem);
    tandem->_server = server;
    pthread_mutex_unlock(&tandem->_lock);
    return server;
}
