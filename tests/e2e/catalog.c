/* Suspicious catalogs: empty, truncated, shrunken, expired, or with values in the wrong unit. */
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include "tests/e2e/client.h"
#include "tests/e2e/driver.h"
#include "tests/test.h"

static struct driver d;

static const json_t *reload(const char *target, int status)
{
    const struct driver_response *response = driver_call(d.admin, "POST", target, NULL);

    if (response->status != status)
        FAIL("%s: %d %s", target, response->status, response->body);
    return driver_json(response);
}

static json_int_t number_at(const json_t *value, const char *pointer)
{
    return json_integer_value(driver_at(value, pointer));
}

static void put_ads(const char *member, int n)
{
    struct buf catalog AT_END(buf_release) = BUF_INIT;

    for (int i = 0; i < n; i++)
        buf_add_str(&catalog, js("{'adid':'n%d','title':'tea','bid':1%s}\n", i, member));
    driver_write(&d, "catalog.jsonl", buf_str(&catalog));
}

static const char *catalog_path(void)
{
    return js("%s/catalog.jsonl", d.folder);
}

static const json_t *health(void)
{
    return driver_json(driver_call(d.admin, "GET", "/readyz?verbose=1", NULL));
}

static void check_refused(const char *target, const char *why)
{
    const json_t *answer = reload(target, 422);

    CHECK_STR(json_string_value(driver_at(answer, "/code")), "reload_invalid");
    if (!strstr(json_string_value(driver_at(answer, "/detail")), why))
        FAIL("%s, want %s", json_string_value(driver_at(answer, "/detail")), why);
    CHECK_INT(driver_metric(&d, "adrank_config_generation"), 1);
    CHECK_INT(driver_metric(&d, "adrank_catalog_ads"), 10);
    CHECK_INT(json_array_size(driver_at(driver_json(driver_rank(&d, "{}")), "/results")), 3);
}

TEST(catalog__that_is_empty_or_over_its_limit_is_refused)
{
    static const char *const empty[] = {"", "\n", " \r\n\t\n"};
    static const char reason[] = "0 ads, fewer than catalog.min_ads";
    double before_bytes;

    driver_start(&d, &(struct driver_args){0});
    for (int i = 0; i < COUNT(empty); i++) {
        test_row("catalog: empty %d", i);
        driver_write(&d, "catalog.jsonl", empty[i]);
        check_refused("/admin/reload?dry_run=1", reason);
        check_refused("/admin/reload", reason);
        driver_wait_log(&d, "event=reload_failed");
    }
    test_row("a sparse file of 20 GB is not read and takes no memory");
    before_bytes = driver_metric(&d, "process_virtual_memory_bytes");
    CHECK(truncate(catalog_path(), (off_t)20 << 30) == 0);
    check_refused("/admin/reload", "21474836480 bytes, more than catalog.max_bytes (1073741824)");
    CHECK(driver_metric(&d, "process_virtual_memory_bytes") < before_bytes + (256 << 20));

    test_row("at the start");
    driver_start(&d, &(struct driver_args){.catalog = "", .no_wait = true});
    CHECK_INT(driver_wait(&d, 30000), 65);
    CHECK(strstr(driver_log(&d), reason));

    test_row("unless catalog.min_ads is 0");
    driver_start(&d, &(struct driver_args){.catalog = "", .sets = {"catalog.min_ads=0"}});
    CHECK_INT(driver_metric(&d, "adrank_catalog_ads"), 0);
    CHECK_INT(driver_rank(&d, "{}")->status, 200);
}

/* Fewer ads than required; the option is live and also applies to the catalog being served. */
TEST(catalog__has_as_many_ads_as_are_asked_for)
{
    driver_start(&d, &(struct driver_args){.plain = true, .config = driver_config("{}", NULL)});
    driver_write(&d, "config.json", driver_config("{'catalog':{'min_ads':11}}", NULL));
    check_refused("/admin/reload", "10 ads, fewer than catalog.min_ads (11)");
    driver_write(&d, "config.json", driver_config("{'catalog':{'min_ads':10}}", NULL));
    CHECK_INT(number_at(reload("/admin/reload", 200), "/catalog/ads"), 10);
    put_ads("", 9);
    reload("/admin/reload", 422);
    put_ads("", 10);
    reload("/admin/reload", 200);
}

