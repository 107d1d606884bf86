/* SPDX-License-Identifier: MIT */
/* DESIGN: lines are written as if there were room, and broken afterwards, so that nothing that writes a report has to
 * know how wide the terminal is. Codes of colour take no room. A word that is longer than a line is left whole. */
#include "load/report_fold.h"

#include <stdlib.h>
#include <string.h>

/* The character after this one; `columns` grows by what it takes. */
static const char *step_over(const char *at, const char *end, unsigned *columns)
{
    if (*at == '\033') {
        while (at < end && *at != 'm')
            at++;
        return at < end ? at + 1 : end;
    }
    for (at++; at < end && ((unsigned char) *at & 0xc0) == 0x80; at++)
        ; /* the rest of a character of several bytes */
    ++*columns;
    return at;
}

/* Where the line is broken: at the last blanks before `room` is used up, or the first ones after; `end` if it fits. */
static const char *break_of(const char *line, const char *end, unsigned room)
{
    const char *best = NULL, *at = line;
    unsigned columns = 0;
    while (at < end && *at == ' ')
        at = step_over(at, end, &columns);
    while (at < end) {
        if (*at == ' ' && at[-1] != ' ' && (columns <= room || !best)) {
            best = at;
            if (columns > room)
                return best;
        }
        at = step_over(at, end, &columns);
    }
    return columns > room && best ? best : end;
}

static void fold_line(const load_fold *fold, const char *line, const char *end)
{
    unsigned indent = fold->indent < fold->columns / 3 ? fold->indent : fold->columns / 3, room = fold->columns;
    for (;;) {
        const char *stop = break_of(line, end, room);
        fwrite(line, 1, (size_t) (stop - line), fold->to);
        fputc('\n', fold->to);
        for (line = stop; line < end && *line == ' '; line++)
            ;
        if (line == end)
            return;
        fprintf(fold->to, "%*s", (int) indent, "");
        room = fold->columns - indent;
    }
}

FILE *load_fold_begin(load_fold *fold, FILE *to, unsigned columns, unsigned indent)
{
    *fold = (load_fold){.to = to, .columns = columns, .indent = indent};
    fold->wide = columns ? open_memstream(&fold->text, &fold->size) : NULL;
    return fold->wide ? fold->wide : to;
}

void load_fold_end(load_fold *fold)
{
    if (!fold->wide)
        return;
    if (fclose(fold->wide) == 0) {
        const char *end = fold->text + fold->size;
        for (const char *line = fold->text, *stop; line < end; line = stop + 1) {
            stop = memchr(line, '\n', (size_t) (end - line));
            if (!stop)
                stop = end;
            fold_line(fold, line, stop);
        }
    }
    free(fold->text);
}
