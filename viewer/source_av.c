#include "source_av.h"

#include <libavcodec/avcodec.h>
#include <libavdevice/avdevice.h>
#include <libavformat/avformat.h>
#include <libavutil/imgutils.h>
#include <libavutil/time.h>
#include <libswscale/swscale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PIXELS ((int64_t)1 << 26)
#define MAX_DAMAGED 64 /* packets in a row that cannot be decoded */

struct av_input {
    AVFormatContext *format;
    AVCodecContext *codec;
    struct SwsContext *scaler;
    AVPacket *packet;
    AVFrame *frame;
    uint8_t *rgb;
    size_t rgb_bytes;
    int stream;
    bool live, drained;
    double discard_before_s;
    char title[VIEW_TEXT];
};

void av_setup(void)
{
    av_log_set_level(AV_LOG_QUIET);
    avdevice_register_all();
}

static int fail_av(struct csg_error *err, int code, const char *what, const char *name)
{
    char text[128];
    av_strerror(code, text, sizeof text);
    return view_fail(err, CSG_ERROR_INPUT, "%s: %.300s: %s", what, name, text);
}

/* The capture formats of the systems there are; the first that libav has is the system's. */
static const char *const capture_formats[] = {"v4l2", "avfoundation", "dshow", NULL};

size_t av_camera_list(struct camera *cameras, size_t capacity)
{
    size_t count = 0;
    for (size_t i = 0; capture_formats[i]; i++) {
        AVDeviceInfoList *list = NULL;
        const AVInputFormat *format = av_find_input_format(capture_formats[i]);
        if (!format || avdevice_list_input_sources(format, NULL, NULL, &list) < 0)
            continue;
        for (int k = 0; k < list->nb_devices && count < capacity; k++) {
            struct camera *camera = cameras + count++;
            view_copy(camera->format, sizeof camera->format, capture_formats[i]);
            view_copy(camera->name, sizeof camera->name, list->devices[k]->device_name);
            view_copy(camera->description, sizeof camera->description, list->devices[k]->device_description);
        }
        avdevice_free_list_devices(&list);
    }
    return count;
}

/* "FORMAT:NAME" with a FORMAT of libavdevice: *name is what stands behind the colon. */
static const AVInputFormat *device_format(const char *spec, const char **name)
{
    const char *colon = strchr(spec, ':');
    char format[32];
    if (!colon || (size_t)(colon - spec) >= sizeof format)
        return NULL;
    view_format(format, sizeof format, "%.*s", (int)(colon - spec), spec);
    for (const AVInputFormat *f = av_input_video_device_next(NULL); f; f = av_input_video_device_next(f)) {
        const char *names = f->name;
        size_t length = strlen(format);
        for (const char *at = strstr(names, format); at; at = strstr(at + 1, format)) {
            if ((at == names || at[-1] == ',') && (at[length] == 0 || at[length] == ',')) {
                *name = colon + 1;
                return f;
            }
        }
    }
    return NULL;
}

bool av_input_is_device(const char *spec)
{
    const char *name;
    return strcmp(spec, "camera") == 0 || strncmp(spec, "camera:", 7) == 0 || device_format(spec, &name);
}

/* camera[:INDEX or NAME] among the cameras that are listed. */
static int find_camera(const char *wanted, struct camera *found, struct csg_error *err)
{
    struct camera cameras[16];
    size_t count = av_camera_list(cameras, sizeof cameras / sizeof *cameras), index = 0;
    char *end;
    if (!count)
        return view_fail(err, CSG_ERROR_INPUT, "no camera is connected, or this user may not open it");
    if (wanted[0]) {
        index = strtoul(wanted, &end, 10);
        if (*end) {
            for (index = 0; index < count; index++)
                if (strcmp(cameras[index].name, wanted) == 0 || strstr(cameras[index].description, wanted))
                    break;
        }
    }
    if (index >= count)
        return view_fail(err, CSG_ERROR_INPUT, "there is no camera '%.100s'; there are %zu, the first is %.100s (%.100s)", wanted,
                         count, cameras[0].name, cameras[0].description);
    *found = cameras[index];
    return CSG_OK;
}

/* Cuts ",size=...,rate=...,format=..." off the name. */
static int take_options(char *name, AVDictionary **options, struct csg_error *err)
{
    static const struct {
        const char *ours, *theirs;
    } known[] = {{"size=", "video_size"}, {"rate=", "framerate"}, {"format=", "input_format"}};
    for (char *comma = strrchr(name, ','); comma; comma = strrchr(name, ',')) {
        size_t i = 0;
        while (i < 3 && strncmp(comma + 1, known[i].ours, strlen(known[i].ours)) != 0)
            i++;
        if (i == 3)
            return view_fail(err, CSG_ERROR_INPUT, "a camera has the options size, rate and format, but not '%.100s'", comma + 1);
        av_dict_set(options, known[i].theirs, comma + 1 + strlen(known[i].ours), 0);
        *comma = 0;
    }
    return CSG_OK;
}

