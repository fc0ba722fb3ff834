/* Section "privacy": keys of pseudonyms. */
#ifndef IMPRESSION_PRIVACY_OPTIONS_H
#define IMPRESSION_PRIVACY_OPTIONS_H

#include "base/option.h"

struct privacy_options {
    struct secret user_key;
};

extern const struct option_section privacy_section;

#endif
