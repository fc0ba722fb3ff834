/* The rows of bench-gpu's command line, and the defaults. */
#include "bench/gpu/options.h"

#include <string.h>

static int read_precision(const struct cli_option *option, char *text, struct options *out,
                          struct err *err)
{
    for (int p = 0; p < PRECISION_AUTO; p++) {
        if (strcmp(text, precision_names[p]) == 0) {
            out->precision = (enum precision)p;
            return 0;
        }
    }
    return cli_refuse(option, text, "f16, bf16 or f32", err);
}

static const struct cli_option rows[] = {
    {"rounds", "N", CLI_INT(rounds, 1, OPTIONS_MAX_ROUNDS),
     .help = "interleaved rounds, of which medians are printed; default 7"},
    {"precision", "P", .read = read_precision, .help = "f16 (default), bf16 or f32"},
    {"only", "TEXT", CLI_FILLED(only),
     .help = "rows whose path has TEXT in it, as in MiniLM-L6/prefix/16x100"},
    {"steps", NULL, CLI_FLAG(steps),
     .help = "no table: a round for each line on stdin, to take turns with another program"},
    {"timeline", NULL, CLI_FLAG(timeline), .help = "where the time of one request goes, only"},
    {"tiny", NULL, CLI_FLAG(tiny), .help = "one tiny model, to try the program itself"},
};

const struct cli options_cli =
    CLI("usage: bench-gpu [options]\n"
        "Passes of MiniLM-L6 and BERT-base on the GPU, beside bare products and a sustained one\n",
        rows);

int options_parse(int argc, char **argv, struct options *out, struct err *err)
{
    *out = (struct options){.rounds = 7, .precision = PRECISION_F16, .only = ""};
    return cli_read(&options_cli, argc, argv, out, err);
}