static int interrupted(void *user)
{
    return atomic_load((atomic_bool *)user);
}

static int open_format(struct av_input *input, const char *spec, atomic_bool *quit, struct csg_error *err)
{
    char name[VIEW_PATH];
    const char *behind = NULL;
    const AVInputFormat *format = NULL;
    AVDictionary *options = NULL;
    int status = CSG_OK;
    view_copy(name, sizeof name, spec);
    if (strcmp(spec, "camera") == 0 || strncmp(spec, "camera:", 7) == 0) {
        view_copy(name, sizeof name, spec[6] ? spec + 7 : "");
        input->live = true;
        format = device_format(name, &behind);
        if (!format || strcmp(format->name, "lavfi") != 0) /* a filter graph has commas of its own */
            status = take_options(name, &options, err);
        if (!format && status == CSG_OK) {
            struct camera camera;
            status = find_camera(name, &camera, err);
            if (status == CSG_OK) {
                format = av_find_input_format(camera.format);
                view_copy(name, sizeof name, camera.name);
                behind = name;
                view_copy(input->title, sizeof input->title, camera.description);
            }
        }
    } else {
        format = device_format(spec, &behind);
        input->live = format && strcmp(format->name, "lavfi") != 0;
    }
    const char *url = format ? behind : spec;
    if (status == CSG_OK) {
        input->format = avformat_alloc_context();
        if (!input->format)
            status = view_fail_memory(err);
    }
    if (status == CSG_OK) {
        input->format->interrupt_callback = (AVIOInterruptCB){interrupted, quit};
        int code = avformat_open_input(&input->format, url, format, &options);
        if (code < 0)
            status = fail_av(err, code, input->live ? "the camera cannot be opened" : "this cannot be opened", url);
    }
    av_dict_free(&options);
    if (!input->title[0])
        view_copy(input->title, sizeof input->title, view_base_name(url ? url : spec));
    return status;
}

static int open_codec(struct av_input *input, struct csg_error *err)
{
    const AVCodec *codec = NULL;
    int code = avformat_find_stream_info(input->format, NULL);
    if (code >= 0)
        code = input->stream = av_find_best_stream(input->format, AVMEDIA_TYPE_VIDEO, -1, -1, &codec, 0);
    if (code < 0 || !codec)
        return view_fail(err, CSG_ERROR_INPUT, "there is no video in %.300s that can be decoded", input->title);
    const AVCodecParameters *parameters = input->format->streams[input->stream]->codecpar;
    if ((int64_t)parameters->width * parameters->height > MAX_PIXELS)
        return view_fail(err, CSG_ERROR_INPUT, "the pictures of %.300s are too large", input->title);
    input->codec = avcodec_alloc_context3(codec);
    input->packet = av_packet_alloc();
    input->frame = av_frame_alloc();
    if (!input->codec || !input->packet || !input->frame)
        return view_fail_memory(err);
    code = avcodec_parameters_to_context(input->codec, parameters);
    input->codec->max_pixels = MAX_PIXELS;
    if (code >= 0)
        code = avcodec_open2(input->codec, codec, NULL);
    return code < 0 ? fail_av(err, code, "the video cannot be decoded", input->title) : CSG_OK;
}

int av_input_open(struct av_input **out, const char *spec, atomic_bool *quit, struct csg_error *err)
{
    struct av_input *input = calloc(1, sizeof *input);
    *out = NULL;
    if (!input)
        return view_fail_memory(err);
    input->discard_before_s = -1e30;
    int status = open_format(input, spec, quit, err);
    if (status == CSG_OK)
        status = open_codec(input, err);
    if (status)
        av_input_close(&input);
    *out = input;
    return status;
}

void av_input_close(struct av_input **out)
{
    struct av_input *input = *out;
    if (!input)
        return;
    sws_freeContext(input->scaler);
    av_frame_free(&input->frame);
    av_packet_free(&input->packet);
    avcodec_free_context(&input->codec);
    avformat_close_input(&input->format);
    free(input->rgb);
    free(input);
    *out = NULL;
}

