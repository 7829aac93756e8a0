/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/here.h"

#include "io/idna.h"
#include "io/redis.h"

#include <pwd.h>
#include <unistd.h>

static enum next
refuse(
    const struct settings *s, const char *key, const char *why, struct err *e)
{
	err_set(e, "%s:%u: %s: %s", s->path, conf_line(s, key), key, why);
	return STOP;
}

enum next
here_check(const struct settings *s, struct err *e)
{
	const char *user = s->pool.user;
	struct err why;

	if (user[0] != '\0' && getpwnam(user) == NULL)
		return refuse(s, "pool.user",
		    "no such user: make it, or set it to \"\"", e);
	if (!redis_url_right(s->redis.url))
		return refuse(s, "redis.url",
		    "is no address: write redis://HOST:PORT or unix:PATH", e);
	if (idna_check(s->dns.suffix_list, &why) != OK)
		return refuse(s, "dns.suffix_list", why.text, e);
	return OK;
}

enum next
here_check_rights(const struct settings *s, struct err *e)
{
	const struct passwd *pw =
	    s->pool.user[0] == '\0' ? NULL : getpwnam(s->pool.user);

	if (pw == NULL || geteuid() == 0 ||
	    (geteuid() == pw->pw_uid && getuid() == pw->pw_uid))
		return OK;
	return refuse(s, "pool.user", "start as root, or set it to \"\"", e);
}
