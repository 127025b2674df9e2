#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/opt.h>
#include <libswscale/swscale.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct recorder {
    char path[VIEW_PATH];
    char part[VIEW_PATH + 16]; /* where it is written: a film without its end does not play */
    int held;                  /* the same file, while somebody writes it; -1: it is not ours */
    int w, h;
    double first_ms;
    int64_t last_stamp;
    uint64_t pictures;
    AVFormatContext *format;
    AVCodecContext *codec;
    AVStream *stream;
    AVFrame *frame;
    AVPacket *packet;
    struct SwsContext *scaler;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool header, quit, waiting; /* waiting: rgb holds a picture that is not encoded yet */
    uint8_t *rgb;
    int rgb_w, rgb_h;
    double rgb_ms;
    int failure;
};

static int fail_av(struct csg_error *err, int code, const char *path)
{
    char text[128];
    av_strerror(code, text, sizeof text);
    return view_fail(err, CSG_ERROR, "%.300s cannot be recorded: %s", path, text);
}

/* A film that a killed viewer left there is written over, one that another viewer writes is not. */
static int claim(struct recorder *r)
{
    struct stat info;
    int fd = open(r->part, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
    if (fd < 0)
        return AVERROR(errno);
    bool ours = fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_uid == geteuid();
    if (!ours || (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)) {
        close(fd);
        return AVERROR(EBUSY);
    }
    r->held = fd;
    return 0;
}

/* Gives the film its name; where somebody has taken that since, or it cannot be given, the film stays where it is. */
static int give_name(struct recorder *r)
{
    int code = 0;
    if (link(r->part, r->path) == 0)
        unlink(r->part);
    else if (errno == EEXIST || access(r->path, F_OK) == 0)
        code = AVERROR(EEXIST);
    else if (rename(r->part, r->path) != 0) /* file systems without hard links */
        code = AVERROR(errno);
    close(r->held);
    r->held = -1;
    return code;
}

static int drain(struct recorder *r)
{
    int code;
    while ((code = avcodec_receive_packet(r->codec, r->packet)) == 0) {
        av_packet_rescale_ts(r->packet, r->codec->time_base, r->stream->time_base);
        r->packet->stream_index = r->stream->index;
        code = av_interleaved_write_frame(r->format, r->packet);
        if (code < 0)
            return code;
    }
    return code == AVERROR(EAGAIN) || code == AVERROR_EOF ? 0 : code;
}

static int encode(struct recorder *r, const uint8_t *rgb, int w, int h, double ms)
{
    const uint8_t *planes[4] = {rgb};
    const int strides[4] = {3 * w};
    r->scaler =
        sws_getCachedContext(r->scaler, w, h, AV_PIX_FMT_RGB24, r->w, r->h, r->codec->pix_fmt, SWS_BILINEAR, NULL, NULL, NULL);
    int code = r->scaler ? av_frame_make_writable(r->frame) : AVERROR(ENOMEM);
    if (code < 0)
        return code;
    sws_scale(r->scaler, planes, strides, 0, h, r->frame->data, r->frame->linesize);
    if (r->first_ms < 0)
        r->first_ms = ms;
    int64_t stamp = (int64_t)(ms - r->first_ms);
    r->frame->pts = r->last_stamp = stamp > r->last_stamp ? stamp : r->last_stamp + 1;
    code = avcodec_send_frame(r->codec, r->frame);
    if (code == 0)
        code = drain(r);
    if (code == 0)
        r->pictures++;
    return code;
}

static void *work(void *user)
{
    struct recorder *r = user;
    pthread_mutex_lock(&r->lock);
    while (!r->quit || r->waiting) {
        if (!r->waiting) {
            pthread_cond_wait(&r->changed, &r->lock);
            continue;
        }
        uint8_t *rgb = r->rgb;
        int w = r->rgb_w, h = r->rgb_h;
        double ms = r->rgb_ms;
        pthread_mutex_unlock(&r->lock);
        int code = encode(r, rgb, w, h, ms); /* recorder_add leaves rgb alone while it waits */
        pthread_mutex_lock(&r->lock);
        r->waiting = false;
        if (code < 0 && !r->failure)
            r->failure = code;
    }
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

static void free_recorder(struct recorder **out)
{
    struct recorder *r = *out;
    if (!r)
        return;
    sws_freeContext(r->scaler);
    av_frame_free(&r->frame);
    av_packet_free(&r->packet);
    avcodec_free_context(&r->codec);
    if (r->format && r->format->pb)
        avio_closep(&r->format->pb);
    avformat_free_context(r->format);
    if (r->held >= 0) {
        unlink(r->part);
        close(r->held);
    }
    pthread_cond_destroy(&r->changed);
    pthread_mutex_destroy(&r->lock);
    free(r->rgb);
    free(r);
    *out = NULL;
}

/* H.264 where libav has an encoder for it, else MPEG-4. */
static int open_codec(struct recorder *r)
{
    static const enum AVCodecID wanted[] = {AV_CODEC_ID_H264, AV_CODEC_ID_MPEG4};
    int code = AVERROR_ENCODER_NOT_FOUND;
    for (size_t i = 0; i < 2 && code < 0; i++) {
        const AVCodec *codec = avcodec_find_encoder(wanted[i]);
        if (!codec)
            continue;
        avcodec_free_context(&r->codec);
        r->codec = avcodec_alloc_context3(codec);
        if (!r->codec)
            return AVERROR(ENOMEM);
        r->codec->width = r->w;
        r->codec->height = r->h;
        r->codec->time_base = (AVRational){1, 1000};
        r->codec->framerate = (AVRational){30, 1};
        r->codec->pix_fmt = AV_PIX_FMT_YUV420P;
        r->codec->bit_rate = (int64_t)r->w * r->h * 6;
        r->codec->gop_size = 60;
        r->codec->max_b_frames = 0;
        r->codec->thread_count = 1; /* the other cores are the model's */
        if (r->format->oformat->flags & AVFMT_GLOBALHEADER)
            r->codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
        av_opt_set(r->codec->priv_data, "preset", "veryfast", 0);
        code = avcodec_open2(r->codec, codec, NULL);
    }
    return code;
}

static int open_file(struct recorder *r)
{
    int code = avformat_alloc_output_context2(&r->format, NULL, NULL, r->path);
    if (code >= 0)
        code = open_codec(r);
    if (code < 0)
        return code;
    r->stream = avformat_new_stream(r->format, NULL);
    r->frame = av_frame_alloc();
    r->packet = av_packet_alloc();
    if (!r->stream || !r->frame || !r->packet)
        return AVERROR(ENOMEM);
    r->stream->time_base = r->codec->time_base;
    code = avcodec_parameters_from_context(r->stream->codecpar, r->codec);
    r->frame->format = r->codec->pix_fmt;
    r->frame->width = r->w;
    r->frame->height = r->h;
    if (code >= 0)
        code = av_frame_get_buffer(r->frame, 0);
    if (code >= 0)
        code = claim(r);
    if (code >= 0)
        code = avio_open(&r->format->pb, r->part, AVIO_FLAG_WRITE);
    if (code >= 0)
        code = avformat_write_header(r->format, NULL);
    r->header = code >= 0;
    return code;
}

int recorder_create(struct recorder **out, const char *path, int w, int h, struct csg_error *err)
{
    struct recorder *r = calloc(1, sizeof *r);
    *out = NULL;
    if (!r)
        return view_fail_memory(err);
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->changed, NULL);
    view_copy(r->path, sizeof r->path, path);
    view_format(r->part, sizeof r->part, "%s.csg-part", path);
    r->held = -1;
    r->w = w > 1 ? w & ~1 : 2;
    r->h = h > 1 ? h & ~1 : 2;
    r->first_ms = -1;
    r->last_stamp = -1;
    int code = open_file(r);
    if (code >= 0 && pthread_create(&r->thread, NULL, work, r) != 0)
        code = AVERROR(EAGAIN);
    if (code < 0) {
        free_recorder(&r);
        return fail_av(err, code, path);
    }
    *out = r;
    return CSG_OK;
}

void recorder_add(struct recorder *r, const uint8_t *rgb, int w, int h, double now_ms)
{
    size_t bytes = 3 * (size_t)w * (size_t)h;
    pthread_mutex_lock(&r->lock);
    if (!r->waiting && !r->failure) {
        uint8_t *larger = w * h > r->rgb_w * r->rgb_h || !r->rgb ? realloc(r->rgb, bytes) : r->rgb;
        if (larger) {
            r->rgb = larger;
            memcpy(larger, rgb, bytes);
            r->rgb_w = w;
            r->rgb_h = h;
            r->rgb_ms = now_ms;
            r->waiting = true;
            pthread_cond_signal(&r->changed);
        }
    }
    pthread_mutex_unlock(&r->lock);
}

int recorder_finish(struct recorder **out, uint64_t *pictures, struct csg_error *err)
{
    struct recorder *r = *out;
    *pictures = 0;
    if (!r)
        return CSG_OK;
    pthread_mutex_lock(&r->lock);
    r->quit = true;
    pthread_cond_signal(&r->changed);
    pthread_mutex_unlock(&r->lock);
    pthread_join(r->thread, NULL);
    int code = r->failure;
    if (!code && avcodec_send_frame(r->codec, NULL) == 0)
        code = drain(r);
    if (r->header) {
        int trailer = av_write_trailer(r->format);
        int closed = avio_closep(&r->format->pb);
        code = code ? code : trailer ? trailer : closed;
    }
    if (!code)
        code = give_name(r);
    *pictures = r->pictures;
    int status = code < 0 ? fail_av(err, code, r->path) : CSG_OK;
    free_recorder(out);
    return status;
}

const char *recorder_path(const struct recorder *recorder)
{
    return recorder->path;
}
