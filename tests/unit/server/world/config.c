/* server/world/config_*: strict reading, all problems reported together, secrets never printed. */
#include "server/world/config_read.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "server/world/config_diff.h"
#include "server/world/config_print.h"
#include "server/world/option_value.h"
#include "tests/test.h"

static char folder[64];

/* Single quotes in text become double ones. */
static const char *write_file(const char *name, const char *text)
{
    static char path[128];
    char *json = strdup(text);
    struct err err;

    if (!folder[0]) {
        strcpy(folder, "/tmp/adrank-config-XXXXXX");
        CHECK(mkdtemp(folder));
    }
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    for (char *c = json; (c = strchr(c, '\''));)
        *c = '"';
    CHECK_OK(file_write(path, view_of(json), &err), err);
    free(json);
    return path;
}

struct reading {
    struct arena arena;
    struct problems problems;
    struct config *config;
    struct err err;
    int rc;
};

/* sets: --set options, separated by blanks. */
static struct reading reading_of(const char *text, const char *sets)
{
    struct reading r = {0};
    char words[128];
    const char *list[2];
    int n = 0;

    arena_init(&r.arena, 1024, 0);
    problems_init(&r.problems, &r.arena, 64);
    snprintf(words, sizeof(words), "%s", sets ? sets : "");
    for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
        list[n++] = word;
    r.rc = config_new(&(struct config_args){.file = text ? write_file("c.json", text) : NULL,
                                            .sets = list,
                                            .n_sets = n},
                      &r.problems, &r.config, &r.err);
    return r;
}

static void reading_release(struct reading *r)
{
    config_unref(r->config);
    arena_release(&r->arena);
}

static const char *printed(const struct config *config)
{
    static struct buf text;
    struct json_writer w;

    buf_release(&text);
    json_writer_init(&w, &text);
    config_print(config, &w);
    return buf_str(&text);
}

TEST(config__empty_file_gives_defaults)
{
    struct reading r = reading_of("{}", NULL);

    CHECK_OK(r.rc, r.err);
    CHECK_STR(r.config->http.address, "127.0.0.1:8080");
    CHECK_INT(r.config->rank.max_candidates, 200);
    CHECK_INT(r.config->deadline.on_late, ON_LATE_PRIOR);
    CHECK(r.config->features.url == NULL);
    CHECK_INT(r.config->privacy.user_key.value.len, 0);
    reading_release(&r);
}

static const struct {
    const char *name, *given, *pointer, *detail; /* given: the file, or "--set ..." */
} bad[] = {
    {"unknown section", "{'htp':{}}", "/htp", "unknown section"},
    {"unknown option", "{'http':{'port':1}}", "/http/port", "unknown option"},
    {"section is no object", "{'http':[]}", "/http", "must be an object"},
    {"document is no object", "[]", "", "must be an object"},
    {"wrong type", "{'http':{'workers':'2'}}", "/http/workers", "must be an integer"},
    {"fraction", "{'http':{'workers':1.5}}", "/http/workers", "must be an integer"},
    {"too small", "{'http':{'workers':0}}", "/http/workers", "from 1 to 64"},
    {"too large", "{'http':{'workers':65}}", "/http/workers", "from 1 to 64"},
    {"choice", "{'deadline':{'on_late':'never'}}", "/deadline/on_late",
     "one of prior, empty, reject"},
    {"null", "{'http':{'address':null}}", "/http/address", "must be a string"},
    {"share", "{'log':{'sample':1.01}}", "/log/sample", "from 0 to 1"},
    {"syntax", "{'http':\n {,}}", "", "line 2, column 3"},
    {"trailing", "{} x", "", "line 1"},
    {"duplicate option", "{'http':{'workers':1,'workers':2}}", "",
     "line 1, column 30: duplicate key"},
    {"duplicate section", "{'http':{},\n'rank':{},'http':{}}", "",
     "line 2, column 16: duplicate key"},
    {"duplicate by an escape", "{'http':{'workers':1,'work\\u0065rs':7}}", "", "duplicate key"},
    {"plain secret", "{'privacy':{'user_key':'abc'}}", "/privacy/user_key", "$file"},
    {"secret of no file", "{'privacy':{'user_key':{'$file':'gone'}}}", "/privacy/user_key", "gone"},
    {"secret of no variable", "{'privacy':{'user_key':{'$env':'ADRANK_NO_SUCH'}}}",
     "/privacy/user_key", "the variable ADRANK_NO_SUCH is not set"},
    {"variable without a name", "{'privacy':{'user_key':{'$env':''}}}", "/privacy/user_key",
     "empty variable name"},
    {"secret of an empty variable", "{'privacy':{'user_key':{'$env':'ADRANK_EMPTY'}}}",
     "/privacy/user_key", "the variable ADRANK_EMPTY is set but empty"},
    {"password of an empty variable", "--set features.password={\"$env\":\"ADRANK_EMPTY\"}",
     "/features/password", "the variable ADRANK_EMPTY is set but empty"},
    {"redis without key", "{'features':{'url':'redis://h:1'}}", "/privacy/user_key", "required"},
    {"together", "{'rank':{'top_n':60}}", "/rank/top_n", "max_top_n"},
    {"set: form", "--set http", "--set", "section.option=value"},
    {"set: unknown", "--set http.port=1", "/http/port", "unknown option"},
    {"set: range", "--set http.workers=0", "/http/workers", "from 1"},
    {"http address", "{'http':{'address':'nowhere'}}", "/http/address", "nowhere: not an address"},
    {"admin address", "--set admin.address=127.0.0.1:70000", "/admin/address", "not an address"},
    {"unix address", "{'http':{'address':'unix:'}}", "/http/address", "path"},
    {"empty address", "{'http':{'address':''}}", "/http/address", "empty"},
    {"empty currency", "{'rank':{'currency':''}}", "/rank/currency", "empty"},
    {"currency", "{'rank':{'currency':'usd'}}", "/rank/currency", "capital"},
    {"currency of four", "--set rank.currency=USDT", "/rank/currency", "three"},
    {"redis url", "{'features':{'url':'http://bad'}}", "/features/url", "redis://"},
    {"user without a password", "{'features':{'user':'ann'}}", "/features/user",
     "requires features.password"},
    {"rule with a refused option", "{'rank':{'top_n':60,'max_top_n':0}}", "/rank/max_top_n",
     "from 1"},
    {"rule with a refused default", "{'deadline':{'default_ms':0,'max_ms':9}}",
     "/deadline/default_ms", "from 1"},
    {"rule with a refused section", "{'privacy':1,'features':{'url':'redis://h'}}", "/privacy",
     "must be an object"},
    {"both names", "{'http':{'memory_bytes':1048576,'body_memory_bytes':1048576}}",
     "/http/body_memory_bytes", "/http/memory_bytes"},
    {"set: both names", "--set http.memory_bytes=1048576 http.body_memory_bytes=1048576",
     "/http/body_memory_bytes", "/http/memory_bytes"},
    {"rule by the name in use", "{'http':{'max_body_bytes':400000,'body_memory_bytes':300000}}",
     "/http/body_memory_bytes", "http.max_body_bytes"},
    {"range by the name in use", "{'http':{'body_memory_bytes':1}}", "/http/body_memory_bytes",
     "must be from"},
    {"empty path", "{'catalog':{'path':''}}", "/catalog/path", "empty"},
    {"NUL", "{'rank':{'currency':'a\\u0000b'}}", "", "line 1"},
};

