/* Tests of impression/decode.c. */
#include "tests/unit/impression/decoded.h"

TEST(decode__reads_every_field)
{
    static const char *const rows[][2] = {
        {"{'id':'r-1','tmax':50,'user':{'id':'u42'},'device':{'devicetype':4,"
         "'os':'android','language':'en','geo':{'country':'DEU','city':'BER',"
         "'utcoffset':-60}},'site':{'domain':'shop.example','cat':['IAB22','IAB1'],"
         "'search':'trail shoes'},'imp':[{'id':'1','tagid':'home-top','bidfloor':0.30,"
         "'bidfloorcur':'EUR'},{'id':'2'}],'badv':['bad.example'],'bcat':['IAB7',"
         "'IAB8'],'cur':['USD'],'rank':{'top_n':3,'behaviour':[{'t':1790000000000,"
         "'type':'click','item':'sku9','text':'Lightweight'},{'t':0,'type':'search',"
         "'text':'\\u8dd1'}],'candidates':[{'adid':'a1','bid':1.20},{'adid':'a7'},"
         "{'adid':'x','bid':0,'bid_type':'cpa','text':'Jacket'}]}}",
         "id=r-1 tmax=50 user=u42 devicetype=4 os=android language=en country=DEU city=BER "
         "utcoffset=-60 domain=shop.example cat=IAB22,IAB1 search=trail shoes "
         "[imp 1 tagid=home-top bidfloor=0.3 bidfloorcur=EUR] [imp 2] "
         "[click 1790000000000 item=sku9 text=Lightweight] [search 0 text=\u8dd1] "
         "3 candidates [a1 bid=1.2] [a7] [x bid=0 cpa text=Jacket] "
         "badv=bad.example bcat=IAB7,IAB8 cur=USD top_n=3"},
        {" {\r\n}\t", "[imp 1]"},
        {"{'device':{'geo':{'utcoffset':0}}}", "utcoffset=0 [imp 1]"},
        {"{'imp':[],'rank':{'candidates':[]}}", "[imp 1] 0 candidates"},
    };

    check_shown(rows, COUNT(rows));
}

TEST(decode__chooses_between_fields)
{
    static const char *const rows[][2] = {
        {"{'user':{'id':'a','buyeruid':'b'}}", "user=b [imp 1]"},
        {"{'user':{'id':'a','buyeruid':''}}", "user=a [imp 1]"},
        {"{'site':{'domain':'d','keywords':'k'}}", "domain=d search=k [imp 1]"},
        {"{'site':{'search':'s','keywords':'k'}}", "search=s [imp 1]"},
        {"{'app':{'bundle':'b','search':'s'}}", "domain=b search=s [imp 1]"},
        {"{'app':{'bundle':'b','domain':'d'}}", "domain=d [imp 1]"},
        {"{'regs':{'coppa':1}}", "coppa [imp 1]"},
        {"{'regs':{'gdpr':1}}", "gdpr [imp 1]"},
        {"{'device':{'lmt':1}}", "lmt [imp 1]"},
        {"{'device':{'dnt':1}}", "dnt [imp 1]"},
        {"{'regs':{'ext':{'gdpr':1}},'user':{'consent':'C','id':'a'}}",
         "user=a gdpr consent [imp 1]"},
        {"{'device':{'dnt':0,'lmt':0},'regs':{'gdpr':0,'coppa':0}}", "[imp 1]"},
    };

    check_shown(rows, COUNT(rows));
}

TEST(decode__counts_and_skips_unknown_fields)
{
    static const char *const rows[][2] = {
        {"{'ext':{'a':[1,{'id':2,'id':3}],'b':'\\u0000'},'at':1,'id':'r',"
         "'user':{'yob':1980,'yob':1981},'imp':[{'secure':1,'id':'9',"
         "'banner':{'w':300}}],'':0,'a-name-longer-than-any-of-ours':0}",
         "id=r [imp 9] unknown=8"},
        /* A key is known by all of its bytes, however they are written. */
        {"{'\\u0069d':'r','id\\\"x':7,'tmax\\\"':'no','\\\"':1}", "id=r [imp 1] unknown=3"},
        {"{'id\\\"x':'evil','id':'good'}", "id=good [imp 1] unknown=1"},
    };

    check_shown(rows, COUNT(rows));
}

TEST(decode__keeps_the_newest_behaviour)
{
    static const char *const rows[][2] = {
        {"{'rank':{'behaviour':[{'t':5,'type':'view','item':'a'},{'t':1,'type':'view',"
         "'item':'b'},{'t':9,'type':'view','item':'c'},{'t':5,'type':'view',"
         "'item':'d'},{'t':2,'type':'view','item':'e'}]}}",
         "[imp 1] [view 5 item=a] [view 5 item=d] [view 9 item=c] truncated"},
    };

    check_shown(rows, COUNT(rows));
}

