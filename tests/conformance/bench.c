#include "report.h"
int conf_bench(const struct conf_options *options)
{
    (void)options;
    return 1;
}
