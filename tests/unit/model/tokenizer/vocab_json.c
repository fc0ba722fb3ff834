/* Tests of model/tokenizer/vocab_json.c. */
#include "tests/unit/model/tokenizer/memory.h"

static const char good[] =
    "{'version':'1.0','truncation':{'max_length':8},'padding':null,'added_tokens':["
    "{'id':0,'content':'[PAD]','single_word':false,'lstrip':false,'rstrip':false,"
    "'normalized':false,'special':true},"
    "{'id':6,'content':'zz','single_word':false,'lstrip':false,'rstrip':false,'normalized':true,"
    "'special':false}],"
    "'normalizer':{'type':'BertNormalizer','clean_text':true,'handle_chinese_chars':true,"
    "'strip_accents':null,'lowercase':true},"
    "'pre_tokenizer':{'type':'BertPreTokenizer'},"
    "'post_processor':{'type':'TemplateProcessing','single':[{'SpecialToken':"
    "{'id':'[CLS]','type_id':0}},{'Sequence':{'id':'A','type_id':0}},{'SpecialToken':"
    "{'id':'[SEP]','type_id':0}}],'pair':[{'SpecialToken':"
    "{'id':'[CLS]','type_id':0}},{'Sequence':{'id':'A','type_id':0}},{'SpecialToken':"
    "{'id':'[SEP]','type_id':0}},{'Sequence':{'id':'B','type_id':1}},{'SpecialToken':"
    "{'id':'[SEP]','type_id':1}}],'special_tokens':{'[CLS]':"
    "{'id':'[CLS]','ids':[2],'tokens':['[CLS]']},'[SEP]':"
    "{'id':'[SEP]','ids':[3],'tokens':['[SEP]']}}},"
    "'decoder':{'type':'WordPiece'},'model':{'type':'WordPiece','unk_token':'[UNK]',"
    "'continuing_subword_prefix':'##','max_input_chars_per_word':100,"
    "'vocab':{'[PAD]':0,'[UNK]':1,'[CLS]':2,'[SEP]':3,'a':4,'##b':5}}}";

/* good with the first `from` replaced. */
static const char *edited(const char *from, const char *to)
{
    const char *at = strstr(good, from);

    CHECK(at);
    return js("%.*s%s%s", (int)(at - good), good, to, at + strlen(from));
}

static int open_text(struct view text, struct tokenizer **out, struct err *err)
{
    return tokenizer_from_json("t.json", text, out, err);
}

TEST(vocab_json__reads_the_file)
{
    struct tokenizer *t;
    struct err err;

    CHECK_OK(open_text(view_of(js("%s", good)), &t, &err), err);
    CHECK_INT(tokenizer_facts(t)->vocab_size, 7);
    CHECK_INT(tokenizer_facts(t)->cls, 2);
    CHECK_INT(tokenizer_facts(t)->sep, 3);
    CHECK_INT(tokenizer_facts(t)->pad, 0);
    tokenizer_free(t);
}

TEST(vocab_json__takes_the_other_forms_that_mean_the_same)
{
    static const struct {
        const char *from, *to;
        int pad, cls;
    } cases[] = {
        {"'padding':null", "'padding':{'pad_id':4}", 4, 2},
        {"'strip_accents':null,", "", 0, 2},
        {"'decoder':{'type':'WordPiece'},", "", 0, 2},
        {"'ids':[2]", "'ids':[4]", 0, 4},
    };
    for (int i = 0; i < COUNT(cases); i++) {
        struct tokenizer *t;
        struct err err;

        test_row("%s", cases[i].to);
        CHECK_OK(open_text(view_of(edited(cases[i].from, cases[i].to)), &t, &err), err);
        CHECK_INT(tokenizer_facts(t)->pad, cases[i].pad);
        CHECK_INT(tokenizer_facts(t)->cls, cases[i].cls);
        tokenizer_free(t);
    }
}

