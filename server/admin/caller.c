/* Who may call /admin/..., decided by three fields of the request. */
#include "server/admin/caller.h"

#include "base/host_port.h"

static bool is_ours(struct view authority, const char *address)
{
    struct host_port host, configured;

    if (host_port_parse(authority, &host))
        return false;
    if (host_is_address(host.host) || view_is_nocase(view_of(host.host), "localhost"))
        return true;
    return host_port_parse(view_of(address), &configured) == 0 &&
           view_is_nocase(view_of(host.host), configured.host);
}

static bool cut_prefix(struct view *v, const char *prefix)
{
    size_t len = strlen(prefix);

    if (v->len < len || !view_is_nocase((struct view){v->ptr, len}, prefix))
        return false;
    *v = (struct view){v->ptr + len, v->len - len};
    return true;
}

static bool same_authority(struct view origin, struct view host)
{
    if (!cut_prefix(&origin, "http://") && !cut_prefix(&origin, "https://"))
        return false;
    return view_eq_nocase(origin, host);
}

const char *caller_refused(const struct caller *caller, const char *address)
{
    if (strncmp(address, "unix:", 5) == 0)
        return NULL;
    if (caller->host.ptr && !is_ours(caller->host, address))
        return "Host must be an IP address, localhost or the host of admin.address";
    if (caller->fetch_site.ptr && !view_is(caller->fetch_site, "same-origin") &&
        !view_is(caller->fetch_site, "none"))
        return "Sec-Fetch-Site: the request comes from another site";
    if (caller->origin.ptr && !(caller->host.ptr && same_authority(caller->origin, caller->host)))
        return "Origin: the request comes from another site";
    return NULL;
}
