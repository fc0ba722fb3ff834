/* CONTRACT 3, when things go wrong: the backend fails, or there is no time. The device is
 * "failing", which follows a script file, so the test and not a clock decides when waiting requests
 * are answered. */
#include <unistd.h>

#include "tests/e2e/contract.h"
#include "tests/redis.h"

static const char *redis_url; /* NULL: without one */

static void start(struct driver *d, const char *set)
{
    driver_start(
        d, &(struct driver_args){.backend = "failing",
                                 .redis = redis_url,
                                 .sets = {"model.on_device_failure=cpu", "deadline.network_ms=0",
                                          "deadline.min_ms=0", set}});
}

/* a1 has a prior of .02, a2 (CPC .05) of .03, a3 none: the model's base rate. */
#define CANDIDATES "'rank':{'candidates':[{'adid':'a1'},{'adid':'a2'},{'adid':'a3'}]}"

static void check_prior(const json_t *answer)
{
    answer_check_source(answer, "prior");
    CHECK_STR(answer_ads(answer, "1"), "a2 a1 a3");
    CHECK_NEAR(answer_pctr(answer, "1", "a1"), 0.02, 0);
    CHECK_NEAR(answer_pctr(answer, "1", "a2"), 0.03, 0);
    CHECK_NEAR(answer_ecpm(answer, "1", "a2"), 1.5, 1e-9);
    CHECK_NEAR(answer_pctr(answer, "1", "a3"), 0.01, 0);
}

/* ---- the backend fails ----------------------------------------------------------------------- */

/* The processor answers, the request that was on the device too. */
CONTRACT_TEST(backend, failed)
{
    static const char *const words[] = {"submit", "embed", "linear", "attention",
                                        "norm",   "head",  "finish", "query"};

    for (int i = 0; i < COUNT(words); i++) {
        struct driver d;
        json_t *answer;

        test_row("%s fails", words[i]);
        start(&d, NULL);
        contract_good(&d);
        driver_write(&d, "device", words[i]);
        for (int k = 0; k < 3; k++) {
            double before = contract_metric(&d, "degraded_total", "reason", "model");

            answer = contract_rank(&d, "{" CANDIDATES "}");
            CHECK_STR(answer_degraded(answer), "model");
            answer_check_source(answer, "model");
            CHECK_INT(contract_metric(&d, "degraded_total", "reason", "model") - before, 1);
        }
    }
}

/* The numbers are bad, not the device: the next batch runs on it again. */
CONTRACT_TEST(backend, not_finite)
{
    static const char *const words[] = {"nan", "nan_first"};
    struct driver d;

    start(&d, NULL);
    for (int i = 0; i < 2; i++) {
        json_t *answer;

        test_row("%s", words[i]);
        driver_write(&d, "device", words[i]);
        answer = contract_rank(&d, "{" CANDIDATES "}");
        CHECK_STR(answer_degraded(answer), "model");
        check_prior(answer);
        driver_write(&d, "device", "");
        contract_good(&d);
    }
}

/* ---- no time --------------------------------------------------------------------------------- */

/* How on_late answers a late request; code is that of the 503 for "reject". */
enum { PRIOR, EMPTY, REJECT, N_MODES };

static void set_mode(struct driver *d, int mode)
{
    static const char *const modes[] = {"prior", "empty", "reject"};

    test_row("on_late %s", modes[mode]);
    CHECK_INT(driver_reload(d, js("{'deadline':{'on_late':'%s'}}", modes[mode]))->status, 200);
}

static void check_late(int mode, const char *code, const struct driver_response *r)
{
    json_t *answer;

    CHECK_INT(r->status, mode == REJECT ? 503 : 200);
    if (mode == REJECT) {
        CHECK(strstr(r->body, js("'code':'%s'", code)));
        CHECK(strstr(r->head, "\r\nRetry-After: "));
        CHECK(!r->closed);
        return;
    }
    answer = contract_answer(r->body);
    CHECK_STR(answer_degraded(answer), "deadline");
    if (mode == PRIOR)
        check_prior(answer);
    else
        CHECK_INT(json_array_size(json_object_get(answer, "results")), 0);
}

static double late_count(struct driver *d)
{
    return contract_metric(d, "degraded_total", "reason", "deadline");
}

