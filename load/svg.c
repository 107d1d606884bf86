/* SPDX-License-Identifier: MIT */
/* DESIGN: static SVG, so that the page needs no script and prints as it looks. Colours are classes, set by the page's
 * style sheet for light and dark. Marks of an axis lie at round values, so that a reader can take a value off the plot;
 * labels keep clear of the edges by choosing their side. */
#include "load/svg.h"

#include <math.h>
#include <stdarg.h>

void load_html_text(FILE *to, const char *text)
{
    for (; *text; text++) {
        switch (*text) {
        case '&':
            fputs("&amp;", to);
            break;
        case '<':
            fputs("&lt;", to);
            break;
        case '>':
            fputs("&gt;", to);
            break;
        case '"':
            fputs("&quot;", to);
            break;
        case '\'':
            fputs("&#39;", to);
            break;
        default:
            fputc(*text, to);
        }
    }
}

/* ---- axes ---- */

/* A round distance (1, 2 or 5 times a power of ten) that divides `span` into about `parts`. */
static double round_tick(double span, double parts, double least)
{
    double raw = span / parts;
    double power = pow(10, floor(log10(raw)));
    double unit = raw / power;
    double tick = (unit <= 1 ? 1 : unit <= 2 ? 2 : unit <= 5 ? 5 : 10) * power;
    return tick < least ? least : tick;
}

load_axis load_axis_linear(double high, double parts, double least, load_axis_form form, const char *title)
{
    load_axis axis = {.high = high > 0 ? high : 1, .form = form, .title = title};
    axis.tick = round_tick(axis.high, parts, least);
    return axis;
}

/* The next 1-2-5 step at or below a value. */
static double step_below(double value)
{
    double power = pow(10, floor(log10(value) + 1e-9));
    double unit = value / power * (1 + 1e-9);
    return (unit >= 5 ? 5 : unit >= 2 ? 2 : 1) * power;
}

static double next_step(double step)
{
    double unit = step / pow(10, floor(log10(step) + 1e-9));
    return step * (unit < 1.5 ? 2 : unit < 3 ? 2.5 : 2);
}

load_axis load_axis_log(double low, double high, load_axis_form form, const char *title)
{
    load_axis axis = {.low = step_below(low), .log = true, .form = form, .title = title};
    axis.high = next_step(axis.low);
    while (axis.high < high * (1 - 1e-9))
        axis.high = next_step(axis.high);
    return axis;
}

static double share_of(const load_axis *axis, double value)
{
    double share;
    if (axis->log)
        share = value > 0 ? log(value / axis->low) / log(axis->high / axis->low) : 0;
    else
        share = (value - axis->low) / (axis->high - axis->low);
    return share > 0 ? fmin(share, 1) : 0;
}

double load_plot_x(const load_plot *plot, double value)
{
    return plot->left + share_of(&plot->x, value) * (plot->width - plot->left - plot->right);
}

double load_plot_y(const load_plot *plot, double value)
{
    return plot->height - plot->bottom - share_of(&plot->y, value) * (plot->height - plot->top - plot->bottom);
}

/* ---- marks ---- */

/* "500 us", "1 ms": a round value needs no zeros behind the point. */
static load_text round_duration(double seconds)
{
    static const struct {
        double factor;
        const char *unit;
    } units[] = {{1, "s"}, {1e3, "ms"}, {1e6, "us"}, {1e9, "ns"}};
    load_text out;
    int at = seconds >= 1 ? 0 : seconds >= 0.9999e-3 ? 1 : seconds >= 0.9999e-6 ? 2 : 3;
    snprintf(out.text, sizeof out.text, "%.4g %s", seconds * units[at].factor, units[at].unit);
    return out;
}

