#include "window.h"

#define GLFW_INCLUDE_NONE
#include <GLFW/glfw3.h>
#include <epoxy/gl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fonts.h"
#include "ui.h"

/* After an event the widgets need some frames to come to rest. */
#define SETTLE_FRAMES 4

static const char *name_of(int key)
{
    static const struct {
        int key;
        const char *name;
    } names[] = {{GLFW_KEY_SPACE, "space"},
                 {GLFW_KEY_ESCAPE, "escape"},
                 {GLFW_KEY_TAB, "tab"},
                 {GLFW_KEY_ENTER, "enter"},
                 {GLFW_KEY_KP_ENTER, "enter"},
                 {GLFW_KEY_DELETE, "delete"},
                 {GLFW_KEY_BACKSPACE, "backspace"},
                 {GLFW_KEY_LEFT, "left"},
                 {GLFW_KEY_RIGHT, "right"},
                 {GLFW_KEY_PAGE_UP, "page_up"},
                 {GLFW_KEY_PAGE_DOWN, "page_down"},
                 {GLFW_KEY_F1, "f1"},
                 {GLFW_KEY_F6, "f6"},
                 {GLFW_KEY_F10, "f10"},
                 {GLFW_KEY_F11, "f11"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].key == key)
            return names[i].name;
    return NULL;
}

static struct app *app_of(GLFWwindow *window)
{
    return glfwGetWindowUserPointer(window);
}

static void on_key(GLFWwindow *window, int key, int code, int action, int mods)
{
    struct app *app = app_of(window);
    const char *name = name_of(key);
    (void)code;
    app->wake_frames = SETTLE_FRAMES;
    if (action == GLFW_RELEASE)
        return;
    app->keys += action == GLFW_PRESS;
    if (key == GLFW_KEY_Q && (mods & GLFW_MOD_CONTROL)) {
        action_key(app, "ctrl+q");
        return;
    }
    if (!name || (mods & (GLFW_MOD_CONTROL | GLFW_MOD_ALT)))
        return;
    bool leads_out =
        (key >= GLFW_KEY_F1 && key <= GLFW_KEY_F12) || (key == GLFW_KEY_ESCAPE && !ui_wants_text() && !ui_popup_any());
    if (leads_out || !ui_wants_keys())
        action_key(app, name);
}

/* Signs come by what they are, so that every keyboard layout has them. */
static void on_char(GLFWwindow *window, unsigned character)
{
    struct app *app = app_of(window);
    char name[2] = {(char)character, 0};
    app->wake_frames = SETTLE_FRAMES;
    if (character > 32 && character < 127 && !ui_wants_keys())
        action_key(app, name);
}

static void on_button(GLFWwindow *window, int button, int action, int mods)
{
    struct app *app = app_of(window);
    double x, y;
    app->wake_frames = SETTLE_FRAMES;
    app->in_menus = false; /* the mouse has them */
    glfwGetCursorPos(window, &x, &y);
    if (button == GLFW_MOUSE_BUTTON_LEFT && (action == GLFW_RELEASE || !ui_wants_mouse()))
        canvas_mouse(app, x, y, action == GLFW_PRESS, action == GLFW_RELEASE, (mods & GLFW_MOD_SHIFT) != 0);
}

static void on_cursor(GLFWwindow *window, double x, double y)
{
    struct app *app = app_of(window);
    app->wake_frames = SETTLE_FRAMES;
    if (app->wiping)
        canvas_mouse(app, x, y, false, false, false);
}

static void on_scroll(GLFWwindow *window, double dx, double dy)
{
    struct app *app = app_of(window);
    (void)dx;
    app->wake_frames = SETTLE_FRAMES;
    if (!ui_wants_mouse() && dy != 0) /* as mpv's wheel changes the volume */
        action_run(app, dy > 0 ? "more-opacity" : "less-opacity");
}

static void on_drop(GLFWwindow *window, int count, const char **paths)
{
    struct app *app = app_of(window);
    app->wake_frames = SETTLE_FRAMES;
    for (int i = 0; i < count; i++)
        app_drop(app, paths[i]);
}

static void on_change(GLFWwindow *window, int w, int h)
{
    (void)w, (void)h;
    app_of(window)->wake_frames = SETTLE_FRAMES;
}

static void on_scale(GLFWwindow *window, float sx, float sy)
{
    (void)sy;
    window_scale(app_of(window), (double)sx);
}

static void on_refresh(GLFWwindow *window)
{
    app_of(window)->wake_frames = SETTLE_FRAMES;
}

void window_wake(void)
{
    glfwPostEmptyEvent();
}

static void set_callbacks(struct app *app)
{
    glfwSetWindowUserPointer(app->window, app);
    glfwSetKeyCallback(app->window, on_key);
    glfwSetCharCallback(app->window, on_char);
    glfwSetMouseButtonCallback(app->window, on_button);
    glfwSetCursorPosCallback(app->window, on_cursor);
    glfwSetScrollCallback(app->window, on_scroll);
    glfwSetDropCallback(app->window, on_drop);
    glfwSetFramebufferSizeCallback(app->window, on_change);
    glfwSetWindowContentScaleCallback(app->window, on_scale);
    glfwSetWindowRefreshCallback(app->window, on_refresh);
}

