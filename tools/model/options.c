/* The rows of adrank-model's command line, and the defaults. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"
#include "model/kinds/kind.h"
#include "tools/model/command.h"

static int read_precision(const struct cli_option *option, char *text, struct options *out,
                          struct err *err)
{
    for (int p = 0; p <= PRECISION_AUTO; p++) {
        if (strcmp(text, precision_names[p]) == 0) {
            out->precision = (enum precision)p;
            return 0;
        }
    }
    return cli_refuse(option, text, "f32, bf16, f16 or auto", err);
}

static int read_gelu(const struct cli_option *option, char *text, struct options *out,
                     struct err *err)
{
    for (int g = 0; g < GELUS; g++) {
        if (strcmp(text, gelu_names[g]) == 0) {
            out->gelu = (enum gelu)g;
            return 0;
        }
    }
    return cli_refuse(option, text, "auto, erf or tanh", err);
}

static int read_kind(const struct cli_option *option, char *text, struct options *out,
                     struct err *err)
{
    struct err ignored;

    if (!kind_find("", text, &ignored))
        return cli_refuse(option, text, "cross or prefix", err);
    return cli_text(option, text, out, err);
}

/* "8:24", or "16" for both. */
static int read_ads(const struct cli_option *option, char *text, struct options *out,
                    struct err *err)
{
    const char *colon = strchr(text, ':');
    const struct view first = {text, colon ? (size_t)(colon - text) : strlen(text)};
    const struct view last = colon ? view_of(colon + 1) : first;
    int64_t min, max;

    if (number_int(first, 3, 65536, &min) || number_int(last, min, 65536, &max))
        return cli_refuse(option, text, "FROM:TO, from 3 to 65536, or one number for both", err);
    out->ads_min = (int)min;
    out->ads_max = (int)max;
    return 0;
}

#define ENGINE (COMMAND_VERIFY | COMMAND_SCORE | COMMAND_BENCH)