TEST(decode__unescapes_strings)
{
    static const struct {
        const char *json, *text;
    } rows[] = {
        {"plain", "plain"},
        {"\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t"},
        {"\\u0041\\u00e9\\u8dD1\\uFFFF", "A\xc3\xa9\xe8\xb7\x91\xef\xbf\xbf"},
        {"\\ud83d\\ude00!", "\xf0\x9f\x98\x80!"},
        {"\\uDBFF\\uDFFF", "\xf4\x8f\xbf\xbf"},
        {"\xef\xbf\xbd\xf0\x9f\x98\x80\xc2\x80\xe0\xa0\x80\xed\x9f\xbf",
         "\xef\xbf\xbd\xf0\x9f\x98\x80\xc2\x80\xe0\xa0\x80\xed\x9f\xbf"},
        {"0123456789abcdef0123456789abcdef\\n0123456789abcdef",
         "0123456789abcdef0123456789abcdef\n0123456789abcdef"},
    };

    for (int i = 0; i < COUNT(rows); i++) {
        test_row("%s", rows[i].json);
        decode_ok("{'id':'%s','user':{'id':'behind'}}", rows[i].json);
        CHECK_VIEW(d.request.id, rows[i].text);
        CHECK_VIEW(d.request.user_id, "behind");
    }
}

TEST(decode__reads_numbers_exactly)
{
    static const char *const rows[] = {
        "0",
        "-0",
        "0.0",
        "-0.0",
        "1",
        "0.1",
        "0.30",
        "123456789.123456789",
        "1e0",
        "1E5",
        "1e-5",
        "1.5e+3",
        "9007199254740993e-8",
        "0.000001",
        "1e-300",
        "4.9e-324",
        "1e-400",
        "0.1000000000000000055511151231257827021181583404541015625",
        "999999999.99999999999999999999999999",
        "100000000000000000000e-20",
        "12345678.9e1",
        "0e999999999",
        "0.00000000000000000000000000000000000000000001",
        "1000000000",
        "3.14159265358979323846",
        "18014398509481985e-8",
        "123456789012345678e-9",
    };

    for (int i = 0; i < COUNT(rows); i++) {
        double want = strtod(rows[i], NULL) + 0.0;

        test_row("%s", rows[i]);
        decode_ok("{'imp':[{'id':'1','bidfloor':%s}]}", rows[i]);
        if (memcmp(&d.request.imps[0].bidfloor, &want, sizeof(want)) != 0)
            FAIL("%.17g, want %.17g", d.request.imps[0].bidfloor, want);
    }
}

/* Zeros and an exponent that are both beyond any double still cancel. */
TEST(decode__reads_numbers_of_any_length)
{
    static const struct {
        int n_zeros;
        const char *digits;
        double value;
    } rows[] = {{150000, "1e100000", 0},
                {150000, "1e150001", 1},
                {150000, "25e+150002", 25},
                {99999, "5e100000", 5},
                {10, "1e-150000", 0}};
    for (int i = 0; i < COUNT(rows); i++) {
        decode_repeated("{'imp':[{'id':'1','bidfloor':0.", "0", rows[i].n_zeros,
                        js("%s}]}", rows[i].digits));
        CHECK_INT(d.status, DECODE_OK);
        CHECK_NEAR(d.request.imps[0].bidfloor, rows[i].value, 0);
    }
}

TEST(decode__reports_a_full_arena)
{
    const char *body =
        js("{'id':'\\n0123456789','badv':['a','b'],'imp':[{'id':'1'}],'rank':{'behaviour':["
           "{'t':5,'type':'view','item':'a'},{'t':1,'type':'view','item':'b'},"
           "{'t':9,'type':'view','item':'c'},{'t':9,'type':'view','item':'c'}]}}");
    struct padded padded AT_END(padded_free) = padded_new(view_of(body));
    bool enough = false;

    for (size_t limit = 1; !enough; limit += 64) {
        struct impression_request request;
        struct problems problems;
        struct arena arena;
        enum decode_status status;
        bool truncated;

        arena_init(&arena, 256, limit);
        problems_init(&problems, &arena, 16);
        status = decode_request(padded.text, &limits, &arena, &request, &truncated, &problems);
        enough = status == DECODE_OK;
        CHECK(enough || status == DECODE_OUT_OF_MEMORY);
        CHECK(limit < 1 << 16);
        arena_release(&arena);
    }
}
