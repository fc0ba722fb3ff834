/* Tests of json/writer.c. */
#include "json/writer.h"

#include "tests/test.h"

static struct buf out;
static struct json_writer w;

static void start(void)
{
    buf_release(&out);
    json_writer_init(&w, &out);
}

TEST(json_writer__places_commas)
{
    start();
    jw_object_begin(&w);
    jw_key(&w, "a");
    jw_int(&w, 1);
    jw_key(&w, "b");
    jw_array_begin(&w);
    jw_array_begin(&w);
    jw_array_end(&w);
    jw_str(&w, "x");
    jw_object_begin(&w);
    jw_object_end(&w);
    jw_raw(&w, VIEW_LIT("null"));
    jw_array_end(&w);
    jw_key(&w, "c");
    jw_object_begin(&w);
    jw_member_bool(&w, "d", false);
    jw_object_end(&w);
    jw_key(&w, "e");
    jw_raw(&w, VIEW_LIT("[1]"));
    jw_object_end(&w);
    CHECK_STR(buf_str(&out), "{\"a\":1,\"b\":[[],\"x\",{},null],\"c\":{\"d\":false},\"e\":[1]}");
}

TEST(json_writer__members)
{
    start();
    jw_object_begin(&w);
    jw_member_filled(&w, "none", VIEW_LIT(""));
    jw_member_str(&w, "s", "x\n");
    jw_member_view(&w, "v", VIEW_LIT(""));
    jw_member_filled(&w, "f", VIEW_LIT("y"));
    jw_member_int(&w, "i", -3);
    jw_member_bool(&w, "b", true);
    jw_member_double(&w, "d", .1);
    jw_member_number(&w, "n", 2.0 / 3, 3);
    jw_object_end(&w);
    CHECK_STR(buf_str(&out), "{\"s\":\"x\\n\",\"v\":\"\",\"f\":\"y\",\"i\":-3,\"b\":true,\"d\":0.1,"
                             "\"n\":0.667}");
}

TEST(json_writer__lines_at_depth_0_have_no_commas)
{
    start();
    for (int i = 0; i < 2; i++) {
        jw_array_begin(&w);
        jw_int(&w, i);
        jw_array_end(&w);
        buf_add_str(&out, "\n");
    }
    CHECK_STR(buf_str(&out), "[0]\n[1]\n");
}

TEST(json_writer__strings)
{
    static const struct {
        const char *name;
        struct view in;
        const char *want;
    } rows[] = {
        {"empty", {NULL, 0}, "\"\""},
        {"plain", VIEW_LIT("abc"), "\"abc\""},
        {"quote and backslash", VIEW_LIT("a\"b\\c/"), "\"a\\\"b\\\\c/\""},
        {"short escapes", VIEW_LIT("\b\f\n\r\t"), "\"\\b\\f\\n\\r\\t\""},
        {"controls", VIEW_LIT("\0\x01\x1f\x7f"), "\"\\u0000\\u0001\\u001f\x7f\""},
        {"UTF-8", VIEW_LIT("a\xc3\xa9\xe4\xb8\xad\xf0\x9f\x91\x9fz"),
         "\"a\xc3\xa9\xe4\xb8\xad\xf0\x9f\x91\x9fz\""},
        {"malformed", VIEW_LIT("a\xff\xe4\xb8z\xed\xa0\x80"),
         "\"a\xef\xbf\xbd\xef\xbf\xbdz\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
    };

    for (int i = 0; i < COUNT(rows); i++) {
        test_row("json_writer__strings %s", rows[i].name);
        start();
        jw_view(&w, rows[i].in);
        CHECK_STR(buf_str(&out), rows[i].want);
    }
}

TEST(json_writer__numbers)
{
    start();
    jw_array_begin(&w);
    jw_int(&w, 0);
    jw_int(&w, INT64_MIN);
    jw_int(&w, INT64_MAX);
    jw_double(&w, 0.1);
    jw_number(&w, 2.0 / 3, 4);
    jw_array_end(&w);
    CHECK_STR(buf_str(&out), "[0,-9223372036854775808,9223372036854775807,0.1,0.6667]");
}

TEST(json_writer__deepest_level)
{
    start();
    for (int i = 0; i < JSON_WRITER_MAX_DEPTH; i++)
        jw_array_begin(&w);
    jw_int(&w, 1);
    jw_int(&w, 2);
    for (int i = 0; i < JSON_WRITER_MAX_DEPTH; i++)
        jw_array_end(&w);
    CHECK_INT(out.len, 2 * JSON_WRITER_MAX_DEPTH + 3);
}

TEST(json_writer__release)
{
    buf_release(&out);
}
