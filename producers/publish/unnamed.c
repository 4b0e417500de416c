#include "producers/publish/unnamed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/base/banned.h"

enum {
    PATH_BYTES = 4096
};

enum o2c_verdict o2c_unnamed_open(int *ret_fd, struct o2c_err *err)
{
    const char *given = getenv("TMPDIR"), *folder = given && *given ? given : "/tmp";
    char path[PATH_BYTES];
    int len = snprintf(path, sizeof path, "%s/o2c-publish-XXXXXX", folder), fd = -1;
    if (len < 0 || (size_t)len >= sizeof path)
        errno = ENAMETOOLONG;
    else
        fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0)
        return o2c_fail(err, O2C_FATAL, "no temporary file can be made in %s: %s", folder,
                        strerror(errno));
    (void)unlink(path);
    *ret_fd = fd;
    return O2C_OK;
}
