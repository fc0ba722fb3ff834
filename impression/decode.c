/* The native request: its tables of fields, and the conversion of the document. */
#include "adrank/decode.h"

#include <math.h>

#include "impression/behaviour_order.h"
#include "impression/privacy.h"
#include "json/object.h"

/* Request-wide limits, as field.limit names them. */
enum limit {
    LIMIT_NONE,
    LIMIT_IMPS,
    LIMIT_CANDIDATES,
    LIMIT_TOP_N,
    LIMIT_BEHAVIOURS,
    LIMIT_BADV,
    LIMIT_BCAT,
    LIMIT_NAMES,
    LIMITS
};

/* ---- what the objects of a request hold ------------------------------------------------------ */

struct user {
    struct view id, buyeruid;
    struct signals_and_ext signals;
};

struct geo {
    struct view country, city;
    int32_t utcoffset;
};

struct device {
    int32_t devicetype;
    struct view os, language;
    struct geo geo;
    struct signals_and_ext signals;
};

struct place_of_ad { /* a site or an app */
    bool present;
    struct view domain, bundle, search, keywords;
    struct views cat;
};

struct rank {
    int32_t top_n;
    struct field_list behaviours, candidates;
};

struct document {
    struct view id;
    int32_t tmax;
    struct user user;
    struct device device;
    struct place_of_ad site, app;
    struct signals_and_ext regs;
    struct field_list imps;
    struct views badv, bcat, cur;
    struct rank rank;
};

/* ---- their fields ---------------------------------------------------------------------------- */

/* Every field is read leniently: the senders cannot be changed from here. */
#define LENIENT (FIELD_NULL | FIELD_BY_VALUE)
#define AT(type, member) offsetof(struct type, member)

#define ID(name_, type, member)                                                                    \
    {                                                                                              \
        FIELD(name_), FIELD_STRING, LENIENT | FIELD_ID, AT(type, member),                          \
            .max = DECODE_MAX_ID_BYTES                                                             \
    }
#define REQUIRED_ID(name_, type, member)                                                           \
    {                                                                                              \
        FIELD(name_), FIELD_STRING, LENIENT | FIELD_ID | FIELD_REQUIRED | FIELD_NOT_EMPTY,         \
            AT(type, member), .max = DECODE_MAX_ID_BYTES                                           \
    }

#define NO_UTCOFFSET INT32_MIN
#define MAX_UTCOFFSET_MIN 1440

static const struct user blank_user;
static const struct field user_fields[] = {
    ID("id", user, id),
    ID("buyeruid", user, buyeruid),
    SIGNAL_FIELD("consent", PRIVACY_CONSENT, text, AT(user, signals.own)),
    SIGNAL_FIELD("gpc", PRIVACY_GPC, gpc, AT(user, signals.own)),
    {FIELD("ext"), FIELD_OBJECT, LENIENT, AT(user, signals.ext),
     .schema = &privacy_user_ext_schema},
};
static const struct schema user_schema = SCHEMA(user_fields, struct user, &blank_user);

static const struct geo blank_geo = {.utcoffset = NO_UTCOFFSET};
static const struct field geo_fields[] = {
    {FIELD("country"), FIELD_STRING, LENIENT, AT(geo, country)},
    {FIELD("city"), FIELD_STRING, LENIENT, AT(geo, city)},
    {FIELD("utcoffset"), FIELD_INT32, LENIENT, AT(geo, utcoffset), .min = -MAX_UTCOFFSET_MIN,
     .max = MAX_UTCOFFSET_MIN},
};
static const struct schema geo_schema = SCHEMA(geo_fields, struct geo, &blank_geo);

