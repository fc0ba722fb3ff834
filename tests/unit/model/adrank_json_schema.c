/*
 * config/adrank.schema.json and the reader say the same: every property, bound and list of required
 * ones of the schema is tried on a document that has them all.
 */
#include "tests/unit/model/adrank_document.h"

#define SCHEMA "config/adrank.schema.json"
#define MAX_POINTER 200

/* Of kind cross, since it has the smaller limits, with whatever is optional. */
static json_t *full_document(void)
{
    json_t *doc = json_load_file("tests/golden/requests/cross/adrank.json", 0, NULL);

    CHECK(doc);
    json_edit(doc, "/$schema", "\"adrank.schema.json\"");
    json_edit(doc, "/weights_sha256",
              "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"");
    json_edit(doc, "/golden/max_error/f16", "0.01");
    json_edit(doc, "/golden/max_error/int8", "0.1");
    return doc;
}

static json_t *schema_open(void)
{
    json_t *schema = json_load_file(SCHEMA, JSON_REJECT_DUPLICATES, NULL);

    CHECK(schema);
    return schema;
}

/* The document with that value at the pointer, without what it names when value is NULL, or as it
 * is where the pointer is "", is taken, or refused as bad data by a text that names the file. */
static void check(const char *pointer, const char *value, bool taken)
{
    json_t *doc = full_document();
    struct document d AT_END(document_release);

    test_row("%s = %.60s: %s", pointer, value ? value : "none", taken ? "taken" : "refused");
    if (*pointer)
        json_edit(doc, pointer, value);
    document_init(&d, doc, taken ? NULL : "adrank.json: /");
}

static void check_real(const char *pointer, double value, bool taken)
{
    char text[40];

    snprintf(text, sizeof(text), "%.17g", value);
    check(pointer, text, taken);
}

static void check_text(const char *pointer, const char *piece, int n, bool taken)
{
    struct buf text AT_END(buf_release) = BUF_INIT;

    buf_add_str(&text, "\"");
    for (int i = 0; i < n; i++)
        buf_add_str(&text, piece);
    buf_add_str(&text, "\"");
    check(pointer, buf_str(&text), taken);
}

/* ---- one keyword each ------------------------------------------------------------------------ */

static void try_type(const char *pointer, const json_t *type)
{
    static const char *const values[] = {"\"x\"", "7.5", "{}", "[]", "true", "null"};
    static const char *const types[] = {"string", "number", "object", "array", "boolean", "null"};
    bool known = json_string_value(type) && strcmp(json_string_value(type), "integer") == 0;

    for (int i = 0; i < COUNT(values); i++) {
        if (strcmp(json_string_value(type), types[i]) == 0)
            known = true;
        else
            check(pointer, values[i], false);
    }
    CHECK(known);
}

/* Of all the words and numbers that stand anywhere in the format, the choices are taken. */
static void try_choices(const char *pointer, const json_t *choices)
{
    static const char *const values[] = {"\"cross\"", "\"prefix\"", "\"hier\"", "\"platt\"",
                                         "0",         "1",          "2",        "3"};
    size_t n_taken = 0;

    for (int i = 0; i < COUNT(values); i++) {
        json_t *value = json_loads(values[i], JSON_DECODE_ANY, NULL);
        bool taken = false;
        for (size_t k = 0; k < json_array_size(choices); k++)
            taken = taken || json_equal(json_array_get(choices, k), value);
        check(pointer, values[i], taken);
        n_taken += taken;
        json_decref(value);
    }
    CHECK_INT(n_taken, json_array_size(choices));
}

static void try_constant(const char *pointer, const json_t *constant)
{
    json_t *choices = json_pack("[O]", constant);

    try_choices(pointer, choices);
    json_decref(choices);
}

static void try_minimum(const char *pointer, const json_t *minimum)
{
    double v = json_number_value(minimum);

    if (json_is_integer(minimum) && v >= 0) {
        check(pointer, v == 0 ? "0" : v == 2 ? "2" : "3", true);
        CHECK(v == 0 || v == 2 || v == 3);
        check_real(pointer, v - 1, false);
        return;
    }
    check_real(pointer, v, true);
    check_real(pointer, v - fabs(v) * 1e-3, false);
}

static void try_maximum(const char *pointer, const json_t *maximum)
{
    double v = json_number_value(maximum);

    check_real(pointer, v, true);
    check_real(pointer, v * (1 + 1e-6) + 1e-7, false);
}

static void try_exclusive_minimum(const char *pointer, const json_t *minimum)
{
    CHECK_NEAR(json_number_value(minimum), 0, 0);
    check(pointer, "0", false);
    check(pointer, "-0.01", false);
    check(pointer, "1e-12", true);
}

static void try_min_length(const char *pointer, const json_t *length)
{
    check_text(pointer, "a", (int)json_integer_value(length) - 1, false);
    check_text(pointer, "a", (int)json_integer_value(length), true);
}

static void try_max_length(const char *pointer, const json_t *length)
{
    check_text(pointer, "a", (int)json_integer_value(length), true);
    check_text(pointer, "a", (int)json_integer_value(length) + 1, false);
}

/* Two patterns: no control characters, and hex digits. */
static void try_pattern(const char *pointer, const json_t *pattern)
{
    if (strcmp(json_string_value(pattern), "^[0-9a-f]{64}$") == 0) {
        check_text(pointer, "b", 64, true);
        check_text(pointer, "b", 63, false);
        check_text(pointer, "b", 65, false);
        check_text(pointer, "B", 64, false);
        check_text(pointer, "g", 64, false);
        return;
    }
    CHECK_STR(json_string_value(pattern), "^[^\\u0000-\\u001f\\u007f]+$");
    check(pointer, "\"a\\u0001b\"", false);
    check(pointer, "\"\\u001f\"", false);
    check(pointer, "\"a\\u007f\"", false);
    check(pointer, "\"a b \\u0080\"", true);
}

/* An array without elements where one is wanted at least. */
static void try_min_items(const char *pointer, const json_t *items)
{
    CHECK_INT(json_integer_value(items), 1);
    check(pointer, "[]", false);
}

/* An object without members. */
static void try_min_properties(const char *pointer, const json_t *properties)
{
    CHECK_INT(json_integer_value(properties), 1);
    check(pointer, "{}", false);
}

static const struct {
    const char *name;
    void (*try)(const char *pointer, const json_t *value);
} keywords[] = {
    {"type", try_type},
    {"enum", try_choices},
    {"const", try_constant},
    {"minimum", try_minimum},
    {"maximum", try_maximum},
    {"exclusiveMinimum", try_exclusive_minimum},
    {"minLength", try_min_length},
    {"maxLength", try_max_length},
    {"pattern", try_pattern},
    {"minItems", try_min_items},
    {"minProperties", try_min_properties},
};

static const char *const others[] = {
    /* read by walk and check_members */
    "properties", "items", "required", "additionalProperties",
    /* for people, and of templates: template.c's own test has their grammar */
    "description", "title", "default", "$schema", "$defs"};

static bool is_other(const char *keyword)
{
    for (int i = 0; i < COUNT(others); i++)
        if (strcmp(others[i], keyword) == 0)
            return true;
    return false;
}

static void try_keywords(const char *pointer, const json_t *schema)
{
    const char *keyword;
    json_t *value;

    json_object_foreach((json_t *)schema, keyword, value)
    {
        int i = 0;
        if (is_other(keyword))
            continue;
        while (i < COUNT(keywords) && strcmp(keywords[i].name, keyword) != 0)
            i++;
        if (i == COUNT(keywords))
            FAIL("%s: the test does not know the keyword %s", pointer, keyword);
        if (*pointer)
            keywords[i].try(pointer, value);
    }
}

/* ---- the tree -------------------------------------------------------------------------------- */

static bool is_required(const json_t *schema, const char *name)
{
    const json_t *required = json_object_get(schema, "required");

    for (size_t i = 0; i < json_array_size(required); i++)
        if (strcmp(json_string_value(json_array_get(required, i)), name) == 0)
            return true;
    return false;
}

/* Missing members, and one that nobody knows. What the document has, the schema lists. */
static void check_members(const char *pointer, const json_t *schema, const json_t *doc)
{
    const json_t *required = json_object_get(schema, "required");
    char at[MAX_POINTER + 50];
    const char *name;
    json_t *member;

    json_object_foreach(json_object_get(schema, "properties"), name, member)
    {
        snprintf(at, sizeof(at), "%s/%s", pointer, name);
        check(at, NULL, !is_required(schema, name));
    }
    json_object_foreach((json_t *)doc, name, member)
    {
        if (!json_object_get(json_object_get(schema, "properties"), name))
            FAIL("%s/%s: not in the schema", pointer, name);
    }
    for (size_t i = 0; i < json_array_size(required); i++)
        CHECK(json_object_get(json_object_get(schema, "properties"),
                              json_string_value(json_array_get(required, i))));
    snprintf(at, sizeof(at), "%s/nobody-knows", pointer);
    check(at, "0.01", !json_is_false(json_object_get(schema, "additionalProperties")));
}

static const json_t *resolved(const json_t *root, const json_t *schema)
{
    const char *ref = json_string_value(json_object_get(schema, "$ref"));

    if (!ref)
        return schema;
    CHECK(strncmp(ref, "#/$defs/", 8) == 0);
    schema = json_object_get(json_object_get(root, "$defs"), ref + 8);
    CHECK(schema);
    return schema;
}

/* json_edit on a pointer that does not exist fails the test: so the document has every property. */
static void walk(const json_t *root, const json_t *unresolved, const char *pointer,
                 const json_t *doc, int *n)
{
    const json_t *schema = resolved(root, unresolved), *items = json_object_get(schema, "items");
    char at[MAX_POINTER + 50];
    const char *name;
    json_t *member;

    (*n)++;
    CHECK(strlen(pointer) < MAX_POINTER);
    try_keywords(pointer, schema);
    if (json_object_get(schema, "properties"))
        check_members(pointer, schema, doc);
    json_object_foreach(json_object_get(schema, "properties"), name, member)
    {
        snprintf(at, sizeof(at), "%s/%s", pointer, name);
        walk(root, member, at, json_object_get(doc, name), n);
    }
    if (items) {
        snprintf(at, sizeof(at), "%s/0", pointer);
        walk(root, items, at, json_array_get(doc, 0), n);
    }
}

TEST(adrank_json_schema__says_what_the_reader_does)
{
    json_t *schema = schema_open(), *doc = full_document();
    int n = 0;

    check("", NULL, true);
    walk(schema, schema, "", doc, &n);
    CHECK(n >= 30); /* the schema was really walked */
    json_decref(doc);
    json_decref(schema);
}

/* maxLength counts characters, the reader bytes: the description has to mention it. */
TEST(adrank_json_schema__states_limits_in_bytes)
{
    static const char *const names[] = {"name", "version"};
    json_t *schema = schema_open();

    for (size_t i = 0; i < 2; i++) {
        const json_t *property = json_object_get(json_object_get(schema, "properties"), names[i]);
        const char *text = json_string_value(json_object_get(property, "description"));
        char pointer[20], want[40];
        snprintf(pointer, sizeof(pointer), "/%s", names[i]);
        check_text(pointer, "水", 33, true);
        check_text(pointer, "水", 34, false);
        snprintf(want, sizeof(want), "at most %d bytes",
                 (int)json_integer_value(json_object_get(property, "maxLength")));
        CHECK(text && strstr(text, want));
    }
    json_decref(schema);
}