static const struct cli_option rows[] = {
    {NULL, "DIR", CLI_TEXT(dir)},
    {"precision", "P", .read = read_precision, .commands = ENGINE,
     .help = "f32 (default), bf16, f16 (on a GPU), or auto: what the device does best"},
    {"gelu", "FORM", .read = read_gelu, .commands = ENGINE,
     .help = "of an erf GELU, as model.gelu: auto (default), erf or tanh"},
    {"backend", "NAME", CLI_TEXT(backend), .commands = ENGINE | COMMAND_PACK,
     .help = "cpu (default), cuda or a module's path"},
    {"linear", "NAME", CLI_TEXT(linear), .commands = ENGINE | COMMAND_PACK,
     .help = "provider of the linear layer, onednn or plain; default: by processor"},
    {"threads", "N", CLI_INT(threads, 1, 1024), .commands = ENGINE | COMMAND_PACK,
     .help = "1 to 1024; default: cores - 1, at least 1"},
    {"max-tokens", "N", CLI_INT(max_tokens, 3, 65536), .commands = COMMAND_TOKENIZE | COMMAND_SCORE,
     .help = "3 to 65536: truncates, longest first; default: what the model takes (score), no "
             "limit (tokenize)"},
    {"kind", "KIND", .read = read_kind, .at = offsetof(struct options, kind),
     .commands = COMMAND_BENCH | COMMAND_PACK,
     .help = "cross or prefix; default: the model's; hier is not built yet"},
    {"pairs", "N", CLI_INT(pairs, 1, 10000), .commands = COMMAND_BENCH,
     .help = "ads in the request, 1 to 10000; default 100"},
    {"prefix", "N", CLI_INT(prefix, 3, 65536), .commands = COMMAND_BENCH,
     .help = "tokens in the context, 3 to 65536; default 64"},
    {"ads", "FROM:TO", .read = read_ads, .commands = COMMAND_BENCH,
     .help = "tokens in an ad, from 3 to 65536, or one number for both; default 8:24"},
    {"seconds", "S", CLI_NUMBER(seconds, 0.01, 3600), .commands = COMMAND_BENCH,
     .help = "how long to measure, 0.01 to 3600; default 5"},
    {"name", "NAME", CLI_FILLED(name), .commands = COMMAND_PACK,
     .help = "of the model, 1 to 100 bytes; default: the directory's"},
    {"version", "V", CLI_FILLED(version), .commands = COMMAND_PACK,
     .help = "of the model, 1 to 100 bytes; default 1"},
    {"template", "FILE", CLI_FILLED(template_file), .commands = COMMAND_PACK,
     .help = "JSON object as adrank.json's /input: any of context, behaviour, ad, max_..._tokens"},
    {"context", "TEMPLATE", CLI_TEXT(context), .commands = COMMAND_PACK, .help = "of the context"},
    {"behaviour", "TEMPLATE", CLI_TEXT(behaviour), .commands = COMMAND_PACK,
     .help = "of each behaviour"},
    {"ad", "TEMPLATE", CLI_TEXT(ad), .commands = COMMAND_PACK, .help = "of an ad"},
    {"max-context-tokens", "N", CLI_INT(max_context_tokens, 3, 65536), .commands = COMMAND_PACK,
     .help = "3 to 65536; default: three quarters of what the model takes"},
    {"max-ad-tokens", "N", CLI_INT(max_ad_tokens, 2, 65536), .commands = COMMAND_PACK,
     .help = "2 to 65536; default: a quarter of what the model takes"},
    {"base-rate", "RATE", CLI_NUMBER(base_rate, 1e-7, 1 - 1e-7), .commands = COMMAND_PACK,
     .help = "pctr where nothing better is known; default: that of --calibrate, else 0.01"},
    {"calibrate", "FILE", CLI_FILLED(calibrate_file), .commands = COMMAND_PACK,
     .help = "labelled lines to fit the calibration to: {\"text\",\"text_pair\",\"label\":0 or 1}, "
             "or {\"request\",\"shown\":[{\"adid\",\"click\"}]}"},
    {"golden", "FILE", CLI_FILLED(golden_file), .commands = COMMAND_PACK,
     .help = "golden requests: /rank requests with texts, {\"now_ms\",\"request\",\"logits\"}, or "
             "{\"text\",\"text_pair\"}; built-in: of built-in texts; default: the existing ones, "
             "else built-in"},
    {"catalog", "FILE", CLI_FILLED(catalog), .commands = COMMAND_PACK | COMMAND_SCORE,
     .help = "texts of ads and items that requests name without one"},
    {"output", "FILE", CLI_FILLED(output), .commands = COMMAND_PACK,
     .help = "to write; default DIR/adrank.json"},
    {"dry-run", NULL, CLI_FLAG(dry_run), .commands = COMMAND_PACK,
     .help = "print it instead, write nothing"},
    {"json", "FILE", CLI_TEXT(json), .commands = COMMAND_BENCH,
     .help = "for the result; - (default) for stdout"},
};

int options_parse(const struct command *command, int argc, char **argv, struct options *out,
                  struct err *err)
{
    const struct cli cli = {"", rows, sizeof(rows) / sizeof(rows[0]), command->bit};
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    int rc;

    *out = (struct options){.precision = PRECISION_F32,
                            .backend = "cpu",
                            .linear = "",
                            .threads = cores > 2 ? (int)cores - 1 : 1,
                            .pairs = 100,
                            .prefix = 64,
                            .ads_min = 8,
                            .ads_max = 24,
                            .seconds = 5};
    rc = cli_read(&cli, argc, argv, out, err);
    if (rc > 0) {
        printf("usage: adrank-model %s DIR [options]\n%s\n\n", command->name, command->help);
        cli_print(&cli, stdout);
    }
    if (rc == 0 && (!out->dir || !*out->dir))
        return err_set(err, ERR_USAGE, "%s: which model directory?", command->name);
    return rc;
}
