#include "engines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int add_spec(struct cli_engines *engines, const char *spec, size_t length, struct csg_error *err)
{
    if (!length)
        return cli_fail(err, CSG_ERROR_USAGE, "--device has an empty name in its list");
    if (engines->n_specs == CLI_MOST_ENGINES)
        return cli_fail(err, CSG_ERROR_USAGE, "--device names more than %d devices", CLI_MOST_ENGINES);
    char *copy = calloc(length + 1, 1);
    if (!copy)
        return cli_fail(err, CSG_ERROR, "out of memory");
    memcpy(copy, spec, length);
    engines->specs[engines->n_specs++] = copy;
    return CSG_OK;
}

static int add_usable(struct cli_engines *engines, struct csg_error *err)
{
    struct csg_device_info *devices;
    size_t count;
    int status = csg_devices_list(&devices, &count, err);
    for (int first = 1; first >= 0; first--) /* the one that is taken by default comes first */
        for (size_t i = 0; status == CSG_OK && i < count; i++) {
            char index[16];
            snprintf(index, sizeof index, "%u", devices[i].index);
            if (devices[i].usable && devices[i].chosen == (first == 1))
                status = add_spec(engines, index, strlen(index), err);
        }
    if (status == CSG_OK && !engines->n_specs)
        status = cli_fail(err, CSG_ERROR_NO_DEVICE, "there is no usable OpenCL device; `clip-surgeon devices` says why");
    csg_devices_free(&devices);
    return status;
}

/* "a,b,c", of which one may be "all"; nothing: the default. */
static int list_devices(struct cli_engines *engines, const char *text, struct csg_error *err)
{
    int status = CSG_OK;
    if (!text) {
        engines->n_specs = 1;
        return CSG_OK;
    }
    for (const char *at = text; status == CSG_OK && at;) {
        size_t length = strcspn(at, ",");
        bool all = length == 3 && strncmp(at, "all", 3) == 0;
        status = all ? add_usable(engines, err) : add_spec(engines, at, length, err);
        engines->all |= all;
        at = at[length] ? at + length + 1 : NULL;
    }
    return status;
}

/* Of "all" a device that cannot be used is left out, as long as there is another. */
int cli_engines_open(struct cli_engines *engines, const struct cli_args *args, size_t most, const char *others,
                     struct csg_error *err)
{
    *engines = (struct cli_engines){0};
    int status = list_devices(engines, args->device, err);
    for (size_t i = 0; status == CSG_OK && i < engines->n_specs && engines->count < most; i++) {
        struct csg_error why = {0};
        status = cli_engine_on(&engines->engines[engines->count], args, engines->specs[i], engines->count ? others : NULL, &why);
        if (status == CSG_OK) {
            engines->count++;
        } else if (engines->all && (engines->count || i + 1 < engines->n_specs)) {
            if (!args->quiet)
                cli_say("warning: a device is left out: %s", why.sentence);
            status = CSG_OK;
        } else {
            *err = why;
        }
    }
    return status;
}

void cli_engines_close(struct cli_engines *engines)
{
    cli_interrupts(NULL, 0);
    for (size_t i = 0; i < engines->count; i++)
        csg_engine_destroy(&engines->engines[i]);
    for (size_t i = 0; i < engines->n_specs; i++)
        free(engines->specs[i]);
    *engines = (struct cli_engines){0};
}
