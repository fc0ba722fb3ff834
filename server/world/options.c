/* The sections of the configuration, and their options in order. */
#include "server/world/options.h"

#include <string.h>

static const struct {
    const struct option_section *section;
    size_t offset;
} sections[] = {
    {&http_section, offsetof(struct config, http)},
    {&admin_section, offsetof(struct config, admin)},
    {&model_section, offsetof(struct config, model)},
    {&executor_section, offsetof(struct config, batch)},
    {&redis_section, offsetof(struct config, features)},
    {&catalog_section, offsetof(struct config, catalog)},
    {&rank_section, offsetof(struct config, rank)},
    {&deadline_section, offsetof(struct config, deadline)},
    {&privacy_section, offsetof(struct config, privacy)},
    {&log_section, offsetof(struct config, log)},
};

#define N_SECTIONS (sizeof(sections) / sizeof(sections[0]))

bool option_at(int index, struct config_option *out)
{
    for (size_t i = 0; i < N_SECTIONS; i++) {
        const struct option_section *section = sections[i].section;

        if (index < section->n_rows) {
            const struct option_row *row = &section->rows[index];

            *out = (struct config_option){section->name, row, sections[i].offset + row->offset};
            return true;
        }
        index -= section->n_rows;
    }
    return false;
}

int option_find(const char *section, const char *name, struct config_option *out, bool *by_alias)
{
    for (int i = 0; option_at(i, out); i++) {
        if (strcmp(out->section, section) != 0)
            continue;
        *by_alias = out->row->alias && strcmp(out->row->alias, name) == 0;
        if (*by_alias || strcmp(out->row->name, name) == 0)
            return i;
    }
    return -1;
}

bool option_is_section(const char *section)
{
    for (size_t i = 0; i < N_SECTIONS; i++)
        if (strcmp(sections[i].section->name, section) == 0)
            return true;
    return false;
}
