/* CONTRACT 3: what a request may look like, and how long its values may be. */
#include "tests/e2e/contract.h"
#include "tests/refused_bodies.h"

static const char *letters(int n)
{
    return js("%0*d", n, 7);
}

/* 256 bytes of each id. */
CONTRACT_TEST(invalid, too_long)
{
    for (int i = 0; i < COUNT(bounded_ids); i++) {
        test_row("%s", bounded_ids[i].pointer);
        contract_rank(shared(), "%s%s%s", bounded_ids[i].head, letters(256), bounded_ids[i].tail);
        CHECK_STR(contract_refused_at(shared(), js("%s%s%s", bounded_ids[i].head, letters(257),
                                                   bounded_ids[i].tail)),
                  bounded_ids[i].pointer);
    }
}

/* ---- what others write ----------------------------------------------------------------------- */

/* The left is answered as the right; the rest: tests/unit/impression/decode_lenient.c. */
CONTRACT_TEST(lenient, requests)
{
    static const char *const rows[][2] = {
        {"'user':null,'device':null,'site':null,'app':null,'regs':null", ""},
        {"'imp':[{'id':'1','bidfloor':null,'bidfloorcur':null,'tagid':null},null]", ""},
        {"'device':{'devicetype':4.0,'geo':{'utcoffset':6e1}},'tmax':4000.0",
         "'device':{'devicetype':4,'geo':{'utcoffset':60}},'tmax':4000"},
        {"'imp':[{'id':1,'tagid':7}]", "'imp':[{'id':'1','tagid':'7'}]"},
        {"'site':{'cat':'IAB3'}", "'site':{'cat':['IAB3']}"},
        {"'x':123456789012345678901234567890,'y':[1e999],'z':{'\\u0000':-1e-999}", ""},
    };

    for (int i = 0; i < COUNT(rows); i++) {
        static const char rank[] = "'rank':{'candidates':[{'adid':'a1'},{'adid':'a3'}]}";
        json_t *left, *right;

        test_row("%s", rows[i][0]);
        left = contract_rank(shared(), "{%s,%s}", rows[i][0], rank);
        right = contract_rank(shared(), "{%s%s%s}", rows[i][1], rows[i][1][0] ? "," : "", rank);
        CHECK_STR(answer_degraded(left), "");
        CHECK_STR(answer_ads(left, "1"), "a1 a3");
        CHECK(answer_same_scores(left, right));
    }
}

CONTRACT_DAEMON_ENDS(lenient)