static const struct device blank_device = {.devicetype = -1, .geo = {.utcoffset = NO_UTCOFFSET}};
static const struct field device_fields[] = {
    {FIELD("devicetype"), FIELD_INT32, LENIENT, AT(device, devicetype), .max = INT32_MAX},
    {FIELD("os"), FIELD_STRING, LENIENT, AT(device, os)},
    {FIELD("language"), FIELD_STRING, LENIENT, AT(device, language)},
    {FIELD("geo"), FIELD_OBJECT, LENIENT, AT(device, geo), .schema = &geo_schema},
    SIGNAL_FIELD("lmt", PRIVACY_LMT, flag, AT(device, signals.own)),
    SIGNAL_FIELD("dnt", PRIVACY_DNT, flag, AT(device, signals.own)),
    SIGNAL_FIELD("gpc", PRIVACY_GPC, gpc, AT(device, signals.own)),
    {FIELD("ext"), FIELD_OBJECT, LENIENT, AT(device, signals.ext),
     .schema = &privacy_device_ext_schema},
};
static const struct schema device_schema = SCHEMA(device_fields, struct device, &blank_device);

static const struct place_of_ad blank_place = {.present = true};
static const struct field place_fields[] = {
    {FIELD("domain"), FIELD_STRING, LENIENT, AT(place_of_ad, domain)},
    {FIELD("bundle"), FIELD_STRING, LENIENT, AT(place_of_ad, bundle)},
    {FIELD("cat"), FIELD_STRINGS, LENIENT | FIELD_ONE, AT(place_of_ad, cat), .limit = LIMIT_NAMES},
    {FIELD("search"), FIELD_STRING, LENIENT, AT(place_of_ad, search)},
    {FIELD("keywords"), FIELD_STRING, LENIENT, AT(place_of_ad, keywords)},
};
static const struct schema place_schema = SCHEMA(place_fields, struct place_of_ad, &blank_place);

static const struct imp blank_imp;
static const struct field imp_fields[] = {
    REQUIRED_ID("id", imp, id),
    ID("tagid", imp, tagid),
    {FIELD("bidfloor"), FIELD_NUMBER, LENIENT, AT(imp, bidfloor), .max = DECODE_MAX_MONEY},
    {FIELD("bidfloorcur"), FIELD_STRING, LENIENT, AT(imp, bidfloorcur), .max = DECODE_MAX_ID_BYTES},
};
static const struct schema imp_schema = SCHEMA(imp_fields, struct imp, &blank_imp);

static void check_behaviour(struct object_reader *reader, const struct place *place,
                            const void *object)
{
    const struct behaviour *event = object;

    if (event->item.len == 0 && event->text.len == 0)
        field_problem(reader, place, NULL, "must have an item or a text");
}

static const struct behaviour blank_behaviour;
static const struct field behaviour_fields[] = {
    {FIELD("t"), FIELD_INT64, LENIENT | FIELD_REQUIRED, AT(behaviour, t_ms), .max = INT64_MAX},
    {FIELD("type"), FIELD_NAME, LENIENT | FIELD_REQUIRED, AT(behaviour, type),
     .names = behaviour_type_names, .n_names = BEHAVIOUR_TYPES},
    ID("item", behaviour, item),
    {FIELD("text"), FIELD_STRING, LENIENT, AT(behaviour, text)},
};
static const struct schema behaviour_schema =
    SCHEMA(behaviour_fields, struct behaviour, &blank_behaviour, .check = check_behaviour);

static const struct candidate blank_candidate = {.bid = NAN, .bid_type = -1};
static const struct field candidate_fields[] = {
    REQUIRED_ID("adid", candidate, adid),
    {FIELD("bid"), FIELD_NUMBER, LENIENT, AT(candidate, bid), .max = DECODE_MAX_MONEY},
    {FIELD("bid_type"), FIELD_NAME, LENIENT, AT(candidate, bid_type), .names = bid_type_names,
     .n_names = BID_TYPES},
    {FIELD("text"), FIELD_STRING, LENIENT, AT(candidate, text)},
};
static const struct schema candidate_schema =
    SCHEMA(candidate_fields, struct candidate, &blank_candidate);

static const struct rank blank_rank;
static const struct field rank_fields[] = {
    {FIELD("top_n"), FIELD_INT32, LENIENT, AT(rank, top_n), .min = 1, .limit = LIMIT_TOP_N},
    {FIELD("behaviour"), FIELD_OBJECTS, LENIENT, AT(rank, behaviours), .limit = LIMIT_BEHAVIOURS,
     .schema = &behaviour_schema},
    {FIELD("candidates"), FIELD_OBJECTS, LENIENT, AT(rank, candidates), .limit = LIMIT_CANDIDATES,
     .schema = &candidate_schema},
};
static const struct schema rank_schema = SCHEMA(rank_fields, struct rank, &blank_rank);

