/* Documents of adrank.json, read. */
#ifndef TESTS_UNIT_MODEL_ADRANK_DOCUMENT_H
#define TESTS_UNIT_MODEL_ADRANK_DOCUMENT_H

#include "model/adrank_json.h"
#include "tests/unit/model/model_dir.h"

struct document {
    struct adrank_json read;
    struct arena arena;
};

static inline void document_release(struct document *d)
{
    arena_release(&d->arena);
}

/* Reads doc and releases it. error: part of what it is refused with; NULL: it is taken. */
static inline void document_init(struct document *d, json_t *doc, const char *error)
{
    char *text = json_dumps(doc, 0);
    struct err err = {0};
    int rc;

    arena_init(&d->arena, 4096, 0);
    rc = adrank_json_parse(
        &d->read,
        &(struct adrank_json_args){.file = "adrank.json", .text = view_of(text), .positions = 128},
        &d->arena, &err);
    free(text);
    json_decref(doc);
    if (!error) {
        CHECK_OK(rc, err);
        return;
    }
    CHECK_ERR(rc, err, error);
    CHECK_INT(err.code, ERR_DATA);
}

#endif
