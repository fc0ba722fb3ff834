/* log.impressions: the trainer's format, without user ids, across rotation and outages. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "tests/e2e/client.h"
#include "tests/e2e/driver.h"
#include "tests/redis.h"
#include "tests/test.h"

#define ONE_AD "{'rank':{'candidates':[{'adid':'a1'}]}}"
#define SECRET_USER "user-that-nobody-may-read"
#define SECRET_BUYER "buyer-that-nobody-may-read"

static struct driver d;

static const char *path_of(const char *name)
{
    return js("%s/%s", d.folder, name);
}

static const char *text_of(const char *name)
{
    static struct buf text;
    struct err err;

    return file_read(path_of(name), 1 << 26, &text, &err) ? "" : buf_str(&text);
}

static int lines_of(const char *name)
{
    int n = 0;

    for (const char *at = text_of(name); (at = strchr(at, '\n')); at++)
        n++;
    return n;
}

static void wait_lines(const char *name, int n)
{
    WAIT_FOR(lines_of(name) >= n);
    CHECK_INT(lines_of(name), n);
}

static void rank(int n)
{
    for (int i = 0; i < n; i++)
        CHECK_INT(driver_rank(&d, js(ONE_AD))->status, 200);
}

static double pctr_of(const json_t *ads, const char *impid, const char *adid)
{
    for (size_t i = 0; i < json_array_size(ads); i++) {
        const json_t *ad = json_array_get(ads, i);

        if (strcmp(json_string_value(driver_at(ad, "/adid")), adid) == 0 &&
            strcmp(json_string_value(driver_at(ad, "/impid")), impid) == 0)
            return json_number_value(driver_at(ad, "/pctr"));
    }
    FAIL("no %s for %s", adid, impid);
}

static json_t *line_of(const char *name, int number)
{
    const char *at = text_of(name);
    json_t *line;

    for (int i = 1; i < number; i++)
        at = strchr(at, '\n') + 1;
    line = json_loads(at, JSON_DISABLE_EOF_CHECK | JSON_REJECT_DUPLICATES, NULL);
    if (!line)
        FAIL("not JSON: %.500s", at);
    return line;
}

/* The trainer's format: a request that /rank accepts, and what was shown. */
static void check_form(const json_t *line, const json_t *answer)
{
    const json_t *shown = driver_at(line, "/shown"), *results = driver_at(answer, "/results");

    CHECK(json_is_object(driver_at(line, "/request")));
    CHECK(json_is_array(driver_at(line, "/request/rank/behaviour")));
    CHECK(json_is_array(driver_at(line, "/request/rank/candidates")));
    CHECK(json_integer_value(driver_at(line, "/t")) > 1700000000000);
    CHECK_INT(strlen(json_string_value(driver_at(line, "/catalog_digest"))),
              strlen(json_string_value(driver_at(line, "/model_digest"))));
    CHECK_STR(json_string_value(driver_at(line, "/model_digest")),
              json_string_value(driver_at(answer, "/model_digest")));
    CHECK_INT(json_array_size(shown), json_array_size(results));
    for (size_t i = 0; i < json_array_size(results); i++) {
        const json_t *a = json_array_get(shown, i), *b = json_array_get(results, i);

        CHECK_STR(json_string_value(driver_at(a, "/adid")),
                  json_string_value(driver_at(b, "/adid")));
        CHECK_INT(json_integer_value(driver_at(a, "/pos")),
                  json_integer_value(driver_at(b, "/pos")));
        CHECK(json_is_integer(driver_at(a, "/t")));
    }
}

/* The line's request, sent again without a user, gets the same scores. */
static void check_same_again(const json_t *line)
{
    char *body = json_dumps(driver_at(line, "/request"), 0);
    const json_t *answer = driver_json(driver_rank(&d, body));
    const json_t *shown = driver_at(line, "/shown");

    CHECK(json_array_size(shown) > 0);
    for (size_t i = 0; i < json_array_size(shown); i++) {
        const char *adid = json_string_value(driver_at(json_array_get(shown, i), "/adid"));
        const char *impid = json_string_value(driver_at(json_array_get(shown, i), "/impid"));

        CHECK(pctr_of(shown, impid, adid) == pctr_of(driver_at(answer, "/results"), impid, adid));
    }
    free(body);
}

