/* Lists, reads and hashes the files of a model directory. */
#include "model/files/model_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <xxhash.h>

#include "adrank/model.h"
#include "base/file.h"

const char *const model_file_names[MODEL_FILES] = {
    [FILE_CONFIG] = "config.json",
    [FILE_WEIGHTS] = "model.safetensors",
    [FILE_VOCAB] = "vocab.txt",
    [FILE_TOKENIZER] = "tokenizer.json",
    [FILE_TOKENIZER_CONFIG] = "tokenizer_config.json",
    [FILE_SPECIAL_MAP] = "special_tokens_map.json",
    [FILE_ADDED_TOKENS] = "added_tokens.json",
    [FILE_ADRANK] = "adrank.json",
    [FILE_INDEX] = "model.safetensors.index.json",
    [FILE_SENTENCE_BERT] = "sentence_bert_config.json",
    [FILE_SENTENCE_TRANSFORMERS] = "config_sentence_transformers.json",
    [FILE_MODULES] = "modules.json",
};

static const size_t max_bytes[MODEL_FILES] = {
    /* 0: 1 MiB */
    [FILE_WEIGHTS] = (size_t)16 << 30, [FILE_VOCAB] = 64 << 20, [FILE_TOKENIZER] = 64 << 20,
    [FILE_ADRANK] = 16 << 20,          [FILE_INDEX] = 16 << 20,
};

/* A missing file is not an error here, an unreadable one is. */
static int read_one(struct model_files *files, const char *dir, enum model_file i, struct err *err)
{
    struct stat st;

    if (asprintf(&files->paths[i], "%s/%s", dir, model_file_names[i]) < 0) {
        files->paths[i] = NULL;
        return err_set(err, ERR_NOMEM, "%s: out of memory", dir);
    }
    if (lstat(files->paths[i], &st) != 0 && errno == ENOENT)
        return 0;
    /* An index next to a single weights file is not read. */
    if (i == FILE_INDEX && files->present[FILE_WEIGHTS])
        return 0;
    files->present[i] = true;
    if (file_read(files->paths[i], max_bytes[i] ? max_bytes[i] : 1 << 20, &files->bytes[i], err))
        return -1;
    return model_refuse_pointer(files->paths[i], buf_view(&files->bytes[i]), err);
}

int model_require_dir(const char *dir, struct err *err)
{
    struct stat st;

    if (stat(dir, &st) == 0 && !S_ISDIR(st.st_mode))
        return err_set(err, ERR_NOINPUT,
                       "%s: not a directory; want the one with config.json and the weights", dir);
    return 0;
}

int model_files_read_config(struct model_files *files, const char *dir, struct err *err)
{
    *files = (struct model_files){0};
    if (model_require_dir(dir, err))
        return -1;
    if (read_one(files, dir, FILE_CONFIG, err))
        return -1;
    return files->present[FILE_CONFIG] ? model_refuse_beside(dir, err)
                                       : model_missing_config(dir, err);
}

int model_files_read_rest(struct model_files *files, const char *dir, struct err *err)
{
    for (int i = 0; i < MODEL_FILES; i++)
        if (i != FILE_CONFIG && read_one(files, dir, (enum model_file)i, err))
            return -1;
    if (!files->present[FILE_WEIGHTS] && !files->present[FILE_INDEX])
        return model_missing_weights(dir, err);
    if (!files->present[FILE_VOCAB] && !files->present[FILE_TOKENIZER])
        return model_missing_vocabulary(dir, err);
    return files->present[FILE_INDEX] ? model_shards_read(files, dir, err) : 0;
}

void model_files_release(struct model_files *files)
{
    for (int i = 0; i < MODEL_FILES; i++) {
        free(files->paths[i]);
        buf_release(&files->bytes[i]);
    }
    model_shards_release(files);
    *files = (struct model_files){0};
}

/* ---- digests --------------------------------------------------------------------------------- */

static void to_hex(const unsigned char *bytes, size_t n_digits, char *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < n_digits; i++)
        out[i] = digits[i % 2 ? bytes[i / 2] & 15 : bytes[i / 2] >> 4];
    out[n_digits] = '\0';
}

static bool hash_file(EVP_MD_CTX *sha, const char *name, const struct buf *bytes)
{
    unsigned char len[8];

    for (int b = 0; b < 8; b++)
        len[b] = (unsigned char)((uint64_t)bytes->len >> (8 * b));
    return EVP_DigestUpdate(sha, name, strlen(name) + 1) == 1 &&
           EVP_DigestUpdate(sha, len, sizeof(len)) == 1 &&
           EVP_DigestUpdate(sha, bytes->ptr, bytes->len) == 1;
}

