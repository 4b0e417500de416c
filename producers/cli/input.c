#include "producers/cli/input.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "producers/publish/ndjson.h"

#include "runtime/base/banned.h"

/* By its name: as NDJSON each of its lines would be refused. */
static bool is_csv(const char *path)
{
    const char *dot = strrchr(path, '.');

    return dot && !strcasecmp(dot, ".csv");
}

enum o2c_verdict input_open(struct input *input, const char *path, const char *map,
                            o2c_map_fault_fn *on_fault, void *user, struct o2c_err *err)
{
    struct stat status;
    bool standard_input = !strcmp(path, "-");
    *input =
        (struct input){.path = path, .file = standard_input ? "stdin" : path, .fd = -1};
    if (*map)
        return o2c_map_open(&input->map, map, standard_input ? "/dev/stdin" : path,
                            on_fault, user, err);
    input->fd = standard_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (input->fd < 0 || fstat(input->fd, &status))
        return o2c_fail(err, O2C_FATAL, "%s: %s", path, strerror(errno));
    if (S_ISDIR(status.st_mode))
        return o2c_fail(err, O2C_FATAL, "%s is a directory; with --map it may be one",
                        path);
    if (is_csv(path))
        return o2c_fail(err, O2C_FATAL, "%s: CSV needs --map, which says how to read it",
                        path);
    if (S_ISREG(status.st_mode))
        input->bytes = (uint64_t)status.st_size;
    return O2C_OK;
}

void input_close(struct input *input)
{
    o2c_map_close(input->map);
    if (input->fd > STDIN_FILENO)
        (void)close(input->fd);
}

enum o2c_verdict input_read(struct input *input, struct o2c_intake *intake,
                            o2c_lines_read_fn *read, void *user, struct o2c_err *err)
{
    if (input->map)
        return o2c_map_run(input->map, intake, err);
    return o2c_ndjson_read(intake, input->file, read, user, err);
}
