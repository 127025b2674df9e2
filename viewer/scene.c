#include "scene.h"

#include <epoxy/gl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct maps {
    GLuint texture;
    int n, w, h;
};

struct scene {
    GLuint program, vao, picture, table, framebuffer, target;
    int picture_w, picture_h, target_w, target_h;
    struct maps maps[SCENE_SLOTS];
    struct {
        GLint origin, scale, size, grid, mode, layer, layers, opacity, threshold, contours, colours, one_to_one;
    } at;
};

static const char vertex_text[] = "#version 330 core\n"
                                  "void main()\n"
                                  "{\n"
                                  "    vec2 at = vec2(gl_VertexID & 1, gl_VertexID >> 1);\n"
                                  "    gl_Position = vec4(at * 2.0 - 1.0, 0.0, 1.0);\n"
                                  "}\n";

/* Everything in 0..255 and whole numbers of it, so that the overlay is the one that the library draws. */
static const char fragment_text[] =
    "#version 330 core\n"
    "uniform sampler2D picture, table;\n"
    "uniform sampler2DArray maps;\n"
    "uniform vec2 origin, scale, size;\n" /* target pixel of the picture's upper left corner; picture pixels a target pixel */
    "uniform ivec2 grid;\n"
    "uniform int mode, layer, layers, contours;\n"
    "uniform bool one_to_one;\n"
    "uniform float opacity, threshold;\n"
    "uniform vec3 colours[16];\n"
    "out vec4 colour;\n"
    "\n"
    "float value(vec2 at, int which)\n"
    "{\n"
    "    vec2 p = max(vec2(grid) / size * at - 0.5, vec2(0.0));\n"
    "    ivec2 a = min(ivec2(p), grid - 1), b = min(a + 1, grid - 1);\n"
    "    vec2 f = clamp(p - vec2(a), 0.0, 1.0);\n"
    "    float top = (1.0 - f.x) * texelFetch(maps, ivec3(a, which), 0).r + f.x * texelFetch(maps, ivec3(b.x, a.y, which), "
    "0).r;\n"
    "    float low = (1.0 - f.x) * texelFetch(maps, ivec3(a.x, b.y, which), 0).r + f.x * texelFetch(maps, ivec3(b, which), "
    "0).r;\n"
    "    return (1.0 - f.y) * top + f.y * low;\n"
    "}\n"
    "\n"
    "float edge(float v)\n"
    "{\n"
    "    float lines = v * float(contours + 1), near = abs(lines - floor(lines + 0.5)), wide = max(fwidth(lines), 1e-6);\n"
    "    return lines > 0.5 && lines < float(contours) + 0.5 ? 1.0 - smoothstep(0.5, 1.5, near / wide) : 0.0;\n"
    "}\n"
    "\n"
    "void main()\n"
    "{\n"
    "    vec2 at = (gl_FragCoord.xy - origin) * vec2(scale.x, -scale.y);\n"
    "    vec3 rgb = 255.0 * (one_to_one ? texelFetch(picture, ivec2(at), 0).rgb : texture(picture, at / size).rgb);\n"
    "    if (mode == 1) {\n"
    "        float v = value(at, layer);\n"
    "        float line = contours > 0 ? edge(v) : 0.0;\n"
    "        vec3 heat = 255.0 * texelFetch(table, ivec2(int(255.0 * clamp(v, 0.0, 1.0)), 0), 0).rgb;\n"
    "        float part = v >= threshold ? opacity : 0.0;\n"
    "        rgb = mix(floor((1.0 - part) * rgb + part * heat + 1e-3), vec3(255.0), 0.85 * line);\n"
    "    } else if (mode == 2) {\n"
    "        int best = 0;\n"
    "        float v = -1.0;\n"
    "        for (int i = 0; i < layers; i++) {\n"
    "            float w = value(at, i);\n"
    "            if (w > v) {\n"
    "                v = w;\n"
    "                best = i;\n"
    "            }\n"
    "        }\n"
    "        float line = contours > 0 ? edge(v) : 0.0;\n"
    "        float part = v >= threshold ? clamp(v, 0.0, 1.0) * opacity : 0.0;\n"
    "        rgb = mix((1.0 - part) * rgb + part * 255.0 * colours[best], vec3(255.0), 0.85 * line);\n"
    "    }\n"
    "    colour = vec4(rgb / 255.0, 1.0);\n"
    "}\n";

