/* Every key of every table is tried in a whole directory: what is harmless opens whatever its
 * value, what has allowed values opens with these and is refused by file and name with all others.
 */
#include "model/files/key_rules.h"

#include "tests/unit/model/model_dir.h"

#define PAIRS "tests/golden/logits/one-layer"

static const struct key_rules *const tables[] = {&bert_config_rules, &tokenizer_config_rules,
                                                 &sentence_bert_rules,
                                                 &sentence_transformers_rules};

static const char *const values[] = {
    "null",        "true",    "false",        "0",         "7",      "\"x\"",   "[]", "{}",
    "{\"x\":[1]}", "[\"x\"]", "\"absolute\"", "\"right\"", "\"##\"", "\"left\""};

/* Whether the directory opens with the file. Takes doc. */
static int open_with(const struct model_dir *dir, const char *file, json_t *doc, struct err *err)
{
    char *text = json_dumps(doc, 0);
    struct model *m = NULL;
    int rc;

    model_dir_put(dir, file, view_of(text));
    rc = model_open(dir->path, &m, err);
    model_unref(m);
    free(text);
    json_decref(doc);
    return rc;
}

static void check_value(const struct model_dir *dir, const struct key_rules *table,
                        const struct key_rule *rule, const json_t *original, const char *value)
{
    json_t *doc = json_deep_copy(original);
    struct err err = {0};
    int rc;

    test_row("%s: /%s: %s", table->file, rule->key, value);
    json_edit(doc, js("/%s", rule->key), value);
    rc = open_with(dir, table->file, doc, &err);
    if (strstr(js(" %s ", rule->only), js(" %s ", value))) {
        CHECK_OK(rc, err);
        return;
    }
    CHECK_ERR(rc, err, js("/%s: /%s: ", table->file, rule->key));
    CHECK_INT(err.code, ERR_DATA);
    CHECK(strstr(err.text, rule->why));
}

static void check_table(const struct key_rules *table)
{
    json_t *original = json_load_file(js(PAIRS "/%s", table->file), 0, NULL);
    struct model_dir dir AT_END(model_dir_remove);
    struct err err;

    original = original ? original : json_object();
    model_dir_copy(&dir, PAIRS);
    for (int v = 0; v < COUNT(values); v++) {
        json_t *doc = json_deep_copy(original);
        for (size_t i = 0; i < table->n; i++)
            check_value(&dir, table, &table->rows[i], original, values[v]);
        test_row("%s: all that is harmless: %s", table->file, values[v]);
        for (const char *const *key = table->harmless; *key; key++)
            json_edit(doc, js("/%s", *key), values[v]);
        CHECK_OK(open_with(&dir, table->file, doc, &err), err);
    }
    json_decref(original);
}

TEST(key_rules__hold_in_a_directory)
{
    for (int t = 0; t < COUNT(tables); t++)
        check_table(tables[t]);
}

TEST(key_rules__name_each_key_once_and_say_why)
{
    for (int t = 0; t < COUNT(tables); t++) {
        json_t *seen = json_object();
        size_t n = tables[t]->n;
        for (size_t i = 0; i < n; i++) {
            const struct key_rule *rule = &tables[t]->rows[i];
            test_row("%s: %s", tables[t]->file, rule->key);
            CHECK(rule->only && rule->why);
            json_object_set_new(seen, rule->key, json_true());
        }
        for (const char *const *key = tables[t]->read; *key; key++, n++)
            json_object_set_new(seen, *key, json_true());
        for (const char *const *key = tables[t]->harmless; *key; key++, n++)
            json_object_set_new(seen, *key, json_true());
        test_row("%s", tables[t]->file);
        CHECK_INT(json_object_size(seen), n);
        json_decref(seen);
    }
}
