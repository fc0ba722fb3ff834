/* The fields that carry signals, and how they combine. */
#include "impression/privacy.h"

#include "adrank/decode.h"

unsigned char privacy_judge_flag(const struct field_value *value)
{
    return value->kind == FIELD_VALUE_INTEGER && value->integer == 0 ? SIGNAL_HARMLESS : SIGNAL_SET;
}

unsigned char privacy_judge_gpc(const struct field_value *value)
{
    if (value->kind == FIELD_VALUE_STRING)
        return privacy_gpc_is_set(value->string) ? SIGNAL_SET : SIGNAL_HARMLESS;
    return privacy_judge_flag(value);
}

unsigned char privacy_judge_text(const struct field_value *value)
{
    return value->kind == FIELD_VALUE_STRING && value->string.len == 0 ? SIGNAL_ABSENT : SIGNAL_SET;
}

bool privacy_gpc_is_set(struct view value)
{
    return value.len && !view_is(value, "0");
}

/* Any GPP string and any applicable section counts: sections are not parsed yet. */
static unsigned char judge_section_ids(const struct field_value *value)
{
    return value->kind == FIELD_VALUE_NO_ITEMS ? SIGNAL_ABSENT : SIGNAL_SET;
}

/* IAB U.S. Privacy String, version 1: notice given, opted out of the sale, LSPA; each Y, N or -
 * (does not apply), in either case. "1---" does not apply at all. */
static bool us_privacy_is_harmless(struct view s)
{
    if (s.len != 4 || s.ptr[0] != '1')
        return false;
    for (int i = 1; i < 4; i++)
        if (!s.ptr[i] || !strchr("YNyn-", s.ptr[i]))
            return false;
    return s.ptr[2] == 'N' || s.ptr[2] == 'n' || memcmp(s.ptr, "1---", 4) == 0;
}

static unsigned char judge_us_privacy(const struct field_value *value)
{
    if (value->kind != FIELD_VALUE_STRING)
        return SIGNAL_SET;
    if (value->string.len == 0)
        return SIGNAL_ABSENT;
    return us_privacy_is_harmless(value->string) ? SIGNAL_HARMLESS : SIGNAL_SET;
}

#define OWN(name_, signal, judge_)                                                                 \
    {                                                                                              \
        FIELD(name_), FIELD_ANY, .at = (signal), .judge = (judge_)                                 \
    }
/* At offset 0 of both structs. */
#define REGS_SIGNALS                                                                               \
    SIGNAL_FIELD("coppa", PRIVACY_COPPA, flag, 0), SIGNAL_FIELD("gdpr", PRIVACY_GDPR, flag, 0),    \
        OWN("us_privacy", PRIVACY_US_PRIVACY, judge_us_privacy),                                   \
        SIGNAL_FIELD("gpp", PRIVACY_GPP, text, 0),                                                 \
        OWN("gpp_sid", PRIVACY_GPP_SID, judge_section_ids),                                        \
        SIGNAL_FIELD("gpc", PRIVACY_GPC, gpc, 0)

static const union signals none, unreadable = {.of = {[PRIVACY_REGS] = SIGNAL_SET}};
static const struct field regs_ext_fields[] = {REGS_SIGNALS};
static const struct schema regs_ext_schema =
    SCHEMA(regs_ext_fields, union signals, &none, .stand_in = &unreadable);

static const struct signals_and_ext blank_regs,
    unreadable_regs = {.own = {.of = {[PRIVACY_REGS] = SIGNAL_SET}}};
static const struct field regs_fields[] = {
    REGS_SIGNALS,
    {FIELD("ext"), FIELD_OBJECT, FIELD_NULL, offsetof(struct signals_and_ext, ext),
     .schema = &regs_ext_schema},
};
_Static_assert(offsetof(struct signals_and_ext, own) == 0, "see REGS_SIGNALS");
const struct schema privacy_regs_schema =
    SCHEMA(regs_fields, struct signals_and_ext, &blank_regs, .stand_in = &unreadable_regs);

/* Not privacy fields as such: with a wrong type they carry no signal. */
static const struct field user_ext_fields[] = {
    SIGNAL_FIELD("consent", PRIVACY_CONSENT, text, 0),
    SIGNAL_FIELD("gpc", PRIVACY_GPC, gpc, 0),
};
const struct schema privacy_user_ext_schema =
    SCHEMA(user_ext_fields, union signals, &none, .stand_in = &none);

static const struct field device_ext_fields[] = {
    SIGNAL_FIELD("lmt", PRIVACY_LMT, flag, 0),
    SIGNAL_FIELD("dnt", PRIVACY_DNT, flag, 0),
    SIGNAL_FIELD("gpc", PRIVACY_GPC, gpc, 0),
};
const struct schema privacy_device_ext_schema =
    SCHEMA(device_ext_fields, union signals, &none, .stand_in = &none);

enum { WORDS = sizeof(union signals) / sizeof(uint64_t) };
#define SET_OF_EACH (SIGNAL_SET * UINT64_C(0x0101010101010101))

/* Nearly all requests end before the last loop. */
uint32_t privacy_signals(const struct signals_and_ext *regs, const struct signals_and_ext *user,
                         const struct signals_and_ext *device)
{
    const struct signals_and_ext *const objects[] = {regs, user, device};
    union signals all = {.words = {0}};
    uint64_t any = 0;
    uint32_t set = 0;

    for (int i = 0; i < WORDS; i++) {
        for (size_t k = 0; k < sizeof(objects) / sizeof(objects[0]); k++)
            all.words[i] |= objects[k]->own.words[i] | objects[k]->ext.words[i];
        any |= all.words[i];
    }
    if (!(any & SET_OF_EACH))
        return 0;
    if (all.of[PRIVACY_GDPR] == SIGNAL_HARMLESS)
        all.of[PRIVACY_CONSENT] = SIGNAL_ABSENT;
    for (int i = 0; i < PRIVACY_SIGNALS; i++)
        set |= (uint32_t) !!(all.of[i] & SIGNAL_SET) << i;
    return set;
}
