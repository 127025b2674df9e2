/* What is done while something fails: through the public header alone, as the command line and the viewer do it. */
#ifndef CSG_TESTS_FAULTS_SCENARIOS_H
#define CSG_TESTS_FAULTS_SCENARIOS_H

#include <clip_surgeon/clip_surgeon.h>

struct place {
    const char *model, *cache, *out; /* folders; `out` is empty before and after */
    const char *device;
};
#define MOST_VALUES 4096
/* What a scenario gives: maps and features, and the bytes of the files it wrote. */
struct yield {
    float values[MOST_VALUES];
    size_t count;
    uint64_t pictures; /* hash of the pictures as they are drawn */
    bool replaced;     /* another device computed than the one that was asked for */
};
struct scenario {
    const char *name;
    bool pair; /* has a second engine, whose queue is waited for while the first is lost */
    int (*run)(const struct place *place, struct yield *yield, struct csg_error *err);
};
extern const struct scenario scenarios[];
#define SCENARIO_COUNT 4

#endif
