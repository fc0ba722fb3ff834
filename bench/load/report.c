/* Writes the table and the JSON. */
#include "bench/load/report.h"

#include "json/writer.h"

static const struct {
    const char *name;
    double q;
} quantiles[] = {{"p50", .5}, {"p90", .9}, {"p99", .99}, {"p99.9", .999}, {"max", 1}};
#define N_QUANTILES (sizeof(quantiles) / sizeof(quantiles[0]))

bool report_slo_met(const struct options *options, const struct stats *stats)
{
    uint64_t lost = stats->outcomes[OUTCOME_FAILED] + stats->outcomes[OUTCOME_REJECTED];

    if (options->slo_quantile <= 0)
        return true;
    /* Requests without a useful answer count as slower than any other. */
    if ((double)lost > (1 - options->slo_quantile) * (double)stats->intended)
        return false;
    return stats->latency.count &&
           hist_quantile(&stats->latency, options->slo_quantile) <= (uint64_t)options->slo_us;
}

static double share(uint64_t part, uint64_t all)
{
    return all ? 100.0 * (double)part / (double)all : 0;
}

void report_text(const struct report *r, struct buf *out)
{
    const struct stats *s = r->stats;

    if (r->found > 0)
        buf_printf(out, "highest rate within %s: %.0f requests/s\n", r->options->slo, r->found);
    if (r->offered > 0)
        buf_printf(out, "offered    %10.1f requests/s\n", r->offered);
    buf_printf(out, "achieved   %10.1f requests/s in %.1f s\n", stats_rate(s), s->seconds);
    buf_printf(out,
               "goodput    %10.1f requests/s (by the model, not degraded, within tmax %d ms)\n",
               stats_goodput(s), r->options->tmax_ms);
    if (r->ads)
        buf_printf(out, "ads        %10.0f scored/s\n", stats_goodput(s) * r->ads);
    buf_printf(out, "latency   ");
    for (size_t i = 0; i < N_QUANTILES; i++)
        buf_printf(out, " %s %.3f", quantiles[i].name,
                   (double)hist_quantile(&s->latency, quantiles[i].q) / 1e3);
    buf_printf(out, " ms%s\n", r->offered > 0 ? ", from the intended time" : "");
    buf_printf(out, "outcomes  ");
    for (int i = 0; i < OUTCOMES; i++)
        buf_printf(out, " %s %llu (%.2f %%)", outcome_names[i], (unsigned long long)s->outcomes[i],
                   share(s->outcomes[i], s->intended));
    buf_printf(out, "\nstages    ");
    for (int i = 0; i < STAGES; i++)
        buf_printf(out, " %s %.3f/%.3f", stage_names[i],
                   (double)hist_quantile(&s->stages[i], .5) / 1e3,
                   (double)hist_quantile(&s->stages[i], .99) / 1e3);
    buf_printf(out, " ms (p50/p99)\n");
    buf_printf(out,
               "generator  %.0f %% of a core, at most %.3f ms late, %llu waited for a connection\n",
               s->seconds > 0 ? 100 * s->cpu_s / s->seconds : 0, (double)s->behind_us / 1e3,
               (unsigned long long)s->waited);
    if (r->reloads || r->swaps)
        buf_printf(out, "reloads    %d, model swaps %d, failed %d\n", r->reloads, r->swaps,
                   r->reloads_failed);
    if (r->options->slo)
        buf_printf(out, "slo        %s %s\n", r->options->slo, r->slo_met ? "met" : "MISSED");
}

static void number(struct json_writer *w, const char *key, double v)
{
    jw_member_number(w, key, v, 9);
}

static void json_quantiles(struct json_writer *w, const struct hist *hist)
{
    jw_object_begin(w);
    for (size_t i = 0; i < N_QUANTILES; i++)
        number(w, quantiles[i].name, (double)hist_quantile(hist, quantiles[i].q) / 1e3);
    number(w, "mean", hist->count ? (double)hist->sum / (double)hist->count / 1e3 : 0);
    jw_object_end(w);
}

void report_json(const struct report *r, struct buf *out)
{
    const struct stats *s = r->stats;
    struct json_writer w;

    json_writer_init(&w, out);
    jw_object_begin(&w);
    number(&w, "offered_per_s", r->offered);
    number(&w, "achieved_per_s", stats_rate(s));
    number(&w, "goodput_per_s", stats_goodput(s));
    number(&w, "ads_per_s", stats_goodput(s) * r->ads);
    number(&w, "found_per_s", r->found);
    number(&w, "seconds", s->seconds);
    number(&w, "tmax_ms", r->options->tmax_ms);
    jw_key(&w, "latency_ms");
    json_quantiles(&w, &s->latency);
    jw_member_object(&w, "outcomes");
    for (int i = 0; i < OUTCOMES; i++)
        number(&w, outcome_names[i], (double)s->outcomes[i]);
    jw_object_end(&w);
    number(&w, "intended", (double)s->intended);
    number(&w, "results", (double)s->results);
    jw_member_object(&w, "stages_ms");
    for (int i = 0; i < STAGES; i++) {
        jw_key(&w, stage_names[i]);
        json_quantiles(&w, &s->stages[i]);
    }
    jw_object_end(&w);
    jw_member_object(&w, "generator");
    number(&w, "cpu_s", s->cpu_s);
    number(&w, "behind_ms", (double)s->behind_us / 1e3);
    number(&w, "waited", (double)s->waited);
    jw_object_end(&w);
    number(&w, "reloads", r->reloads);
    number(&w, "swaps", r->swaps);
    number(&w, "reloads_failed", r->reloads_failed);
    jw_member_bool(&w, "slo_met", r->slo_met);
    jw_object_end(&w);
    buf_add_str(out, "\n");
}