static int compile(GLuint *shader, GLenum kind, const char *text, struct csg_error *err)
{
    GLint good = 0;
    char log[512] = "";
    *shader = glCreateShader(kind);
    glShaderSource(*shader, 1, &text, NULL);
    glCompileShader(*shader);
    glGetShaderiv(*shader, GL_COMPILE_STATUS, &good);
    if (good)
        return CSG_OK;
    glGetShaderInfoLog(*shader, sizeof log, NULL, log);
    return view_fail(err, CSG_ERROR, "OpenGL refuses a shader: %s", log);
}

static int link_program(struct scene *scene, struct csg_error *err)
{
    GLuint vertex = 0, fragment = 0;
    GLint good = 0;
    char log[512] = "";
    int status = compile(&vertex, GL_VERTEX_SHADER, vertex_text, err);
    if (status == CSG_OK)
        status = compile(&fragment, GL_FRAGMENT_SHADER, fragment_text, err);
    if (status == CSG_OK) {
        scene->program = glCreateProgram();
        glAttachShader(scene->program, vertex);
        glAttachShader(scene->program, fragment);
        glLinkProgram(scene->program);
        glGetProgramiv(scene->program, GL_LINK_STATUS, &good);
        if (!good) {
            glGetProgramInfoLog(scene->program, sizeof log, NULL, log);
            status = view_fail(err, CSG_ERROR, "OpenGL does not link the shaders: %s", log);
        }
    }
    glDeleteShader(vertex);
    glDeleteShader(fragment);
    return status;
}

static void find_uniforms(struct scene *scene)
{
    GLuint p = scene->program;
    scene->at.origin = glGetUniformLocation(p, "origin");
    scene->at.scale = glGetUniformLocation(p, "scale");
    scene->at.size = glGetUniformLocation(p, "size");
    scene->at.grid = glGetUniformLocation(p, "grid");
    scene->at.mode = glGetUniformLocation(p, "mode");
    scene->at.layer = glGetUniformLocation(p, "layer");
    scene->at.layers = glGetUniformLocation(p, "layers");
    scene->at.opacity = glGetUniformLocation(p, "opacity");
    scene->at.threshold = glGetUniformLocation(p, "threshold");
    scene->at.contours = glGetUniformLocation(p, "contours");
    scene->at.colours = glGetUniformLocation(p, "colours");
    scene->at.one_to_one = glGetUniformLocation(p, "one_to_one");
    glUseProgram(p);
    glUniform1i(glGetUniformLocation(p, "picture"), 0);
    glUniform1i(glGetUniformLocation(p, "table"), 1);
    glUniform1i(glGetUniformLocation(p, "maps"), 2);
}

static GLuint make_texture(GLenum kind, GLint filter)
{
    GLuint texture;
    glGenTextures(1, &texture);
    glBindTexture(kind, texture);
    glTexParameteri(kind, GL_TEXTURE_MIN_FILTER, filter);
    glTexParameteri(kind, GL_TEXTURE_MAG_FILTER, filter == GL_NEAREST ? GL_NEAREST : GL_LINEAR);
    glTexParameteri(kind, GL_TEXTURE_WRAP_S, GL_CLAMP_TO_EDGE);
    glTexParameteri(kind, GL_TEXTURE_WRAP_T, GL_CLAMP_TO_EDGE);
    return texture;
}

int scene_create(struct scene **out, struct csg_error *err)
{
    struct scene *scene = calloc(1, sizeof *scene);
    *out = NULL;
    if (!scene)
        return view_fail_memory(err);
    int status = link_program(scene, err);
    if (status) {
        scene_destroy(&scene);
        return status;
    }
    find_uniforms(scene);
    glGenVertexArrays(1, &scene->vao);
    scene->picture = make_texture(GL_TEXTURE_2D, GL_LINEAR);
    scene->table = make_texture(GL_TEXTURE_2D, GL_NEAREST);
    for (int i = 0; i < SCENE_SLOTS; i++)
        scene->maps[i].texture = make_texture(GL_TEXTURE_2D_ARRAY, GL_NEAREST);
    glPixelStorei(GL_UNPACK_ALIGNMENT, 1);
    glPixelStorei(GL_PACK_ALIGNMENT, 1);
    *out = scene;
    return CSG_OK;
}

