#include "runtime/service/program.h"

#include "runtime/base/config.h"
#include "runtime/base/heap.h"
#include "runtime/base/log.h"
#include "runtime/service/service.h"

#include "runtime/base/banned.h"

enum {
    SETTINGS_REFUSED = 2
};

static int refuse(const struct o2c_err *err)
{
    o2c_log_error("settings refused", O2C_S("error", err->text));
    return SETTINGS_REFUSED;
}

static int check_and_run(const struct o2c_service_program *program)
{
    enum o2c_log_level level;
    struct o2c_err err;

    if (o2c_log_level_read(program->service->log_level, &level, &err) ||
        (program->check && program->check(program->user, &err)))
        return refuse(&err);
    o2c_log_init(program->name, level);
    return program->run(program->user);
}

int o2c_service_main(const struct o2c_service_program *program, int argc, char **argv)
{
    const struct o2c_service_about *about = &program->about;
    struct o2c_config *config;
    struct o2c_err err;
    int status;

    o2c_heap_open();
    o2c_log_init(program->name, O2C_LOG_INFO);
    if (o2c_service_describe(about, argc, argv))
        return 0;
    if (o2c_config_load(&config, about->settings, about->settings_count, program->settings,
                        argc, argv, NULL, &err))
        return refuse(&err);
    status = check_and_run(program);
    o2c_config_free(config);
    return status;
}
