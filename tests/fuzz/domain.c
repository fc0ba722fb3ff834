/* A domain as somebody wrote it. What comes out is short, ASCII in lower case, and stays as it is.
 */
#include "impression/domain.h"

#include "base/utf8.h"
#include "tests/fuzz/fuzz.h"

static void fuzz(struct view input)
{
    char out[DOMAIN_MAX_BYTES], again[DOMAIN_MAX_BYTES];
    size_t len, len_again;

    if (!utf8_valid(input)) /* no string of JSON */
        return;
    len = domain_normalize(input, out);
    check(len <= sizeof(out));
    for (size_t i = 0; i < len; i++)
        check((unsigned char)out[i] < 0x80 && !(out[i] >= 'A' && out[i] <= 'Z'));
    if (memchr(out, ':', len) || memchr(out, '[', len) || memchr(out, '.', len))
        return; /* of a:1:2 a port more may go, of www.www.a.b a www */
    len_again = domain_normalize((struct view){out, len}, again);
    check(len_again == len && memcmp(out, again, len) == 0);
}
