/* SPDX-License-Identifier: MIT */
/* DESIGN: all that is known of terminals, in one file. Nothing is read from a terminal but its size, and nothing is
 * left changed in it (the cursor is never hidden), so that a run that is killed leaves a usable screen. */
#include "load/term.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* As setlocale() would choose, without making the program depend on the locale. */
static bool speaks_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *value = getenv(names[i]);
        if (value && *value)
            return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
    }
    return false;
}

load_term load_term_of(FILE *to)
{
    const char *kind = getenv("TERM"), *plain = getenv("NO_COLOR");
    load_term term = {.to = to, .utf8 = speaks_utf8()};
    term.live = to && kind && *kind && strcmp(kind, "dumb") != 0 && isatty(fileno(to));
    term.colour = term.live && !(plain && *plain);
    return term;
}

void load_term_size(const load_term *term, unsigned *columns, unsigned *rows)
{
    struct winsize size;
    *columns = 80;
    *rows = 24;
    if (!term->to || ioctl(fileno(term->to), TIOCGWINSZ, &size) < 0)
        return;
    *columns = size.ws_col ? size.ws_col : *columns;
    *rows = size.ws_row ? size.ws_row : *rows;
}

static char *append(char *out, const char *text)
{
    size_t size = strlen(text);
    memcpy(out, text, size + 1);
    return out + size;
}

static unsigned at_most(unsigned width)
{
    return width < LOAD_TERM_WIDTH ? width : LOAD_TERM_WIDTH;
}

void load_term_bar(char *out, const load_term *term, unsigned width, double share)
{
    static const char *const eighths[] = {" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    width = at_most(width);
    share = share > 0 ? fmin(share, 1) : 0; /* NaN too is nothing */
    unsigned parts = (unsigned) (share * width * 8 + 0.5);
    *out = '\0';
    for (unsigned i = 0; i < width; i++) {
        unsigned here = parts > i * 8 ? parts - i * 8 : 0;
        if (!term->utf8)
            out = append(out, here >= 4 ? "#" : ".");
        else
            out = append(out, here >= 8 ? "█" : here ? eighths[here] : "░");
    }
}

void load_term_spark(char *out, const load_term *term, unsigned width, const double *values, size_t count, double top)
{
    static const char *const levels[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const plain[] = {" ", ".", ".", ":", ":", "+", "+", "#", "#"};
    width = at_most(width);
    size_t from = count > width ? count - width : 0;
    for (size_t i = from; i < count; i++)
        top = fmax(top, values[i]);
    *out = '\0';
    for (size_t i = from; i < count; i++) {
        int level = top > 0 && values[i] > 0 ? (int) lround(values[i] / top * 8) : 0;
        if (values[i] > 0 && level < 1)
            level = 1;
        out = append(out, (term->utf8 ? levels : plain)[level > 8 ? 8 : level]);
    }
}
