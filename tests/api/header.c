/* The public header compiles alone, without anything before it. */
#include <clip_surgeon/clip_surgeon.h>

int main(void)
{
    return csg_version()[0] == 0;
}
