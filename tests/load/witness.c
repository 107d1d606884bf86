/* SPDX-License-Identifier: MIT */
/* DESIGN: what a client sent can only be said by who received it. */
#include "tests/load/witness.h"

#include <stdlib.h>
#include <string.h>

void witness_init(witness *w)
{
    *w = (witness){.count = 0};
    pthread_mutex_init(&w->lock, NULL);
}

void witness_finish(witness *w)
{
    for (unsigned i = 0; i < w->count && i < WITNESS_KEPT; i++)
        free(w->requests[i]);
    pthread_mutex_destroy(&w->lock);
}

void witness_note(witness *w, unsigned number, const char *text)
{
    pthread_mutex_lock(&w->lock);
    if (w->count < WITNESS_KEPT) {
        w->requests[w->count] = strdup(text);
        w->connection[w->count] = number;
    }
    w->count++;
    pthread_mutex_unlock(&w->lock);
}

void witness_serve(int fd, unsigned number, void *arg)
{
    char text[WITNESS_TEXT];
    while (fake_read_whole(fd, text, sizeof text)) {
        witness_note(arg, number, text);
        fake_send(fd, !strncmp(text, "HEAD ", 5) ? "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"
                                                 : "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\"ok\"");
    }
}

unsigned witness_matching(const witness *w, const char *part)
{
    unsigned n = 0;
    for (unsigned i = 0; i < w->count && i < WITNESS_KEPT; i++)
        n += strstr(w->requests[i], part) != NULL;
    return n;
}

void witness_run(witness *w, load_run *run, const char *path, const char *const *options)
{
    fake_server *server = fake_server_start(witness_serve, w);
    const char *all[LOAD_RUN_ARGUMENTS];
    int n = 0;
    for (; options[n]; n++)
        all[n] = options[n];
    all[n++] = fake_server_url(server, path);
    all[n] = NULL;
    witness_init(w);
    load_run_start(run, all);
    fake_server_stop(&server);
}