static bool hash_files(EVP_MD_CTX *sha, const struct model_files *files)
{
    for (int i = 0; i < MODEL_FILES; i++)
        if (files->present[i] && !hash_file(sha, model_file_names[i], &files->bytes[i]))
            return false;
    for (int i = 0; i < files->n_shards; i++)
        if (!hash_file(sha, files->shards[i].name, &files->shards[i].bytes))
            return false;
    return true;
}

static bool hash_weights(EVP_MD_CTX *sha, const struct model_files *files)
{
    const struct buf *whole = &files->bytes[FILE_WEIGHTS];

    if (files->present[FILE_WEIGHTS])
        return EVP_DigestUpdate(sha, whole->ptr, whole->len) == 1;
    for (int i = 0; i < files->n_shards; i++)
        if (EVP_DigestUpdate(sha, files->shards[i].bytes.ptr, files->shards[i].bytes.len) != 1)
            return false;
    return true;
}

static int sha256(const struct model_files *files,
                  bool (*hash)(EVP_MD_CTX *sha, const struct model_files *files), size_t n_digits,
                  char *out, struct err *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    EVP_MD_CTX *sha = EVP_MD_CTX_new();
    bool done = sha && EVP_DigestInit_ex(sha, EVP_sha256(), NULL) == 1 && hash(sha, files) &&
                EVP_DigestFinal_ex(sha, digest, NULL) == 1;

    EVP_MD_CTX_free(sha);
    if (!done) { /* SHA-256 itself cannot fail: the only possible cause is memory */
        ERR_clear_error();
        return err_set(err, ERR_NOMEM, "SHA-256: out of memory");
    }
    to_hex(digest, n_digits, out);
    return 0;
}

int model_files_digest(const struct model_files *files, char out[MODEL_DIGEST_HEX + 1],
                       struct err *err)
{
    return sha256(files, hash_files, MODEL_DIGEST_HEX, out, err);
}

int model_files_weights_sha256(const struct model_files *files, char out[SHA256_HEX + 1],
                               struct err *err)
{
    return sha256(files, hash_weights, SHA256_HEX, out, err);
}

/* ---- stamp ----------------------------------------------------------------------------------- */

struct stamp {
    uint64_t size, inode, device, seconds, nanoseconds;
};

static struct stamp stamp_of(const struct stat *st)
{
    return (struct stamp){.size = (uint64_t)st->st_size,
                          .inode = (uint64_t)st->st_ino,
                          .device = (uint64_t)st->st_dev,
                          .seconds = (uint64_t)st->st_mtim.tv_sec,
                          .nanoseconds = (uint64_t)st->st_mtim.tv_nsec};
}

/* Of all that may be a shard, whatever order they are listed in: their names are the index's to
 * say. */
static uint64_t stamp_of_shards(const char *dir)
{
    static const char ending[] = ".safetensors";
    DIR *list = opendir(dir);
    const struct dirent *entry;
    uint64_t sum = 0;

    while (list && (entry = readdir(list)) != NULL) {
        size_t len = strlen(entry->d_name);
        char path[4096];
        struct stat st;
        if (len < sizeof(ending) || strcmp(entry->d_name + len - (sizeof(ending) - 1), ending) != 0)
            continue;
        snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
        if (stat(path, &st) == 0) {
            const struct stamp stamp = stamp_of(&st);
            sum += XXH64(&stamp, sizeof(stamp), XXH64(entry->d_name, len, 0));
        }
    }
    if (list)
        closedir(list);
    return sum;
}

uint64_t model_dir_stamp(const char *dir)
{
    struct stamp stamps[MODEL_FILES];
    bool whole = false;
    char path[4096];
    struct stat st;

    memset(stamps, 0, sizeof(stamps));
    for (int i = 0; i < MODEL_FILES; i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, model_file_names[i]);
        if (stat(path, &st) != 0) {
            if (i == FILE_CONFIG)
                return 0;
            continue;
        }
        if (i == FILE_INDEX && whole)
            continue;
        whole |= i == FILE_WEIGHTS;
        stamps[i] = stamp_of(&st);
    }
    return XXH64(stamps, sizeof(stamps), whole ? 0 : stamp_of_shards(dir)) | 1;
}
