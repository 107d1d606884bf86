/* SPDX-License-Identifier: MIT */
/* DESIGN: one flat table for a spreadsheet or a plotting tool: what picks a step stands in each line. Times are
 * seconds; a figure that is not known is an empty field, never 0. A text that a spreadsheet could take for a formula
 * gets no special treatment: labels are the user's own. */
#include "load/report_csv.h"

#include <inttypes.h>
#include <string.h>

#include "load/words.h"

void load_csv_text(FILE *to, const char *text)
{
    if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, to);
        return;
    }
    fputc('"', to);
    for (; *text; text++)
        fprintf(to, *text == '"' ? "\"\"" : "%c", *text);
    fputc('"', to);
}

static void put_seconds(FILE *to, int64_t ns)
{
    fprintf(to, ",%.9f", (double) ns / 1e9);
}

static void put_known_seconds(FILE *to, int64_t ns)
{
    if (ns == LOAD_UNKNOWN)
        fputc(',', to);
    else
        put_seconds(to, ns);
}

static void put_known(FILE *to, int64_t value)
{
    if (value == LOAD_UNKNOWN)
        fputc(',', to);
    else
        fprintf(to, ",%" PRId64, value);
}

static void write_line(FILE *to, const load_step *step, const load_sample *s)
{
    load_csv_text(to, step->target->label);
    fprintf(to, ",%s,%u", load_words_level(step).text, step->round + 1);
    put_seconds(to, s->at_ns);
    put_seconds(to, s->span_ns);
    fprintf(to, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64, s->made, s->succeeded, s->rejected, s->failed);
    if (step->loop == LOAD_LOOP_OPEN)
        fprintf(to, ",%.9g", s->offered);
    else
        fputc(',', to);
    put_known_seconds(to, s->p50_ns);
    put_known_seconds(to, s->p99_ns);
    put_known_seconds(to, s->max_ns);
    for (int lane = 0; lane < LOAD_LANE_COUNT; lane++) {
        put_known(to, s->running[lane]);
        put_known(to, s->queued[lane]);
    }
    fputs("\r\n", to);
}

int load_report_csv(FILE *to, const load_sweep *sweep)
{
    fputs("label,level,round,at,span,made,succeeded,rejected,errors,offered,p50,p99,max", to);
    for (int lane = 0; lane < LOAD_LANE_COUNT; lane++)
        fprintf(to, ",%s_running,%s_queued", load_lane_name((load_lane) lane), load_lane_name((load_lane) lane));
    fputs("\r\n", to);
    for (unsigned i = 0; i < sweep->step_count; i++)
        for (size_t k = 0; k < sweep->steps[i].sample_count; k++)
            write_line(to, &sweep->steps[i], &sweep->steps[i].samples[k]);
    return 0;
}