TEST(catalog__that_shrinks_by_more_than_half_is_warned_of)
{
    static const char warning[] = "catalog: 4 ads, fewer than half of the 10 served before";

    driver_start(&d, &(struct driver_args){0});
    put_ads("", 5);
    CHECK(!driver_lists(reload("/admin/reload?dry_run=1", 200), "/warnings", "fewer than half"));
    put_ads("", 4);
    CHECK(driver_lists(reload("/admin/reload?dry_run=1", 200), "/warnings", warning));
    CHECK(!strstr(driver_log(&d), "event=world_warning"));
    CHECK(!driver_lists(reload("/admin/reload", 200), "/warnings", "fewer than half of the 4"));
    driver_wait_log(&d, "event=world_warning warning=\"catalog: 4 ads, fewer than half of the 10");
    CHECK(driver_lists(reload("/admin/reload", 200), "/warnings", warning)); /* still the case */
    put_ads("", 9);
    CHECK(!driver_lists(reload("/admin/reload", 200), "/warnings", "fewer than half"));
}

/* Ads, those that are active, and the age of the file: in the reload's answer, health and metrics.
 */
TEST(catalog__is_counted_everywhere)
{
    const json_t *answer;
    struct timespec hour_ago[2] = {{.tv_sec = time(NULL) - 3600}, {.tv_sec = time(NULL) - 3600}};
    long long turn_ms;

    driver_start(&d, &(struct driver_args){0});
    turn_ms = clock_wall_ms() + 1500;
    driver_write(&d, "catalog.jsonl",
                 js("{'adid':'a','title':'tea','bid':1}\n"
                    "{'adid':'b','title':'tea','bid':1,'end':%lld}\n"
                    "{'adid':'c','title':'tea','bid':1,'end':%lld}\n"
                    "{'adid':'d','title':'tea','bid':1,'status':'paused'}\n"
                    "{'adid':'e','title':'tea','bid':1,'start':%lld}\n",
                    turn_ms, turn_ms, turn_ms + 86400000));
    CHECK(utimensat(AT_FDCWD, catalog_path(), hour_ago, 0) == 0);
    answer = reload("/admin/reload?dry_run=1", 200);
    CHECK_INT(number_at(answer, "/catalog/ads"), 5);
    CHECK_INT(driver_metric(&d, "adrank_catalog_ads"), 10);
    answer = reload("/admin/reload", 200);
    CHECK_INT(number_at(answer, "/catalog/ads"), 5);
    CHECK_INT(number_at(answer, "/catalog/eligible"), 3);
    CHECK(number_at(answer, "/catalog/age_s") >= 3600);
    answer = health();
    CHECK_INT(number_at(answer, "/catalog/ads"), 5);
    CHECK(number_at(answer, "/catalog/age_s") >= 3600);
    CHECK_INT(driver_metric(&d, "adrank_catalog_ads"), 5);
    CHECK(driver_metric(&d, "adrank_catalog_age_seconds") >= 3600);
    WAIT_FOR(clock_wall_ms() > turn_ms);
    CHECK_INT(driver_metric(&d, "adrank_catalog_eligible_ads"), 1);
    CHECK_INT(number_at(health(), "/catalog/eligible"), 1);
    CHECK_INT(number_at(reload("/admin/reload", 200), "/catalog/eligible"), 1);
}

TEST(catalog__with_implausible_values_is_warned_of_by_line)
{
    static const char want[] =
        "catalog: line 2: /end: 1764279600 looks like seconds; unix milliseconds are expected";
    const json_t *answer;

    driver_start(&d,
                 &(struct driver_args){.catalog = js("\n{'adid':'a','title':'tea','bid':1,"
                                                     "'start':1700000000,'end':1764279600}\n")});
    driver_wait_log(&d, want);
    answer = reload("/admin/reload", 200);
    CHECK(driver_lists(answer, "/warnings", want));
    CHECK(driver_lists(answer, "/warnings",
                       "catalog: line 2: /start: 1700000000 looks like seconds"));
    CHECK(driver_lists(answer, "/warnings", "catalog: no ad is active now, of 1"));
    put_ads(",'prior_ctr':1", 30);
    answer = reload("/admin/reload?dry_run=1", 200);
    CHECK(driver_lists(answer, "/warnings", "catalog: line 10: /prior_ctr: 1 is too high"));
    CHECK(!driver_lists(answer, "/warnings", "catalog: line 11: "));
    CHECK(driver_lists(answer, "/warnings", "catalog: /prior_ctr: 20 more lines like these"));
}
