/* Records a daemon's metrics as series that promtool reads. */
#include "tests/e2e/alerts_recording.h"

#include <unistd.h>

#include "base/file.h"
#include "tests/test.h"

#define RULES "config/prometheus/alerts.yml"

void recording_init(struct recording *recording)
{
    recording->n_series = 0;
    recording->n_stages = 0;
}

void recording_release(struct recording *recording)
{
    for (int i = 0; i < recording->n_series; i++)
        free(recording->series[i].name);
    recording_init(recording);
}

void recording_stage(struct recording *recording, int minutes)
{
    CHECK(recording->n_stages < RECORDING_MAX_STAGES);
    recording->minutes[recording->n_stages++] = minutes;
    for (int i = 0; i < recording->n_series; i++)
        recording->series[i].values[recording->n_stages - 1] = NAN;
}

static bool ends_with(const char *name, size_t len, const char *end)
{
    size_t n = strlen(end);

    return len > n && memcmp(name + len - n, end, n) == 0;
}

static bool is_counter(const char *name)
{
    size_t len = strcspn(name, "{");

    return ends_with(name, len, "_total") || ends_with(name, len, "_bucket") ||
           ends_with(name, len, "_count") || ends_with(name, len, "_sum");
}

void recording_add(struct recording *recording, const char *sample, double value)
{
    struct recorded_series *series = recording->series;
    int i = 0;

    CHECK(recording->n_stages > 0);
    while (i < recording->n_series && strcmp(series[i].name, sample) != 0)
        i++;
    if (i == recording->n_series) {
        CHECK(i < RECORDING_MAX_SERIES);
        series[i] = (struct recorded_series){.name = strdup(sample), .counts = is_counter(sample)};
        for (int stage = 0; stage < RECORDING_MAX_STAGES; stage++)
            series[i].values[stage] = NAN;
        recording->n_series++;
    }
    series[i].values[recording->n_stages - 1] = value;
}

/* name{code="200"} 3 -> name{job="adrank",instance="a",code="200"} */
static void add_line(struct recording *recording, const char *line, size_t len,
                     const char *instance)
{
    size_t name_len = strcspn(line, "{ ");
    const char *value = line + len;
    char sample[1024];

    while (value > line && value[-1] != ' ')
        value--;
    CHECK(value > line);
    snprintf(sample, sizeof(sample), "%.*s{job=\"adrank\",instance=\"%s\"%s%.*s", (int)name_len,
             line, instance, line[name_len] == '{' ? "," : "}",
             line[name_len] == '{' ? (int)(value - line - 2 - (long)name_len) : 0,
             line + name_len + 1);
    recording_add(recording, sample, strtod(value, NULL));
}

void recording_take(struct recording *recording, struct driver *driver, const char *instance)
{
    const char *line = driver_call(driver->admin, "GET", "/metrics", NULL)->body;
    char up[128];

    for (; *line; line += strcspn(line, "\n") + 1)
        if (*line != '#')
            add_line(recording, line, strcspn(line, "\n"), instance);
    snprintf(up, sizeof(up), "up{job=\"adrank\",instance=\"%s\"}", instance);
    recording_add(recording, up, 1);
}

/* In promtool's notation, one sample a minute. A counter that first appears later starts at 0. */
static void write_values(const struct recording *r, const struct recorded_series *series,
                         struct buf *out)
{
    double last = NAN;

    for (int stage = 0; stage < r->n_stages; stage++) {
        double now = series->values[stage];
        int n = r->minutes[stage];

        if (isnan(now))
            buf_printf(out, " _x%d", n);
        else if (!series->counts || isnan(last) || now < last)
            buf_printf(out, " %.9f+0x%d", now, n - 1);
        else
            buf_printf(out, " %.9f+%.9fx%d", last + (now - last) / n, (now - last) / n, n - 1);
        last = now;
    }
}

static void write_series(const struct recording *r, struct buf *out)
{
    for (int i = 0; i < r->n_series; i++) {
        buf_add_str(out, "      - series: '");
        for (const char *p = r->series[i].name; *p; p++)
            buf_printf(out, "%s%c", *p == '\'' ? "'" : "", *p);
        buf_add_str(out, "'\n        values: '");
        write_values(r, &r->series[i], out);
        buf_add_str(out, "'\n");
    }
}

/* A machine busy with other tests may also fire these: they are checked only where expected. */
static void write_expression(const char *firing, struct buf *out)
{
    static const char *const of_time[] = {"AdrankLate", "AdrankLoopLags", "AdrankEstimateOff",
                                          "AdrankOverloaded"};

    buf_add_str(
        out, "      - expr: 'count by (alertname) (ALERTS{alertstate=\"firing\",alertname!~\"none");
    for (size_t i = 0; i < sizeof(of_time) / sizeof(of_time[0]); i++)
        if (!strstr(firing, of_time[i]))
            buf_printf(out, "|%s", of_time[i]);
    buf_add_str(out, "\"})'\n");
}

static void write_wanted(const char *firing, struct buf *out)
{
    buf_add_str(out, "        exp_samples:");
    if (!firing[0])
        buf_add_str(out, " []");
    buf_add_str(out, "\n");
    for (const char *at = firing; *at; at += strspn(at, " ")) {
        int len = (int)strcspn(at, " ");

        buf_printf(out, "          - labels: '{alertname=\"%.*s\"}'\n            value: 1\n", len,
                   at);
        at += len;
    }
}

void recording_check(const struct recording *r, const char *firing)
{
    char path[] = "/tmp/adrank-alerts-XXXXXX", here[3000], command[256];
    struct buf test = BUF_INIT, said = BUF_INIT;
    int minutes = 0, fd = mkstemp(path);
    struct err err;
    FILE *promtool;
    size_t n;

    for (int stage = 0; stage < r->n_stages; stage++)
        minutes += r->minutes[stage];
    CHECK(fd != -1 && getcwd(here, sizeof(here)));
    buf_printf(&test,
               "rule_files: ['%s/" RULES "']\nevaluation_interval: 1m\ntests:\n"
               "  - interval: 1m\n    input_series:\n",
               here);
    write_series(r, &test);
    buf_add_str(&test, "    promql_expr_test:\n");
    write_expression(firing, &test);
    buf_printf(&test, "        eval_time: %dm\n", minutes - 1);
    write_wanted(firing, &test);
    CHECK_OK(file_write(path, buf_view(&test), &err), err);
    close(fd);
    snprintf(command, sizeof(command), "promtool test rules %s 2>&1", path);
    promtool = popen(command, "r");
    CHECK(promtool);
    n = fread(buf_reserve(&said, 16384), 1, 16384, promtool);
    said.len = n;
    if (pclose(promtool))
        FAIL("want \"%s\" to fire: %s", firing, buf_str(&said));
    unlink(path);
    buf_release(&test);
    buf_release(&said);
}
