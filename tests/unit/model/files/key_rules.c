/* Every row of every table of keys is tried in a whole directory: what is harmless opens whatever
 * its value, what has allowed values opens with these and is refused by file and name with all
 * others. */
#include "model/files/key_rules.h"

#include "adrank/model.h"
#include "tests/unit/model/model_dir.h"

#define PAIRS "tests/golden/logits/one-layer"

static const struct key_rules *const tables[] = {&bert_config_rules, &tokenizer_config_rules,
                                                 &sentence_bert_rules,
                                                 &sentence_transformers_rules};

static const char *const values[] = {
    "null",        "true",    "false",        "0",         "7",      "\"x\"",   "[]", "{}",
    "{\"x\":[1]}", "[\"x\"]", "\"absolute\"", "\"right\"", "\"##\"", "\"left\""};

/* A file that is not there begins as {}. */
static void set(const struct model_dir *dir, const char *file, const char *key, const char *value)
{
    char pointer[100];

    if (access(model_dir_file(dir, file), F_OK) != 0)
        model_dir_put(dir, file, VIEW_LIT("{}"));
    snprintf(pointer, sizeof(pointer), "/%s", key);
    model_dir_edit(dir, file, pointer, value);
}

static bool is_allowed(const struct key_rule *rule, const char *value)
{
    char all[300], one[40];

    snprintf(all, sizeof(all), " %s ", rule->only);
    snprintf(one, sizeof(one), " %s ", value);
    return strstr(all, one) != NULL;
}

static void check_value(const struct key_rules *table, const struct key_rule *rule,
                        const char *value)
{
    struct model_dir dir AT_END(model_dir_remove);
    struct model *m = NULL;
    struct err err = {0};
    char place[200];

    test_row("%s: /%s: %s", table->file, rule->key, value);
    model_dir_copy(&dir, PAIRS);
    set(&dir, table->file, rule->key, value);
    snprintf(place, sizeof(place), "/%s: /%s: ", table->file, rule->key);
    if (rule->verdict == KEY_HARMLESS || is_allowed(rule, value)) {
        CHECK_OK(model_open(dir.path, &m, &err), err);
    } else {
        CHECK_ERR(model_open(dir.path, &m, &err), err, place);
        CHECK_INT(err.code, ERR_DATA);
        CHECK(strstr(err.text, rule->why));
    }
    model_unref(m);
}

TEST(key_rules__hold_in_a_directory)
{
    for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
        for (size_t i = 0; i < tables[t]->n; i++) {
            const struct key_rule *rule = &tables[t]->rows[i];
            if (rule->verdict == KEY_READ)
                continue;
            for (size_t v = 0; v < sizeof(values) / sizeof(values[0]); v++)
                check_value(tables[t], rule, values[v]);
        }
}

TEST(key_rules__name_each_key_once_and_say_why)
{
    for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
        for (size_t i = 0; i < tables[t]->n; i++) {
            const struct key_rule *rule = &tables[t]->rows[i];
            test_row("%s: %s", tables[t]->file, rule->key);
            CHECK((rule->verdict == KEY_ONLY) == (rule->only && rule->why));
            for (size_t k = 0; k < i; k++)
                CHECK(strcmp(tables[t]->rows[k].key, rule->key) != 0);
        }
}
