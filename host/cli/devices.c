#include <stdio.h>

#include "cli.h"

/* Every usable device has all of them. */
static json_t *precisions_json(const struct csg_device_info *device)
{
    json_t *all = json_object();
    for (size_t i = 0; csg_precision_name(i); i++)
        json_object_set_new(all, csg_precision_name(i),
                            json_pack("{s:b, s:o}", "available", device->usable, "why",
                                      cli_json_string(device->usable ? csg_precision_summary(i) : device->verdict)));
    return all;
}

static json_t *to_json(const struct csg_device_info *device)
{
    return json_pack("{s:i, s:o, s:o, s:o, s:o, s:o, s:s, s:i, s:I, s:I, s:b, s:b, s:b, s:b, s:o, s:o}", "index",
                     (int)device->index, "name", cli_json_string(device->name), "platform", cli_json_string(device->platform),
                     "vendor", cli_json_string(device->vendor), "driver", cli_json_string(device->driver), "version",
                     cli_json_string(device->version), "type", device->type, "compute_units", (int)device->compute_units,
                     "global_memory_bytes", (json_int_t)device->global_memory_bytes, "max_allocation_bytes",
                     (json_int_t)device->max_allocation_bytes, "fp16", device->fp16, "subgroups", device->subgroups, "usable",
                     device->usable, "chosen", device->chosen, "verdict", cli_json_string(device->verdict), "precisions",
                     precisions_json(device));
}

static void print_device(const struct csg_device_info *device, bool verbose)
{
    printf("%c %u  %s (%s)\n     %s, driver %s, %s\n     %u compute units, %.1f GiB, fp16 %s, subgroups %s\n     %s\n",
           device->chosen ? '*' : ' ', device->index, device->name, device->type, device->platform, device->driver,
           device->version, device->compute_units, (double)device->global_memory_bytes / 1073741824.0,
           device->fp16 ? "yes" : "no", device->subgroups ? "yes" : "no", device->verdict);
    for (size_t i = 0; verbose && csg_precision_name(i); i++)
        printf("     %-4s %s\n", csg_precision_name(i),
               device->usable ? csg_precision_summary(i) : "no: the device cannot be used");
}

int cli_devices(const struct cli_args *args, struct csg_error *err)
{
    struct csg_device_info *devices = NULL;
    size_t count = 0;
    if (args->n_words)
        return cli_fail(err, CSG_ERROR_USAGE, "devices takes no words, but got '%s'", args->words[0]);
    int status = csg_devices_list(&devices, &count, err);
    if (status)
        return status;
    if (args->json) {
        json_t *list = json_array();
        for (size_t i = 0; i < count; i++)
            json_array_append_new(list, to_json(devices + i));
        status = cli_print_json(json_pack("{s:o}", "devices", list), err);
    } else {
        for (size_t i = 0; i < count; i++)
            print_device(devices + i, args->verbose);
        puts(count ? "\n* is used where no --device is given; --device reference computes on the plain C reference."
                   : "There is no OpenCL device. A driver makes one: pocl-opencl-icd (any CPU), mesa-opencl-icd or\n"
                     "intel-opencl-icd, or the one of the card's vendor. --device reference works without.");
    }
    csg_devices_free(&devices);
    return status;
}
