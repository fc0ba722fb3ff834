/* Texts for golden requests where none are given: shoppers and ads of many kinds, in
 * English and Chinese, so that any model of either language scores some of them differently. */
#include <stdio.h>

#include "tools/model/pack.h"

static const struct {
    const char *search, *view, *click, *cart; /* "" or NULL: none */
    const char *language, *country, *city, *domain;
    int devicetype, utcoffset;
} contexts[] = {
    {"trail running shoes", "Lightweight trail running shoes", "Running socks, three pairs", NULL,
     "en", "DEU", "BER", "shop.example", 4, 60},
    {"electric kettle", "Quiet electric kettle", "Porcelain teapot", "Green tea, 100 bags", "en",
     "GBR", "LON", "kitchen.example", 2, 0},
    {"", "Mystery novel, paperback", "Reading lamp", NULL, "en", "USA", "NYC", "books.example", 5,
     -300},
    {"跑步鞋", "轻便 越野跑鞋", "运动袜 三双", NULL, "zh", "CHN", "SHA", "shop.example", 4, 480},
    {"电水壶", "不锈钢 电水壶", "陶瓷 茶壶", NULL, "zh", "CHN", "BJS", "home.example", 1, 480},
    {"", "儿童 积木 玩具", "绘本 故事书", NULL, "zh", "CHN", "CAN", "toys.example", 4, 480},
    {"laptop for school", NULL, NULL, NULL, "en", "USA", "SFO", "tech.example", 2, -480},
    {"", NULL, NULL, NULL, "", "", "", "news.example", 0, 0},
    {"winter jacket", "Waterproof hiking jacket", "Wool hat", "Gloves", "en", "NOR", "OSL",
     "outdoor.example", 4, 60},
    {"手机", "5G 手机 128G", NULL, NULL, "zh", "SGP", "SIN", "tech.example", 4, 480},
    {"garden tools", "Cordless lawn mower", "Flower seeds", NULL, "en", "AUS", "SYD",
     "garden.example", 2, 600},
    {"cheap flights", "Hotel by the beach", "Suitcase, large", NULL, "en", "ESP", "MAD",
     "travel.example", 4, 60},
};

static const char *const ads[] = {
    "Lightweight trail running shoes",
    "Waterproof hiking jacket",
    "Quiet electric kettle",
    "Mystery novel, paperback",
    "Cordless lawn mower",
    "Wireless headphones with noise cancelling",
    "Online course: learn Spanish in 30 days",
    "Cat food, 12 cans",
    "Hotel by the beach, last minute",
    "Car insurance from 9 a month",
    "sale",
    "轻便 越野跑鞋",
    "不锈钢 电水壶",
    "儿童 积木 玩具",
    "5G 手机 128G 限时优惠",
    "羽绒服 冬季 保暖",
    "英语 在线 课程",
    "猫粮 10公斤",
    "海边 酒店 特价",
    "小说 悬疑 全三册",
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static json_t *behaviours(size_t i)
{
    const char *const types[] = {"view", "click", "cart"};
    const char *const texts[] = {contexts[i].view, contexts[i].click, contexts[i].cart};
    json_t *list = json_array();

    for (size_t k = 0; k < COUNT(texts) && texts[k]; k++)
        json_array_append_new(list,
                              json_pack("{s:I,s:s,s:s,s:s}", "t",
                                        (json_int_t)(PACK_NOW_MS - (json_int_t)(k + 1) * 600000),
                                        "type", types[k], "item", types[k], "text", texts[k]));
    return list;
}

static json_t *candidates(void)
{
    json_t *list = json_array();

    for (size_t i = 0; i < COUNT(ads); i++) {
        char adid[16];
        snprintf(adid, sizeof(adid), "ad%zu", i + 1);
        json_array_append_new(list, json_pack("{s:s,s:s}", "adid", adid, "text", ads[i]));
    }
    return list;
}

/* Empty texts are left out: an exchange does not send them. */
static void set_text(json_t *object, const char *key, const char *text)
{
    if (*text)
        json_object_set_new(object, key, json_string(text));
}

static json_t *request(size_t i)
{
    json_t *geo = json_pack("{s:i}", "utcoffset", contexts[i].utcoffset);
    json_t *device = json_object(), *site = json_object();

    set_text(geo, "country", contexts[i].country);
    set_text(geo, "city", contexts[i].city);
    set_text(device, "language", contexts[i].language);
    if (contexts[i].devicetype)
        json_object_set_new(device, "devicetype", json_integer(contexts[i].devicetype));
    json_object_set_new(device, "geo", geo);
    set_text(site, "domain", contexts[i].domain);
    set_text(site, "search", contexts[i].search);
    return json_pack("{s:o,s:o,s:{s:o,s:o}}", "device", device, "site", site, "rank", "behaviour",
                     behaviours(i), "candidates", candidates());
}

json_t *pack_builtin_requests(void)
{
    json_t *list = json_array();

    for (size_t i = 0; i < COUNT(contexts); i++)
        json_array_append_new(
            list, json_pack("{s:I,s:o}", "now_ms",
                            (json_int_t)(PACK_NOW_MS + (json_int_t)i * INT64_C(9000000)), "request",
                            request(i)));
    if (json_array_size(list) != COUNT(contexts)) {
        json_decref(list);
        return NULL;
    }
    return list;
}
