/*
 * Bodies that are refused, for the tests of the decoder and of the daemon: each shows all of them.
 * JSON is written with ' for ", but where a body holds a ". They are refused by any limits that
 * take three imps and four candidates.
 */
#ifndef TESTS_REFUSED_BODIES_H
#define TESTS_REFUSED_BODIES_H

#include <stdio.h>
#include <string.h>

#define MAX_BODIES 48

/* By why they are not JSON, a part of the detail. */
static const struct {
    const char *why, *bodies[MAX_BODIES + 1];
} not_json_bodies[] = {
    {"empty", {""}},
    {"unexpected end", {"  ", "{", "{'id':"}},
    {"colon", {"{'id'", "{'id' 'a'}"}},
    {"comma",
     {"{'id':'a'", "{'id':'a' 'tmax':1}", "{'x':[1 2]}", "{'tmax':0x10}", "{'tmax':1.2.3}",
      "{'x':1e400x}", "{'rank':{'candidates':[{'adid':'a1'}}}"}},
    {"expected a key", {"{'id':'a',}", "{,}", "{'x':{]}", "{x:1}", "{/**/}"}},
    {"not a JSON value",
     {"{'x':[1,]}", "{'x':[}", "nul", "{'x':tru}", "{'x':True}", "{'x':NaN}", "{'x':Infinity}",
      "{\"x\":'a'}", "{'tmax':+1}", "{'tmax':.5}", "{'id':nil}", "{'id':nulL}",
      "{'tmax':'wrong type','x':}", "}"}},
    {"unexpected data", {"{}}", "{} {}", "{}x", "{}\x0b", "{} /* comment */"}},
    {"malformed",
     {"{'tmax':01}", "{'tmax':-}", "{'tmax':1.}", "{'tmax':1.e5}", "{'tmax':1e}", "{'tmax':1e+}",
      "{'x':-}", "{'x':01}", "{'x':[1.e5]}"}},
    {"duplicate key",
     {"{'id':null,'id':'a'}", "{'regs':{'gdpr':0,'gdpr':1}}",
      "{'regs':{'ext':{},'ext':{'gdpr':1}}}", "{'id':'a','id':'a'}", "{'id':'a','\\u0069d':'a'}",
      "{'rank':{'candidates':[{'adid':'a','adid':'b'}]}}",
      "{'device':{'geo':{'city':'a','x':1,'city':'b'}}}", "{'rank':{},'rank':{}}",
      "{'imp':[{'id':'1','bidfloor':1,'bidfloor':2}]}", "{'user':{'id':'u','id':'v'}}"}},
    {"unterminated", {"{'x':'a", "{'x':'a\\'}"}},
    {"escape",
     {"{'x':'\\x'}", "{'x':'\\u12g4'}", "{'x':'\\u123'}", "{'x':'\\ud800'}", "{'x':'\\udc00'}",
      "{'x':'\\ud800\\u0041'}", "{'x':'\\ud800\\ud800'}", "{'x':'\\ud800x'}",
      "{'id':'\\udc00\\ud800'}"}},
    {"control", {"{'x':'a\nb'}", "{'x':'a\x1f'}", "{'x':'a\\n\x01'}"}},
    {"UTF-8",
     {"{'x':'\x80'}", "{'x':'\xc0\x80'}", "{'x':'\xe0\x80\x80'}", "{'x':'\xed\xa0\x80'}",
      "{'x':'\xf4\x90\x80\x80'}", "{'x':'\xe4\xb8'}", "{'x':'\\n\xe4\xb8'}", "{'\xff':1}",
      "{'id':'\xff'}"}},
    {"not a JSON value: starts with a byte order mark", {"\xef\xbb\xbf{}"}},
};

/* An item of rank.behaviour or rank.candidates with one problem, at a member. */
#define EVENT(at, members) "/rank/behaviour/0/" at " {'rank':{'behaviour':[{" members "}]}}"
#define CANDIDATE(at, members) "/rank/candidates/0/" at " {'rank':{'candidates':[{" members "}]}}"

/* By a part of the first problem's detail: the pointers of all problems, a blank after each, and
 * the body. */
