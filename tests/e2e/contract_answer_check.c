/* Checks answers, parsed by jansson. */

#include "tests/e2e/contract.h"

#define RING 24
#define DIGITS 2e-8 /* nine digits are written */

static json_t *ring[RING];

__attribute__((destructor)) static void release_all(void)
{
    for (int i = 0; i < RING; i++)
        json_decref(ring[i]);
}

static bool one_of(const char *name, const char *names)
{
    size_t len = strlen(name);

    for (const char *at = names; (at = strstr(at, name)); at += len)
        if ((at == names || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
            return len > 0;
    return false;
}

/* Exactly these members if all is true, else a subset of them. */
static void check_members(const json_t *object, const char *names, bool all)
{
    const char *key;
    json_t *value;
    size_t n = 1;

    CHECK(json_is_object(object));
    for (const char *c = names; *c; c++)
        n += *c == ' ';
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        if (!one_of(key, names))
            FAIL("unexpected member \"%s\"", key);
    }
    if (all)
        CHECK_INT(json_object_size(object), n);
}

static double number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    if (!json_is_number(value) || !isfinite(json_number_value(value)))
        FAIL("%s is not a finite number", key);
    return json_number_value(value);
}

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));

    if (!value)
        FAIL("%s is not a string", key);
    return value;
}

static void check_strings(const json_t *object, const char *key)
{
    const json_t *list = json_object_get(object, key);
    const json_t *item;
    size_t i;

    CHECK(!list || (json_is_array(list) && json_array_size(list) > 0));
    json_array_foreach(list, i, item)
    {
        CHECK(json_is_string(item));
    }
}

/* ecpm = bid (cpm), 1000 x pctr x bid (cpc). */
static void check_result(const json_t *result)
{
    double pctr = number(result, "pctr"), bid = number(result, "bid"), want = bid;
    const char *type = text(result, "bid_type");

    check_members(result, "impid pos adid crid cid seat adomain cat pctr bid bid_type ecpm source",
                  false);
    CHECK(pctr >= 1e-7 && pctr <= 1 - 1e-7);
    CHECK(bid >= 0);
    CHECK(one_of(type, "cpm cpc"));
    if (strcmp(type, "cpc") == 0)
        want = 1000 * pctr * bid;
    CHECK_NEAR(number(result, "ecpm"), want, want * DIGITS);
    CHECK(one_of(text(result, "source"), "model prior"));
    check_strings(result, "adomain");
    check_strings(result, "cat");
    for (const char *const *key = (const char *const[]){"crid", "cid", "seat", NULL}; *key; key++)
        CHECK(!json_object_get(result, *key) || json_is_string(json_object_get(result, *key)));
}

/* The results of an imp are adjacent; within one, positions count from 1, by ecpm, then adid. */
static void check_order(const json_t *results)
{
    const json_t *result, *before = NULL;
    size_t i;

    json_array_foreach(results, i, result)
    {
        bool same = before && strcmp(text(before, "impid"), text(result, "impid")) == 0;

        check_result(result);
        CHECK_INT(number(result, "pos"), same ? (int)number(before, "pos") + 1 : 1);
        for (size_t k = 0; k < i; k++) {
            const json_t *other = json_array_get(results, k);

            if (strcmp(text(other, "impid"), text(result, "impid")) != 0)
                continue;
            CHECK(same);
            CHECK(strcmp(text(other, "adid"), text(result, "adid")) != 0);
        }
        if (same)
            CHECK(number(before, "ecpm") >= number(result, "ecpm") * (1 - DIGITS));
        if (same && number(before, "ecpm") == number(result, "ecpm") &&
            strcmp(text(result, "bid_type"), "cpm") == 0 &&
            strcmp(text(before, "bid_type"), "cpm") == 0)
            CHECK(strcmp(text(before, "adid"), text(result, "adid")) < 0);
        before = result;
    }
}

static void check_counts(const json_t *answer)
{
    static const char stages[] = "parse features queue infer rank total";
    const json_t *timing = json_object_get(answer, "timing_us");
    const json_t *filtered = json_object_get(answer, "filtered");
    const json_t *degraded = json_object_get(answer, "degraded");
    const json_t *value;
    const char *key;
    size_t i;

    check_members(filtered, "unknown inactive duplicate floor blocked currency no_bid no_cvr",
                  false);
    json_object_foreach((json_t *)(uintptr_t)filtered, key, value)
    {
        CHECK(json_integer_value(value) > 0);
    }
    CHECK(json_is_array(degraded));
    json_array_foreach(degraded, i, value)
    {
        CHECK(json_is_string(value));
        CHECK(one_of(json_string_value(value),
                     "features privacy candidates truncated model deadline"));
        for (size_t k = 0; k < i; k++)
            CHECK(!json_equal(json_array_get(degraded, k), value));
    }
    check_members(timing, stages, true);
    json_object_foreach((json_t *)(uintptr_t)timing, key, value)
    {
        CHECK(json_is_integer(value) && json_integer_value(value) >= 0);
        if (json_integer_value(value) > json_integer_value(json_object_get(timing, "total")))
            FAIL("%s took longer than the total: %s", key, json_dumps(timing, 0));
    }
}

