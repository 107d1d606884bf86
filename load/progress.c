/* SPDX-License-Identifier: MIT */
/* DESIGN: on a terminal one line that is rewritten; in a pipe a plain line now and then, so that a log shows that the
 * run is alive and does not fill with noise. */
#include "load/progress.h"

#include <tandem/clock.h>

#include "load/format.h"

#define TERMINAL_EVERY_NS (TDM_NS_PER_S / 5)
#define PLAIN_EVERY_NS (10 * TDM_NS_PER_S)

static int64_t period(const load_progress *progress)
{
    return progress->terminal ? TERMINAL_EVERY_NS : PLAIN_EVERY_NS;
}

void load_progress_begin(load_progress *progress)
{
    progress->begun_ns = tdm_clock_ns();
    progress->next_ns = progress->begun_ns + period(progress);
    progress->shown = false;
}

void load_progress_tick(load_progress *progress, const load_live *live)
{
    const load_step *step = live->step;
    int64_t now_ns = live->now_ns;
    uint64_t answered = live->succeeded + live->rejected;
    if (!progress->to || now_ns < progress->next_ns)
        return;
    progress->next_ns = now_ns + period(progress);
    fprintf(progress->to, "%s%.*s, %u connections, %.0f s: ", progress->terminal ? "\r\033[K" : "", 40,
            step->target->label, step->connections, tdm_s_from_ns(now_ns - progress->begun_ns));
    if (live->phase == LOAD_PHASE_FOLLOWING)
        fprintf(progress->to, "%s of %s tasks ended", load_format_count(live->tasks_ended).text,
                load_format_count(live->tasks_promised).text);
    else if (step->planned)
        fprintf(progress->to, "%s of %s requests answered", load_format_count(answered).text,
                load_format_count(step->planned).text);
    else
        fprintf(progress->to, "%s requests answered", load_format_count(answered).text);
    if (live->failed)
        fprintf(progress->to, ", %s errors", load_format_count(live->failed).text);
    fputs(progress->terminal ? "" : "\n", progress->to);
    fflush(progress->to);
    progress->shown = progress->terminal;
}

void load_progress_end(load_progress *progress)
{
    if (progress->shown)
        fputs("\r\033[K", progress->to);
    if (progress->to)
        fflush(progress->to);
    progress->shown = false;
}
