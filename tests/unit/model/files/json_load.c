/* Tests of model/files/json_load.c. */
#include "model/files/json_load.h"

#include "tests/test.h"

TEST(json_load__takes_integers_of_any_length)
{
    static const struct {
        const char *text;
        double value;
    } cases[] = {
        {"{\"a\":1000000000000000019884624838656}", 1e30},
        {"{\"a\":-1000000000000000019884624838656}", -1e30},
        {"{\"b\":\"\\\"9999999999999999999999\",\"a\":99999999999999999999}", 1e20},
        {"{\"b\":[123456789012345678901,2],\"a\":1e3}", 1e3},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json_error_t at;
        json_t *root = json_load(view_of(cases[i].text), JSON_REJECT_DUPLICATES, &at);

        test_row("%s", cases[i].text);
        CHECK(root);
        CHECK_NEAR(json_number_value(json_object_get(root, "a")), cases[i].value, 1e15);
        json_decref(root);
    }
}

/* The rest of such a text stays what it is. */
TEST(json_load__leaves_everything_else)
{
    static const char text[] =
        "{\"big\":99999999999999999999,\"s\":\"99999999999999999999\",\"i\":123456789012345678,"
        "\"r\":1.25,\"e\":1E2,\"t\":true}";
    json_error_t at;
    json_t *root = json_load(VIEW_LIT(text), 0, &at);

    CHECK(root);
    CHECK_STR(json_string_value(json_object_get(root, "s")), "99999999999999999999");
    CHECK(json_is_integer(json_object_get(root, "i")));
    CHECK_INT(json_integer_value(json_object_get(root, "i")), 123456789012345678);
    CHECK_NEAR(json_real_value(json_object_get(root, "r")), 1.25, 0);
    CHECK_NEAR(json_real_value(json_object_get(root, "e")), 100, 0);
    CHECK(json_is_true(json_object_get(root, "t")));
    json_decref(root);
}

TEST(json_load__refuses_what_is_no_json)
{
    static const char *const cases[] = {"",
                                        "{",
                                        "{\"a\":1e999}",
                                        "{\"a\":99999999999999999999",
                                        "{\"a\":\"99999999999999999999",
                                        "{\"a\":99999999999999999999,\"a\":1}"};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json_error_t at;

        test_row("%s", cases[i]);
        CHECK(!json_load(view_of(cases[i]), JSON_REJECT_DUPLICATES, &at));
        CHECK(at.text[0]);
    }
}
