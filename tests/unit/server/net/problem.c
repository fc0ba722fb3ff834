/* Tests of server/net/problem.c. */
#include "server/net/problem.h"

#include "tests/test.h"

/* The body for n errors, of which `listed` are listed. */
static const char *write_errors(struct buf *out, int n, int listed, enum problem_code code,
                                const char *detail)
{
    struct arena arena AT_END(arena_release);
    struct problems errors;

    arena_init(&arena, 4096, 0);
    problems_init(&errors, &arena, (size_t)listed);
    for (int i = 0; i < n; i++)
        (void)problems_add(&errors, i ? "" : "/imp/0/id", i ? "is odd" : "is \"missing\"");
    buf_clear(out);
    problem_write(out, code, "r-1", detail, &errors);
    return buf_str(out);
}

TEST(problem__writes_all_members)
{
    struct buf out AT_END(buf_release) = BUF_INIT;

    CHECK_STR(
        write_errors(&out, 2, 10, PROBLEM_INVALID_REQUEST, "2 errors"),
        "{\"type\":\"urn:adrank:problem:invalid_request\",\"title\":\"The request has errors\","
        "\"status\":422,\"detail\":\"2 errors\",\"code\":\"invalid_request\",\"request_id\":"
        "\"r-1\",\"errors\":[{\"pointer\":\"/imp/0/id\",\"detail\":\"is \\\"missing\\\"\"},"
        "{\"pointer\":\"\",\"detail\":\"is odd\"}]}");
    CHECK(strstr(write_errors(&out, 5, 2, PROBLEM_INVALID_REQUEST, NULL),
                 "\"detail\":\"2 errors are listed, and 3 more were found\""));
    CHECK(strstr(write_errors(&out, 5, 2, PROBLEM_RELOAD_INVALID, "c.json: bad"),
                 "\"detail\":\"c.json: bad; 2 errors are listed, and 3 more were found\""));
}

TEST(problem__leaves_out_what_is_absent)
{
    struct buf out AT_END(buf_release) = BUF_INIT;

    problem_write(&out, PROBLEM_NOT_FOUND, "x", NULL, NULL);
    CHECK_STR(buf_str(&out),
              "{\"type\":\"urn:adrank:problem:not_found\",\"title\":\"No such path\","
              "\"status\":404,\"code\":\"not_found\",\"request_id\":"
              "\"x\"}");
}

/* The codes are an interface: their names are repeated here. */
TEST(problem__codes_are_kept)
{
    static const struct {
        const char *code;
        int status;
        bool closes;
        bool retry;
    } known[] = {
        {"bad_request", 400, true, false},
        {"bad_length", 400, true, false},
        {"bad_host", 400, true, false},
        {"bad_chunk", 400, true, false},
        {"not_json", 400, false, false},
        {"not_found", 404, false, false},
        {"method_not_allowed", 405, false, false},
        {"request_timeout", 408, true, false},
        {"reload_busy", 409, false, false},
        {"body_too_large", 413, true, false},
        {"unsupported_media_type", 415, false, false},
        {"unsupported_encoding", 415, false, false},
        {"invalid_request", 422, false, false},
        {"reload_invalid", 422, false, false},
        {"head_too_large", 431, true, false},
        {"internal", 500, false, false},
        {"transfer_encoding", 501, true, false},
        {"not_ready", 503, false, true},
        {"overloaded", 503, false, true},
        {"deadline", 503, false, true},
        {"too_many_connections", 503, true, true},
        {"body_memory", 503, true, true},
        {"out_of_memory", 503, true, true},
    };

    for (int i = 0; i < COUNT(known); i++) {
        const struct problem_kind *found = NULL;

        test_row("problem__codes_are_kept %s", known[i].code);
        for (int p = 0; p < PROBLEM_CODES; p++)
            if (strcmp(problem_kinds[p].code, known[i].code) == 0)
                found = &problem_kinds[p];
        CHECK(found != NULL);
        CHECK_INT(found->status, known[i].status);
        CHECK_INT(found->closes, known[i].closes);
        CHECK_INT(found->retry_after_s > 0, known[i].retry);
    }
    for (int p = 0; p < PROBLEM_CODES; p++)
        for (int q = 0; q < p; q++)
            CHECK(strcmp(problem_kinds[p].code, problem_kinds[q].code) != 0);
}
