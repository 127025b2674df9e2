/* Models by name: which there are, where each stands, how it comes and goes. Private to host/model and host/api. */
#ifndef CSG_MODEL_CATALOGUE_H
#define CSG_MODEL_CATALOGUE_H

#include "base/status.h"

/* Where the model of that name is here: a name of the catalogue or hf:OWNER/REPO[@REVISION]. *path is to be freed; NULL where it is
 * neither or not here. */
int csg_catalogue_find(char **path, const char *name, struct csg_error *err);
/* Whether csg_model_pull would know the name. */
bool csg_catalogue_knows(const char *name);

#endif
