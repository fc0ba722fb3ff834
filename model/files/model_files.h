/*
 * The files of a model directory, each read once as a whole: what is hashed is what is parsed, and
 * nothing stays mapped. Other files in the directory (README, 1_Pooling, ...) are not part of the
 * model.
 */
#ifndef MODEL_FILES_MODEL_FILES_H
#define MODEL_FILES_MODEL_FILES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum model_file {
    FILE_CONFIG,
    FILE_WEIGHTS,
    FILE_VOCAB,
    FILE_TOKENIZER,
    FILE_TOKENIZER_CONFIG,
    FILE_SPECIAL_MAP,
    FILE_ADDED_TOKENS,
    FILE_ADRANK,
    FILE_INDEX, /* of weights in shards; looked at where FILE_WEIGHTS is absent, as transformers
                   does */
    FILE_SENTENCE_BERT,
    FILE_SENTENCE_TRANSFORMERS,
    FILE_MODULES,
    MODEL_FILES
};

#define MODEL_DIGEST_HEX 12
#define SHA256_HEX 64
#define MODEL_MAX_SHARDS 1000
#define MODEL_MAX_SHARDED_TENSORS 100000

/* One file of weights that FILE_INDEX names. */
struct model_shard {
    const char *name; /* in weight_map */
    char *path;
    struct buf bytes;
};

struct model_files {
    char *paths[MODEL_FILES]; /* dir/name, for messages */
    struct buf bytes[MODEL_FILES];
    bool present[MODEL_FILES];
    json_t *weight_map; /* FILE_INDEX's: tensor to file name; NULL: the weights are one file */
    struct model_shard *shards; /* (n_shards) by name */
    int n_shards;
};

extern const char *const model_file_names[MODEL_FILES]; /* "config.json", ... */

/* ERR_NOINPUT when dir exists and is not a directory. */
int model_require_dir(const char *dir, struct err *err) MUST_CHECK;
/*
 * config.json, weights (one file, or shards by their index) and one of the two vocabularies must be
 * there: ERR_NOINPUT names what was found instead and how to convert it. Others may be absent, but
 * not unreadable. Two steps: config.json decides whether the others are worth reading. The caller
 * releases it in either case.
 */
int model_files_read_config(struct model_files *files, const char *dir, struct err *err) MUST_CHECK;
int model_files_read_rest(struct model_files *files, const char *dir, struct err *err) MUST_CHECK;
void model_files_release(struct model_files *files);

/* First hex digits of SHA-256 over each present file's name, NUL, length (8 bytes, little-
 * endian) and bytes, in the order of the enum, then the shards' by name. */
int model_files_digest(const struct model_files *files, char out[MODEL_DIGEST_HEX + 1],
                       struct err *err) MUST_CHECK;
/* SHA-256 of the weights: of the single file, or of the concatenated shards. */
int model_files_weights_sha256(const struct model_files *files, char out[SHA256_HEX + 1],
                               struct err *err) MUST_CHECK;

/* ---- parts of it ----------------------------------------------------------------------------- */

/* Reads the shards that files->bytes[FILE_INDEX] names (shards.c). */
int model_shards_read(struct model_files *files, const char *dir, struct err *err) MUST_CHECK;
void model_shards_release(struct model_files *files);

/* Explains what is missing from a directory (missing.c): err names what was found instead and how
 * to convert it. All return -1. */
int model_missing_config(const char *dir, struct err *err);
int model_missing_weights(const char *dir, struct err *err);
int model_missing_vocabulary(const char *dir, struct err *err);
/* Files next to a complete model that change its scores: adapters. */
int model_refuse_beside(const char *dir, struct err *err) MUST_CHECK;
/* git-lfs leaves a pointer in place of a file that was not fetched. */
int model_refuse_pointer(const char *path, struct view bytes, struct err *err) MUST_CHECK;

#endif
