/*
 * The files of a model directory, read once and whole: what is hashed is what is parsed, and
 * nothing of them is mapped afterwards. Other files that lie beside them (README, 1_Pooling, ...)
 * are not the model's.
 */
#ifndef MODEL_MODEL_FILES_H
#define MODEL_MODEL_FILES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum model_file {
    FILE_CONFIG,
    FILE_WEIGHTS,
    FILE_VOCAB,
    FILE_TOKENIZER,
    FILE_TOKENIZER_CONFIG,
    FILE_SPECIAL_MAP,
    FILE_ADDED_TOKENS,
    FILE_ADRANK,
    MODEL_FILES
};

#define MODEL_DIGEST_HEX 12
#define SHA256_HEX 64

struct model_files {
    char *paths[MODEL_FILES]; /* dir/name, for messages */
    struct buf bytes[MODEL_FILES];
    bool present[MODEL_FILES];
};

extern const char *const model_file_names[MODEL_FILES]; /* "config.json", ... */

/* config.json and model.safetensors must be there (ERR_NOINPUT), and one of the two
 * vocabularies. Others may be absent, but not unreadable. */
int model_files_read(struct model_files *files, const char *dir, struct err *err) MUST_CHECK;
void model_files_release(struct model_files *files);

/* First hex digits of SHA-256 over each present file's name, NUL, length (8 bytes, little-
 * endian) and bytes, in the order of the enum. */
int model_files_digest(const struct model_files *files, char out[MODEL_DIGEST_HEX + 1],
                       struct err *err) MUST_CHECK;
/* SHA-256 of one file's bytes. */
int model_files_sha256(const struct model_files *files, enum model_file file,
                       char out[SHA256_HEX + 1], struct err *err) MUST_CHECK;

/* Size, inode and mtime of each of them, hashed; 0 when config.json cannot be found. */
uint64_t model_files_stamp(const char *dir);

#endif