static const struct {
    const char *detail, *cases[MAX_BODIES + 1];
} invalid_bodies[] = {
    {"must be an object",
     {"[]", "1", "null", "'x'", "/user {'user':'u'}", "/user {'user':[]}", "/device {'device':1}",
      "/device/geo {'device':{'geo':[]}}", "/site {'site':1}", "/app {'app':[]}",
      "/imp/0 {'imp':[1]}", "/rank {'rank':[]}", "/rank/behaviour/0 {'rank':{'behaviour':[[]]}}",
      "/rank/candidates/0 {'rank':{'candidates':['a1']}}"}},
    {"must be a string",
     {"/id {'id':true}",
      "/id {'id':['a']}",
      "/user/id {'user':{'id':[42]}}",
      "/user/buyeruid {'user':{'buyeruid':{}}}",
      "/device/os {'device':{'os':1}}",
      "/device/language {'device':{'language':[]}}",
      "/device/geo/country {'device':{'geo':{'country':1}}}",
      "/device/geo/city {'device':{'geo':{'city':1}}}",
      "/site/domain {'site':{'domain':1}}",
      "/site/cat/1 {'site':{'cat':['a',1]}}",
      "/site/search {'site':{'search':1}}",
      "/site/keywords {'site':{'keywords':[]}}",
      "/app/bundle {'app':{'bundle':1}}",
      "/imp/0/id {'imp':[{'id':{}}]}",
      "/imp/0/tagid {'imp':[{'id':'1','tagid':true}]}",
      "/imp/0/bidfloorcur {'imp':[{'id':'1','bidfloorcur':1}]}",
      "/badv/0 {'badv':[{}]}",
      "/bcat/2 {'bcat':['a',null,7]}",
      "/cur/0 {'cur':[1]}",
      EVENT("type", "'t':1,'type':1,'item':'a'"),
      EVENT("item", "'t':1,'type':'buy','item':[7]"),
      EVENT("text", "'t':1,'type':'buy','text':7"),
      CANDIDATE("text", "'adid':'a','text':{}"),
      "/device/os /device/language {'device':{'os':1,'language':2}}",
      "/app/bundle /app/keywords {'app':{'bundle':1,'keywords':2}}",
      "/imp/0/tagid /imp/0/bidfloorcur {'imp':[{'id':'1','tagid':[1],'bidfloorcur':2}]}"}},
    {"must not contain U+0000", {"/id {'id':'a\\u0000'}"}},
    {"must be an integer",
     {"/tmax {'tmax':'50'}", "/tmax {'tmax':50.5}", "/tmax {'tmax':1e-400}", "/tmax {'tmax':true}",
      "/device/devicetype {'device':{'devicetype':'phone'}}",
      "/device/geo/utcoffset {'device':{'geo':{'utcoffset':0.5}}}",
      "/rank/top_n {'rank':{'top_n':'3'}}", EVENT("t", "'t':1.5,'type':'view','item':'a'"),
      "/device/geo/utcoffset {'device':{'geo':{'utcoffset':'60'}}}",
      EVENT("t /rank/behaviour/0/type /rank/behaviour/0/item /rank/behaviour/0/text",
            "'t':'1','type':1,'item':[2],'text':3")}},
    {"must be within 0 and 2147483647",
     {"/tmax {'tmax':-1e0}", "/tmax {'tmax':3e9}", "/tmax {'tmax':1e999}",
      "/tmax {'tmax':18446744073709551616}", "/tmax {'tmax':-9223372036854775809}",
      "/tmax {'tmax':-1}", "/tmax {'tmax':2147483648}", "/tmax {'tmax':18446744073709551615}"}},
    {"must be within 0 and", {"/device/devicetype {'device':{'devicetype':-1}}"}},
    {"must be within -1440 and 1440",
     {"/device/geo/utcoffset {'device':{'geo':{'utcoffset':1441}}}",
      "/device/geo/utcoffset {'device':{'geo':{'utcoffset':-1441}}}"}},
    {"must be an array of strings",
     {"/site/cat {'site':{'cat':1}}", "/badv {'badv':'x'}",
      "/badv /bcat /cur {'badv':'a','bcat':{},'cur':1}"}},
    {"must be an array of objects",
     {"/imp {'imp':{}}", "/rank/behaviour {'rank':{'behaviour':{}}}",
      "/rank/candidates {'rank':{'candidates':{}}}"}},
    {"is missing",
     {"/imp/0/id {'imp':[{}]}", "/imp/0/id {'imp':[{'id':null}]}",
      "/imp/2/id {'imp':[null,{'id':'1'},{'tagid':null}]}", EVENT("t", "'type':'view','item':'a'"),
      EVENT("type", "'t':1,'item':'a'"), CANDIDATE("adid", "'bid':1"),
      CANDIDATE("adid", "'adid':null"), EVENT("t", "'t':null,'type':'buy','item':'a'"),
      EVENT("type", "'t':1,'type':null,'item':'a'")}},
    {"must not be empty", {"/imp/0/id {'imp':[{'id':''}]}", CANDIDATE("adid", "'adid':''")}},
    {"is also the id of /imp/0",
     {"/imp/2/id {'imp':[{'id':'1'},{'id':'2'},{'id':'1'}]}",
      "/imp/1/id {'imp':[{'id':'1'},{'id':1}]}"}},
    {"must be within 0",
     {"/imp/0/bidfloor {'imp':[{'id':'1','bidfloor':-0.01}]}",
      "/imp/0/bidfloor {'imp':[{'id':'1','bidfloor':1e300}]}",
      CANDIDATE("bid", "'adid':'a','bid':-1"), CANDIDATE("bid", "'adid':'a','bid':1e999"),
      "/imp/0/bidfloor {'imp':[{'id':'1','bidfloor':1e999}]}"}},
    {"must be a number",
     {"/imp/0/bidfloor {'imp':[{'id':'1','bidfloor':'1'}]}",
      CANDIDATE("bid", "'adid':'a','bid':'1'")}},
    {"must be within 1 and ",
     {"/rank/top_n {'rank':{'top_n':0}}", "/rank/top_n {'rank':{'top_n':51}}"}},
    {"must be at least 0",
     {EVENT("t", "'t':-1,'type':'view','item':'a'"),
      EVENT("t", "'t':9223372036854775808,'type':'view','item':'a'")}},
    {"must be one of view, click, cart, buy, search",
     {EVENT("type", "'t':1,'type':'like','item':'a'")}},
    {"must have an item or a text",
     {"/rank/behaviour/0 {'rank':{'behaviour':[{'t':1,'type':'buy'}]}}"}},
    {"must be one of cpm, cpc, cpa", {CANDIDATE("bid_type", "'adid':'a','bid_type':'cpx'")}},
};