/* The budget is used up before any work is done. */
CONTRACT_TEST(late, nothing_left)
{
    struct driver d;

    start(&d, "deadline.encode_reserve_us=1000");
    for (int i = 0; i < N_MODES; i++) {
        set_mode(&d, i);
        check_late(i, "deadline", driver_rank(&d, js("{'tmax':1," CANDIDATES "}")));
        CHECK_INT(late_count(&d), i + 1);
        contract_good(&d);
    }
}

/* Sends n requests on separate connections, without waiting for their answers. */
static void send_many(struct driver *d, struct http_client *clients, int n)
{
    for (int i = 0; i < n; i++)
        client_open_rank(&clients[i], d->address, js("{'tmax':20000," CANDIDATES "}"));
}

static void take(struct http_client *client, struct driver_response *out)
{
    struct client_response response;
    struct err err;

    CHECK_OK(http_client_receive(client, false, &response, &err), err);
    out->status = response.status;
    out->closed = !response.keep_alive;
    snprintf(out->body, sizeof(out->body), "%.*s", VIEW_ARG(response.body));
    snprintf(out->head, sizeof(out->head), "%.*s", (int)(response.body.ptr - response.bytes),
             response.bytes);
}

static bool is_late(const struct driver_response *r)
{
    return r->status != 200 || strstr(r->body, js("'degraded':['deadline']"));
}

#define SENT 6
#define HELD 3 /* two batches on the device, and batch.max_queue */

/* The device hangs and one request may wait, so the others are refused immediately, long before
 * their deadline, while the first still wait. */
CONTRACT_TEST(late, too_many)
{
    static struct driver_response response;
    struct http_client clients[SENT];
    struct driver d;

    start(&d, "batch.max_queue=1");
    for (int i = 0; i < N_MODES; i++) {
        bool taken[SENT] = {false};
        double before = late_count(&d);
        int n_late = 0;

        set_mode(&d, i);
        driver_write(&d, "device", "hang");
        send_many(&d, clients, SENT);
        for (int k = 0; n_late < SENT - HELD; k = (k + 1) % SENT) {
            if (taken[k] || http_client_wait_end(&clients[k], 1) != HTTP_CLIENT_MORE)
                continue;
            take(&clients[k], &response);
            check_late(i, "overloaded", &response);
            taken[k] = true;
            n_late++;
        }
        driver_write(&d, "device", "");
        for (int k = 0; k < SENT; k++) {
            if (taken[k])
                continue;
            take(&clients[k], &response);
            if (is_late(&response))
                check_late(i, "overloaded", &response);
            else
                answer_check_source(contract_answer(response.body), "model");
            n_late += is_late(&response);
        }
        CHECK(n_late < SENT);
        CHECK_INT(late_count(&d) - before, n_late);
        for (int k = 0; k < SENT; k++)
            contract_end(&d, &clients[k], false);
    }
}

/* How many histories were requested from Redis. */
static int reads(const struct redis *redis)
{
    static const char stat[] = "cmdstat_lrange:calls=";
    const char *calls = strstr(redis_say(redis, "INFO commandstats"), stat);

    return calls ? atoi(calls + strlen(stat)) : 0;
}

/* The device hangs: sends requests one by one until one stays in the queue. Returns how many. */
static int fill_queue(struct driver *d, struct http_client *clients)
{
    int n = 0, stays = 0;

    for (int i = 0; stays < 30; i++, usleep(1000)) {
        if (i % 100 == 0) {
            CHECK(n < SENT);
            send_many(d, &clients[n++], 1);
        }
        stays = driver_metric(d, "adrank_queue_depth") >= 1 ? stays + 1 : 0;
    }
    return n;
}