json_t *contract_answer(const char *body)
{
    static int turn;
    json_error_t error;
    json_t *answer = json_loads(body, JSON_REJECT_DUPLICATES, &error);

    if (!answer)
        FAIL("the answer is not JSON: %s", error.text);
    json_decref(ring[turn % RING]);
    ring[turn++ % RING] = answer;
    check_members(answer,
                  "id model model_version model_digest generation cur results filtered degraded "
                  "timing_us",
                  true);
    CHECK(text(answer, "id")[0] && text(answer, "model")[0] && text(answer, "model_version")[0]);
    CHECK_INT(strspn(text(answer, "model_digest"), "0123456789abcdef"), 12);
    CHECK_INT(strlen(text(answer, "model_digest")), 12);
    CHECK(number(answer, "generation") >= 1);
    CHECK(text(answer, "cur")[0]);
    CHECK(json_is_array(json_object_get(answer, "results")));
    check_order(json_object_get(answer, "results"));
    check_counts(answer);
    return answer;
}

json_t *contract_rank(struct driver *d, const char *fmt, ...)
{
    struct driver_response *response;
    va_list ap;

    va_start(ap, fmt);
    response = driver_rank(d, vjs(fmt, ap));
    va_end(ap);
    if (response->status != 200)
        FAIL("status %d: %s", response->status, response->body);
    return contract_answer(response->body);
}

const char *contract_refused_at(struct driver *d, const char *body)
{
    static char pointer[128];
    struct driver_response *r = driver_rank(d, js("%s", body));
    json_t *problem = json_loads(r->body, 0, NULL);
    const json_t *errors = json_object_get(problem, "errors");

    CHECK_INT(r->status, 422);
    CHECK_INT(json_array_size(errors), 1);
    snprintf(pointer, sizeof(pointer), "%s", text(json_array_get(errors, 0), "pointer"));
    json_decref(problem);
    return pointer;
}

/* ---- reading --------------------------------------------------------------------------------- */

static const json_t *find(const json_t *answer, const char *impid, const char *adid)
{
    const json_t *result;
    size_t i;

    json_array_foreach(json_object_get(answer, "results"), i, result)
    {
        if (strcmp(text(result, "impid"), impid) == 0 && strcmp(text(result, "adid"), adid) == 0)
            return result;
    }
    FAIL("no ad %s for imp %s", adid, impid);
}

double answer_pctr(const json_t *answer, const char *impid, const char *adid)
{
    return number(find(answer, impid, adid), "pctr");
}

double answer_ecpm(const json_t *answer, const char *impid, const char *adid)
{
    return number(find(answer, impid, adid), "ecpm");
}

const char *answer_ads(const json_t *answer, const char *impid)
{
    static struct buf out;
    const json_t *result;
    size_t i;

    buf_clear(&out);
    json_array_foreach(json_object_get(answer, "results"), i, result)
    {
        if (!impid || strcmp(text(result, "impid"), impid) == 0)
            buf_printf(&out, "%s%s", out.len ? " " : "", text(result, "adid"));
    }
    return buf_str(&out);
}

const char *answer_degraded(const json_t *answer)
{
    static struct buf out;
    const json_t *reason;
    size_t i;

    buf_clear(&out);
    json_array_foreach(json_object_get(answer, "degraded"), i, reason)
    {
        buf_printf(&out, "%s%s", out.len ? " " : "", json_string_value(reason));
    }
    return buf_str(&out);
}

int answer_size(const json_t *answer)
{
    return (int)json_array_size(json_object_get(answer, "results"));
}

int answer_filtered(const json_t *answer, const char *reason)
{
    return (int)json_integer_value(json_object_get(json_object_get(answer, "filtered"), reason));
}

int answer_timing(const json_t *answer, const char *stage)
{
    return (int)json_integer_value(json_object_get(json_object_get(answer, "timing_us"), stage));
}

void answer_check_source(const json_t *answer, const char *source)
{
    const json_t *result;
    size_t i;

    json_array_foreach(json_object_get(answer, "results"), i, result)
    {
        CHECK_STR(text(result, "source"), source);
    }
}

bool answer_same_scores(const json_t *a, const json_t *b)
{
    const json_t *result;
    size_t i, n = json_array_size(json_object_get(a, "results"));

    CHECK(n > 0);
    CHECK_INT(json_array_size(json_object_get(b, "results")), n);
    json_array_foreach(json_object_get(a, "results"), i, result)
    {
        if (number(result, "pctr") != answer_pctr(b, text(result, "impid"), text(result, "adid")))
            return false;
    }
    return true;
}