static const char *const bodies[] = {
    "{'id':'r-1','tmax':9000,'user':{'id':'" SECRET_USER "'},"
    "'device':{'devicetype':4,'os':'android','language':'en',"
    "'geo':{'country':'DEU','city':'BER','utcoffset':60}},"
    "'site':{'domain':'shop.example','cat':['IAB22'],'search':'trail shoes'},"
    "'imp':[{'id':'1','tagid':'home-top','bidfloor':0.01}],"
    "'rank':{'top_n':4,"
    "'behaviour':[{'t':1790000002000,'type':'search','text':'tea \\'pot\\''}],"
    "'candidates':[{'adid':'a1','bid':1.2},{'adid':'a3'},{'adid':'a4'},"
    "{'adid':'x','bid':0.8,'text':'防水 jacket'}]}}",
    "{'user':{'id':'someone','buyeruid':'" SECRET_BUYER "'},"
    "'app':{'bundle':'com.x','keywords':'kettle'},'imp':[{'id':'a'},{'id':'b','tagid':'side'}]}",
    "{'user':{'id':'" SECRET_USER "'},'regs':{'gdpr':1},"
    "'rank':{'candidates':[{'adid':'a1'},{'adid':'gone'}]}}",
    ONE_AD,
};

TEST(impressions__are_the_trainers_and_read_back)
{
    json_t *answers[COUNT(bodies)], *line;
    struct redis redis AT_END(redis_stop);

    redis_start(&redis, NULL);
    driver_start(&d,
                 &(struct driver_args){.redis = redis.url,
                                       .sets = {"log.impressions=impressions", "log.sample=1"}});
    driver_history(&d, redis.url, "put",
                   "{'user':'" SECRET_USER "','t':1790000000000,'type':'click','item':'i1'}\n"
                   "{'user':'" SECRET_BUYER "','t':1790000000000,'type':'click','item':'i1'}\n");
    WAIT_FOR(driver_metric(&d, "adrank_redis_up") == 1);
    for (int i = 0; i < COUNT(bodies); i++) {
        answers[i] = json_deep_copy(driver_json(driver_rank(&d, js("%s", bodies[i]))));
        wait_lines("impressions", i + 1);
    }
    CHECK(!strstr(text_of("impressions"), "nobody-may-read"));
    CHECK(!strstr(driver_log(&d), "nobody-may-read"));
    for (int i = 0; i < COUNT(bodies); i++) {
        line = line_of("impressions", i + 1);
        check_form(line, answers[i]);
        check_same_again(line);
        json_decref(line);
        json_decref(answers[i]);
    }
    line = line_of("impressions", 1);
    /* Merged, oldest first, with the catalog's text; the user is the beginning of <pid>. */
    CHECK_INT(json_array_size(driver_at(line, "/request/rank/behaviour")), 2);
    CHECK_STR(json_string_value(driver_at(line, "/request/rank/behaviour/0/text")),
              "trail running shoes");
    CHECK_INT(strlen(json_string_value(driver_at(line, "/user"))), 12);
    CHECK(strstr(driver_log(&d), json_string_value(driver_at(line, "/user"))));
    json_decref(line);
}

/* logrotate's way: the file is moved, then HUP or a reload opens a new one. Nothing is lost
 * between. */
TEST(impressions__rotate_by_reload)
{
    const struct driver_response *response;

    driver_start(&d, &(struct driver_args){.sets = {"log.impressions=impressions"}});
    rank(3);
    wait_lines("impressions", 3);
    CHECK(rename(path_of("impressions"), path_of("impressions.1")) == 0);
    rank(1);
    wait_lines("impressions.1", 4);
    response = driver_call(d.admin, "POST", "/admin/reload", NULL);
    CHECK_INT(response->status, 200);
    CHECK(strstr(response->body, "\"unchanged\""));
    rank(2);
    wait_lines("impressions", 2);
    CHECK_INT(lines_of("impressions.1"), 4);
}

/* The shipped logrotate file with another path and process to HUP; it uses no copytruncate. */
static void write_rotation(void)
{
    struct buf shipped AT_END(buf_release) = BUF_INIT, ours = BUF_INIT;
    const char *path, *command, *end;
    struct err err;

    CHECK_OK(file_read("config/logrotate", 1 << 16, &shipped, &err), err);
    path = strstr(buf_str(&shipped), "\n/var/log/adrank/impressions.jsonl {");
    command = strstr(buf_str(&shipped), "systemctl try-reload-or-restart adrankd.service\n");
    CHECK(path && command);
    end = strchr(command, '\n');
    path = strchr(path, '{');
    buf_printf(&ours, "%s/impressions %.*skill -HUP %d%s", d.folder, (int)(command - path), path,
               (int)d.pid, end);
    driver_write(&d, "logrotate.conf", buf_str(&ours));
    buf_release(&ours);
}