/* A request that would find the queue full is answered before any cost: Redis is not queried. */
CONTRACT_TEST(late, full_queue)
{
    static const char of_user[] = "{'tmax':20000,'user':{'id':'u1'}," CANDIDATES "}";
    static struct driver_response response;
    struct http_client clients[SENT];
    struct redis redis;
    struct driver d;

    redis_start(&redis, NULL);
    redis_url = redis.url;
    start(&d, "batch.max_queue=1");
    redis_url = NULL;
    for (int i = 0; i < N_MODES; i++) {
        int n, before;

        set_mode(&d, i);
        before = reads(&redis);
        answer_check_source(contract_rank(&d, "%s", js(of_user)), "model");
        CHECK_INT(reads(&redis), before + 1);
        driver_write(&d, "device", "hang");
        n = fill_queue(&d, clients);
        check_late(i, "overloaded", driver_rank(&d, js(of_user)));
        CHECK_INT(reads(&redis), before + 1);
        driver_write(&d, "device", "");
        for (int k = 0; k < n; k++)
            take(&clients[k], &response);
        for (int k = 0; k < n; k++)
            contract_end(&d, &clients[k], false);
        contract_rank(&d, "%s", js(of_user));
        CHECK_INT(reads(&redis), before + 2);
    }
    driver_end(&d);
    redis_stop(&redis);
}

/* Eight contexts, of which the device and the queue take three at most. With `prior` the others are
 * scored by their priors; with other modes they immediately get the answer of a late request. */
CONTRACT_TEST(late, some_contexts)
{
    static struct driver_response response;
    struct driver d;

    start(&d, "batch.max_queue=1");
    for (int i = 0; i < N_MODES; i++) {
        const char *imps = js_list(8, "{'id':'#','tagid':'t#'}");
        struct http_client client;
        int n_model = 0;

        set_mode(&d, i);
        driver_write(&d, "device", "hang");
        client_open(&client, d.address);
        client_send(&client, client_post(js("{'tmax':20000,'imp':[%s]," CANDIDATES "}", imps), ""));
        if (i == PRIOR) {
            const json_t *result;
            size_t at;

            CHECK_INT(http_client_wait_end(&client, 100), HTTP_CLIENT_OPEN);
            driver_write(&d, "device", "");
            take(&client, &response);
            CHECK_STR(answer_degraded(contract_answer(response.body)), "deadline");
            json_array_foreach(json_object_get(contract_answer(response.body), "results"), at,
                               result)
            {
                n_model +=
                    strcmp(json_string_value(json_object_get(result, "source")), "model") == 0;
            }
            CHECK(n_model >= 3 && n_model <= 9); /* of 24: three ads each */
        } else {
            take(&client, &response);
            check_late(i, "overloaded", &response);
            driver_write(&d, "device", "");
        }
        while (driver_metric(&d, "adrank_queue_depth") > 0) /* abandoned work is still queued */
            ;
        CHECK_INT(late_count(&d), i + 1);
        contract_end(&d, &client, false);
    }
}

/* The device is busy for longer than the new request can wait: the gate refuses it immediately,
 * without a timer. */
CONTRACT_TEST(late, refused_early)
{
    static struct driver_response response;
    struct http_client client;
    struct driver d;

    start(&d, NULL);
    for (int i = 0; i < N_MODES; i++) {
        set_mode(&d, i);
        driver_write(&d, "device", "hang");
        send_many(&d, &client, 1);
        CHECK_INT(http_client_wait_end(&client, 800), HTTP_CLIENT_OPEN);
        check_late(i, "overloaded", driver_rank(&d, js("{'tmax':200," CANDIDATES "}")));
        CHECK_INT(http_client_wait_end(&client, 0), HTTP_CLIENT_OPEN);
        driver_write(&d, "device", "");
        take(&client, &response);
        answer_check_source(contract_answer(response.body), "model");
        contract_end(&d, &client, false);
    }
}

/* Admitted by an idle device that then hangs: answered encode_reserve_us before the
 * deadline, while the batch still runs. */
CONTRACT_TEST(late, at_the_reserve)
{
    struct driver d;

    start(&d, "deadline.encode_reserve_us=100000");
    for (int i = 0; i < N_MODES; i++) {
        struct driver_response *r;

        set_mode(&d, i);
        driver_write(&d, "device", "hang");
        r = driver_rank(&d, js("{'tmax':400," CANDIDATES "}"));
        check_late(i, "deadline", r);
        if (r->status == 200) {
            int total_us = answer_timing(contract_answer(r->body), "total");

            CHECK(total_us >= 300000);
            if (total_us < 400000) /* or this machine was busy for 100 ms */
                CHECK_INT(driver_metric(&d, "adrank_late_total"), 0);
        }
        CHECK_INT(late_count(&d), i + 1);
        driver_write(&d, "device", "");
        contract_good(&d);
    }
}
