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

/* What was found out about it; of one that fails the sentence why. */
static void traits_of(const struct csg_device_info *device, struct csg_device_trait **traits, size_t *count,
                      struct csg_error *err)
{
    char index[16];
    snprintf(index, sizeof index, "%u", device->index);
    *traits = NULL;
    *count = 0;
    *err = (struct csg_error){0};
    if (device->usable)
        csg_device_traits(index, NULL, traits, count, err);
}

static json_t *traits_json(const struct csg_device_info *device)
{
    struct csg_device_trait *traits;
    struct csg_error err;
    size_t count;
    json_t *all = json_object();
    traits_of(device, &traits, &count, &err);
    for (size_t i = 0; i < count; i++)
        json_object_set_new(all, traits[i].name, cli_json_string(traits[i].value));
    if (err.status)
        json_object_set_new(all, "failed", cli_json_string(err.sentence));
    csg_device_traits_free(&traits);
    return all;
}

static void print_traits(const struct csg_device_info *device)
{
    struct csg_device_trait *traits;
    struct csg_error err;
    size_t count;
    traits_of(device, &traits, &count, &err);
    for (size_t i = 0; i < count; i++)
        printf("     %-12s %s\n", traits[i].name, cli_printable(traits[i].value));
    if (err.status)
        printf("     failed       %s\n", cli_printable(err.sentence));
    csg_device_traits_free(&traits);
}

static void print_device(const struct csg_device_info *device, bool verbose)
{
    printf("%c %u  %s (%s)\n     %s, driver %s, %s\n     %u compute units, %.1f GiB, fp16 %s, subgroups %s\n     %s\n",
           device->chosen ? '*' : ' ', device->index, device->name, device->type, device->platform, device->driver,
           device->version, device->compute_units, (double)device->global_memory_bytes / 1073741824.0,
           device->fp16 ? "yes" : "no", device->subgroups ? "yes" : "no", device->verdict);
    if (verbose)
        print_traits(device);
    for (size_t i = 0; verbose && csg_precision_name(i); i++)
        printf("     %-12s %s\n", csg_precision_name(i),
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
        for (size_t i = 0; i < count; i++) {
            json_t *one = to_json(devices + i);
            if (args->verbose)
                json_object_set_new(one, "traits", traits_json(devices + i));
            json_array_append_new(list, one);
        }
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
