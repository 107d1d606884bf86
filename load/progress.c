/* SPDX-License-Identifier: MIT */
/* DESIGN: when to show what. The frame is written in one piece, five times a second, over the one before: up by as many
 * rows as that one takes at the width that the terminal has now, for a terminal that was made narrower has wrapped its
 * lines. In a pipe a plain line comes every ten seconds, so that a log shows that the run is alive and does not fill
 * with noise. What a frame says is in progress_frame.c. */
#include "load/progress.h"

#include <stdlib.h>

#include <tandem/clock.h>

#define TERMINAL_EVERY_NS (TDM_NS_PER_S / 5)
#define PLAIN_EVERY_NS (10 * TDM_NS_PER_S)

static int64_t period(const load_progress *progress)
{
    return progress->term.live ? TERMINAL_EVERY_NS : PLAIN_EVERY_NS;
}

void load_progress_begin(load_progress *progress)
{
    progress->begun_ns = tdm_clock_ns();
    progress->next_ns = progress->begun_ns + period(progress);
    progress->lines = 0;
}

/* To the beginning of the frame that stands there, and wipe from there on. */
static void go_back(FILE *to, const load_progress *progress, unsigned columns)
{
    unsigned up = 0;
    for (unsigned i = 0; i < progress->lines; i++)
        up += progress->widths[i] > columns ? (progress->widths[i] + columns - 1) / columns : 1;
    fputc('\r', to);
    if (up > 1)
        fprintf(to, "\033[%uA", up - 1);
    fputs("\033[J", to);
}

/* Standard error has no buffer of its own: one write for a frame, so that it does not flicker. */
static void show(load_progress *progress, const load_live *live)
{
    load_line lines[LOAD_FRAME_LINES];
    unsigned columns, rows;
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    if (!to)
        return;
    load_term_size(&progress->term, &columns, &rows);
    go_back(to, progress, columns);
    progress->lines = load_progress_frame(lines, &progress->term, columns, rows, live);
    for (unsigned i = 0; i < progress->lines; i++) {
        fprintf(to, "%s%s", i ? "\n" : "", lines[i].text);
        progress->widths[i] = lines[i].columns;
    }
    if (fclose(to) == 0) {
        fwrite(text, 1, size, progress->term.to);
        fflush(progress->term.to);
    }
    free(text);
}

void load_progress_tick(load_progress *progress, const load_live *live)
{
    if (!progress->term.to || live->now_ns < progress->next_ns)
        return;
    progress->next_ns = live->now_ns + period(progress);
    if (progress->term.live) {
        show(progress, live);
        return;
    }
    load_progress_line(progress->term.to, live, live->now_ns - progress->begun_ns);
    fflush(progress->term.to);
}

void load_progress_end(load_progress *progress)
{
    unsigned columns, rows;
    if (!progress->term.to)
        return;
    if (progress->lines) {
        load_term_size(&progress->term, &columns, &rows);
        go_back(progress->term.to, progress, columns);
    }
    fflush(progress->term.to);
    progress->lines = 0;
}
