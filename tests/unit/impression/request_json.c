/* What is written is what decode_request() reads back: text to request to the same text. */
#include "impression/request_json.h"

#include "tests/unit/impression/decoded.h"

/* As it is written: members in order, nothing that has no value. */
static const char *const same[] = {
    "{'device':{'geo':{}},'site':{},'imp':[{'id':'1'}],'rank':{'behaviour':[]}}",

    "{'id':'r','tmax':50,'user':{'id':'u'},'device':{'devicetype':4,"
    "'os':'o','language':'l','geo':{'country':'c','city':'b','utcoffset':-60}},"
    "'site':{'domain':'d','cat':['x','y\\''],'search':'s'},"
    "'imp':[{'id':'1','tagid':'t','bidfloor':0.3,'bidfloorcur':'EUR'},"
    "{'id':'2'}],'rank':{'top_n':3,"
    "'behaviour':[{'t':1,'type':'view','item':'i'},"
    "{'t':2,'type':'buy','text':'\xe8\xb7\x91'}],"
    "'candidates':[{'adid':'a','text':'z','bid':0.1,'bid_type':'cpc'},"
    "{'adid':'b'}]}}",

    /* none named is not the same as none at all */
    "{'device':{'devicetype':0,'geo':{'utcoffset':0}},'site':{},'imp':[{'id':'1'}],"
    "'rank':{'behaviour':[],'candidates':[]}}",
};

TEST(request_json__is_read_back)
{
    for (int i = 0; i < COUNT(same); i++) {
        struct buf *out = js_buf();
        struct json_writer w;

        test_row("%d", i);
        decode_ok("%s", same[i]);
        json_writer_init(&w, out);
        request_write_json(&w, &d.request);
        CHECK_STR(buf_str(out), js("%s", same[i]));
    }
}