void scene_destroy(struct scene **out)
{
    struct scene *scene = *out;
    if (!scene)
        return;
    for (int i = 0; i < SCENE_SLOTS; i++)
        glDeleteTextures(1, &scene->maps[i].texture);
    glDeleteTextures(1, &scene->picture);
    glDeleteTextures(1, &scene->table);
    glDeleteTextures(1, &scene->target);
    glDeleteFramebuffers(1, &scene->framebuffer);
    glDeleteVertexArrays(1, &scene->vao);
    glDeleteProgram(scene->program);
    free(scene);
    *out = NULL;
}

void scene_set_picture(struct scene *scene, const struct csg_image *image)
{
    int w = csg_image_width_px(image), h = csg_image_height_px(image);
    glActiveTexture(GL_TEXTURE0);
    glBindTexture(GL_TEXTURE_2D, scene->picture);
    glPixelStorei(GL_UNPACK_ALIGNMENT, 1);
    if (w == scene->picture_w && h == scene->picture_h)
        glTexSubImage2D(GL_TEXTURE_2D, 0, 0, 0, w, h, GL_RGB, GL_UNSIGNED_BYTE, csg_image_rgb(image));
    else
        glTexImage2D(GL_TEXTURE_2D, 0, GL_RGB8, w, h, 0, GL_RGB, GL_UNSIGNED_BYTE, csg_image_rgb(image));
    scene->picture_w = w;
    scene->picture_h = h;
}

void scene_set_table(struct scene *scene, const uint8_t rgb[768])
{
    glActiveTexture(GL_TEXTURE1);
    glBindTexture(GL_TEXTURE_2D, scene->table);
    glPixelStorei(GL_UNPACK_ALIGNMENT, 1);
    glTexImage2D(GL_TEXTURE_2D, 0, GL_RGB8, 256, 1, 0, GL_RGB, GL_UNSIGNED_BYTE, rgb);
}

void scene_set_maps(struct scene *scene, enum scene_slot slot, size_t n, int grid_w, int grid_h, const float *maps)
{
    struct maps *m = scene->maps + slot;
    glActiveTexture(GL_TEXTURE2);
    glBindTexture(GL_TEXTURE_2D_ARRAY, m->texture);
    if (n)
        glTexImage3D(GL_TEXTURE_2D_ARRAY, 0, GL_R32F, grid_w, grid_h, (GLsizei)n, 0, GL_RED, GL_FLOAT, maps);
    *m = (struct maps){m->texture, (int)n, grid_w, grid_h};
}

bool scene_has(const struct scene *scene, enum scene_slot slot, int layer)
{
    return layer >= 0 && layer < scene->maps[slot].n;
}

static void set_uniforms(const struct scene *scene, const struct scene_rect *r, int target_h, const struct maps *m, int layer,
                         const struct scene_style *style, enum scene_mode mode)
{
    float colours[VIEW_MAX_TEXTS][3];
    double sx = scene->picture_w / r->w, sy = scene->picture_h / r->h;
    for (int i = 0; i < VIEW_MAX_TEXTS; i++)
        for (int c = 0; c < 3; c++)
            colours[i][c] = (float)style->colours[i][c] / 255.0f;
    glUseProgram(scene->program);
    glUniform2f(scene->at.origin, (float)r->x, (float)(target_h - r->y));
    glUniform2f(scene->at.scale, (float)sx, (float)sy);
    glUniform2f(scene->at.size, (float)scene->picture_w, (float)scene->picture_h);
    glUniform2i(scene->at.grid, m->w, m->h);
    glUniform1i(scene->at.mode, (int)mode);
    glUniform1i(scene->at.layer, layer);
    glUniform1i(scene->at.layers, m->n < VIEW_MAX_TEXTS ? m->n : VIEW_MAX_TEXTS);
    glUniform1f(scene->at.opacity, (float)style->opacity);
    glUniform1f(scene->at.threshold, style->threshold > 0 ? (float)style->threshold : -1e30f);
    glUniform1i(scene->at.contours, style->contours);
    glUniform3fv(scene->at.colours, VIEW_MAX_TEXTS, &colours[0][0]);
    glUniform1i(scene->at.one_to_one, sx == 1.0 && sy == 1.0);
}