#define ROTATED 200

TEST(impressions__rotate_by_logrotate_and_lose_nothing)
{
    char command[512];
    pid_t client;
    int status;

    if (system("PATH=$PATH:/usr/sbin command -v logrotate >/dev/null"))
        SKIP("no logrotate");
    driver_start(&d, &(struct driver_args){.sets = {"log.impressions=impressions"}});
    write_rotation();
    wait_lines("impressions", 0);
    client = fork();
    CHECK(client != -1);
    if (client == 0) {
        for (int i = 0; i < ROTATED; i++)
            if (driver_rank(&d, js(ONE_AD))->status != 200)
                _exit(1);
        _exit(0);
    }
    while (lines_of("impressions") < 10)
        usleep(1000);
    snprintf(command, sizeof(command),
             "PATH=$PATH:/usr/sbin logrotate -f -s '%s/state' '%s/logrotate.conf'", d.folder,
             d.folder);
    CHECK_INT(system(command), 0);
    driver_wait_log(&d, "event=reload status=unchanged");
    CHECK(waitpid(client, &status, 0) == client && status == 0);
    rank(5);
    WAIT_FOR(lines_of("impressions.1") + lines_of("impressions") >= ROTATED + 5);
    CHECK_INT(lines_of("impressions.1") + lines_of("impressions"), ROTATED + 5);
    CHECK(lines_of("impressions") >= 5);
    CHECK_INT(driver_metric(&d, "adrank_log_impressions_failed_total"), 0);
}

/* Makes log.impressions a symlink, such as to /dev/full. */
static void link_impressions(const char *to)
{
    unlink(path_of("impressions"));
    CHECK(symlink(to, path_of("impressions")) == 0);
}

static void rank_and_wait(const char *text, int n)
{
    WAIT_FOR((rank(1), driver_logged(&d, text) >= n));
}

/* One event with the error and one at recovery, however many lines fail. */
TEST(impressions__that_fail_are_two_events)
{
    double lost;

    driver_start(&d, &(struct driver_args){0});
    link_impressions("/dev/full");
    CHECK_INT(driver_reload(&d, js("{'log':{'impressions':'impressions'}}"))->status, 200);
    rank_and_wait("event=impressions_failed error=\"No space left on device\"", 1);
    rank(10);
    while ((lost = driver_metric(&d, "adrank_log_impressions_failed_total")) < 11)
        usleep(2000);
    link_impressions("impressions.2");
    CHECK_INT(driver_reload(&d, NULL)->status, 200);
    rank_and_wait("event=impressions_recovered", 1);
    CHECK_INT(driver_logged(&d, "event=impressions_failed"), 1);
    CHECK(strstr(strstr(driver_log(&d), "event=impressions_recovered"), " lost="));
    CHECK(driver_metric(&d, "adrank_log_dropped_total") == lost);
    CHECK(lines_of("impressions.2") > 0);
}

/* A file at its size limit does not kill the daemon; a removed one is noticed. */
TEST(impressions__outlive_a_limit_and_a_removal)
{
    const struct rlimit small = {4096, RLIM_INFINITY}, none = {RLIM_INFINITY, RLIM_INFINITY};

    driver_start(&d, &(struct driver_args){.sets = {"log.impressions=impressions"}});
    CHECK(prlimit(d.pid, RLIMIT_FSIZE, &small, NULL) == 0);
    rank_and_wait("event=impressions_failed error=\"File too large\"", 1);
    CHECK(prlimit(d.pid, RLIMIT_FSIZE, &none, NULL) == 0);
    rank_and_wait("event=impressions_recovered", 1);
    CHECK(unlink(path_of("impressions")) == 0);
    rank_and_wait("event=impressions_failed error=\"the file was removed", 1);
    CHECK_INT(driver_reload(&d, NULL)->status, 200);
    rank_and_wait("event=impressions_recovered", 2);
    CHECK(lines_of("impressions") > 0);
}
