/* The fields that templates may name; documented in config/adrank.schema.json. */
#include "model/template.h"

#include <stdint.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

/* Minutes since the epoch of 00:00 on a Thursday, on the clock of the user's place. */
static int64_t local_minutes(const struct template_values *v)
{
    int64_t minutes = v->now_ms / 60000 - (v->now_ms % 60000 < 0);

    return minutes + v->request->utcoffset_min;
}

static int local_hour(const struct template_values *v)
{
    int64_t of_day = local_minutes(v) % 1440;

    return (int)((of_day < 0 ? of_day + 1440 : of_day) / 60);
}

/* A field that is a view into the values already. */
#define VIEW_FIELD(name_, view_)                                                                   \
    static struct view name_(const struct template_values *v, struct arena *arena)                 \
    {                                                                                              \
        (void)arena;                                                                               \
        return view_;                                                                              \
    }

VIEW_FIELD(search, v->request->search)
VIEW_FIELD(os, v->request->os)
VIEW_FIELD(language, v->request->language)
VIEW_FIELD(country, v->request->country)
VIEW_FIELD(city, v->request->city)
VIEW_FIELD(domain, v->request->domain)
VIEW_FIELD(tagid, v->imp ? v->imp->tagid : (struct view){0})
VIEW_FIELD(behaviour_type, view_of(behaviour_type_names[v->behaviour->type]))
VIEW_FIELD(behaviour_text, v->behaviour->text)
VIEW_FIELD(behaviour_item, v->behaviour->item)
VIEW_FIELD(ad_title, v->title)
VIEW_FIELD(ad_desc, v->desc)
VIEW_FIELD(ad_text, v->text)

static struct view daypart(const struct template_values *v, struct arena *arena)
{
    static const char *const names[] = {"night", "morning", "afternoon", "evening"};

    (void)arena;
    return v->request->has_utcoffset ? view_of(names[local_hour(v) / 6]) : (struct view){0};
}

static struct view hour(const struct template_values *v, struct arena *arena)
{
    const char *text;

    if (!v->request->has_utcoffset)
        return (struct view){0};
    text = arena_printf(arena, "%d", local_hour(v));
    return text ? view_of(text) : template_no_memory;
}

static struct view weekday(const struct template_values *v, struct arena *arena)
{
    static const char *const names[] = {"thursday", "friday",  "saturday", "sunday",
                                        "monday",   "tuesday", "wednesday"};
    int64_t minutes = local_minutes(v);
    int64_t day = minutes / 1440 - (minutes % 1440 < 0);

    (void)arena;
    return v->request->has_utcoffset ? view_of(names[((day % 7) + 7) % 7]) : (struct view){0};
}

/* OpenRTB's list: Device Types. */
static struct view device(const struct template_values *v, struct arena *arena)
{
    static const char *const names[] = {"",      "mobile", "pc",        "tv",
                                        "phone", "tablet", "connected", "settopbox"};
    int32_t type = v->request->devicetype;

    (void)arena;
    return view_of(type >= 0 && type < COUNT(names) ? names[type] : "");
}

static struct view cat(const struct template_values *v, struct arena *arena)
{
    const struct views *cats = &v->request->cat;
    size_t len = 0, at = 0;
    char *text;
    int n;

    for (n = 0; n < cats->n && (!v->max_bytes || len < v->max_bytes); n++)
        len += cats->items[n].len + 1;
    text = arena_alloc(arena, len + 1);
    if (!text)
        return template_no_memory;
    for (int i = 0; i < n; i++) {
        if (i)
            text[at++] = ' ';
        if (cats->items[i].len)
            memcpy(text + at, cats->items[i].ptr, cats->items[i].len);
        at += cats->items[i].len;
    }
    return (struct view){text, at};
}

static const struct template_field context_fields[] = {
    {"search", search}, {"daypart", daypart}, {"hour", hour},         {"weekday", weekday},
    {"device", device}, {"os", os},           {"language", language}, {"country", country},
    {"city", city},     {"domain", domain},   {"cat", cat},           {"tagid", tagid},
};

static const struct template_field behaviour_fields[] = {
    {"type", behaviour_type},
    {"text", behaviour_text},
    {"item", behaviour_item},
};

static const struct template_field ad_fields[] = {
    {"title", ad_title},
    {"desc", ad_desc},
    {"text", ad_text},
};

const struct template_fields template_context = {context_fields, COUNT(context_fields)};
const struct template_fields template_behaviour = {behaviour_fields, COUNT(behaviour_fields)};
const struct template_fields template_ad = {ad_fields, COUNT(ad_fields)};