void scene_draw(const struct scene *scene, const struct scene_rect *r, int target_h, enum scene_slot slot, int layer,
                const struct scene_style *style)
{
    const struct maps *m = scene->maps + slot;
    enum scene_mode mode = scene_has(scene, slot, layer) ? style->mode : SCENE_PLAIN;
    double x0 = r->x > r->clip_x0 ? r->x : r->clip_x0, x1 = r->x + r->w < r->clip_x1 ? r->x + r->w : r->clip_x1;
    GLint viewport[4];
    if (!scene->picture_w || r->w < 1 || r->h < 1 || x1 <= x0)
        return;
    set_uniforms(scene, r, target_h, m, layer, style, mode);
    glActiveTexture(GL_TEXTURE0);
    glBindTexture(GL_TEXTURE_2D, scene->picture);
    glActiveTexture(GL_TEXTURE1);
    glBindTexture(GL_TEXTURE_2D, scene->table);
    glActiveTexture(GL_TEXTURE2);
    glBindTexture(GL_TEXTURE_2D_ARRAY, m->texture);
    glGetIntegerv(GL_VIEWPORT, viewport);
    glEnable(GL_SCISSOR_TEST);
    int left = (int)(x0 + 0.5), right = (int)(x1 + 0.5), top = (int)(r->y + 0.5), bottom = (int)(r->y + r->h + 0.5);
    glScissor(left, target_h - bottom, right - left, bottom - top);
    glBindVertexArray(scene->vao);
    glDrawArrays(GL_TRIANGLE_STRIP, 0, 4);
    glDisable(GL_SCISSOR_TEST);
    glActiveTexture(GL_TEXTURE0);
}

int scene_offscreen_begin(struct scene *scene, int w, int h, struct csg_error *err)
{
    if (!scene->framebuffer) {
        glGenFramebuffers(1, &scene->framebuffer);
        scene->target = make_texture(GL_TEXTURE_2D, GL_NEAREST);
    }
    glActiveTexture(GL_TEXTURE0);
    glBindTexture(GL_TEXTURE_2D, scene->target);
    if (w != scene->target_w || h != scene->target_h)
        glTexImage2D(GL_TEXTURE_2D, 0, GL_RGBA8, w, h, 0, GL_RGBA, GL_UNSIGNED_BYTE, NULL);
    scene->target_w = w;
    scene->target_h = h;
    glBindFramebuffer(GL_FRAMEBUFFER, scene->framebuffer);
    glFramebufferTexture2D(GL_FRAMEBUFFER, GL_COLOR_ATTACHMENT0, GL_TEXTURE_2D, scene->target, 0);
    if (glCheckFramebufferStatus(GL_FRAMEBUFFER) != GL_FRAMEBUFFER_COMPLETE) {
        glBindFramebuffer(GL_FRAMEBUFFER, 0);
        return view_fail(err, CSG_ERROR, "OpenGL has no framebuffer of %d x %d pixels", w, h);
    }
    glViewport(0, 0, w, h);
    glClearColor(0, 0, 0, 1);
    glClear(GL_COLOR_BUFFER_BIT);
    return CSG_OK;
}

/* OpenGL's rows begin at the bottom. */
static void read_pixels(int w, int h, uint8_t *rgb)
{
    size_t row_bytes = 3 * (size_t)w;
    glPixelStorei(GL_PACK_ALIGNMENT, 1);
    glReadPixels(0, 0, w, h, GL_RGB, GL_UNSIGNED_BYTE, rgb);
    for (int y = 0; y < h / 2; y++) {
        uint8_t *a = rgb + (size_t)y * row_bytes, *b = rgb + (size_t)(h - 1 - y) * row_bytes;
        for (size_t i = 0; i < row_bytes; i++) {
            uint8_t kept = a[i];
            a[i] = b[i];
            b[i] = kept;
        }
    }
}

void scene_offscreen_end(struct scene *scene, uint8_t *rgb)
{
    if (rgb)
        read_pixels(scene->target_w, scene->target_h, rgb);
    glBindFramebuffer(GL_FRAMEBUFFER, 0);
}

void scene_read_window(int w, int h, uint8_t *rgb)
{
    glReadBuffer(GL_BACK);
    read_pixels(w, h, rgb);
}

const char *scene_renderer(void)
{
    const GLubyte *name = glGetString(GL_RENDERER);
    return name ? (const char *)name : "unknown";
}
