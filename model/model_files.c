#include "model/model_files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/evp.h>
#include <xxhash.h>

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
};

static const size_t max_bytes[MODEL_FILES] = {
    [FILE_CONFIG] = 1 << 20,       [FILE_WEIGHTS] = (size_t)16 << 30, [FILE_VOCAB] = 64 << 20,
    [FILE_TOKENIZER] = 64 << 20,   [FILE_TOKENIZER_CONFIG] = 1 << 20, [FILE_SPECIAL_MAP] = 1 << 20,
    [FILE_ADDED_TOKENS] = 1 << 20, [FILE_ADRANK] = 16 << 20,
};

static int read_one(struct model_files *files, const char *dir, enum model_file i, struct err *err)
{
    struct stat st;

    if (asprintf(&files->paths[i], "%s/%s", dir, model_file_names[i]) < 0) {
        files->paths[i] = NULL;
        return err_set(err, ERR_NOMEM, "%s: out of memory", dir);
    }
    if (i != FILE_CONFIG && i != FILE_WEIGHTS && lstat(files->paths[i], &st) != 0 &&
        errno == ENOENT)
        return 0;
    files->present[i] = true;
    return file_read(files->paths[i], max_bytes[i], &files->bytes[i], err);
}

int model_files_read(struct model_files *files, const char *dir, struct err *err)
{
    *files = (struct model_files){0};
    for (int i = 0; i < MODEL_FILES; i++) {
        if (read_one(files, dir, (enum model_file)i, err)) {
            model_files_release(files);
            return -1;
        }
    }
    if (!files->present[FILE_VOCAB] && !files->present[FILE_TOKENIZER]) {
        model_files_release(files);
        return err_set(err, ERR_NOINPUT, "%s: neither tokenizer.json nor vocab.txt", dir);
    }
    return 0;
}

void model_files_release(struct model_files *files)
{
    for (int i = 0; i < MODEL_FILES; i++) {
        free(files->paths[i]);
        buf_release(&files->bytes[i]);
    }
    *files = (struct model_files){0};
}

static void to_hex(const unsigned char *bytes, size_t n_digits, char *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < n_digits; i++)
        out[i] = digits[i % 2 ? bytes[i / 2] & 15 : bytes[i / 2] >> 4];
    out[n_digits] = '\0';
}

static int hash_file(EVP_MD_CTX *sha, const struct model_files *files, int i)
{
    const char *name = model_file_names[i];
    unsigned char len[8];

    for (int b = 0; b < 8; b++)
        len[b] = (unsigned char)((uint64_t)files->bytes[i].len >> (8 * b));
    return EVP_DigestUpdate(sha, name, strlen(name) + 1) == 1 &&
                   EVP_DigestUpdate(sha, len, sizeof(len)) == 1 &&
                   EVP_DigestUpdate(sha, files->bytes[i].ptr, files->bytes[i].len) == 1
               ? 0
               : -1;
}

int model_files_digest(const struct model_files *files, char out[MODEL_DIGEST_HEX + 1],
                       struct err *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    EVP_MD_CTX *sha = EVP_MD_CTX_new();
    int rc = -1;

    if (!sha || EVP_DigestInit_ex(sha, EVP_sha256(), NULL) != 1)
        goto out;
    for (int i = 0; i < MODEL_FILES; i++)
        if (files->present[i] && hash_file(sha, files, i))
            goto out;
    if (EVP_DigestFinal_ex(sha, digest, NULL) != 1)
        goto out;
    to_hex(digest, MODEL_DIGEST_HEX, out);
    rc = 0;
out:
    EVP_MD_CTX_free(sha);
    return rc ? err_set(err, ERR_INTERNAL, "SHA-256 failed") : 0;
}

int model_files_sha256(const struct model_files *files, enum model_file file,
                       char out[SHA256_HEX + 1], struct err *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    const struct buf *bytes = &files->bytes[file];

    if (EVP_Digest(bytes->ptr, bytes->len, digest, NULL, EVP_sha256(), NULL) != 1)
        return err_set(err, ERR_INTERNAL, "SHA-256 failed");
    to_hex(digest, SHA256_HEX, out);
    return 0;
}

uint64_t model_files_stamp(const char *dir)
{
    struct {
        uint64_t size, inode, device, seconds, nanoseconds;
    } stamps[MODEL_FILES];
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
        stamps[i].size = (uint64_t)st.st_size;
        stamps[i].inode = (uint64_t)st.st_ino;
        stamps[i].device = (uint64_t)st.st_dev;
        stamps[i].seconds = (uint64_t)st.st_mtim.tv_sec;
        stamps[i].nanoseconds = (uint64_t)st.st_mtim.tv_nsec;
    }
    return XXH64(stamps, sizeof(stamps), 0) | 1;
}
