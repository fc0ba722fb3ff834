/* How much a request may hold, and how much memory it may take to read it. */
#include "tests/refused_bodies.h"
#include "tests/unit/impression/decoded.h"

/* pointer NULL: accepted. */
static void check_bound(const char *head, const char *what, int n, const char *tail,
                        const char *pointer)
{
    decode_repeated(head, what, n, tail);
    CHECK_INT(d.status, pointer ? DECODE_INVALID : DECODE_OK);
    if (pointer)
        CHECK_STR(d.problems.items[0].pointer, pointer);
}

TEST(decode__refuses_long_ids)
{
    /* What may be written 256 bytes long; a control character is written with six. */
    static const struct {
        const char *letter;
        int most;
    } letters[] = {{"a", 256}, {"\xe8\xb7\x91", 85}, {"\\\"", 128}, {"\\u0001", 42}};

    for (int i = 0; i < COUNT(bounded_ids); i++)
        for (int k = 0; k < COUNT(letters); k++) {
            check_bound(bounded_ids[i].head, letters[k].letter, letters[k].most,
                        bounded_ids[i].tail, NULL);
            check_bound(bounded_ids[i].head, letters[k].letter, letters[k].most + 1,
                        bounded_ids[i].tail, bounded_ids[i].pointer);
            CHECK_STR(d.problems.items[0].detail, "must be at most 256 bytes long");
        }
    check_bound("{'id':1", "0", 256, "}", "/id");
}

TEST(decode__refuses_long_lists)
{
    static const struct {
        const char *head, *item, *tail, *pointer;
        int most; /* after the first */
    } rows[] = {
        {"{'badv':['a'", ",'a'", "]}", "/badv", DECODE_MAX_BADV - 1},
        {"{'bcat':['a'", ",'a'", "]}", "/bcat", DECODE_MAX_BCAT - 1},
        {"{'cur':['a'", ",'a'", "]}", "/cur", DECODE_MAX_NAMES - 1},
        {"{'site':{'cat':['a'", ",'a'", "]}}", "/site/cat", DECODE_MAX_NAMES - 1},
        {"{'app':{'cat':['a'", ",'a'", "]}}", "/app/cat", DECODE_MAX_NAMES - 1},
        {"{'badv':['plain.example'", ",'\xe4\xbe\x8b.example','plain.example'", "]}", "/badv",
         DECODE_MAX_BADV_INTERNATIONAL_BYTES / 11},
    };

    for (int i = 0; i < COUNT(rows); i++) {
        check_bound(rows[i].head, rows[i].item, rows[i].most, rows[i].tail, NULL);
        check_bound(rows[i].head, rows[i].item, rows[i].most + 1, rows[i].tail, rows[i].pointer);
    }
}

TEST(decode__bounds_what_is_made_of_a_request)
{
    static const struct {
        const char *body, *pointer; /* NULL: accepted */
    } rows[] = {
        {"{'imp':[{'id':1},{'id':2}],'rank':{'top_n':1,'candidates':[{'adid':1},{'adid':2}]}}",
         NULL},
        {"{'imp':[{'id':1},{'id':2}],'rank':{'candidates':[{'adid':1},{'adid':2},{'adid':3}]}}",
         "/rank/candidates"},
        {"{'imp':[{'id':1},{'id':2},{'id':3}],'rank':{'top_n':1}}", NULL},
        {"{'imp':[{'id':1},{'id':2},{'id':3}],'rank':{'top_n':2}}", "/rank/top_n"},
        {"{'imp':[{'id':1},{'id':2},{'id':3}]}", "/rank/top_n"},
        {"{'imp':[{'id':1},{'id':2},{'id':3}],'rank':{'candidates':[{'adid':1}]}}", NULL},
        {"{'imp':[{'id':1}],'rank':{'top_n':3}}", NULL},
        {"{'imp':[{'id':1}],'rank':{'top_n':4}}", "/rank/top_n"},
    };

    limits.max_pairs = 5;
    limits.max_results = 3;
    limits.top_n = 2;
    for (int i = 0; i < COUNT(rows); i++)
        check_bound(rows[i].body, "", 0, "", rows[i].pointer);
    limits.max_pairs = limits.max_results = limits.top_n = 0;
}

#define BODY_BYTES ((size_t)256 << 10)

TEST(decode__takes_memory_in_proportion_to_the_body)
{
    static const struct {
        const char *head, *what, *tail;
    } rows[] = {
        {"{'badv':[''", ",''", "]}"},
        {"{'badv':[''", ",'a'", "]}"},
        {"{'badv':[''", ",'\\n'", "]}"},
        {"{'badv':[1", ",1", "]}"},
        {"{'badv':[1", ",''", "]}"},
        {"{'bcat':[null", ",null", "]}"},
        {"{'cur':[[]", ",[]", "]}"},
        {"{'imp':[1", ",1", "]}"},
        {"{'imp':[{}", ",{}", "]}"},
        {"{'imp':[null", ",null", "]}"},
        {"{'rank':{'behaviour':[1", ",1", "]}}"},
        {"{'rank':{'behaviour':[{}", ",{}", "]}}"},
        {"{'rank':{'behaviour':[{'t':1,'type':'buy','item':''}", ",{'t':1,'type':'buy'}", "]}}"},
        {"{'rank':{'behaviour':[{'t':1,'type':'buy','item':'a'}", ",{'t':1,'type':'buy','item':1}",
         "]}}"},
        {"{'rank':{'behaviour':[{'t':1,'type':'buy','item':'a'}",
         ",{'t':1,'type':'buy','item':'\\n'}", "]}}"},
        {"{'rank':{'behaviour':[{'t':1,'type':'buy','item':'a'}",
         ",{'t':1,'type':'buy','item':1e0}", "]}}"},
        {"{'rank':{'behaviour':[{'t':1e-400,'type':'buy','item':'a'}",
         ",{'t':1,'type':'buy','item':'b'}", "]}}"},
        {"{'rank':{'candidates':[1", ",1", "]}}"},
        {"{'rank':{'candidates':[{}", ",{}", "]}}"},
        {"{'rank':{'candidates':[{'adid':1}", ",{'adid':1}", "]}}"},
        {"{'x':[0", ",'\\n'", "]}"},
        {"{'x':[0", ",0.1234567890123456789012", "]}"},
        {"{'x':{'':0", ",'\\n':0", "}}"},
        {"{'regs':{'gpp_sid':[0", ",'\\n'", "]}}"},
        {"{'id':'", "\\n", "'}"},
        {"{'tmax':0.", "1", "}"},
    };

    const struct decode_limits before = limits;

    max_problem_bytes = 128 << 10;
    limits = (struct decode_limits){
        .max_imps = 16, .max_candidates = 200, .max_behaviour = 100, .max_top_n = 50};
    for (int i = 0; i < COUNT(rows); i++) {
        size_t ends = strlen(rows[i].head) + strlen(rows[i].tail);

        decode_repeated(rows[i].head, rows[i].what,
                        (int)((BODY_BYTES - ends) / strlen(rows[i].what)), rows[i].tail);
        CHECK(d.status != DECODE_NOT_JSON);
        if (d.arena.held_bytes > 4 * BODY_BYTES)
            FAIL("the arena holds %zu bytes", d.arena.held_bytes);
    }
    limits = before;
    max_problem_bytes = 0;
}
