/* Writes a problem as JSON. */
#include "server/net/problem.h"

#include <stdio.h>

#include "json/writer.h"

const struct problem_kind problem_kinds[PROBLEM_CODES] = {
#define X(constant, ...) [PROBLEM_##constant] = {__VA_ARGS__},
    PROBLEMS(X)
#undef X
};

static void write_errors(struct json_writer *w, const struct problems *errors)
{
    jw_member_array(w, "errors");
    for (size_t i = 0; i < errors->n; i++) {
        jw_object_begin(w);
        jw_member_str(w, "pointer", errors->items[i].pointer);
        jw_member_str(w, "detail", errors->items[i].detail);
        jw_object_end(w);
    }
    jw_array_end(w);
}

/* The detail, and how many errors the list does not hold. */
static void write_detail(struct json_writer *w, const char *detail, size_t listed, size_t dropped)
{
    char text[sizeof(((struct err *)0)->text) + 96];

    snprintf(text, sizeof(text), "%s%s%zu errors are listed, and %zu more were found",
             detail ? detail : "", detail ? "; " : "", listed, dropped);
    jw_member_str(w, "detail", text);
}

void problem_write(struct buf *out, enum problem_code code, const char *request_id,
                   const char *detail, const struct problems *errors)
{
    const struct problem_kind *kind = &problem_kinds[code];
    struct json_writer w;
    char type[64];

    snprintf(type, sizeof(type), "urn:adrank:problem:%s", kind->code);
    json_writer_init(&w, out);
    jw_object_begin(&w);
    jw_member_str(&w, "type", type);
    jw_member_str(&w, "title", kind->title);
    jw_member_int(&w, "status", kind->status);
    if (errors && errors->dropped) {
        write_detail(&w, detail, errors->n, errors->dropped);
    } else if (detail) {
        jw_member_str(&w, "detail", detail);
    }
    jw_member_str(&w, "code", kind->code);
    jw_member_str(&w, "request_id", request_id);
    if (errors && errors->n)
        write_errors(&w, errors);
    jw_object_end(&w);
}