/* Ids of at most 256 bytes: the body before and after one. */
static const struct {
    const char *head, *tail, *pointer;
} bounded_ids[] = {
    {"{'id':'", "'}", "/id"},
    {"{'user':{'id':'", "'}}", "/user/id"},
    {"{'user':{'buyeruid':'", "'}}", "/user/buyeruid"},
    {"{'imp':[{'id':'", "'}]}", "/imp/0/id"},
    {"{'imp':[{'id':'1','tagid':'", "'}]}", "/imp/0/tagid"},
    {"{'imp':[{'id':'1','bidfloorcur':'", "'}]}", "/imp/0/bidfloorcur"},
    {"{'rank':{'candidates':[{'adid':'", "'}]}}", "/rank/candidates/0/adid"},
    {"{'rank':{'behaviour':[{'t':1,'type':'buy','item':'", "'}]}}", "/rank/behaviour/0/item"},
};

/* Where the body of a case of invalid_bodies begins. */
static inline const char *invalid_body(const char *text)
{
    while (*text == '/')
        text += strcspn(text, " ") + 1;
    return text;
}

/* The body as it is sent; holds until the next call. */
static inline const char *refused_body(const char *body)
{
    static char text[512];

    snprintf(text, sizeof(text), "%s", body);
    for (char *at = text; !strchr(body, '"') && (at = strchr(at, '\'')); at++)
        *at = '"';
    return text;
}

#endif
