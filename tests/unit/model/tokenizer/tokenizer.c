/* Tests of model/tokenizer/tokenizer.c. */
#include <pthread.h>

#include "tests/unit/model/tokenizer/golden.h"
#include "tests/unit/model/tokenizer/memory.h"

enum { OWN, JSON, ENGLISH, ENGLISH_CASED, CHINESE, CHINESE_CASED, COLUMNS };

static const char *const column_names[COLUMNS] = {
    "own vocabulary",          "own tokenizer.json", "bert-base-uncased",
    "bert-base-uncased cased", "bert-base-chinese",  "bert-base-chinese cased",
};

static struct tokenizer *from_vocab(const char *path, const char *config)
{
    struct buf text AT_END(buf_release) = BUF_INIT;
    struct tokenizer *t;
    struct err err;

    golden_read(path, &text);
    CHECK_OK(tokenizer_from_vocab(path, buf_view(&text), config, &t, &err), err);
    return t;
}

static struct tokenizer *open_column(int column)
{
    static const char cased[] = "{'do_lower_case': false}";
    struct buf text AT_END(buf_release) = BUF_INIT;
    struct tokenizer *t;
    struct err err;
    char path[512];

    if (column == OWN)
        return from_vocab(GOLDEN "vocab.txt", "");
    if (column == JSON) {
        golden_read(GOLDEN "tokenizer.json", &text);
        CHECK_OK(tokenizer_from_json("tokenizer.json", buf_view(&text), &t, &err), err);
        return t;
    }
    if (!test_data())
        SKIP("no evaluation data: vocabularies of bert-base-uncased and bert-base-chinese");
    snprintf(path, sizeof(path), "%s/data/vocab/bert-base-%s-vocab.txt", test_data(),
             column < CHINESE ? "uncased" : "chinese");
    return from_vocab(path, column == ENGLISH_CASED || column == CHINESE_CASED ? cased : "");
}

static int encode(const struct tokenizer *t, struct view text, struct arena *arena, int32_t **ids)
{
    int n;

    *ids = arena_array(arena, tokenizer_max_ids(t, text.len) + 1, sizeof(**ids));
    CHECK(*ids);
    n = tokenizer_encode(t, text, arena, *ids);
    CHECK(n >= 0 && (size_t)n <= tokenizer_max_ids(t, text.len));
    return n;
}

static int check_strings(const struct tokenizer *t, int column)
{
    struct golden_file golden AT_END(golden_close);
    struct arena arena AT_END(arena_release);
    struct golden_string string;
    int n = 0;

    arena_init(&arena, 65536, 0);
    golden_open(&golden, GOLDEN "strings.tsv");
    for (; golden_string(&golden, &arena, &string); n++) {
        int32_t *ids;
        int n_ids = encode(t, string.text, &arena, &ids);

        if (!golden_same(golden_ids_crc(0, ids, n_ids), string.digests.ptr + column * 6))
            FAIL("string %d (%.*s): \"%s\" is%s (tests/golden/tokenizer.py --show %d)", n,
                 VIEW_ARG(string.class), golden_show(string.text), golden_show_ids(ids, n_ids), n);
        arena_reset(&arena, 65536);
    }
    return n;
}

static void check_columns(int first, int last)
{
    for (int column = first; column <= last; column++) {
        struct tokenizer *t = open_column(column);

        test_row("ids of %s", column_names[column]);
        CHECK(check_strings(t, column) >= 10000);
        tokenizer_free(t);
    }
}

TEST(tokenizer__gives_the_reference_ids_with_a_vocabulary_of_our_own)
{
    check_columns(OWN, OWN);
}

TEST(tokenizer__gives_the_reference_ids_from_tokenizer_json_with_added_tokens)
{
    check_columns(JSON, JSON);
}

TEST(tokenizer__gives_the_reference_ids_with_bert_base_uncased)
{
    check_columns(ENGLISH, ENGLISH_CASED);
}

TEST(tokenizer__gives_the_reference_ids_with_bert_base_chinese)
{
    check_columns(CHINESE, CHINESE_CASED);
}

/* The same ids as in strings.tsv, in full, so that digests are not all that is trusted. */
static void check_examples(const struct tokenizer *t, int column)
{
    struct golden_file golden AT_END(golden_close);
    struct arena arena AT_END(arena_release);
    struct view line;
    int n = 0;

    arena_init(&arena, 65536, 0);
    golden_open(&golden, GOLDEN "examples.tsv");
    for (; golden_line(&golden, &line); n++) {
        struct view escaped = golden_field(&line, '\t');
        char *bytes = arena_alloc(&arena, escaped.len + 1);
        struct view text = golden_unescape(escaped, bytes), want = {0};
        int32_t *ids;
        int n_ids = encode(t, text, &arena, &ids);

        for (int c = 0; c <= column; c++)
            want = golden_field(&line, '\t');
        if (!golden_ids_are(want, ids, n_ids))
            FAIL("\"%s\" is%s", golden_show(text), golden_show_ids(ids, n_ids));
    }
    CHECK(n >= 60);
}

