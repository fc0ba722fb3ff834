/* The fields of a line, strict. */
#include "impression/catalog_fields.h"

#include <math.h>

#include "adrank/decode.h"

static const char *const status_names[] = {"active", "paused"};

#define AT(member) .at = offsetof(struct catalog_line, member)

static const struct field line_fields[] = {
    {FIELD("adid"), FIELD_STRING, FIELD_REQUIRED | FIELD_NOT_EMPTY, AT(ad.adid)},
    {FIELD("title"), FIELD_STRING, FIELD_REQUIRED | FIELD_NOT_EMPTY, AT(ad.title)},
    {FIELD("bid"), FIELD_NUMBER, FIELD_REQUIRED, AT(ad.bid), .max = DECODE_MAX_MONEY},
    {FIELD("item"), FIELD_STRING, AT(ad.item)},
    {FIELD("crid"), FIELD_STRING, AT(ad.crid)},
    {FIELD("cid"), FIELD_STRING, AT(ad.cid)},
    {FIELD("seat"), FIELD_STRING, AT(ad.seat)},
    {FIELD("adomain"), FIELD_STRINGS, FIELD_NOT_EMPTY, AT(ad.adomain)},
    {FIELD("cat"), FIELD_STRINGS, FIELD_NOT_EMPTY, AT(ad.cat)},
    {FIELD("desc"), FIELD_STRING, AT(ad.desc)},
    {FIELD("bid_type"), FIELD_NAME, AT(ad.bid_type), .names = bid_type_names, .n_names = BID_TYPES},
    {FIELD("prior_ctr"), FIELD_NUMBER, AT(ad.prior_ctr), .max = 1},
    {FIELD("status"), FIELD_NAME, AT(status), .names = status_names, .n_names = 2},
    {FIELD("start"), FIELD_INT64, AT(ad.start_ms), .max = INT64_MAX},
    {FIELD("end"), FIELD_INT64, AT(ad.end_ms), .max = INT64_MAX},
    {FIELD("emb"), FIELD_VECTORS},
};

static void check_line(struct object_reader *reader, const struct place *place, const void *object)
{
    const struct catalog_line *line = object;

    if (line->ad.end_ms <= line->ad.start_ms)
        field_problem(reader, place, "end", "must be later than start");
}

static const struct catalog_line blank_line = {
    .ad = {.bid_type = BID_CPM, .prior_ctr = NAN, .end_ms = INT64_MAX},
};

const struct schema catalog_line_schema =
    SCHEMA(line_fields, struct catalog_line, &blank_line, .check = check_line);