load_text load_axis_mark(const load_axis *axis, double value)
{
    load_text out;
    int decimals = axis->tick >= 1 || axis->tick <= 0 ? 0 : (int) ceil(-log10(axis->tick) - 1e-9);
    switch (axis->form) {
    case LOAD_AXIS_DURATION:
        return value > 0 ? round_duration(value) : load_format_count(0);
    case LOAD_AXIS_SECONDS:
        snprintf(out.text, sizeof out.text, "%.*f", decimals, value);
        return out;
    case LOAD_AXIS_PERCENT:
        snprintf(out.text, sizeof out.text, "%.3g %%", value * 100);
        return out;
    case LOAD_AXIS_RATE:
        snprintf(out.text, sizeof out.text, "%.4g%s",
                 value >= 1e6   ? value / 1e6
                 : value >= 1e3 ? value / 1e3
                                : value,
                 value >= 1e6   ? " M"
                 : value >= 1e3 ? " k"
                                : "");
        return out;
    case LOAD_AXIS_NUMBER:
        break;
    }
    return load_format_number(value);
}

static double first_mark(const load_axis *axis)
{
    return axis->log ? axis->low : 0;
}

/* A logarithmic axis of more than two decades marks only these. */
static double next_mark(const load_axis *axis, double mark)
{
    if (!axis->log)
        return mark + axis->tick;
    if (axis->high / axis->low <= 101)
        return next_step(mark);
    double power = pow(10, floor(log10(mark) + 1e-9));
    return mark > power * 1.1 ? power * 10 : mark * 10;
}

static bool within(const load_axis *axis, double mark)
{
    return mark <= axis->high * (1 + 1e-9);
}

void load_plot_axes(const load_plot *plot)
{
    const int right = plot->width - plot->right, base = plot->height - plot->bottom;
    fputs("<g class=\"grid\">", plot->to);
    for (double v = first_mark(&plot->y); within(&plot->y, v); v = next_mark(&plot->y, v))
        fprintf(plot->to, "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>", plot->left, right,
                load_plot_y(plot, v), load_plot_y(plot, v));
    fputs("</g><g class=\"ticks\">", plot->to);
    for (double v = first_mark(&plot->y); within(&plot->y, v); v = next_mark(&plot->y, v))
        fprintf(plot->to, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>", plot->left - 7,
                load_plot_y(plot, v) + 4, load_axis_mark(&plot->y, v).text);
    for (double v = first_mark(&plot->x); within(&plot->x, v); v = next_mark(&plot->x, v))
        fprintf(plot->to, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>", load_plot_x(plot, v), base + 17,
                load_axis_mark(&plot->x, v).text);
    fputs("</g><g class=\"titles\">", plot->to);
    if (plot->x.title)
        fprintf(plot->to, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>", right, plot->height - 9,
                plot->x.title);
    if (plot->y.title)
        fprintf(plot->to, "<text transform=\"translate(13 %d) rotate(-90)\" text-anchor=\"middle\">%s</text>",
                (plot->top + base) / 2, plot->y.title);
    fputs("</g>\n", plot->to);
}

void load_plot_begin(const load_plot *plot, const char *class, const char *title, ...)
{
    char text[400];
    va_list args;
    va_start(args, title);
    vsnprintf(text, sizeof text, title, args);
    va_end(args);
    fprintf(plot->to, "<svg class=\"%s\" viewBox=\"0 0 %d %d\" role=\"img\"><title>", class, plot->width, plot->height);
    load_html_text(plot->to, text);
    fputs("</title>\n", plot->to);
}

void load_plot_end(const load_plot *plot)
{
    int base = plot->height - plot->bottom;
    fprintf(plot->to, "<line class=\"axis\" x1=\"%d\" x2=\"%d\" y1=\"%d\" y2=\"%d\"/></svg>\n", plot->left,
            plot->width - plot->right, base, base);
}

void load_plot_mark(const load_plot *plot, const char *class, double x, int row, const char *words)
{
    double at = load_plot_x(plot, x);
    size_t room = load_format_columns(words) * 7;
    bool left = at + (double) room > plot->width - plot->right;
    fprintf(plot->to, "<g class=\"%s\"><line x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\"/>", class, at, at,
            plot->top - 14 + row * 14, plot->height - plot->bottom);
    fprintf(plot->to, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"%s\">", at + (left ? -5 : 5), plot->top - 5 + row * 14,
            left ? "end" : "start");
    load_html_text(plot->to, words);
    fputs("</text></g>\n", plot->to);
}
