/* The samples, and the table of ranked ads. */
#include "tools/demo/sample.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <wchar.h>

#include "client/http_client.h"
#include "impression/request_json.h"

#define HOUR_MS 3600000

#define CANDIDATES                                                                                 \
    "\"candidates\":["                                                                             \
    "{\"adid\":\"kettle\",\"bid\":0.5,\"bid_type\":\"cpc\",\"text\":\"Quiet electric kettle\"},"   \
    "{\"adid\":\"shoes\",\"bid\":0.5,\"bid_type\":\"cpc\",\"text\":\"Lightweight running "         \
    "shoes\"},"                                                                                    \
    "{\"adid\":\"shoes-zh\",\"bid\":0.5,\"bid_type\":\"cpc\",\"text\":\"轻便 越野跑鞋\"},"   \
    "{\"adid\":\"novel\",\"bid\":0.5,\"bid_type\":\"cpc\",\"text\":\"Mystery novel, paperback\"}," \
    "{\"adid\":\"mower\",\"bid\":0.5,\"bid_type\":\"cpc\",\"text\":\"Cordless lawn mower\"},"      \
    "{\"adid\":\"kettle-zh\",\"bid\":0.5,\"bid_type\":\"cpc\",\"text\":\"不锈钢 电水壶\"}]"

#define DEVICE(language_, country_, offset_)                                                       \
    "\"device\":{\"devicetype\":4,\"os\":\"android\",\"language\":\"" language_                    \
    "\",\"geo\":{\"country\":\"" country_ "\",\"utcoffset\":" offset_ "}},"
#define BODY(id_, user_, device_, search_)                                                         \
    "{\"id\":\"" id_ "\",\"tmax\":200,\"user\":{\"id\":\"" user_ "\"}," device_                    \
    "\"site\":{\"domain\":\"news.example\"" search_ "},"                                           \
    "\"imp\":[{\"id\":\"1\",\"tagid\":\"feed\"}],\"rank\":{\"top_n\":6," CANDIDATES "}}"

const struct sample samples[] = {
    {"A shopper who looked at running shoes (behaviour from Redis)",
     BODY("demo-1", "demo-runner", DEVICE("en", "GBR", "0"), "")},
    {"The same in Chinese: a shopper of 跑鞋 (behaviour from Redis)",
     BODY("demo-2", "demo-runner-zh", DEVICE("zh", "CHN", "480"), "")},
    {"The first shopper again, now searching for an electric kettle",
     BODY("demo-3", "demo-runner", DEVICE("en", "GBR", "0"), ",\"search\":\"electric kettle\"")},
};
const int n_samples = (int)(sizeof(samples) / sizeof(samples[0]));

static const struct {
    const char *user;
    enum behaviour_type type;
    const char *text;
    int hours_ago;
} histories[] = {
    {"demo-runner", BEHAVIOUR_VIEW, "Trail running shoes", 50},
    {"demo-runner", BEHAVIOUR_CLICK, "Breathable running tights", 30},
    {"demo-runner", BEHAVIOUR_CART, "Lightweight running shoes for men", 3},
    {"demo-runner-zh", BEHAVIOUR_VIEW, "越野跑鞋 防滑", 40},
    {"demo-runner-zh", BEHAVIOUR_CLICK, "运动短裤 吸汗透气", 20},
    {"demo-runner-zh", BEHAVIOUR_CART, "轻便跑鞋", 2},
};

void sample_histories(struct buf *out, int64_t now_ms)
{
    for (size_t i = 0; i < sizeof(histories) / sizeof(histories[0]); i++) {
        struct behaviour behaviour = {
            .t_ms = now_ms - histories[i].hours_ago * (int64_t)HOUR_MS,
            .type = histories[i].type,
            .text = view_of(histories[i].text),
        };

        behaviour_write_line(out, view_of(histories[i].user), &behaviour);
    }
}

/* Terminal columns of a text: Chinese characters take two. Requires a UTF-8 locale. */
static int columns(const char *text)
{
    wchar_t wide[256];
    size_t n = mbstowcs(wide, text, 256);
    int width = n < 256 ? wcswidth(wide, n) : -1;

    return width >= 0 ? width : (int)strlen(text);
}

/* The ad's text in the request: the answer has only its adid. */
static const char *text_of(const json_t *request, const char *adid)
{
    const json_t *candidates = json_object_get(json_object_get(request, "rank"), "candidates");
    size_t i;
    json_t *candidate;

    json_array_foreach(candidates, i, candidate)
    {
        if (strcmp(json_string_value(json_object_get(candidate, "adid")), adid) == 0)
            return json_string_value(json_object_get(candidate, "text"));
    }
    return "";
}

static void print_table(const json_t *request, const json_t *answer)
{
    const json_t *timing = json_object_get(answer, "timing_us");
    size_t i;
    json_t *result;

    printf("  pos  %-28s  %8s  %8s  source\n", "ad", "pctr", "ecpm");
    json_array_foreach(json_object_get(answer, "results"), i, result)
    {
        const char *text = text_of(request, json_string_value(json_object_get(result, "adid")));

        printf("  %3d  %s%*s  %8.4f  %8.2f  %s\n",
               (int)json_integer_value(json_object_get(result, "pos")), text, 28 - columns(text),
               "", json_number_value(json_object_get(result, "pctr")),
               json_number_value(json_object_get(result, "ecpm")),
               json_string_value(json_object_get(result, "source")));
    }
    printf("  features %.2f ms, queue %.2f ms, inference %.2f ms, total %.2f ms",
           json_number_value(json_object_get(timing, "features")) / 1e3,
           json_number_value(json_object_get(timing, "queue")) / 1e3,
           json_number_value(json_object_get(timing, "infer")) / 1e3,
           json_number_value(json_object_get(timing, "total")) / 1e3);
    json_array_foreach(json_object_get(answer, "degraded"), i, result)
        printf("%s %s", i ? "," : "; degraded:", json_string_value(result));
    printf("\n");
}

int sample_show(const struct sample *sample, const char *address, struct err *err)
{
    struct http_client client;
    struct client_response response;
    json_t *request, *answer;
    int rc = -1;

    if (http_client_init(&client, address, 10000, err))
        return -1;
    if (http_client_call(&client,
                         &(struct http_request){
                             .method = "POST", .target = "/rank", .body = view_of(sample->body)},
                         &response, err))
        goto out;
    if (response.status != 200) {
        err_set(err, ERR_UNAVAILABLE, "/rank answered %d: %.*s", response.status,
                VIEW_ARG(response.body));
        goto out;
    }
    request = json_loads(sample->body, 0, NULL);
    answer = json_loadb(response.body.ptr, response.body.len, 0, NULL);
    printf("\n%s\n", sample->title);
    print_table(request, answer);
    json_decref(request);
    json_decref(answer);
    rc = 0;
out:
    http_client_release(&client);
    return rc;
}

void sample_curl(const struct sample *sample, const char *address)
{
    printf("\nBy hand:\n\ncurl -s http://%s/rank -H 'Content-Type: application/json' -d '%s'\n",
           address, sample->body);
}
