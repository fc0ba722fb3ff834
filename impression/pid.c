/* The low-level SHA-256 works on the stack and cannot fail; the one-shot calls that replace it look
 * up an implementation and allocate at every call, on the request path. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/crypto.h>
#include <openssl/sha.h>

#include "adrank/behaviour.h"

_Static_assert(BEHAVIOUR_PID_HEX == 2 * SHA256_DIGEST_LENGTH, "two digits a byte");

static void sha256(const void *a, size_t a_len, const void *b, size_t b_len,
                   unsigned char out[SHA256_DIGEST_LENGTH])
{
    SHA256_CTX sha;

    SHA256_Init(&sha);
    SHA256_Update(&sha, a, a_len);
    SHA256_Update(&sha, b, b_len);
    SHA256_Final(out, &sha);
    OPENSSL_cleanse(&sha, sizeof(sha));
}

/* One of the two passes of RFC 2104: SHA-256 of (key ^ pad) and then bytes. */
static void pass(const unsigned char key[SHA256_CBLOCK], unsigned char pad, const void *bytes,
                 size_t len, unsigned char out[SHA256_DIGEST_LENGTH])
{
    unsigned char block[SHA256_CBLOCK];

    for (int i = 0; i < SHA256_CBLOCK; i++)
        block[i] = key[i] ^ pad;
    sha256(block, sizeof(block), bytes, len, out);
    OPENSSL_cleanse(block, sizeof(block));
}

void behaviour_pid(struct view key, struct view user_id, char pid[BEHAVIOUR_PID_HEX + 1])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char block[SHA256_CBLOCK] = {0}, digest[SHA256_DIGEST_LENGTH];

    if (key.len > sizeof(block))
        sha256(key.ptr, key.len, "", 0, block);
    else if (key.len)
        memcpy(block, key.ptr, key.len);
    pass(block, 0x36, user_id.ptr, user_id.len, digest);
    pass(block, 0x5c, digest, sizeof(digest), digest);
    for (int i = 0; i < SHA256_DIGEST_LENGTH; i++) {
        pid[2 * i] = digits[digest[i] >> 4];
        pid[2 * i + 1] = digits[digest[i] & 15];
    }
    pid[BEHAVIOUR_PID_HEX] = 0;
    OPENSSL_cleanse(block, sizeof(block));
}