TEST(tokenizer__gives_the_reference_ids_in_full)
{
    for (int column = OWN; column < COLUMNS; column++) {
        struct tokenizer *t = open_column(column);

        test_row("examples with %s", column_names[column]);
        check_examples(t, column);
        tokenizer_free(t);
    }
}

struct texts {
    struct view *items;
    size_t n;
};

static void read_texts(struct arena *arena, struct texts *texts)
{
    struct golden_file golden AT_END(golden_close);
    struct golden_string string;

    *texts = (struct texts){arena_array(arena, 20000, sizeof(struct view)), 0};
    CHECK(texts->items);
    golden_open(&golden, GOLDEN "strings.tsv");
    while (texts->n < 20000 && golden_string(&golden, arena, &string))
        texts->items[texts->n++] = string.text;
}

/* [CLS] A [SEP] B [SEP] and its types, digested as the golden file has it. */
static bool pair_crc(const struct tokenizer *t, struct view a, struct view b,
                     enum truncation truncation, int max, uint32_t *crc)
{
    struct arena arena AT_END(arena_release);
    int32_t *first, *second, *all;
    int n_first, n_second, n = 0, rc;

    arena_init(&arena, 65536, 0);
    n_first = encode(t, a, &arena, &first);
    n_second = encode(t, b, &arena, &second);
    rc = tokenizer_truncate(truncation, max - 3, &n_first, &n_second);
    if (rc >= 0) {
        CHECK(n_first + n_second <= max - 3);
        all = arena_calloc(&arena, 2 * (size_t)max, sizeof(*all));
        CHECK(all);
        all[n++] = tokenizer_facts(t)->cls;
        for (int i = 0; i < n_first; i++)
            all[n++] = first[i];
        all[n++] = tokenizer_facts(t)->sep;
        for (int i = 0; i < n_second; i++)
            all[n++] = second[i];
        all[n++] = tokenizer_facts(t)->sep;
        for (int i = n_first + 2; i < n; i++)
            all[n + i] = 1;
        *crc = golden_ids_crc(0, all, 2 * n);
    }
    return rc >= 0;
}

static void check_pairs(const struct tokenizer *t, int column, const struct texts *texts)
{
    struct golden_file pairs AT_END(golden_close);
    int n_pairs = 0, n_refused = 0;
    struct view line;

    golden_open(&pairs, GOLDEN "pairs.tsv");
    for (; golden_line(&pairs, &line); n_pairs++) {
        int64_t a, b, max;
        struct view field = {0};

        CHECK_INT(number_int(golden_field(&line, ' '), 0, (int64_t)texts->n - 1, &a), 0);
        CHECK_INT(number_int(golden_field(&line, ' '), 0, (int64_t)texts->n - 1, &b), 0);
        CHECK_INT(number_int(golden_field(&line, ' '), 3, 512, &max), 0);
        for (int skip = 0; skip < column * 3; skip++)
            golden_field(&line, ' ');
        for (int s = TRUNCATE_LONGEST_FIRST; s <= TRUNCATE_ONLY_SECOND; s++) {
            uint32_t crc = 0;
            bool fits =
                pair_crc(t, texts->items[a], texts->items[b], (enum truncation)s, (int)max, &crc);

            field = golden_field(&line, ' ');
            if (fits ? !golden_same(crc, field.ptr) : !view_is(field, "-"))
                FAIL("strings %d and %d, max %d, strategy %d", (int)a, (int)b, (int)max, s);
            n_refused += !fits;
        }
    }
    CHECK(n_pairs >= 1500);
    CHECK(n_refused > 0);
}

TEST(tokenizer__gives_the_reference_ids_of_truncated_pairs)
{
    static const int columns[] = {OWN, ENGLISH, CHINESE};
    struct arena arena AT_END(arena_release);
    struct texts texts;

    arena_init(&arena, 1 << 20, 0);
    read_texts(&arena, &texts);
    for (int c = 0; c < 3; c++) {
        struct tokenizer *t = open_column(columns[c]);

        test_row("pairs with %s", column_names[columns[c]]);
        check_pairs(t, c, &texts);
        tokenizer_free(t);
    }
}

