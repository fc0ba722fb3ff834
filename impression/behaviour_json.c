/* Writes a behaviour member by member. */
#include "impression/behaviour_json.h"

void behaviour_write_json(struct json_writer *w, const struct behaviour *behaviour)
{
    jw_member_int(w, "t", behaviour->t_ms);
    jw_member_str(w, "type", behaviour_type_names[behaviour->type]);
    jw_member_filled(w, "item", behaviour->item);
    jw_member_filled(w, "text", behaviour->text);
}

void behaviour_write_line(struct buf *out, struct view user, const struct behaviour *behaviour)
{
    struct json_writer w;

    json_writer_init(&w, out);
    jw_object_begin(&w);
    jw_member_filled(&w, "user", user);
    behaviour_write_json(&w, behaviour);
    jw_object_end(&w);
    buf_add_str(out, "\n");
}