TEST(vocab_json__refuses_what_it_cannot_serve_by_pointer)
{
    static const struct {
        const char *from, *to, *error;
    } cases[] = {
        {"{'version'", "['version'", "t.json: line 1 column"},
        {"'a':4", "'a':4,'a':5", "duplicate object key"},
        {"'type':'WordPiece','unk", "'type':'BPE','unk",
         "t.json: /model/type: is BPE, only WordPiece is served"},
        {"'type':'WordPiece','unk", "'unk", "t.json: /model/type: is missing"},
        {"'model':{", "'other':{", "t.json: /model: must be an object"},
        {"'type':'BertNormalizer'", "'type':'Sequence'", "t.json: /normalizer/type: is Sequence"},
        {"'lowercase':true", "'lowercase':1",
         "t.json: /normalizer/lowercase: must be true or false"},
        {"'clean_text':true,", "", "t.json: /normalizer/clean_text: must be true or false"},
        {"'strip_accents':null", "'strip_accents':'no'", "t.json: /normalizer/strip_accents: must"},
        {"BertPreTokenizer", "ByteLevel", "t.json: /pre_tokenizer/type: is ByteLevel"},
        {"'pre_tokenizer':{'type':'BertPreTokenizer'}", "'pre_tokenizer':null",
         "t.json: /pre_tokenizer: must be an object"},
        {"'unk_token':'[UNK]'", "'unk_token':'<unk>'",
         "t.json: /model/unk_token: <unk> is not in the vocabulary"},
        {"'unk_token':'[UNK]',", "", "t.json: /model/unk_token: must be a string"},
        {"'continuing_subword_prefix':'##',", "",
         "/model/continuing_subword_prefix: must be a string"},
        {"per_word':100", "per_word':0", "t.json: /model/max_input_chars_per_word: must be 1 to"},
        {"per_word':100", "per_word':1e2", "t.json: /model/max_input_chars_per_word: must be 1 to"},
        {"'##b':5", "'##b':6", "t.json: /model/vocab/##b: id 6 of 6 tokens, so another is missing"},
        {"'##b':5", "'##b':4", "t.json: /model/vocab/##b: id 4 is that of a too"},
        {"'##b':5", "'##b':-1", "t.json: /model/vocab/##b: must be an id"},
        {"'##b':5", "'##b':'5'", "t.json: /model/vocab/##b: must be an id"},
        {"'##b':5", "'##b':99999999999999999999", "/model/vocab/##b: must be an id"},
        {"'[PAD]':0,'[UNK]'", "'pad':0,'[UNK]'", "t.json: /added_tokens/0/id: must be 6"},
        {"'id':6", "'id':7", "t.json: /added_tokens/1/id: must be 6"},
        {"'id':6", "'id':'6'", "t.json: /added_tokens/1/id: must be 6"},
        {"'content':'zz'", "'content':''", "t.json: /added_tokens/1/content: is empty"},
        {"'content':'zz'", "'content':'[PAD]'", "t.json: /added_tokens/1/content: duplicate of"},
        {"'content':'zz'", "'content':'\\u0301'", "t.json: added token 6 is empty once"},
        {"{'id':6,",
         "{'id':6,'content':'ZZ','single_word':false,'lstrip':false,'rstrip':false,"
         "'normalized':true,'special':false},{'id':7,",
         "t.json: added token 7 is the same as 6 once normalized"},
        {"'lstrip':false", "'lstrip':null",
         "t.json: /added_tokens/0/lstrip: must be true or false"},
        {"'added_tokens':[", "'added_tokens':4,'x':[", "t.json: /added_tokens: must be an array"},
        {"TemplateProcessing", "RobertaProcessing", "/post_processor/type: is RobertaProcessing"},
        {"'post_processor'", "'p'", "t.json: /post_processor/type: is missing"},
        {"{'id':'B','type_id':1}", "{'id':'B','type_id':0}",
         "t.json: /post_processor/pair/3: is not BERT's"},
        {"{'Sequence':{'id':'A','type_id':0}},", "", "/post_processor: single and pair are not"},
        {"'ids':[3]", "'ids':[3,3]", "/post_processor/special_tokens/[SEP]/ids: must be one id"},
        {"'ids':[3]", "'ids':[7]", "/post_processor/special_tokens/[SEP]/ids: must be one id"},
        {"'padding':null", "'padding':{'pad_id':7}", "t.json: /padding/pad_id: not an id"},
    };
    for (int i = 0; i < COUNT(cases); i++) {
        struct tokenizer *t;
        struct err err;

        test_row("%s for %s", cases[i].to, cases[i].from);
        CHECK_ERR(open_text(view_of(edited(cases[i].from, cases[i].to)), &t, &err), err,
                  cases[i].error);
        CHECK_INT(err.code, ERR_DATA);
    }
}

TEST(vocab_json__refuses_every_truncation_of_a_file)
{
    const char *whole = js("%s", good);

    for (size_t len = 0; len < sizeof(good) - 1; len++) {
        struct tokenizer *t;
        struct err err;

        if (open_text((struct view){whole, len}, &t, &err) == 0)
            FAIL("the first %zu bytes were taken", len);
    }
}
