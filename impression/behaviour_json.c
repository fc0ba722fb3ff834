#include "impression/behaviour_json.h"

void behaviour_write_json(struct json_writer *w, const struct behaviour *behaviour)
{
    jw_member_int(w, "t", behaviour->t_ms);
    jw_member_str(w, "type", behaviour_type_names[behaviour->type]);
    jw_member_filled(w, "item", behaviour->item);
    jw_member_filled(w, "text", behaviour->text);
}
