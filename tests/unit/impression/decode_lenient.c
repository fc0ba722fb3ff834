/* What a request may be like although no specification has it so. */
#include "tests/unit/impression/decoded.h"

/* All fields that are read, each null. */
TEST(decode__null_is_absent_everywhere)
{
    static const char *const rows[][2] = {
        {"{'id':null,'tmax':null,'user':null,'device':null,'site':null,'app':null,"
         "'regs':null,'imp':null,'badv':null,'bcat':null,'cur':null,'rank':null}",
         "[imp 1]"},
        {"{'user':{'id':'u','buyeruid':null,'consent':null,'gpc':null,'ext':null},"
         "'device':{'devicetype':null,'os':null,'language':null,'geo':null,'lmt':null,"
         "'dnt':null,'gpc':null,'ext':{'lmt':null,'dnt':null,'gpc':null}},"
         "'site':{'domain':'d','bundle':null,'cat':null,'search':null,"
         "'keywords':null},'app':null,'regs':{'coppa':null,'gdpr':null,"
         "'us_privacy':null,'gpp':null,'gpp_sid':null,'gpc':null,'ext':{'coppa':null,"
         "'gdpr':null,'us_privacy':null,'gpp':null,'gpp_sid':[null,null],'gpc':null}},"
         "'imp':[null,{'id':'i','tagid':null,'bidfloor':null,'bidfloorcur':null},"
         "null],'badv':[null,'b.example',null],'bcat':[null],'cur':['USD',null],"
         "'rank':{'top_n':null,'behaviour':[null,{'t':1,'type':'view','item':null,"
         "'text':'x'},null],'candidates':[{'adid':'a','bid':null,'bid_type':null,"
         "'text':null},null]}}",
         "user=u domain=d [imp i] [view 1 text=x] 1 candidates [a] badv=b.example cur=USD"},
        {"{'device':{'geo':{'country':null,'city':null,'utcoffset':null}},"
         "'imp':[null],'rank':{'behaviour':null,'candidates':[null]}}",
         "[imp 1] 0 candidates"},
    };

    check_shown(rows, COUNT(rows));
}

TEST(decode__takes_integers_by_value)
{
    static const struct {
        const char *number;
        int value;
    } rows[] = {{"100", 100},
                {"100.0", 100},
                {"1e2", 100},
                {"1E+2", 100},
                {"1000e-1", 100},
                {"0.1e3", 100},
                {"100.000", 100},
                {"0.0", 0},
                {"-0.0", 0},
                {"0e999", 0},
                {"2147483647.0", INT32_MAX}};

    for (int i = 0; i < COUNT(rows); i++) {
        test_row("%s", rows[i].number);
        decode_ok("{'tmax':%s,'device':{'devicetype':%s},'rank':{'behaviour':[{'t':%s,"
                  "'type':'view','item':'a'}]}}",
                  rows[i].number, rows[i].number, rows[i].number);
        CHECK_INT(d.request.tmax_ms, rows[i].value);
        CHECK_INT(d.request.devicetype, rows[i].value);
        CHECK_INT(d.request.behaviours[0].t_ms, rows[i].value);
    }
}

TEST(decode__takes_numbers_as_ids)
{
    static const struct {
        const char *number, *id;
    } rows[] = {
        {"7", "7"},
        {"-7", "-7"},
        {"0", "0"},
        {"-0", "0"},
        {"-0.0", "0"},
        {"42.0", "42"},
        {"1e3", "1000"},
        {"1.5", "1.5"},
        {"9223372036854775807", "9223372036854775807"},
        {"18446744073709551615", "18446744073709551615"},
        {"123456789012345678901234567890", "123456789012345678901234567890"},
        {"1e30", "1e30"},
        {"1e999", "1e999"},
    };

    for (int i = 0; i < COUNT(rows); i++) {
        const char *n = rows[i].number;

        test_row("%s", n);
        decode_ok("{'id':%s,'user':{'id':%s},'imp':[{'id':%s,'tagid':%s}],"
                  "'rank':{'behaviour':[{'t':1,'type':'view','item':%s}],"
                  "'candidates':[{'adid':%s}]}}",
                  n, n, n, n, n, n);
        n = rows[i].id;
        CHECK_STR(shown(), js("id=%s user=%s [imp %s tagid=%s] [view 1 item=%s] 1 candidates [%s]",
                              n, n, n, n, n, n));
    }
}

/* Three are the most: the rest is only JSON, and need not even be imps. */
TEST(decode__takes_the_first_imps)
{
    static const char *const rows[][2] = {
        {"{'imp':[{'id':'1'},{'id':'2'},{'id':'3'}],'id':'behind'}",
         "id=behind [imp 1] [imp 2] [imp 3]"},
        {"{'imp':[{'id':'1'},{'id':'2'},{'id':'3'},{'id':'4'}],'id':'behind'}",
         "id=behind [imp 1] [imp 2] [imp 3] ignored_imps=1"},
        {"{'imp':[{'id':'1'},{'id':'2'},{'id':'3'},{'id':'1'},{},7],'id':'behind'}",
         "id=behind [imp 1] [imp 2] [imp 3] ignored_imps=3"},
        {"{'imp':[null,{'id':'1'},null,{'id':'2'},{'id':'3'},null],'id':'behind'}",
         "id=behind [imp 1] [imp 2] [imp 3] ignored_imps=1"},
    };

    check_shown(rows, COUNT(rows));
}

TEST(decode__prefers_app_to_site)
{
    static const char *const rows[][2] = {
        {"{'site':{'domain':'s'},'app':{'bundle':'a'}}", "domain=a [imp 1] ignored_site"},
        {"{'app':{'bundle':'a'},'site':{'domain':'s'}}", "domain=a [imp 1] ignored_site"},
        {"{'app':{},'site':{'domain':'s'}}", "[imp 1] ignored_site"},
        {"{'app':null,'site':{'domain':'s'}}", "domain=s [imp 1]"},
        {"{'app':{'domain':'a'},'site':null}", "domain=a [imp 1]"},
    };

    check_shown(rows, COUNT(rows));
}

TEST(decode__never_refuses_what_nobody_reads)
{
    static const char *const rows[][2] = {
        {"{'x':123456789012345678901234567890,'y':[1e999,-1e999,1e-999],"
         "'ext':{'id':20000000000000000000},'user':{'yob':-9223372036854775809},"
         "'imp':[{'id':'1','pmp':{'deals':[{'bidfloor':1e400}]}}],"
         "'rank':{'\\u0000':null},'site':{'cat':'IAB3'},'id':'behind'}",
         "id=behind cat=IAB3 [imp 1] unknown=6"},
    };

    check_shown(rows, COUNT(rows));
}
