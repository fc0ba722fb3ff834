/* The daemon that the contract's tests share, and checks of its answers. */
#include "tests/e2e/contract.h"

struct driver *shared(void)
{
    static struct driver daemon_;

    if (!daemon_.pid)
        driver_start(&daemon_, &(struct driver_args){.kept = true, .sets = {"log.sample=1"}});
    return &daemon_;
}

json_t *in_context(const char *members)
{
    return contract_rank(shared(), "{'rank':{'candidates':[{'adid':'a1'},{'adid':'a3'}]}%s}",
                         members);
}

/* ---- bytes ----------------------------------------------------------------------------------- */

/* type, title, status, code, request_id as RFC 9457 and the contract specify them. */
static void check_problem(const struct client_response *response, const struct contract_want *want)
{
    json_t *problem = json_loadb(response->body.ptr, response->body.len, 0, NULL);
    struct view id = http_response_header(response, "X-Request-Id");
    const char *code, *type;

    CHECK(problem);
    code = json_string_value(json_object_get(problem, "code"));
    type = json_string_value(json_object_get(problem, "type"));
    CHECK(code && type);
    CHECK_STR(code, want->code);
    CHECK_STR(type, js("urn:adrank:problem:%s", code));
    CHECK(json_string_length(json_object_get(problem, "title")) > 0);
    CHECK_INT(json_integer_value(json_object_get(problem, "status")), want->status);
    CHECK_VIEW(id, json_string_value(json_object_get(problem, "request_id")));
    CHECK_VIEW(http_response_header(response, "Content-Type"), "application/problem+json");
    if (want->status == 503)
        CHECK(http_response_header(response, "Retry-After").len > 0);
    json_decref(problem);
}

static void check_header(const struct client_response *response, const char *line)
{
    const char *colon = strchr(line, ':');
    char name[64];

    CHECK(colon);
    snprintf(name, sizeof(name), "%.*s", (int)(colon - line), line);
    CHECK_VIEW(http_response_header(response, name), colon + 2);
}

const char *contract_receive(struct http_client *client, const struct contract_want *want)
{
    struct client_response response;
    const char *body;
    struct err err;

    CHECK_OK(http_client_receive(client, false, &response, &err), err);
    if (response.status != want->status)
        FAIL("status %d, want %d: %.*s", response.status, want->status, VIEW_ARG(response.body));
    CHECK_INT(response.keep_alive, !want->closed);
    if (want->code)
        check_problem(&response, want);
    if (want->header)
        check_header(&response, want->header);
    body = client_text(response.body);
    if (!want->code)
        contract_answer(body);
    return body;
}

void contract_end(struct driver *d, struct http_client *client, bool closed)
{
    if (closed) {
        CHECK_INT(http_client_wait_end(client, 10000), HTTP_CLIENT_CLOSED);
        contract_good(d);
    } else {
        contract_good_on(client);
    }
    http_client_release(client);
}

const char *contract_expect(struct driver *d, struct view bytes, const struct contract_want *want)
{
    struct http_client client;
    const char *body;

    client_open(&client, d->address);
    client_send(&client, bytes);
    body = contract_receive(&client, want);
    contract_end(d, &client, want->closed);
    return body;
}

/* Its ads have CPM bids, so their order is known; the scores equal those of the very first answer.
 */
void contract_good_on(struct http_client *client)
{
    static double known[2];
    const char *body = js("{'id':'good','imp':[{'id':'1','bidfloor':0.1}],"
                          "'rank':{'top_n':2,'candidates':[{'adid':'a3'},{'adid':'a1'}]}}");
    struct view bytes = client_post(body, "");
    json_t *answer;

    client_send(client, bytes);
    answer = contract_answer(contract_receive(client, CONTRACT_OK));
    CHECK_STR(json_string_value(json_object_get(answer, "id")), "good");
    CHECK_STR(answer_ads(answer, "1"), "a1 a3");
    CHECK_STR(answer_degraded(answer), "");
    answer_check_source(answer, "model");
    if (known[0] == 0) {
        known[0] = answer_pctr(answer, "1", "a1");
        known[1] = answer_pctr(answer, "1", "a3");
    }
    CHECK_NEAR(answer_pctr(answer, "1", "a1"), known[0], 0);
    CHECK_NEAR(answer_pctr(answer, "1", "a3"), known[1], 0);
}

void contract_good(struct driver *d)
{
    struct http_client client;

    client_open(&client, d->address);
    contract_good_on(&client);
    http_client_release(&client);
}

/* ---- metrics --------------------------------------------------------------------------------- */

double contract_metric(struct driver *d, const char *name, const char *label, const char *value)
{
    double sample = driver_metric(d, js("adrank_%s{%s='%s'}", name, label, value));

    return sample < 0 ? 0 : sample;
}
