/* A file of commands that drives the window as a hand would: one command a line, `#` begins a comment.
 *
 *   wait map            until the maps of all that was asked are there (and the picture is)
 *   wait picture        until a picture is there
 *   wait ms N           wait frames N
 *   type TEXT           into the prompt line        key NAME     as in the help, or a letter
 *   action NAME         of the table of actions     set NAME VALUE
 *   open SOURCE         drop PATH                   prompt TEXT (adds a chip)     device SPEC
 *   hover U V           click U V     shift-click U V     drag U0 V0 U1 V1    of the picture, 0..1
 *   screenshot FILE     plain FILE    window FILE
 *   method NAME         size N                      scale N (of the display)      print NAME (a fact)
 *   expect NAME VALUE   fails the script where a fact is another, or does not hold PART where VALUE is ~PART
 *   await NAME VALUE    waits until it is so        (the facts are in script.c: banner, toast, method, device ..., and every setting)
 *   note NAME           remembers what the fact is; then VALUE ! is anything else
 *   quit */
#ifndef CSG_VIEWER_SCRIPT_H
#define CSG_VIEWER_SCRIPT_H

#include "app.h"

int script_load(struct script **out, const char *path, struct csg_error *err);
void script_destroy(struct script **script);
/* Carries out what can be carried out now; after the window was drawn, before the swap. */
int script_step(struct app *app, struct csg_error *err);
/* It has something to do, for which the window is to be drawn. */
bool script_due(const struct app *app);
/* Where the script has the mouse; false: nowhere. */
bool script_mouse(const struct app *app, double *x, double *y);

#endif
