/* Tests of base/printable.c. */
#include "base/printable.h"

#include "tests/test.h"

/* C0, DEL, C1 as UTF-8, the 8-bit form of CSI, a cut character; what is beside them stays. */
static const char hostile[] = "a\x1b[31m\a\n\x7f\xc2\x9b"
                              "b\x9b"
                              "c\xe4\xb8\xad\xef\xbf\xbd"
                              "d\xe4\xb8";

TEST(printable__blank_replaces_controls_and_malformed_bytes)
{
    char text[sizeof(hostile)];

    memcpy(text, hostile, sizeof(hostile));
    printable_blank(text);
    CHECK_STR(text, "a [31m    b c\xe4\xb8\xad\xef\xbf\xbd"
                    "d ");
    text[0] = 0;
    printable_blank(text);
    CHECK_STR(text, "");
}

TEST(printable__add_escapes_controls)
{
    struct buf out AT_END(buf_release) = BUF_INIT;

    printable_add(&out, view_of(hostile));
    CHECK_STR(buf_str(&out), "a\\u001b[31m\\u0007\\u000a\\u007f\\u009bb\xef\xbf\xbd"
                             "c\xe4\xb8\xad\xef\xbf\xbd"
                             "d\xef\xbf\xbd");
    buf_clear(&out);
    printable_add(&out, (struct view){"\0x", 2});
    CHECK_STR(buf_str(&out), "\\u0000x");
}
