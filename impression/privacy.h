/*
 * Signals in a request against using a person's history: regs, and members of user and device, in
 * every place where OpenRTB 2.5 (ext) and 2.6 have them. Consent strings are not parsed yet, so a
 * signal that is present counts as set unless its value alone shows otherwise; a wrong type counts
 * as set, null as absent.
 */
#ifndef IMPRESSION_PRIVACY_H
#define IMPRESSION_PRIVACY_H

#include "adrank/impression.h"
#include "json/object.h"

/* Bits, so that signals from several places combine into one value. */
enum signal_state { SIGNAL_ABSENT = 0, SIGNAL_HARMLESS = 1, SIGNAL_SET = 2 };

/* By enum privacy_signal, of one object. */
union signals {
    unsigned char of[PRIVACY_SIGNALS];
    uint64_t words[(PRIVACY_SIGNALS + 7) / 8]; /* all of them in one access */
};

struct signals_and_ext {
    union signals own, ext;
};

/* Of regs. */
extern const struct schema privacy_regs_schema; /* struct signals_and_ext */
/* Of user.ext and device.ext. */
extern const struct schema privacy_user_ext_schema, privacy_device_ext_schema; /* union signals */

/* For the tables of user and device: SIGNAL_FIELD("lmt", PRIVACY_LMT, flag, offsetof(struct
 * device, signals.own)). */
#define SIGNAL_FIELD(name_, signal, judge_, signals_at)                                            \
    {                                                                                              \
        FIELD(name_), FIELD_ANY, .at = (signals_at) + (signal), .judge = privacy_judge_##judge_    \
    }
unsigned char privacy_judge_flag(const struct field_value *value); /* 0 is harmless */
unsigned char privacy_judge_gpc(const struct field_value *value);  /* 0, "0" and "" are */
unsigned char privacy_judge_text(const struct field_value *value); /* "" is */

/* A bit for every signal that is set. The strictest of all places counts; a consent string alone
 * implies that GDPR applies, unless gdpr is 0. */
uint32_t privacy_signals(const struct signals_and_ext *regs, const struct signals_and_ext *user,
                         const struct signals_and_ext *device);

#endif
