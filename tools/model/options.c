/* Parses and checks adrank-model's arguments. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"
#include "model/kinds/kind.h"
#include "tools/model/command.h"

/* An option: the member that its value goes to, and what it may be. */
struct row {
    const char *name;
    enum option_bit bit;
    int (*read)(const struct row *row, const char *text, struct options *out);
    size_t at; /* offset of the member */
    double min, max;
    const char *wants; /* what a value looks like; NULL: it has none */
    const char *help;  /* what it is for, and the default */
};

static void *member(const struct row *row, struct options *out)
{
    return (char *)out + row->at;
}

/* At least row->min bytes. */
static int read_text(const struct row *row, const char *text, struct options *out)
{
    *(const char **)member(row, out) = text;
    return (double)strlen(text) >= row->min ? 0 : -1;
}

static int read_int(const struct row *row, const char *text, struct options *out)
{
    int64_t v;

    if (number_int(view_of(text), (int64_t)row->min, (int64_t)row->max, &v))
        return -1;
    *(int *)member(row, out) = (int)v;
    return 0;
}

static int read_number(const struct row *row, const char *text, struct options *out)
{
    return number_double(view_of(text), row->min, row->max, member(row, out));
}

static int read_flag(const struct row *row, const char *text, struct options *out)
{
    (void)text;
    *(bool *)member(row, out) = true;
    return 0;
}

static int read_precision(const struct row *row, const char *text, struct options *out)
{
    (void)row;
    for (int p = 0; p <= PRECISION_AUTO; p++) {
        if (strcmp(text, precision_names[p]) == 0) {
            out->precision = (enum precision)p;
            return 0;
        }
    }
    return -1;
}

static int read_kind(const struct row *row, const char *text, struct options *out)
{
    struct err err;

    (void)row;
    out->kind = text;
    return kind_find("", text, &err) ? 0 : -1;
}

/* "8:24", or "16" for both. */
static int read_ads(const struct row *row, const char *text, struct options *out)
{
    const char *colon = strchr(text, ':');
    const struct view first = {text, colon ? (size_t)(colon - text) : strlen(text)};
    const struct view last = colon ? view_of(colon + 1) : first;
    int64_t min, max;

    if (number_int(first, (int64_t)row->min, (int64_t)row->max, &min) ||
        number_int(last, min, (int64_t)row->max, &max))
        return -1;
    out->ads_min = (int)min;
    out->ads_max = (int)max;
    return 0;
}

#define TEXT(member_, min_bytes_)                                                                  \
    .read = read_text, .at = offsetof(struct options, member_), .min = (min_bytes_)
#define INT(member_, min_, max_)                                                                   \
    .read = read_int, .at = offsetof(struct options, member_), .min = (min_), .max = (max_)
#define NUMBER(member_, min_, max_)                                                                \
    .read = read_number, .at = offsetof(struct options, member_), .min = (min_), .max = (max_)
#define FLAG(member_) .read = read_flag, .at = offsetof(struct options, member_)

