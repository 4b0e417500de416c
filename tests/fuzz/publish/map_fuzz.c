/*
 * Any bytes as a mapping file over two fixed CSV files: it is refused with at
 * least one word, or it makes events and faults, and nothing else happens.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "producers/publish/intake.h"
#include "producers/publish/map.h"
#include "tests/fuzz/target.h"

static char folder[] = "/tmp/o2c-map-fuzz-XXXXXX", path[64];
static size_t fault_count;

static void on_fault(void *user, const char *sentence)
{
    (void)user;
    fault_count += *sentence != '\0';
}

static enum o2c_verdict on_event(void *user, const struct o2c_outgoing *outgoing,
                                 const struct o2c_event *event, struct o2c_err *err)
{
    (void)user;
    (void)outgoing;
    (void)event;
    (void)err;
    return O2C_OK;
}

static void on_refused(void *user, const struct o2c_event_type_row *type)
{
    (void)user;
    (void)type;
}

static void write_file(const char *name, const void *bytes, size_t len)
{
    char full[64];
    snprintf(full, sizeof(full), "%s/%s", folder, name);
    FILE *out = fopen(full, "w");
    if (!out || (len && fwrite(bytes, len, 1, out) != 1) || fclose(out))
        abort();
}

static void remove_files(void)
{
    static const char *const names[] = {"a.csv", "b.csv", "map.json"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char full[64];
        snprintf(full, sizeof(full), "%s/%s", folder, names[i]);
        (void)unlink(full);
    }
    (void)rmdir(folder);
}

static void make_folder(void)
{
    static const char a[] = "id,date,amount,state\n1,2010-01-31,12.50,sent\n2,x,,\n";
    static const char b[] = "id,no,sku\n1,2,B\n1,1,A\n3,1,\"C\"\"\"\n";
    if (!mkdtemp(folder))
        abort();
    write_file("a.csv", a, sizeof(a) - 1);
    write_file("b.csv", b, sizeof(b) - 1);
    snprintf(path, sizeof(path), "%s/map.json", folder);
    atexit(remove_files);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    static const struct o2c_intake_sink sink = {
        .event = on_event, .fault = on_fault, .refused = on_refused};
    struct o2c_map *map;
    struct o2c_intake intake;
    struct o2c_err err;
    if (!*path)
        make_folder();
    write_file("map.json", at, len);
    fault_count = 0;
    enum o2c_verdict verdict = o2c_map_open(&map, path, folder, on_fault, NULL, &err);
    if (verdict && (verdict == O2C_PARK) != (fault_count > 0))
        abort();
    if (verdict)
        return 0;
    o2c_intake_init(&intake, &sink, O2C_STR("fuzz"));
    if (o2c_map_run(map, &intake, &err))
        abort();
    o2c_intake_clear(&intake);
    o2c_map_close(map);
    return 0;
}
