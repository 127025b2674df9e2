#include "source.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "source_av.h"

#define REOPEN_MS 2000 /* between two attempts to find an unplugged camera again */

struct source {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    void (*wake)(void);
    atomic_bool quit;
    char spec[VIEW_PATH];
    /* Under the lock. */
    struct source_state state;
    struct frame *newest;
    int steps; /* wanted, not yet taken */
    double seek_by_s;
    bool interrupted_wait;
    /* The thread's own. */
    uint64_t serial;
    char **files;
};

static const char *const picture_endings[] = {".png", ".jpg", ".jpeg", ".bmp", ".tga", ".psd",
                                              ".ppm", ".pgm", ".pbm",  ".pnm", NULL};

static void tell(struct source *source, const char *trouble)
{
    pthread_mutex_lock(&source->lock);
    view_copy(source->state.trouble, sizeof source->state.trouble, trouble);
    pthread_mutex_unlock(&source->lock);
    source->wake();
}

static void publish(struct source *source, struct csg_image *image, const char *name, double position_s)
{
    int w = csg_image_width_px(image), h = csg_image_height_px(image);
    struct frame *frame = frame_create(image, ++source->serial, name);
    pthread_mutex_lock(&source->lock);
    frame_unref(&source->newest);
    source->newest = frame;
    source->state.width_px = w;
    source->state.height_px = h;
    source->state.opened = true;
    source->state.position_s = position_s;
    source->state.trouble[0] = 0;
    pthread_mutex_unlock(&source->lock);
    source->wake();
}

/* Waits until something is asked or the time is up; true where something is asked. */
static bool wait_ms(struct source *source, double ms)
{
    struct timespec until;
    bool asked;
    clock_gettime(CLOCK_REALTIME, &until); /* the clock of condition variables where none can be chosen */
    double seconds = (double)until.tv_sec + (double)until.tv_nsec * 1e-9 + ms * 1e-3;
    until.tv_sec = (time_t)seconds;
    until.tv_nsec = (long)((seconds - (double)until.tv_sec) * 1e9);
    pthread_mutex_lock(&source->lock);
    int code = 0;
    while (!(asked = atomic_load(&source->quit) || source->steps || source->seek_by_s != 0 || source->interrupted_wait) &&
           code != ETIMEDOUT)
        code = ms < 0 ? pthread_cond_wait(&source->changed, &source->lock)
                      : pthread_cond_timedwait(&source->changed, &source->lock, &until);
    source->interrupted_wait = false;
    pthread_mutex_unlock(&source->lock);
    return asked;
}

static void set_kind(struct source *source, enum source_kind kind, const char *title)
{
    pthread_mutex_lock(&source->lock);
    source->state.kind = kind;
    view_copy(source->state.title, sizeof source->state.title, title);
    pthread_mutex_unlock(&source->lock);
}

