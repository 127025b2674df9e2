/* What is done while something fails: through the public header alone, as the command line and the viewer do it. */
#ifndef CSG_TESTS_FAULTS_SCENARIOS_H
#define CSG_TESTS_FAULTS_SCENARIOS_H

#include <clip_surgeon/clip_surgeon.h>

struct place {
    const char *model, *cache, *out; /* folders; `out` is empty before and after */
    const char *device, *fallback;   /* as in csg_engine_params */
    const char *drawer;              /* another device that draws; NULL: the one that computed */
};
#define MOST_VALUES 4096
#define MOST_PARTS 8
/* What one call gave: values, or the hash of a picture as it was drawn. */
struct part {
    size_t from, count; /* of the values */
    uint64_t picture;
};
/* What a scenario gives. */
struct yield {
    float values[MOST_VALUES];
    size_t count;
    struct part parts[MOST_PARTS];
    size_t n_parts;
    bool replaced;   /* another device computed than the one that was asked for */
    size_t warnings; /* sentences of the log */
};
struct scenario {
    const char *name;
    const char *fallback; /* that is allowed; NULL: none */
    bool pair; /* has a second engine, whose queue is waited for while the first is lost, and whose texts are another device's */
    int (*run)(const struct place *place, struct yield *yield, struct csg_error *err);
};
extern const struct scenario scenarios[];
#define SCENARIO_COUNT 8

#endif
