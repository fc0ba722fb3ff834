#include <math.h>

#include "bench/load/report.h"

#define WIDTH 900
#define HEIGHT 460
#define LEFT 70
#define RIGHT 20
#define TOP 40
#define PLOT_HEIGHT 240
#define BARS_TOP 320
#define BARS_HEIGHT 90

static const struct {
    double q;
    const char *name, *colour;
} lines[] = {{.5, "p50", "#2a7f62"}, {.99, "p99", "#d07000"}, {1, "max", "#b02020"}};

static const char *const colours[OUTCOMES] = {"#2a7f62", "#e0b030", "#d07000", "#8080c0",
                                              "#b02020"};

static double x_of(const struct stats *s, double second)
{
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

static void curve(const struct stats *s, struct buf *out, size_t line)
{
    buf_printf(out, "<polyline fill=\"none\" stroke-width=\"1.5\" stroke=\"%s\" points=\"",
               lines[line].colour);
    for (int i = 0; i < s->n_series && i < (int)ceil(s->seconds); i++)
        if (s->series[i].latency)
            buf_printf(out, "%.1f,%.1f ", x_of(s, i + .5),
                       y_of((double)hist_quantile(s->series[i].latency, lines[line].q)));
    buf_printf(out, "\"/><text x=\"%zu\" y=\"24\" fill=\"%s\">%s</text>\n", LEFT + line * 50,
               lines[line].colour, lines[line].name);
}

static void bars(const struct stats *s, struct buf *out)
{
    uint64_t most = 1;

    for (int i = 0; i < s->n_series; i++)
        most = s->series[i].sent > most ? s->series[i].sent : most;
    for (int i = 0; i < s->n_series && i < (int)ceil(s->seconds); i++) {
        double y = BARS_TOP + BARS_HEIGHT;

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
                   HEIGHT - 24, colours[o], outcome_names[o]);
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
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        curve(r->stats, out, i);
    bars(r->stats, out);
    buf_printf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%.0f s</text>\n</svg>\n",
               WIDTH - RIGHT, HEIGHT - 24, r->stats->seconds);
}