static const struct row rows[] = {
    {"--precision", OPTION_PRECISION, .read = read_precision, .wants = "f32, bf16, f16 or auto",
     .help = "of the engine, default f32; f16 on a GPU; auto is what the device does best"},
    {"--backend", OPTION_BACKEND, TEXT(backend, 0), .wants = "cpu, cuda or a module's path",
     .help = "default cpu"},
    {"--linear", OPTION_LINEAR, TEXT(linear, 0), .wants = "onednn or plain",
     .help = "provider of the linear layer; default: by processor"},
    {"--threads", OPTION_THREADS, INT(threads, 1, 1024), .wants = "1 to 1024",
     .help = "default: cores - 1, at least 1"},
    {"--max-tokens", OPTION_MAX_TOKENS, INT(max_tokens, 3, 1 << 16), .wants = "3 to 65536",
     .help =
         "truncates, longest first; default: what the model takes (score), no limit (tokenize)"},
    {"--kind", OPTION_KIND, .read = read_kind, .wants = "cross or prefix",
     .help = "default: the model's; hier is not built yet"},
    {"--pairs", OPTION_PAIRS, INT(pairs, 1, 10000), .wants = "1 to 10000",
     .help = "ads of the request; default 100"},
    {"--prefix", OPTION_PREFIX, INT(prefix, 3, 1 << 16), .wants = "3 to 65536",
     .help = "tokens of the context; default 64"},
    {"--ads", OPTION_ADS, .read = read_ads, .min = 3, .max = 1 << 16,
     .wants = "FROM:TO, from 3 to 65536, or one number for both",
     .help = "tokens of an ad; default 8:24"},
    {"--seconds", OPTION_SECONDS, NUMBER(seconds, 0.01, 3600), .wants = "0.01 to 3600",
     .help = "how long to measure; default 5"},
    {"--name", OPTION_PACK, TEXT(name, 1), .wants = "1 to 100 bytes",
     .help = "of the model; default: the directory's"},
    {"--version", OPTION_PACK, TEXT(version, 1), .wants = "1 to 100 bytes",
     .help = "of the model; default 1"},
    {"--template", OPTION_PACK, TEXT(template_file, 1), .wants = "a file",
     .help = "JSON object as adrank.json's /input: context, behaviour, ad, max_..._tokens, any of "
             "them"},
    {"--context", OPTION_PACK, TEXT(context, 0), .wants = "a template", .help = "of the context"},
    {"--behaviour", OPTION_PACK, TEXT(behaviour, 0), .wants = "a template",
     .help = "of each behaviour"},
    {"--ad", OPTION_PACK, TEXT(ad, 0), .wants = "a template", .help = "of an ad"},
    {"--max-context-tokens", OPTION_PACK, INT(max_context_tokens, 3, 1 << 16),
     .wants = "3 to 65536", .help = "default: three quarters of what the model takes"},
    {"--max-ad-tokens", OPTION_PACK, INT(max_ad_tokens, 2, 1 << 16), .wants = "2 to 65536",
     .help = "default: a quarter of what the model takes"},
    {"--base-rate", OPTION_PACK, NUMBER(base_rate, 1e-7, 1 - 1e-7), .wants = "above 0, below 1",
     .help = "pctr where nothing better is known; default: that of --calibrate, else 0.01"},
    {"--calibrate", OPTION_PACK, TEXT(calibrate_file, 1), .wants = "a file",
     .help =
         "labelled lines to fit the calibration to: {\"text\",\"text_pair\",\"label\":0 or 1}, or "
         "{\"request\",\"shown\":[{\"adid\",\"click\"}]}"},
    {"--golden", OPTION_PACK, TEXT(golden_file, 1), .wants = "a file, or built-in",
     .help = "golden requests: /rank requests with texts, {\"now_ms\",\"request\",\"logits\"}, or "
             "{\"text\",\"text_pair\"}; default: those that are there, else of built-in texts"},
    {"--catalog", OPTION_CATALOG, TEXT(catalog, 1), .wants = "a file",
     .help = "texts of ads and items that requests name without one"},
    {"--output", OPTION_PACK, TEXT(output, 1), .wants = "a file",
     .help = "to write; default DIR/adrank.json"},
    {"--dry-run", OPTION_PACK, FLAG(dry_run), .help = "print it instead, write nothing"},
    {"--json", OPTION_JSON, TEXT(json, 0), .wants = "a file, or - for stdout",
     .help = "for the result; default -"},
};
#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

/* *n: how many arguments it is. */
static int read_option(const struct command *command, const char *name, const char *value,
                       struct options *out, int *n, struct err *err)
{
    for (size_t i = 0; i < N_ROWS; i++) {
        if (strcmp(rows[i].name, name) != 0 || !(command->options & rows[i].bit))
            continue;
        *n = rows[i].wants ? 2 : 1;
        if (!value && rows[i].wants)
            return err_set(err, ERR_USAGE, "%s: needs a value: %s", name, rows[i].wants);
        if (rows[i].read(&rows[i], value, out))
            return err_set(err, ERR_USAGE, "%s %s: want %s", name, value, rows[i].wants);
        return 0;
    }
    return err_set(err, ERR_USAGE, "%s: no option of adrank-model %s", name, command->name);
}

int options_parse(const struct command *command, int argc, char **argv, struct options *out,
                  struct err *err)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    int n = 1;

    *out = (struct options){.precision = PRECISION_F32,
                            .backend = "cpu",
                            .linear = "",
                            .threads = cores > 2 ? (int)cores - 1 : 1,
                            .pairs = 100,
                            .prefix = 64,
                            .ads_min = 8,
                            .ads_max = 24,
                            .seconds = 5};
    for (int i = 0; i < argc; i++) {
        if (argv[i][0] != '-') {
            if (out->dir)
                return err_set(err, ERR_USAGE, "%s: one model directory at a time", argv[i]);
            out->dir = *argv[i] ? argv[i] : NULL;
            continue;
        }
        if (read_option(command, argv[i], i + 1 < argc ? argv[i + 1] : NULL, out, &n, err))
            return -1;
        i += n - 1;
    }
    return out->dir ? 0 : err_set(err, ERR_USAGE, "%s: which model directory?", command->name);
}

void options_print(const struct command *command)
{
    for (size_t i = 0; i < N_ROWS; i++)
        if (command->options & rows[i].bit)
            printf("  %-12s %s%s%s\n", rows[i].name, rows[i].wants ? rows[i].wants : "",
                   rows[i].wants ? ": " : "", rows[i].help);
}
