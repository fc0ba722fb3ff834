/* Judges an answer to a hostile request. */
#define _GNU_SOURCE /* memmem */
#include "tests/storm/answer.h"

#include <math.h>
#include <stdlib.h>

#include "tests/storm/storm.h"

static const int statuses[] = {200, 202, 400, 403, 404, 405, 408, 409,
                               413, 415, 417, 422, 431, 501, 503};

static bool is_known(int status)
{
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
        if (statuses[i] == status)
            return true;
    return false;
}

static double number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    return json_is_number(value) ? json_number_value(value) : NAN;
}

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));

    return value ? value : "";
}

/* Within an impression: positions count from 1, by ecpm. */
static const char *results_complaint(const json_t *results)
{
    const json_t *before = NULL;

    for (size_t i = 0; i < json_array_size(results); i++) {
        const json_t *r = json_array_get(results, i);
        bool same = before && strcmp(text(before, "impid"), text(r, "impid")) == 0;
        double pctr = number(r, "pctr"), ecpm = number(r, "ecpm");

        if (!(pctr >= 1e-7 && pctr <= 1 - 1e-7) || !(number(r, "bid") >= 0))
            return "a pctr or a bid is out of range";
        if (!(ecpm >= 0) || (same && !(number(before, "ecpm") >= ecpm)))
            return "an ecpm is out of order";
        if (number(r, "pos") != (same ? number(before, "pos") + 1 : 1))
            return "a pos is out of order";
        if (!*text(r, "adid") || !*text(r, "bid_type") || !*text(r, "source"))
            return "a result has no adid, bid_type or source";
        before = r;
    }
    return NULL;
}

static const char *ranking_complaint(const json_t *answer)
{
    if (!json_is_string(json_object_get(answer, "id")) ||
        !json_is_array(json_object_get(answer, "results")) ||
        !json_is_array(json_object_get(answer, "degraded")) ||
        !json_is_object(json_object_get(answer, "timing_us")))
        return "an answer without id, results, degraded or timing_us";
    return results_complaint(json_object_get(answer, "results"));
}

static const char *json_complaint(int status, struct view body)
{
    json_t *doc = json_loadb(body.ptr, body.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    const char *complaint = NULL;

    if (!doc)
        return "a body that is not JSON";
    if (status >= 400 && json_object_get(doc, "type") &&
        ((int)number(doc, "status") != status || !*text(doc, "code") || !*text(doc, "title")))
        complaint = "a problem without status, code or title";
    else if (status == 200 && json_object_get(doc, "results"))
        complaint = ranking_complaint(doc);
    json_decref(doc);
    return complaint;
}

const char *answer_complaint(int status, struct view content_type, struct view body)
{
    if (!is_known(status))
        return "a status that the contract does not know";
    if (!body.len || !content_type.ptr || !memmem(content_type.ptr, content_type.len, "json", 4))
        return NULL;
    return json_complaint(status, body);
}