TEST(tokenizer__puts_replacement_characters_where_python_does)
{
    /* Cased, without cleaning: U+FFFD stays, so their number shows. */
    static const char json[] =
        "{'model':{'type':'WordPiece','unk_token':'[UNK]','continuing_subword_prefix':'##',"
        "'max_input_chars_per_word':100,'vocab':{'[UNK]':0,'[PAD]':1,'\\ufffd':2,"
        "'##\\ufffd':3,'a':4,'##a':5}},'added_tokens':[],'normalizer':{'type':'BertNormalizer',"
        "'clean_text':false,'handle_chinese_chars':true,'strip_accents':null,'lowercase':false},"
        "'pre_tokenizer':{'type':'BertPreTokenizer'},"
        "'post_processor':{'type':'BertProcessing','cls':['a',4],'sep':['a',4]}}";
    static const struct {
        const char *bytes;
        int n_replaced;
    } cases[] = {
        {"a\xff\xfe", 2},         {"a\xe4\xb8", 1},
        {"a\xe4\xb8z", 1},        {"a\xed\xa0\x80", 3},
        {"a\xc0\xaf", 2},         {"a\xf0\x9f\x98", 1},
        {"a\xf4\x90\x80\x80", 4}, {"a\xf0\x80\x80\x80", 4},
        {"a\xe0\x80\x80", 3},     {"a\xf8\x88\x80\x80\x80", 5},
    };
    struct arena arena AT_END(arena_release);
    struct tokenizer *t;
    struct err err;

    CHECK_OK(tokenizer_from_json("json", view_of(js("%s", json)), &t, &err), err);
    arena_init(&arena, 4096, 0);
    for (int i = 0; i < COUNT(cases); i++) {
        int32_t *ids;
        int n = encode(t, view_of(cases[i].bytes), &arena, &ids), n_replaced = 0;

        test_row("bad bytes \"%s\"", golden_show(view_of(cases[i].bytes)));
        for (int k = 0; k < n; k++)
            n_replaced += ids[k] == 3;
        if (strchr(cases[i].bytes, 'z')) /* the whole word is unknown */
            CHECK_INT(ids[0], 0);
        else
            CHECK_INT(n_replaced, cases[i].n_replaced);
    }
    tokenizer_free(t);
}

TEST(tokenizer__finds_added_tokens_as_their_flags_say)
{
    /* Its eight added tokens have the last ids. */
    struct tokenizer *t = open_column(JSON);
    struct arena arena;
    int32_t *ids;
    int32_t size = tokenizer_facts(t)->vocab_size;

    arena_init(&arena, 4096, 0);
    CHECK_INT(encode(t, VIEW_LIT("  [SKU]\t\n "), &arena, &ids), 1);
    CHECK_INT(encode(t, VIEW_LIT("biggest"), &arena, &ids), 1);
    CHECK(ids[0] >= size - 8);
    /* It may not stand in a word, and "big" within it is not looked for again. */
    for (int i = 0, n = encode(t, VIEW_LIT("biggests"), &arena, &ids); i < n; i++)
        CHECK(ids[i] < size - 8);
    CHECK_INT(encode(t, VIEW_LIT("bigs"), &arena, &ids), 2);
    CHECK(ids[0] >= size - 8 && ids[0] < size);
    arena_release(&arena);
    tokenizer_free(t);
}

TEST(tokenizer__accepts_empty_text_and_reports_full_scratch)
{
    struct tokenizer *t = open_column(OWN);
    struct arena arena;
    int32_t ids[16];

    arena_init(&arena, 4096, 16);
    CHECK_INT(tokenizer_encode(t, (struct view){NULL, 0}, &arena, ids), 0);
    CHECK_INT(tokenizer_encode(t, VIEW_LIT("  \t "), &arena, ids), 0);
    CHECK_INT(tokenizer_encode(t, VIEW_LIT("running shoes"), &arena, ids), -1);
    arena_release(&arena);
    tokenizer_free(t);
}

struct thread_job {
    const struct tokenizer *tokenizer;
    int n_wrong;
};

/* No CHECK here: it would longjmp to the stack of another thread. */
static void *encode_often(void *arg)
{
    static const char text[] =
        "Running SHOES, caf\u00e9 \u8dd1\u6b65\u978b [MASK] a\u302e\U0001d165";
    struct thread_job *job = arg;
    int32_t first[sizeof(text)], ids[sizeof(text)];
    struct arena arena;
    int n_first = 0;

    arena_init(&arena, 4096, 0);
    for (int i = 0; i < 20000; i++) {
        int n = tokenizer_encode(job->tokenizer, VIEW_LIT(text), &arena, ids);

        if (i == 0) {
            n_first = n;
            memcpy(first, ids, sizeof(ids));
        }
        job->n_wrong += n < 8 || n != n_first || memcmp(first, ids, (size_t)n * sizeof(*ids)) != 0;
        arena_reset(&arena, 4096);
    }
    arena_release(&arena);
    return NULL;
}

TEST(tokenizer__serves_concurrent_threads)
{
    struct tokenizer *t = open_column(OWN);
    struct thread_job jobs[2] = {{t, 0}, {t, 0}};
    pthread_t threads[2];

    for (int i = 0; i < 2; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, encode_often, &jobs[i]), 0);
    for (int i = 0; i < 2; i++)
        CHECK_INT(pthread_join(threads[i], NULL), 0);
    CHECK_INT(jobs[0].n_wrong + jobs[1].n_wrong, 0);
    tokenizer_free(t);
}
