/* adrank-model's subcommands: one file each, one row in main.c's table. */
#ifndef TOOLS_MODEL_COMMAND_H
#define TOOLS_MODEL_COMMAND_H

#include <jansson.h>

#include "adrank/engine.h"
#include "base/buf.h"
#include "base/cli.h"
#include "base/err.h"

/* A subcommand's bit in the rows of the command line. */
enum command_bit {
    COMMAND_INSPECT = 1 << 0,
    COMMAND_VERIFY = 1 << 1,
    COMMAND_PACK = 1 << 2,
    COMMAND_TOKENIZE = 1 << 3,
    COMMAND_SCORE = 1 << 4,
    COMMAND_BENCH = 1 << 5,
};

struct options {
    const char *dir;
    enum precision precision;
    enum gelu gelu;
    const char *backend, *linear;
    const struct backend_ops *ops; /* instead of backend; NULL: by name */
    int threads;
    int max_tokens;   /* 0: the model's maximum */
    const char *kind; /* NULL: the model's */
    int pairs, prefix, ads_min, ads_max;
    double seconds;
    const char *json; /* NULL or "-": stdout */
    /* pack; NULL or 0: not named */
    const char *name, *version, *template_file, *context, *behaviour, *ad;
    const char *calibrate_file, *golden_file, *output;
    int max_context_tokens, max_ad_tokens;
    double base_rate;
    const char *catalog; /* a file; NULL: none */
    bool dry_run;
    bool quiet; /* no note of what the backend chose */
};

struct command {
    const char *name;
    enum command_bit bit;
    const char *help;
    bool opens_model; /* else run gets NULL */
    int (*run)(const struct options *options, struct model *model, struct err *err);
};

extern const struct command command_inspect, command_verify, command_tokenize, command_score,
    command_bench, command_pack;

/* Reads the arguments after argv[0], the subcommand's name, over the defaults. Returns 1 when help
 * was requested, and printed; ERR_USAGE. */
int options_parse(const struct command *command, int argc, char **argv, struct options *out,
                  struct err *err) MUST_CHECK;

/* Device and engine for a model, as options say. Closed in reverse by scorer_close, which accepts
 * one that is not open: scorer_open leaves nothing open when it fails. */
struct scorer {
    struct launcher *launcher;
    struct engine *engine;
};

int scorer_open(const struct options *options, struct model *model, int max_batch_tokens,
                int max_jobs, bool skip_golden, struct scorer *out, struct err *err) MUST_CHECK;
void scorer_close(struct scorer *scorer);
/* An input and its logits; starts out as zeros. */
struct scored {
    struct input input;
    float *logits; /* (room, model_out_width) */
    int room;
};

/* Makes room for the logits of the input. */
int scored_reserve(struct scored *scored, const struct model *model, struct err *err) MUST_CHECK;
void scored_release(struct scored *scored);

/* The catalog of --catalog into *out, if one is named. */
int options_catalog(const struct options *options, struct catalog **out,
                    struct err *err) MUST_CHECK;

typedef int (*on_line_fn)(void *arg, struct view line, struct err *err);

/* JSON Lines from a file (NULL: stdin): calls on_line with each line that is not blank, up to the
 * first failure, whose err is prefixed with the path and the line's number. */
int lines_read(const char *path, on_line_fn on_line, void *arg, struct err *err) MUST_CHECK;
/* Any JSON value; the caller decrefs. The reason, if none, names the column. */
int line_parse(struct view line, json_t **out, struct err *err) MUST_CHECK;
/* The kind of a value, for messages: "null", "an array", ... */
const char *json_kind(const json_t *value);
/* The text of a JSON string; empty for any other value. */
struct view json_view(const json_t *value);
/* Writes and clears; ERR_UNAVAILABLE when stdout does not accept more output. */
int lines_write(struct buf *out, struct err *err) MUST_CHECK;
/* Writes a document and a newline to a file (NULL: stdout) and releases it. */
int document_write(const char *path, struct buf *out, struct err *err) MUST_CHECK;

#endif
