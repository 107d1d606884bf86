/* SPDX-License-Identifier: MIT */
/* DESIGN: how long responses took, as the share of each duration on a logarithmic axis. A histogram tells percentiles;
 * the bars are counted from LOAD_BIN_QUANTILES of them at even distances, so a bar is off by less than one of these.
 * What the bars cannot show, the far tail, stands as marks: p50, p99, max. In an open loop the uncorrected figure is
 * drawn as an outline: what lies between the two is what a closed loop would have hidden. */
#include "load/chart.h"

#include <math.h>

#include "load/format.h"

enum { WIDTH = 560, LEFT = 66, RIGHT = 30 };

unsigned load_chart_bins(double *bins, const tdm_histogram *h, double low_s, double high_s)
{
    double decades = log10(high_s / low_s);
    unsigned n = (unsigned) ceil(decades * LOAD_BINS_PER_DECADE - 1e-9);
    n = n < 1 ? 1 : n > LOAD_BINS_MAX ? LOAD_BINS_MAX : n;
    for (unsigned i = 0; i < n; i++)
        bins[i] = 0;
    for (int i = 0; i < LOAD_BIN_QUANTILES; i++) {
        double value = (double) tdm_histogram_percentile(h, (i + 0.5) * 100 / LOAD_BIN_QUANTILES) / 1e9;
        double at = value > low_s ? log10(value / low_s) / decades * n : 0;
        bins[at < n - 1 ? (unsigned) at : n - 1] += 1.0 / LOAD_BIN_QUANTILES;
    }
    return n;
}

/* The duration at which bin i begins. */
static double edge(const load_axis *axis, unsigned i, unsigned n)
{
    return axis->low * pow(axis->high / axis->low, (double) i / n);
}

static void write_bars(const load_plot *plot, const tdm_histogram *h, const char *class)
{
    double bins[LOAD_BINS_MAX], base = load_plot_y(plot, 0);
    unsigned n = load_chart_bins(bins, h, plot->x.low, plot->x.high);
    fprintf(plot->to, "<g class=\"bars %s\">", class);
    for (unsigned i = 0; i < n; i++) {
        double x = load_plot_x(plot, edge(&plot->x, i, n)), end = load_plot_x(plot, edge(&plot->x, i + 1, n));
        double y = load_plot_y(plot, bins[i]);
        if (bins[i] > 0)
            fprintf(plot->to, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>", x, y,
                    end - x > 1.5 ? end - x - 0.7 : end - x, base - y);
    }
    fputs("</g>\n", plot->to);
}

static void write_outline(const load_plot *plot, const tdm_histogram *h)
{
    double bins[LOAD_BINS_MAX];
    unsigned n = load_chart_bins(bins, h, plot->x.low, plot->x.high);
    fprintf(plot->to, "<path class=\"uncorrected\" d=\"M%.1f %.1f", load_plot_x(plot, plot->x.low),
            load_plot_y(plot, 0));
    for (unsigned i = 0; i < n; i++)
        fprintf(plot->to, "V%.1fH%.1f", load_plot_y(plot, bins[i]), load_plot_x(plot, edge(&plot->x, i + 1, n)));
    fprintf(plot->to, "V%.1f\"/>\n", load_plot_y(plot, 0));
}

static void write_mark(const load_plot *plot, const char *name, int64_t ns, int row)
{
    char words[60];
    snprintf(words, sizeof words, "%s %s", name, load_format_duration(ns).text);
    load_plot_mark(plot, "percentile", (double) ns / 1e9, row, words);
}

void load_chart_responses(FILE *to, const load_step *step, const load_scale *scale)
{
    const tdm_histogram *h = step->latency;
    const load_plot plot = {.to = to,
                            .width = WIDTH,
                            .height = 190,
                            .left = LEFT,
                            .right = RIGHT,
                            .top = 46,
                            .bottom = 40,
                            .x = scale->response,
                            .y = scale->share};
    load_plot_begin(&plot, "responses", "%.100s, %u connections: how long the responses took", step->target->label,
                    step->connections);
    load_plot_axes(&plot);
    write_bars(&plot, h, load_chart_class(step->target_index));
    if (step->loop == LOAD_LOOP_OPEN && tdm_histogram_count(step->uncorrected))
        write_outline(&plot, step->uncorrected);
    write_mark(&plot, "p50", tdm_histogram_percentile(h, 50), 0);
    write_mark(&plot, "p99", tdm_histogram_percentile(h, 99), 1);
    write_mark(&plot, "max", tdm_histogram_max(h), 2);
    load_plot_end(&plot);
}