TEST(config__bad_files_name_place_and_reason)
{
    setenv("ADRANK_EMPTY", "", 1);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const char *given = bad[i].given;
        bool set = strncmp(given, "--set ", 6) == 0;
        struct reading r = reading_of(set ? "{}" : given, set ? given + 6 : NULL);

        test_row("config bad: %s", bad[i].name);
        CHECK_ERR(r.rc, r.err, bad[i].detail);
        CHECK_INT(r.err.code, ERR_CONFIG);
        CHECK_INT(r.problems.n, 1);
        CHECK_STR(r.problems.items[0].pointer, bad[i].pointer);
        CHECK(strstr(r.err.text, "c.json") != NULL);
        reading_release(&r);
    }
}

/* Text pasted into the wrong place is not quoted. */
TEST(config__syntax_errors_repeat_nothing)
{
    static const char *const texts[] = {
        "{'privacy':{'user_key':'hunter2\n'}}", "{'privacy':{'user_key':hunter2}}",
        "{'privacy':'hunter2'} hunter2", "hunter2", "{'privacy':{'user_key':'hunter2"};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct reading r = reading_of(texts[i], NULL);

        test_row("config syntax %zu", i);
        CHECK(r.rc == -1);
        CHECK(strstr(r.err.text, "line ") && strstr(r.err.text, "column "));
        CHECK(!strstr(r.err.text, "hunter2"));
        reading_release(&r);
    }
}

static bool has_problem(const struct problems *problems, const char *pointer)
{
    for (size_t i = 0; i < problems->n; i++)
        if (strcmp(problems->items[i].pointer, pointer) == 0)
            return true;
    return false;
}

/* Keys, single values and rules between options, wrong in one document. */
TEST(config__reports_all_problems_together)
{
    static const struct {
        const char *text, *pointers[5];
    } rows[] = {
        {"{'http':{'workers':0,'x':1,'x':2},'batch':{'max_queue':true}}",
         {"", "/http/workers", "/http/x", "/batch/max_queue"}}, /* the duplicate key first */
        {"{'rank':{'top_n':60},'http':{'x':1,'address':'nowhere'},"
         "'features':{'url':'http://bad'},"
         "'deadline':{'default_ms':1,'encode_reserve_us':1000}}",
         {"/http/x", "/http/address", "/features/url", "/rank/top_n",
          "/deadline/encode_reserve_us"}},
    };

    for (int i = 0; i < COUNT(rows); i++) {
        struct reading r = reading_of(rows[i].text, NULL);
        size_t n = 0;

        CHECK(r.rc == -1);
        for (; n < 5 && rows[i].pointers[n]; n++)
            if (!has_problem(&r.problems, rows[i].pointers[n]))
                FAIL("no problem at %s", rows[i].pointers[n]);
        CHECK_INT(r.problems.n, n);
        reading_release(&r);
    }
}

