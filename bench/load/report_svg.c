/* Two panels over one time axis: latency quantiles as curves, outcomes by second as bars. Each
 * colour has one meaning. */
#include <math.h>

#include "bench/load/report.h"

#define WIDTH 900
#define HEIGHT 480
#define LEFT 70
#define RIGHT 20
#define TOP 40
#define PLOT_HEIGHT 240
#define BARS_TOP 320
#define BARS_HEIGHT 90
#define AXIS (BARS_TOP + BARS_HEIGHT)
#define MOST_TICKS 12

static const struct {
    double q;
    const char *name, *colour;
} lines[] = {{.5, "p50", "#2060b0"}, {.99, "p99", "#7a3fa0"}, {1, "max", "#303030"}};

static const char *const colours[OUTCOMES] = {"#2a7f62", "#e8c050", "#d07000", "#909090",
                                              "#b02020"};

static double x_of(const struct stats *s, double second)
{
    second = second < s->seconds ? second : s->seconds;
    return LEFT + (WIDTH - LEFT - RIGHT) * second / (s->seconds > 0 ? s->seconds : 1);
}

/* Logarithmic from 0.1 ms to 10 s. */
static double y_of(double us)
{
    double decades = log10((us < 100 ? 100 : us) / 100) / 5;

    return TOP + PLOT_HEIGHT * (1 - (decades > 1 ? 1 : decades));
}

static void grid(struct buf *out)
{
    for (int decade = 0; decade <= 5; decade++) {
        double us = 100 * pow(10, decade), y = y_of(us);

        buf_printf(out, "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#ddd\"/>", LEFT,
                   WIDTH - RIGHT, y, y);
        buf_printf(out, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%g ms</text>\n", LEFT - 6,
                   y + 4, us / 1000);
    }
}

/* 1, 2 or 5 times a power of ten, at most MOST_TICKS of them. */
static double tick_of(double seconds)
{
    static const double steps[] = {1, 2, 5};
    double scale = pow(10, floor(log10(seconds > 0 ? seconds : 1)) - 1);

    for (int i = 0;; i++) {
        double tick = scale * steps[i % 3] * pow(10, i / 3);

        if (seconds / tick <= MOST_TICKS)
            return tick;
    }
}

static void time_axis(const struct stats *s, struct buf *out)
{
    double tick = tick_of(s->seconds);

    for (int i = 0; i * tick <= s->seconds; i++) {
        double x = x_of(s, i * tick);

        buf_printf(out, "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\" stroke=\"#eee\"/>", x, x,
                   TOP, TOP + PLOT_HEIGHT);
        buf_printf(out, "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\" stroke=\"#444\"/>", x, x,
                   AXIS, AXIS + 5);
        buf_printf(out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%g s</text>\n", x,
                   AXIS + 18, i * tick);
    }
    buf_printf(out, "<line x1=\"%d\" x2=\"%d\" y1=\"%d\" y2=\"%d\" stroke=\"#444\"/>\n", LEFT,
               WIDTH - RIGHT, AXIS, AXIS);
}

/* In the middle of its second; a run of one second gets a line, since a single point is
 * invisible. */
static void point(const struct stats *s, struct buf *out, int second, double y)
{
    if (s->seconds > 1)
        buf_printf(out, "%.1f,%.1f ", x_of(s, second + .5), y);
    else
        buf_printf(out, "%.1f,%.1f %.1f,%.1f ", x_of(s, 0), y, x_of(s, 1), y);
}

static void curve(const struct stats *s, struct buf *out, size_t line)
{
    buf_printf(out, "<polyline fill=\"none\" stroke-width=\"1.5\" stroke=\"%s\" points=\"",
               lines[line].colour);
    for (int i = 0; i < s->n_series && i < (int)ceil(s->seconds); i++)
        if (s->series[i].latency)
            point(s, out, i, y_of((double)hist_quantile(s->series[i].latency, lines[line].q)));
    buf_printf(out, "\"/><text x=\"%zu\" y=\"24\" fill=\"%s\">%s</text>\n", LEFT + line * 50,
               lines[line].colour, lines[line].name);
}

static void bars(const struct stats *s, struct buf *out)
{
    uint64_t most = 1;

    for (int i = 0; i < s->n_series; i++)
        most = s->series[i].sent > most ? s->series[i].sent : most;
    for (int i = 0; i < s->n_series && i < (int)ceil(s->seconds); i++) {
        double y = AXIS;

        for (int o = 0; o < OUTCOMES; o++) {
            double h = BARS_HEIGHT * (double)s->series[i].outcomes[o] / (double)most;

            if (h <= 0)
                continue;
            y -= h;
            buf_printf(out,
                       "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"/>",
                       x_of(s, i), y, x_of(s, i + .9) - x_of(s, i), h, colours[o]);
        }
    }
    for (size_t o = 0; o < OUTCOMES; o++)
        buf_printf(out, "<text x=\"%zu\" y=\"%d\" fill=\"%s\">%s</text>\n", LEFT + o * 90,
                   HEIGHT - 14, colours[o], outcome_names[o]);
    buf_printf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%llu/s</text>\n", LEFT - 6,
               BARS_TOP + 10, (unsigned long long)most);
}

static void title(const struct report *r, struct buf *out)
{
    buf_printf(out, "<text x=\"%d\" y=\"24\" text-anchor=\"end\">", WIDTH - RIGHT);
    if (r->options->connections)
        buf_printf(out, "%d connections, latency from sending</text>\n", r->options->connections);
    else
        buf_printf(out, "%.0f requests/s offered, latency from the intended time</text>\n",
                   r->offered);
}

void report_svg(const struct report *r, struct buf *out)
{
    buf_printf(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
        "font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%%\" height=\"100%%\" "
        "fill=\"white\"/>\n",
        WIDTH, HEIGHT);
    title(r, out);
    grid(out);
    time_axis(r->stats, out);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        curve(r->stats, out, i);
    bars(r->stats, out);
    buf_add_str(out, "</svg>\n");
}