void av_input_info(const struct av_input *input, struct av_input_info *info)
{
    AVStream *stream = input->format->streams[input->stream];
    AVRational rate = av_guess_frame_rate(input->format, stream, NULL);
    int64_t duration = input->format->duration;
    *info = (struct av_input_info){.live = input->live,
                                   .unpaced = !input->live || strcmp(input->format->iformat->name, "lavfi") == 0,
                                   .width_px = input->codec->width,
                                   .height_px = input->codec->height,
                                   .rate_hz = rate.num > 0 && rate.den > 0 ? av_q2d(rate) : 0,
                                   .duration_s = duration > 0 ? (double)duration / AV_TIME_BASE : 0};
    view_copy(info->title, sizeof info->title, input->title);
}

static int convert(struct av_input *input, struct csg_image **image, struct csg_error *err)
{
    AVFrame *f = input->frame;
    if (f->width < 1 || f->height < 1 || (int64_t)f->width * f->height > MAX_PIXELS)
        return view_fail(err, CSG_ERROR_INPUT, "a picture of %.300s has an impossible size", input->title);
    size_t bytes = 3 * (size_t)f->width * (size_t)f->height;
    if (bytes > input->rgb_bytes) {
        uint8_t *larger = realloc(input->rgb, bytes);
        if (!larger)
            return view_fail_memory(err);
        input->rgb = larger;
        input->rgb_bytes = bytes;
    }
    input->scaler = sws_getCachedContext(input->scaler, f->width, f->height, (enum AVPixelFormat)f->format, f->width, f->height,
                                         AV_PIX_FMT_RGB24, SWS_BILINEAR, NULL, NULL, NULL);
    uint8_t *planes[4] = {input->rgb};
    const int strides[4] = {3 * f->width};
    if (!input->scaler ||
        sws_scale(input->scaler, (const uint8_t *const *)f->data, f->linesize, 0, f->height, planes, strides) != f->height)
        return view_fail(err, CSG_ERROR_INPUT, "the pictures of %.300s cannot be turned into RGB", input->title);
    return csg_image_from_rgb(image, input->rgb, f->width, f->height, 0, err);
}

/* One packet to the decoder, or the end of them. */
static int feed(struct av_input *input, struct csg_error *err)
{
    int code = av_read_frame(input->format, input->packet);
    if (code == AVERROR(EAGAIN)) {
        av_usleep(2000);
        return CSG_OK;
    }
    if (code == AVERROR_EXIT)
        return view_fail(err, CSG_ERROR_INTERRUPTED, "interrupted");
    if (code < 0 && code != AVERROR_EOF && input->live)
        return fail_av(err, code, "the camera is gone", input->title);
    if (code < 0) {
        input->drained = true;
        avcodec_send_packet(input->codec, NULL);
        return CSG_OK;
    }
    if (input->packet->stream_index == input->stream)
        avcodec_send_packet(input->codec, input->packet); /* a damaged one is passed over; what follows may be whole */
    av_packet_unref(input->packet);
    return CSG_OK;
}

int av_input_next(struct av_input *input, struct csg_image **image, double *time_s, struct csg_error *err)
{
    int damaged = 0;
    *image = NULL;
    for (;;) {
        int code = avcodec_receive_frame(input->codec, input->frame);
        if (code == 0) {
            AVStream *stream = input->format->streams[input->stream];
            int64_t stamp = input->frame->best_effort_timestamp;
            *time_s = stamp == AV_NOPTS_VALUE ? -1 : (double)stamp * av_q2d(stream->time_base);
            if (*time_s >= 0 && *time_s < input->discard_before_s)
                continue;
            input->discard_before_s = -1e30;
            int status = convert(input, image, err);
            av_frame_unref(input->frame);
            return status;
        }
        if (code == AVERROR_EOF)
            return CSG_OK;
        if (code != AVERROR(EAGAIN) && ++damaged > MAX_DAMAGED)
            return fail_av(err, code, "the video is damaged", input->title);
        if (input->drained)
            return CSG_OK;
        int status = feed(input, err);
        if (status)
            return status;
    }
}

int av_input_seek(struct av_input *input, double time_s, struct csg_error *err)
{
    AVStream *stream = input->format->streams[input->stream];
    double start = stream->start_time == AV_NOPTS_VALUE ? 0 : (double)stream->start_time * av_q2d(stream->time_base);
    double target = time_s > start ? time_s : start;
    int64_t stamp = (int64_t)(target / av_q2d(stream->time_base));
    int code = av_seek_frame(input->format, input->stream, stamp, AVSEEK_FLAG_BACKWARD);
    if (code < 0)
        return fail_av(err, code, "this video cannot be wound", input->title);
    avcodec_flush_buffers(input->codec);
    input->drained = false;
    input->discard_before_s = target - 1e-4;
    return CSG_OK;
}
