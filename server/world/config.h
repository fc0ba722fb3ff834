/*
 * The configuration (CONTRACT 2): strict JSON, read once into an immutable struct. Every option is declared
 * once, in server/world/options.c; parser, --help, --print-config, the shipped default file and the reload
 * diff all walk that table.
 *
 * Paths in it are taken from the folder of the configuration file. A struct config is made on any thread, is
 * const from then on, and belongs to the world that it is part of.
 */
#ifndef SERVER_WORLD_CONFIG_H
#define SERVER_WORLD_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/problems.h"
#include "json/writer.h"

#define CONFIG_MAX_OPTIONS 128

enum on_late { ON_LATE_PRIOR, ON_LATE_EMPTY, ON_LATE_REJECT };
enum rank_unique { UNIQUE_IMP, UNIQUE_REQUEST };

/* {"$file": path} or {"$env": NAME}: where it comes from may be printed, what it is may not. */
struct secret {
    const char *source; /* JSON text of the reference, "null" when none */
    const char *file;   /* the path it was read from; NULL: none, or a variable */
    struct view value;  /* empty when none; memory of base/secret.h, which the configuration owns */
};

/* Integers are int64_t and choices int, so that one row of the table can describe any of them. Strings are NULL
 * where the option is null. */
struct config {
    struct arena arena;                /* owns every string */
    const char *file;                  /* as given; "(defaults)" without one */
    const char *folder;                /* of the file, absolute or "." */
    bool by_alias[CONFIG_MAX_OPTIONS]; /* in the table's order: set by its older name */

    struct {
        const char *address;
        int64_t workers, backlog, max_connections, max_body_bytes, memory_bytes;
        int64_t first_byte_ms, head_ms, body_ms, idle_ms, write_ms, drain_grace_ms, drain_max_ms;
    } http;
    struct {
        const char *address;
        int64_t stall_ms;
    } admin;
    struct {
        const char *path, *backend;
        int precision;   /* enum precision */
        int64_t threads; /* 0: cores - 1, at least 1 */
    } model;
    struct {
        int64_t max_tokens, max_queue;
    } batch;
    struct {
        const char *url; /* NULL: no feature store */
        const char *user;
        struct secret password;
        int64_t database, timeout_ms, connect_ms, max_in_flight;
    } features;
    struct {
        const char *path;
        int64_t min_ads, max_bytes;
    } catalog;
    struct {
        const char *currency;
        int64_t top_n, max_top_n, max_candidates, max_imps, max_behaviour;
        int unique; /* enum rank_unique */
    } rank;
    struct {
        int64_t default_ms, max_ms, network_ms, min_ms, reserve_us, encode_reserve_us;
        int on_late; /* enum on_late */
    } deadline;
    struct {
        struct secret user_key;
    } privacy;
    struct {
        int level;     /* enum log_level */
        double sample; /* share of requests that get a wide line */
        int64_t slow_ms;
        const char *impressions; /* NULL: none written */
        double impressions_sample;
    } log;
};

struct config_args {
    const char *file;        /* NULL: defaults */
    struct view text;        /* ptr set: what is read in the file's place */
    const char *const *sets; /* "path=value", applied in order after the file */
    int n_sets;
};

/* All complaints are in problems, err names the first ones; -1 then. */
int config_new(const struct config_args *args, struct problems *problems, struct config **out,
               struct err *err) MUST_CHECK;
void config_free(struct config *config); /* NULL is legal */

/* The whole configuration as a document, sections and options in the table's order, no secret's value. */
void config_print(const struct config *config, struct json_writer *w);

/* What --help says about options, one per line with default, bounds and effect. */
void config_help(struct buf *out);

struct config_diff {
    int n_changed; /* in effect at once */
    int n_restart; /* listed and left */
};

/*
 * Compares the running configuration with a new one: writes the arrays of CONTRACT's reload answer,
 * "changed":[...],"needs_restart":[...], into w (an object is open).
 */
void config_diff(const struct config *running, const struct config *next, struct json_writer *w,
                 struct config_diff *diff);

/* The same in words, appended to out: "batch.max_tokens 8192 -> 4096, http.workers 1 -> 2 (needs a restart)"; of a
 * secret no more than that it changed. Some 1,500 bytes at most, what is beyond is counted. */
void config_changes(const struct config *running, const struct config *next, struct buf *out);

/* Puts the running value of every option that needs a restart into `next`, so that what the configuration says
 * is what is in effect. */
int config_keep_restart(const struct config *running, struct config *next,
                        struct err *err) MUST_CHECK;

#endif