static int fail_glfw(struct csg_error *err, const char *what)
{
    const char *why = NULL;
    glfwGetError(&why);
    return view_fail(err, CSG_ERROR, "%s: %s", what, why ? why : "no reason is given");
}

int window_open(struct app *app, struct csg_error *err)
{
    float sx = 1, sy = 1;
    if (!glfwInit())
        return fail_glfw(err, "there is no display to open a window on");
    glfwWindowHint(GLFW_CONTEXT_VERSION_MAJOR, 3);
    glfwWindowHint(GLFW_CONTEXT_VERSION_MINOR, 3);
    glfwWindowHint(GLFW_OPENGL_PROFILE, GLFW_OPENGL_CORE_PROFILE);
    glfwWindowHint(GLFW_OPENGL_FORWARD_COMPAT, GLFW_TRUE);
    glfwWindowHint(GLFW_SCALE_TO_MONITOR, app->options->window ? GLFW_FALSE : GLFW_TRUE);
    glfwWindowHintString(GLFW_X11_CLASS_NAME, "clip-surgeon");
    app->window = glfwCreateWindow(app->settings.window_w, app->settings.window_h, "clip-surgeon", NULL, NULL);
    if (!app->window)
        return fail_glfw(err, "no window with OpenGL 3.3 could be opened");
    glfwMakeContextCurrent(app->window);
    glfwSwapInterval(1);
    glfwGetWindowContentScale(app->window, &sx, &sy);
    glfwGetWindowSize(app->window, &app->window_w, &app->window_h);
    glfwGetFramebufferSize(app->window, &app->pixels_w, &app->pixels_h);
    set_callbacks(app);
    if (!ui_create(app->window))
        return view_fail(err, CSG_ERROR, "the widgets could not be set up");
    window_scale(app, (double)sx);
    window_fonts(app);
    return scene_create(&app->scene, err);
}

/* Where window units are not pixels (macOS), the system scales; else the text has to. */
void window_scale(struct app *app, double content_scale)
{
    app->scale = app->pixels_w > app->window_w ? 1.0f : (float)view_clamp(content_scale, 1, 4);
    ui_scale(app->scale);
    app->font_stale = true;
    app->wake_frames = SETTLE_FRAMES;
}

void window_close(struct app *app)
{
    if (app->window) {
        glfwMakeContextCurrent(app->window);
        scene_destroy(&app->scene);
        ui_destroy();
        glfwDestroyWindow(app->window);
        app->window = NULL;
        fonts_close();
    }
    glfwTerminate();
}

void window_fonts(struct app *app)
{
    char files[4][VIEW_PATH];
    const char *names[4];
    size_t count = fonts_find(files, 4, app->font_extra, app->data_dir);
    for (size_t i = 0; i < count; i++)
        names[i] = files[i];
    ui_fonts(names, count, 16 * app->scale, app->font_extra);
    app->font_stale = false;
}

void window_fullscreen(struct app *app, bool on)
{
    GLFWmonitor *monitor = glfwGetPrimaryMonitor();
    const GLFWvidmode *mode = monitor ? glfwGetVideoMode(monitor) : NULL;
    int *w = app->windowed;
    if (on == app->fullscreen || !mode)
        return;
    app->fullscreen = on;
    if (on) {
        glfwGetWindowPos(app->window, w, w + 1);
        glfwGetWindowSize(app->window, w + 2, w + 3);
        glfwSetWindowMonitor(app->window, monitor, 0, 0, mode->width, mode->height, mode->refreshRate);
    } else {
        glfwSetWindowMonitor(app->window, NULL, w[0], w[1], w[2], w[3], GLFW_DONT_CARE);
    }
}

void window_title_text(const struct app *app, char *title, size_t capacity)
{
    const struct worker_state *s = &app->worker_state;
    const char *name = app->source_state.title[0] ? app->source_state.title : "viewer";
    if (s->trouble[0])
        view_format(title, capacity, "%.160s - clip-surgeon - device trouble: %.120s", name, s->ready ? s->device : "none");
    else if (app->text_state.trouble[0])
        view_format(title, capacity, "%.160s - clip-surgeon - device trouble: texts", name);
    else
        view_format(title, capacity, "%.160s - clip-surgeon", name);
}

void window_title(struct app *app)
{
    static char shown[2 * VIEW_TEXT + 64];
    char title[2 * VIEW_TEXT + 64];
    window_title_text(app, title, sizeof title);
    if (strcmp(title, shown) != 0)
        glfwSetWindowTitle(app->window, title);
    view_copy(shown, sizeof shown, title);
}

void window_wait(struct app *app, double seconds)
{
    if (seconds > 0)
        glfwWaitEventsTimeout(seconds);
    else
        glfwPollEvents();
    glfwGetWindowSize(app->window, &app->window_w, &app->window_h);
    glfwGetFramebufferSize(app->window, &app->pixels_w, &app->pixels_h);
    if (glfwWindowShouldClose(app->window))
        app->quit = true;
}