static void show_picture(struct source *source, const char *path)
{
    struct csg_error err;
    struct csg_image *image = NULL;
    if (csg_image_load(&image, path, &err) == CSG_OK)
        publish(source, image, view_base_name(path), 0);
    else
        tell(source, err.sentence);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static size_t list_folder(struct source *source)
{
    DIR *folder = opendir(source->spec);
    size_t count = 0, capacity = 0;
    for (struct dirent *entry = folder ? readdir(folder) : NULL; entry; entry = readdir(folder)) {
        if (!view_has_ending(entry->d_name, picture_endings) || entry->d_name[0] == '.')
            continue;
        if (count == capacity) {
            size_t more = capacity ? 2 * capacity : 64;
            char **larger = realloc(source->files, more * sizeof *larger);
            if (!larger)
                break;
            source->files = larger;
            capacity = more;
        }
        size_t bytes = strlen(source->spec) + strlen(entry->d_name) + 2;
        char *path = malloc(bytes);
        if (!path)
            break;
        view_format(path, bytes, "%s/%s", source->spec, entry->d_name);
        source->files[count++] = path;
    }
    if (folder)
        closedir(folder);
    if (count)
        qsort(source->files, count, sizeof *source->files, by_name);
    return count;
}

static int take_steps(struct source *source)
{
    pthread_mutex_lock(&source->lock);
    int steps = source->steps;
    source->steps = 0;
    pthread_mutex_unlock(&source->lock);
    return steps;
}

static void show_folder(struct source *source)
{
    size_t count = list_folder(source), index = 0;
    if (!count)
        tell(source, "there is no picture in this folder");
    while (!atomic_load(&source->quit)) {
        if (count) {
            pthread_mutex_lock(&source->lock);
            source->state.index = index;
            source->state.count = count;
            view_copy(source->state.title, sizeof source->state.title, view_base_name(source->files[index]));
            pthread_mutex_unlock(&source->lock);
            show_picture(source, source->files[index]);
        }
        int steps = 0;
        while (!atomic_load(&source->quit) && !(steps = take_steps(source))) {
            pthread_mutex_lock(&source->lock);
            source->seek_by_s = 0;
            pthread_mutex_unlock(&source->lock);
            wait_ms(source, -1);
        }
        if (count)
            index = (index + (size_t)((steps % (int)count) + (int)count)) % count;
    }
    for (size_t i = 0; i < count; i++)
        free(source->files[i]);
    free(source->files);
    source->files = NULL;
}

/* What plays: the clock that its pictures are shown by. */
struct playback {
    struct av_input *input;
    struct av_input_info info;
    double zero_ms;  /* when time 0 of the video would have been */
    double last_s;   /* time of the picture that is shown */
    double before_s; /* of the one that was shown before it, where that is the one before it in the video; else negative */
    bool shown, fresh_clock, wound; /* wound: the next picture does not follow the one that is shown */
};

static bool is_paused(struct source *source)
{
    pthread_mutex_lock(&source->lock);
    bool paused = source->state.paused && !source->steps && source->seek_by_s == 0;
    pthread_mutex_unlock(&source->lock);
    return paused;
}

/* Steps back and jumps; a step on is just the next picture. */
static void obey(struct source *source, struct playback *p)
{
    struct csg_error err;
    pthread_mutex_lock(&source->lock);
    int steps = source->steps;
    double seek = source->seek_by_s;
    source->seek_by_s = 0;
    if (steps > 0)
        source->steps--;
    if (steps < 0)
        source->steps++;
    pthread_mutex_unlock(&source->lock);
    if (p->info.live || (steps >= 0 && seek == 0))
        return;
    double frame_s = p->info.rate_hz > 0 ? 1 / p->info.rate_hz : 0.04;
    double target = (steps < 0 ? p->last_s - frame_s : p->last_s + seek) - 0.25 * frame_s;
    if (steps < 0 && p->before_s >= 0)
        target = p->before_s; /* pictures need not stand at even distances */
    if (av_input_seek(p->input, target, &err) != CSG_OK)
        tell(source, err.sentence);
    p->fresh_clock = true;
    p->wound = true;
}

static void set_ended(struct source *source, bool ended)
{
    pthread_mutex_lock(&source->lock);
    source->state.ended = ended;
    pthread_mutex_unlock(&source->lock);
    source->wake();
}

/* At the end of a video: again from its start, or wait until something is asked. False: leave. */
static bool at_end(struct source *source, struct playback *p)
{
    struct csg_error err;
    pthread_mutex_lock(&source->lock);
    bool loop = source->state.loop;
    pthread_mutex_unlock(&source->lock);
    if (loop && p->shown) {
        p->fresh_clock = true;
        p->shown = false; /* a video without a single picture must not spin */
        if (av_input_seek(p->input, 0, &err) == CSG_OK)
            return true;
        av_input_close(&p->input); /* a filter graph cannot be wound, but opened anew */
        return av_input_open(&p->input, source->spec, &source->quit, &err) == CSG_OK;
    }
    set_ended(source, true);
    wait_ms(source, -1);
    set_ended(source, false);
    return !atomic_load(&source->quit);
}

static void wait_until_due(struct source *source, struct playback *p, double time_s)
{
    double now = view_now_ms(), due = p->zero_ms + time_s * 1e3;
    if (p->fresh_clock || !p->info.unpaced || time_s < 0 || due < now - 500) { /* far behind: go on from here */
        p->zero_ms = now - time_s * 1e3;
        p->fresh_clock = false;
        return;
    }
    while ((now = view_now_ms()) < due && !wait_ms(source, due - now))
        ;
}

/* Until the input ends for good, or the source is left. */
static void play(struct source *source, struct playback *p)
{
    struct csg_error err = {0};
    while (!atomic_load(&source->quit)) {
        struct csg_image *image = NULL;
        double time_s = 0;
        if (p->shown && is_paused(source) && !p->info.live) {
            wait_ms(source, -1);
            p->fresh_clock = true;
            continue;
        }
        obey(source, p);
        int status = av_input_next(p->input, &image, &time_s, &err);
        if (status) {
            if (status != CSG_ERROR_INTERRUPTED)
                tell(source, err.sentence);
            if (p->info.live || status == CSG_ERROR_INTERRUPTED)
                return;
            wait_ms(source, -1);
            continue;
        }
        if (!image) {
            if (p->info.live) {
                tell(source, "the camera delivers no more pictures; is it unplugged?");
                return;
            }
            if (!at_end(source, p))
                return;
            continue;
        }
        wait_until_due(source, p, time_s);
        if (p->info.live && p->shown && is_paused(source)) {
            csg_image_destroy(&image); /* a camera runs on; what it saw in the pause is not shown */
            continue;
        }
        p->before_s = p->shown && !p->wound && time_s > p->last_s ? p->last_s : -1;
        p->shown = true;
        p->wound = false;
        p->last_s = time_s;
        publish(source, image, p->info.title, time_s);
    }
}

static void show_stream(struct source *source)
{
    struct csg_error err = {0};
    bool live = av_input_is_device(source->spec);
    set_kind(source, live ? SOURCE_CAMERA : SOURCE_VIDEO, view_base_name(source->spec));
    while (!atomic_load(&source->quit)) {
        struct playback p = {.fresh_clock = true};
        int status = av_input_open(&p.input, source->spec, &source->quit, &err);
        if (status == CSG_OK) {
            av_input_info(p.input, &p.info);
            live = p.info.live;
            set_kind(source, live ? SOURCE_CAMERA : SOURCE_VIDEO, p.info.title);
            pthread_mutex_lock(&source->lock);
            source->state.rate_hz = p.info.rate_hz;
            source->state.duration_s = p.info.duration_s;
            pthread_mutex_unlock(&source->lock);
            play(source, &p);
        } else if (!atomic_load(&source->quit)) {
            tell(source, err.sentence);
        }
        av_input_close(&p.input);
        if (atomic_load(&source->quit))
            break;
        wait_ms(source, live ? REOPEN_MS : -1);
        take_steps(source);
        if (!live)
            break;
    }
}

static void *run(void *user)
{
    struct source *source = user;
    struct stat info;
    bool there = stat(source->spec, &info) == 0;
    if (there && S_ISDIR(info.st_mode)) {
        set_kind(source, SOURCE_FOLDER, source->spec);
        show_folder(source);
    } else if (there && view_has_ending(source->spec, picture_endings)) {
        set_kind(source, SOURCE_PICTURE, view_base_name(source->spec));
        show_picture(source, source->spec);
    } else if (there || av_input_is_device(source->spec) || strstr(source->spec, "://")) {
        show_stream(source);
    } else {
        char trouble[VIEW_PATH];
        view_format(trouble, sizeof trouble, "%.500s: there is no such file, folder or camera", source->spec);
        tell(source, trouble);
    }
    return NULL;
}

int source_create(struct source **out, const char *spec, bool loop, void (*wake)(void), struct csg_error *err)
{
    struct source *source = calloc(1, sizeof *source);
    *out = NULL;
    if (!source)
        return view_fail_memory(err);
    atomic_init(&source->quit, false);
    source->wake = wake;
    source->state.loop = loop;
    view_copy(source->spec, sizeof source->spec, spec);
    view_copy(source->state.title, sizeof source->state.title, view_base_name(spec));
    pthread_mutex_init(&source->lock, NULL);
    pthread_cond_init(&source->changed, NULL);
    if (pthread_create(&source->thread, NULL, run, source) != 0) {
        pthread_cond_destroy(&source->changed);
        pthread_mutex_destroy(&source->lock);
        free(source);
        return view_fail(err, CSG_ERROR, "no thread could be started");
    }
    *out = source;
    return CSG_OK;
}

void source_destroy(struct source **out)
{
    struct source *source = *out;
    if (!source)
        return;
    pthread_mutex_lock(&source->lock);
    atomic_store(&source->quit, true);
    pthread_cond_signal(&source->changed);
    pthread_mutex_unlock(&source->lock);
    pthread_join(source->thread, NULL);
    frame_unref(&source->newest);
    pthread_cond_destroy(&source->changed);
    pthread_mutex_destroy(&source->lock);
    free(source);
    *out = NULL;
}

struct frame *source_take(struct source *source, uint64_t *serial)
{
    struct frame *frame = NULL;
    pthread_mutex_lock(&source->lock);
    if (source->newest && source->newest->serial != *serial) {
        frame = frame_ref(source->newest);
        *serial = frame->serial;
    }
    pthread_mutex_unlock(&source->lock);
    return frame;
}

void source_state(struct source *source, struct source_state *state)
{
    pthread_mutex_lock(&source->lock);
    *state = source->state;
    pthread_mutex_unlock(&source->lock);
}

static void signal_change(struct source *source)
{
    source->interrupted_wait = true;
    pthread_cond_signal(&source->changed);
    pthread_mutex_unlock(&source->lock);
}

void source_pause(struct source *source, bool paused)
{
    pthread_mutex_lock(&source->lock);
    source->state.paused = paused;
    signal_change(source);
}

void source_loop(struct source *source, bool loop)
{
    pthread_mutex_lock(&source->lock);
    source->state.loop = loop;
    signal_change(source);
}

void source_step(struct source *source, int by)
{
    pthread_mutex_lock(&source->lock);
    source->steps += by;
    if (source->state.kind != SOURCE_FOLDER)
        source->state.paused = true;
    signal_change(source);
}

void source_seek(struct source *source, double by_s)
{
    pthread_mutex_lock(&source->lock);
    source->seek_by_s += by_s;
    signal_change(source);
}