/* At most max_imps of them: few enough for pairwise comparison. */
static void check_imp_ids(struct object_reader *reader, const struct place *place,
                          const struct field_list *imps)
{
    const struct imp *items = imps->items;
    struct place list = {place, "imp", 0};

    for (int i = 1; i < imps->n; i++) {
        struct place item = {&list, NULL, i};
        int k = 0;

        while (k < i && !view_eq(items[k].id, items[i].id))
            k++;
        if (k < i)
            field_problem(reader, &item, "id", "is also the id of /imp/%d", k);
    }
}

static void check_document(struct object_reader *reader, const struct place *place,
                           const void *object)
{
    const struct document *document = object;

    check_imp_ids(reader, place, &document->imps);
}

static const struct document blank_document = {
    .device = {.devicetype = -1, .geo = {.utcoffset = NO_UTCOFFSET}}};
static const struct field document_fields[] = {
    ID("id", document, id),
    {FIELD("tmax"), FIELD_INT32, LENIENT, AT(document, tmax), .max = INT32_MAX},
    {FIELD("user"), FIELD_OBJECT, LENIENT, AT(document, user), .schema = &user_schema},
    {FIELD("device"), FIELD_OBJECT, LENIENT, AT(document, device), .schema = &device_schema},
    {FIELD("site"), FIELD_OBJECT, LENIENT, AT(document, site), .schema = &place_schema},
    {FIELD("app"), FIELD_OBJECT, LENIENT, AT(document, app), .schema = &place_schema},
    {FIELD("regs"), FIELD_OBJECT, LENIENT, AT(document, regs), .schema = &privacy_regs_schema},
    {FIELD("imp"), FIELD_OBJECTS, LENIENT | FIELD_CUT, AT(document, imps), .limit = LIMIT_IMPS,
     .schema = &imp_schema},
    {FIELD("badv"), FIELD_STRINGS, LENIENT, AT(document, badv), .limit = LIMIT_BADV},
    {FIELD("bcat"), FIELD_STRINGS, LENIENT, AT(document, bcat), .limit = LIMIT_BCAT},
    {FIELD("cur"), FIELD_STRINGS, LENIENT, AT(document, cur), .limit = LIMIT_NAMES},
    {FIELD("rank"), FIELD_OBJECT, LENIENT, AT(document, rank), .schema = &rank_schema},
};
static const struct schema document_schema =
    SCHEMA(document_fields, struct document, &blank_document, .check = check_document);

/* ---- document to request --------------------------------------------------------------------- */

static struct view either(struct view first, struct view second)
{
    return first.len ? first : second;
}

static const struct imp implied_imp = {.id = {"1", 1}};

static void fill_context(const struct document *document, struct impression_request *out)
{
    const struct device *device = &document->device;
    const struct place_of_ad *place = document->app.present ? &document->app : &document->site;

    out->devicetype = device->devicetype;
    out->os = device->os;
    out->language = device->language;
    out->country = device->geo.country;
    out->city = device->geo.city;
    out->has_utcoffset = device->geo.utcoffset != NO_UTCOFFSET;
    out->utcoffset_min = out->has_utcoffset ? device->geo.utcoffset : 0;
    out->domain = either(place->domain, place->bundle);
    out->cat = place->cat;
    out->search = either(place->search, place->keywords);
    out->privacy =
        privacy_signals(&document->regs, &document->user.signals, &document->device.signals);
}

