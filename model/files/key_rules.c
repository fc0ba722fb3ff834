/* Applies the tables of known keys. */
#include "model/files/key_rules.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Whether text is one of the words in only. */
static bool is_one_of(const char *text, const char *only)
{
    size_t len = strlen(text);

    while (*only) {
        size_t n = strcspn(only, " ");

        if (n == len && memcmp(only, text, n) == 0)
            return true;
        only += n + (only[n] == ' ');
    }
    return false;
}

static int check_only(const struct key_rule *rule, const char *file, const json_t *value,
                      struct err *err)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    int rc = 0;

    if (!text)
        return err_set(err, ERR_NOMEM, "%s: out of memory", file);
    if (!is_one_of(text, rule->only))
        rc = err_set(err, ERR_DATA, "%s: /%s: %.80s%s: %s", file, rule->key, text,
                     strlen(text) > 80 ? "..." : "", rule->why);
    free(text);
    return rc;
}

int key_rules_check(const struct key_rules *rules, const char *file, const json_t *doc,
                    struct err *err)
{
    for (size_t i = 0; i < rules->n; i++) {
        const json_t *value = json_object_get(doc, rules->rows[i].key);

        if (value && check_only(&rules->rows[i], file, value, err))
            return -1;
    }
    return 0;
}
