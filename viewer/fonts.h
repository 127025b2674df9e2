/* Font files through fontconfig. */
#ifndef CSG_VIEWER_FONTS_H
#define CSG_VIEWER_FONTS_H

#include "base.h"

/* Files in order of preference: a sans serif, and for the characters of `extra` (UTF-8) those that have them, where there are any. */
size_t fonts_find(char (*files)[VIEW_PATH], size_t capacity, const char *extra, const char *data_dir);
void fonts_close(void); /* what fontconfig keeps */

#endif