static void fill_request(const struct document *document, struct impression_request *out)
{
    const struct rank *rank = &document->rank;

    *out = (struct impression_request){
        .id = document->id,
        .tmax_ms = document->tmax,
        .user_id = either(document->user.buyeruid, document->user.id),
        .imps = document->imps.n ? document->imps.items : &implied_imp,
        .n_imps = document->imps.n ? document->imps.n : 1,
        .behaviours = rank->behaviours.items,
        .n_behaviours = rank->behaviours.n,
        .candidates = rank->candidates.items,
        .n_candidates = rank->candidates.n,
        .has_candidates = rank->candidates.present,
        .badv = document->badv,
        .bcat = document->bcat,
        .cur = document->cur,
        .top_n = rank->top_n,
        .ignored_imps = document->imps.n_cut,
        .ignored_site = document->site.present && document->app.present,
    };
    fill_context(document, out);
}

static void check_badv(struct object_reader *reader, const struct views *badv)
{
    const struct place root = {0};
    size_t bytes = 0;

    for (int i = 0; i < badv->n; i++)
        bytes += view_is_ascii(badv->items[i]) ? 0 : badv->items[i].len;
    if (bytes > DECODE_MAX_BADV_INTERNATIONAL_BYTES)
        field_problem(reader, &root, "badv", "more than %d bytes of names that are not ASCII",
                      DECODE_MAX_BADV_INTERNATIONAL_BYTES);
}

/* Memory must stay proportional to the request. */
static void check_size(struct object_reader *reader, const struct impression_request *request,
                       const struct decode_limits *limits)
{
    const struct place root = {0}, rank = {&root, "rank", 0};
    int n_ads = request->has_candidates ? request->n_candidates : limits->max_candidates;
    int top_n = request->top_n ? request->top_n : limits->top_n;
    int64_t imps = request->n_imps;

    if (limits->max_pairs && request->has_candidates && imps * n_ads > limits->max_pairs)
        field_problem(reader, &rank, "candidates", "%d for each of %d imps: at most %d in all",
                      n_ads, request->n_imps, limits->max_pairs);
    top_n = top_n < n_ads ? top_n : n_ads;
    if (limits->max_results && imps * top_n > limits->max_results)
        field_problem(reader, &rank, "top_n", "%d ads for each of %d imps: at most %d in all",
                      top_n, request->n_imps, limits->max_results);
}

static int cut_behaviours(struct impression_request *request, int max, struct arena *arena,
                          bool *truncated)
{
    const struct behaviour **order;
    struct behaviour *kept;
    int n = request->n_behaviours;

    *truncated = n > max;
    if (!*truncated)
        return 0;
    order = behaviour_order(request->behaviours, n, NULL, 0, arena);
    kept = arena_array(arena, (size_t)max, sizeof(*kept));
    if (!order || !kept)
        return -1;
    for (int i = 0; i < max; i++)
        kept[i] = *order[n - max + i];
    request->behaviours = kept;
    request->n_behaviours = max;
    return 0;
}

enum decode_status decode_request(struct view body, const struct decode_limits *limits,
                                  struct arena *arena, struct impression_request *out,
                                  bool *truncated, struct problems *problems)
{
    const int numbers[LIMITS] = {
        [LIMIT_IMPS] = limits->max_imps,   [LIMIT_CANDIDATES] = limits->max_candidates,
        [LIMIT_TOP_N] = limits->max_top_n, [LIMIT_BEHAVIOURS] = DECODE_MAX_BEHAVIOURS,
        [LIMIT_BADV] = DECODE_MAX_BADV,    [LIMIT_BCAT] = DECODE_MAX_BCAT,
        [LIMIT_NAMES] = DECODE_MAX_NAMES,
    };
    struct object_reader reader = {.limits = numbers, .problems = problems};
    struct document document;

    switch (object_read(&reader, body, arena, &document_schema, &document)) {
    case READ_OK:
        break;
    case READ_NOT_JSON:
        return DECODE_NOT_JSON;
    case READ_INVALID:
        return DECODE_INVALID;
    case READ_OUT_OF_MEMORY:
        return DECODE_OUT_OF_MEMORY;
    }
    fill_request(&document, out);
    out->unknown_fields = reader.unknown;
    check_size(&reader, out, limits);
    check_badv(&reader, &out->badv);
    if (reader.n_problems)
        return DECODE_INVALID;
    return cut_behaviours(out, limits->max_behaviour, arena, truncated) ? DECODE_OUT_OF_MEMORY
                                                                        : DECODE_OK;
}
