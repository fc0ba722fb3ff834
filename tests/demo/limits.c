/*
 * Limits of the demo's committed model: small enough for the repository, and close to the best that
 * any model can do on adrank-sim's shoppers. The world is that of training, its shoppers (and the
 * items of "eval") are not.
 */
#include "tests/e2e/driver.h"
#include "tests/e2e/shell.h"
#include "tests/test.h"
#include "tools/sim/auc.h"
#include "tools/sim/visit.h"

#define MODEL "config/demo/model"

enum { MAX_BYTES = 4000000, MAX_VOCABULARY = 8000, VISITS = 2000, MAX_LINE = 1 << 16 };

/* ---- size ------------------------------------------------------------------------------------ */

/* The number printed by a shell command. */
static long count(const char *command)
{
    struct buf out AT_END(buf_release) = BUF_INIT;

    CHECK_INT(shell(&out, "%s", command), 0);
    return atol(buf_str(&out));
}

TEST(limits__model_is_at_most_4_mb)
{
    CHECK_INT(count("ls -A " MODEL " | wc -l"), 5);
    CHECK(count("cat " MODEL "/* | wc -c") <= MAX_BYTES);
}

TEST(limits__vocabulary_has_at_most_8000_entries)
{
    json_t *config = json_load_file(MODEL "/config.json", 0, NULL);
    long n = count("wc -l <" MODEL "/vocab.txt");

    CHECK(n > 1000 && n <= MAX_VOCABULARY);
    CHECK_INT(json_integer_value(json_object_get(config, "vocab_size")), n);
    json_decref(config);
}

/* ---- quality --------------------------------------------------------------------------------- */

static FILE *open_lines(const char *folder, const char *name, const char *part)
{
    char path[256];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s.%s.jsonl", folder, name, part);
    file = fopen(path, "r");
    CHECK(file);
    return file;
}

static json_t *next_line(FILE *file)
{
    static char line[MAX_LINE];
    json_t *doc;

    CHECK(fgets(line, sizeof(line), file));
    doc = json_loads(line, 0, NULL);
    CHECK(doc);
    return doc;
}

/* Lines of the log as input of adrank-model: the request at the time when its ads were shown. */
static void write_requests(const char *folder, const char *part, const char *path)
{
    FILE *log = open_lines(folder, "clicks", part), *out = fopen(path, "w");

    CHECK(out);
    for (int i = 0; i < VISITS; i++) {
        json_t *line = next_line(log);
        const json_t *shown = json_array_get(json_object_get(line, "shown"), 0);
        json_t *sent = json_pack("{s:O,s:O}", "now_ms", json_object_get(shown, "t"), "request",
                                 json_object_get(line, "request"));
        CHECK(sent && json_dumpf(sent, out, JSON_COMPACT) == 0);
        fputc('\n', out);
        json_decref(sent);
        json_decref(line);
    }
    CHECK(fclose(out) == 0);
    fclose(log);
}

static void read_scores(FILE *from, struct sim_scored *rows)
{
    for (int i = 0; i < VISITS; i++) {
        json_t *line = next_line(from);
        const json_t *scores = json_object_get(line, "scores");
        CHECK_INT(json_array_size(scores), SIM_SHOWN);
        for (size_t k = 0; k < SIM_SHOWN; k++) {
            const json_t *logit = json_object_get(json_array_get(scores, k), "logit");
            CHECK(json_is_number(logit));
            rows[(size_t)i * SIM_SHOWN + k].score = json_number_value(logit);
        }
        json_decref(line);
    }
}

static void score(const char *folder, const char *part, struct sim_scored *rows)
{
    char path[128], command[8192];
    FILE *from;

    snprintf(path, sizeof(path), "%s/requests.%s.jsonl", folder, part);
    write_requests(folder, part, path);
    snprintf(command, sizeof(command), "'%s' score " MODEL " <%s",
             driver_build_path("bin/adrank-model"), path);
    from = popen(command, "r");
    CHECK(from);
    read_scores(from, rows);
    CHECK_INT(pclose(from), 0);
}

static void read_truth(const char *folder, const char *part, struct sim_scored *rows)
{
    FILE *file = open_lines(folder, "truth", part);

    for (int i = 0; i < VISITS; i++) {
        json_t *line = next_line(file);
        CHECK_INT(json_array_size(line), SIM_SHOWN);
        for (size_t k = 0; k < SIM_SHOWN; k++)
            rows[(size_t)i * SIM_SHOWN + k].p = json_number_value(json_array_get(line, k));
        json_decref(line);
    }
    fclose(file);
}

/* Percentage of the way from 0.5 to the best reachable AUC. Both AUCs use the known probabilities
 * instead of drawn clicks, which leaves only the choice of visits to chance. */
static double share_of(const char *folder, const char *part)
{
    size_t n = (size_t)VISITS * SIM_SHOWN;
    struct sim_scored *rows = calloc(n, sizeof(*rows));
    double got, best;

    CHECK(rows);
    read_truth(folder, part, rows);
    score(folder, part, rows);
    got = sim_auc(rows, n);
    for (size_t i = 0; i < n; i++)
        rows[i].score = rows[i].p;
    best = sim_auc(rows, n);
    free(rows);
    printf("     %s: AUC %.4f, best reachable %.4f: %.1f %% of the way\n", part, got, best,
           100 * (got - 0.5) / (best - 0.5));
    CHECK(best > 0.75 && best < 0.9);
    return 100 * (got - 0.5) / (best - 0.5);
}

/* Over eight samples of 1,000 visits the share (92 for new items) had a standard deviation of 0.3,
 * which is some 0.2 for 2,000: the limit needs no slack for chance, and the seed is fixed. */
TEST(limits__model_goes_nine_tenths_of_the_way)
{
    static const char *const parts[] = {"eval", "warm"};
    const char *folder = shell_folder();

    CHECK_INT(shell(NULL,
                    "'%s' world --seed 1 --out %s --train 0 --calib 0 --eval %d --warm %d "
                    "--replay 0",
                    driver_build_path("bin/adrank-sim"), folder, VISITS, VISITS),
              0);
    for (size_t i = 0; i < 2; i++) {
        test_row("%s", parts[i]);
        CHECK(share_of(folder, parts[i]) >= 90);
    }
}