TEST(config__set_wins_and_takes_bare_words)
{
    struct reading r = reading_of("{'rank':{'currency':'USD'}}", "rank.currency=EUR");

    CHECK_OK(r.rc, r.err);
    CHECK_STR(r.config->rank.currency, "EUR");
    reading_release(&r);
}

/* ---- old names of options -------------------------------------------------------------------- */

TEST(config__takes_an_option_by_its_older_name)
{
    struct reading r = reading_of("{'http':{'body_memory_bytes':1048576}}", NULL);

    CHECK_OK(r.rc, r.err);
    CHECK_INT(r.config->http.memory_bytes, 1048576);
    CHECK(strstr(printed(r.config), "\"memory_bytes\":1048576"));
    CHECK(!strstr(printed(r.config), "body_memory_bytes"));
    reading_release(&r);
    r = reading_of("{'http':{'memory_bytes':1048576}}", "http.body_memory_bytes=2097152");
    CHECK_OK(r.rc, r.err);
    CHECK_INT(r.config->http.memory_bytes, 2097152); /* --set wins, under either name */
    reading_release(&r);
}

TEST(config__secret_is_read_and_not_printed)
{
    struct reading r;

    write_file("key", "swordfish\n");
    r = reading_of("{'privacy':{'user_key':{'$file':'key'}}}", NULL);
    CHECK_OK(r.rc, r.err);
    CHECK_VIEW(r.config->privacy.user_key.value, "swordfish");
    CHECK(strstr(printed(r.config), "{\"$file\":\"key\"}") != NULL);
    CHECK(strstr(printed(r.config), "swordfish") == NULL);
    reading_release(&r);
}

TEST(config__paths_are_taken_from_the_files_folder)
{
    struct reading r = reading_of("{'catalog':{'path':'ads.jsonl'},'model':{'path':'/m'}}", NULL);
    char want[128];

    CHECK_OK(r.rc, r.err);
    snprintf(want, sizeof(want), "%s/ads.jsonl", folder);
    CHECK_STR(r.config->catalog.path, want);
    CHECK_STR(r.config->model.path, "/m");
    reading_release(&r);
}

TEST(config__print_reads_back_the_same)
{
    struct reading first = reading_of("{'log':{'sample':0.125},'http':{'idle_ms':777}}", NULL);
    struct reading second = reading_of(printed(first.config), NULL);
    struct config_option option;

    CHECK_OK(second.rc, second.err);
    for (int i = 0; option_at(i, &option); i++)
        if (!option_equal(&option, first.config, second.config))
            FAIL("%s.%s differs", option.section, option.row->name);
    reading_release(&first);
    reading_release(&second);
}

TEST(config__diff_lists_live_and_restart_apart)
{
    struct reading old = reading_of("{}", NULL);
    struct reading next = reading_of("{'batch':{'max_queue':9},'http':{'workers':2}}", NULL);
    struct buf text = BUF_INIT;
    struct json_writer w;
    struct err err;

    json_writer_init(&w, &text);
    jw_object_begin(&w);
    CHECK_INT(config_diff(old.config, next.config, &w), 1);
    jw_object_end(&w);
    CHECK_STR(buf_str(&text), "{\"changed\":[{\"pointer\":\"/batch/"
                              "max_queue\",\"old\":256,\"new\":9,\"effect\":\"live\"}],"
                              "\"needs_restart\":[{\"pointer\":\"/http/"
                              "workers\",\"old\":1,\"new\":2,\"effect\":\"restart\"}]}");
    CHECK_OK(config_keep_restart(old.config, next.config, &err), err);
    CHECK_INT(next.config->http.workers, 1);
    CHECK_INT(next.config->batch.max_queue, 9);
    buf_release(&text);
    reading_release(&old);
    reading_release(&next);
}

/* The shipped file names every option, each with its default. */
TEST(config__shipped_file_is_the_table)
{
    struct arena arena;
    struct problems problems;
    struct config *config = NULL;
    struct config_option option;
    struct buf shipped = BUF_INIT;
    struct err err;

    arena_init(&arena, 1024, 0);
    problems_init(&problems, &arena, 8);
    CHECK_OK(
        config_new(&(struct config_args){.file = "config/adrankd.json"}, &problems, &config, &err),
        err);
    CHECK_OK(file_read("config/adrankd.json", 1 << 20, &shipped, &err), err);
    for (int i = 0; option_at(i, &option); i++) {
        const struct option_row *row = option.row;
        char line[256];

        if (row->type == OPTION_SECRET || row->type == OPTION_PATH)
            snprintf(line, sizeof(line), "\"%s\":", row->name);
        else
            snprintf(line, sizeof(line), "\"%s\": %s", row->name, row->fallback);
        if (!strstr(buf_str(&shipped), line))
            FAIL("config/adrankd.json lacks %s", line);
    }
    buf_release(&shipped);
    config_unref(config);
    arena_release(&arena);
}
