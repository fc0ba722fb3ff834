/*
 * The configuration (CONTRACT 2): strict JSON, read once into an immutable struct (config_read.h)
 * that embeds each room's section as that room declares it (base/option.h). A room is passed its
 * own section, never the whole, and reads it in place: a reference to the world keeps its options.
 *
 * Created on any thread, constant afterwards, reference-counted: the world holds a reference, and
 * during the start the daemon, whose threads read it before there is a world.
 */
#ifndef SERVER_WORLD_CONFIG_H
#define SERVER_WORLD_CONFIG_H

#include <stdatomic.h>

#include "base/arena.h"
#include "impression/catalog_options.h"
#include "impression/privacy_options.h"
#include "market/rank_options.h"
#include "model/model_options.h"
#include "server/batch/deadline_options.h"
#include "server/batch/executor_options.h"
#include "server/net/http_options.h"
#include "server/store/redis_options.h"
#include "server/world/admin_options.h"
#include "server/world/log_options.h"

#define CONFIG_MAX_OPTIONS 128

struct config {
    atomic_int refs;
    struct arena arena;                /* owns every string */
    const char *file;                  /* as given; "(defaults)" without one */
    const char *folder;                /* of the file, absolute or "." */
    bool by_alias[CONFIG_MAX_OPTIONS]; /* by index of options.h: set by its older name */

    struct http_options http;
    struct admin_options admin;
    struct model_options model;
    struct executor_options batch;
    struct redis_options features;
    struct catalog_options catalog;
    struct rank_options rank;
    struct deadline_options deadline;
    struct privacy_options privacy;
    struct log_options log;
};

#endif
