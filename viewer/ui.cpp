// The one C++ file: Dear ImGui has no C interface.
#include "ui.h"

#include <GLFW/glfw3.h>
#include <backends/imgui_impl_glfw.h>
#include <backends/imgui_impl_opengl3.h>
#include <imgui.h>

static ImVec4 vec4(uint32_t rgba)
{
    return ImVec4(float(rgba >> 24) / 255.0f, float((rgba >> 16) & 255) / 255.0f, float((rgba >> 8) & 255) / 255.0f,
                  float(rgba & 255) / 255.0f);
}

static ImU32 packed(uint32_t rgba)
{
    return ImGui::ColorConvertFloat4ToU32(vec4(rgba));
}

static void style(float scale)
{
    ImGui::StyleColorsDark();
    ImGuiStyle &s = ImGui::GetStyle();
    s.WindowRounding = 0.0f;
    s.FrameRounding = s.GrabRounding = s.PopupRounding = 4.0f;
    s.WindowBorderSize = 0.0f;
    s.FramePadding = ImVec2(8, 3);
    s.ItemSpacing = ImVec2(8, 4);
    s.WindowPadding = ImVec2(10, 8);
    s.Colors[ImGuiCol_WindowBg] = vec4(0x1c1e22ff);
    s.Colors[ImGuiCol_MenuBarBg] = vec4(0x16181bff);
    s.Colors[ImGuiCol_PopupBg] = vec4(0x24272cf8);
    s.Colors[ImGuiCol_FrameBg] = vec4(0x2d3138ff);
    s.Colors[ImGuiCol_FrameBgHovered] = vec4(0x3a404aff);
    s.Colors[ImGuiCol_FrameBgActive] = vec4(0x444b57ff);
    s.Colors[ImGuiCol_Button] = vec4(0x343a44ff);
    s.Colors[ImGuiCol_ButtonHovered] = vec4(0x46505eff);
    s.Colors[ImGuiCol_ButtonActive] = vec4(0x54606fff);
    s.Colors[ImGuiCol_Header] = vec4(0x2b3038ff);
    s.Colors[ImGuiCol_HeaderHovered] = vec4(0x3b4350ff);
    s.Colors[ImGuiCol_HeaderActive] = vec4(0x46505eff);
    s.Colors[ImGuiCol_SliderGrab] = s.Colors[ImGuiCol_CheckMark] = vec4(0x5fb3b3ff);
    s.Colors[ImGuiCol_SliderGrabActive] = vec4(0x7fd0d0ff);
    s.Colors[ImGuiCol_TextDisabled] = vec4(0x8a929eff);
    s.Colors[ImGuiCol_NavHighlight] = vec4(0xffc857ff);
    s.ScaleAllSizes(scale);
}

void ui_scale(float scale)
{
    ImGui::GetStyle() = ImGuiStyle();
    style(scale);
}

// ImGui before 1.87 looks at keys once a frame: one that goes down and up between two frames would be lost, or its Ctrl. Where a
// key has gone down since the last frame, releases wait for the next.
static struct {
    GLFWkeyfun forward;
    bool pressed, up[GLFW_KEY_LAST + 1]; // since the last frame
} taps;

static void on_tap(GLFWwindow *window, int key, int code, int action, int mods)
{
    bool known = key >= 0 && key <= GLFW_KEY_LAST;
    taps.pressed = taps.pressed || action == GLFW_PRESS;
    if (known && action == GLFW_RELEASE && taps.pressed)
        taps.up[key] = true;
    else
        taps.forward(window, key, code, action, mods);
}

static void release_taps(void)
{
    for (int key = 0; key <= GLFW_KEY_LAST; key++) {
        if (taps.up[key])
            taps.forward(glfwGetCurrentContext(), key, 0, GLFW_RELEASE, 0);
        taps.up[key] = false;
    }
    taps.pressed = false;
}

bool ui_create(GLFWwindow *window)
{
    IMGUI_CHECKVERSION();
    ImGui::CreateContext();
    ImGuiIO &io = ImGui::GetIO();
    io.IniFilename = nullptr; // the viewer remembers by itself
    io.LogFilename = nullptr;
    if (!ImGui_ImplGlfw_InitForOpenGL(window, true) || !ImGui_ImplOpenGL3_Init("#version 330 core"))
        return false;
    taps.forward = glfwSetKeyCallback(window, on_tap);
    return true;
}

void ui_destroy(void)
{
    if (!ImGui::GetCurrentContext())
        return;
    if (ImGui::GetIO().BackendRendererUserData)
        ImGui_ImplOpenGL3_Shutdown();
    if (ImGui::GetIO().BackendPlatformUserData)
        ImGui_ImplGlfw_Shutdown();
    ImGui::DestroyContext();
}

void ui_fonts(const char *const *files, size_t count, float size_px, const char *extra)
{
    static ImVector<ImWchar> ranges; // ImGui keeps a pointer until the atlas is built anew
    ImFontAtlas *atlas = ImGui::GetIO().Fonts;
    ImFontGlyphRangesBuilder builder;
    static const ImWchar usual[] = {0x20, 0x24f, 0x370, 0x3ff, 0x400, 0x52f, 0x2010, 0x2030, 0x2190, 0x2195, 0x25a0, 0x25cf, 0};
    builder.AddRanges(usual);
    builder.AddText(extra);
    ranges.clear();
    builder.BuildRanges(&ranges);
    atlas->Clear();
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        ImFontConfig config;
        config.MergeMode = any;
        config.OversampleH = 2;
        any = atlas->AddFontFromFileTTF(files[i], size_px, &config, ranges.Data) != nullptr || any;
    }
    if (!any)
        atlas->AddFontDefault();
    atlas->Build();
    ImGui_ImplOpenGL3_DestroyFontsTexture();
    ImGui_ImplOpenGL3_CreateFontsTexture();
}

void ui_begin_frame(void)
{
    ImGui_ImplOpenGL3_NewFrame();
    ImGui_ImplGlfw_NewFrame();
#if IMGUI_VERSION_NUM < 18700 // where space alone chooses in a menu
    ImGuiIO &io = ImGui::GetIO();
    if (!io.WantTextInput && (io.KeysDown[GLFW_KEY_ENTER] || io.KeysDown[GLFW_KEY_KP_ENTER]))
        io.NavInputs[ImGuiNavInput_Activate] = 1.0f;
#endif
    ImGui::NewFrame();
}

void ui_end_frame(void)
{
    ImGui::Render();
    ImGui_ImplOpenGL3_RenderDrawData(ImGui::GetDrawData());
    release_taps();
}

bool ui_wants_text(void)
{
    return ImGui::GetIO().WantTextInput;
}

bool ui_wants_keys(void)
{
    const ImGuiIO &io = ImGui::GetIO();
    return io.WantTextInput || ui_popup_any() || (io.NavVisible && (io.ConfigFlags & ImGuiConfigFlags_NavEnableKeyboard));
}

bool ui_wants_mouse(void)
{
    return ImGui::GetIO().WantCaptureMouse;
}

void ui_keyboard_navigation(bool on)
{
    ImGuiIO &io = ImGui::GetIO();
    io.ConfigFlags =
        on ? io.ConfigFlags | ImGuiConfigFlags_NavEnableKeyboard : io.ConfigFlags & ~ImGuiConfigFlags_NavEnableKeyboard;
}

void ui_mouse(double *x, double *y)
{
    ImVec2 at = ImGui::GetIO().MousePos;
    *x = at.x < -1e30f ? -1.0 : double(at.x);
    *y = at.y < -1e30f ? -1.0 : double(at.y);
}

float ui_text_height(void)
{
    return ImGui::GetTextLineHeight();
}

float ui_text_width(const char *text)
{
    return ImGui::CalcTextSize(text).x;
}

void ui_window_begin(const char *name, ui_window_kind kind, float x, float y, float w, float h, float max_h)
{
    ImGuiWindowFlags flags = ImGuiWindowFlags_NoDecoration | ImGuiWindowFlags_NoMove | ImGuiWindowFlags_NoSavedSettings |
                             ImGuiWindowFlags_NoFocusOnAppearing;
    if (kind == UI_PANEL || max_h > 0) // scrolls
        flags &= ~ImGuiWindowFlags_NoScrollbar;
    else
        flags |= ImGuiWindowFlags_NoScrollWithMouse;
    if (h <= 0)
        flags |= ImGuiWindowFlags_AlwaysAutoResize;
    ImGui::SetNextWindowPos(ImVec2(x, y));
    if (h > 0)
        ImGui::SetNextWindowSize(ImVec2(w, h));
    else
        ImGui::SetNextWindowSizeConstraints(ImVec2(w, 0), ImVec2(w, max_h > 0 ? max_h : 4096));
    if (kind == UI_FLOAT)
        ImGui::SetNextWindowBgAlpha(0.97f);
    ImGui::PushStyleVar(ImGuiStyleVar_WindowRounding, kind == UI_FLOAT || kind == UI_BANNER ? 6.0f : 0.0f);
    if (kind == UI_BANNER)
        ImGui::PushStyleColor(ImGuiCol_WindowBg, vec4(0x6b3a1eff));
    ImGui::Begin(name, nullptr, flags);
    if (kind == UI_BANNER)
        ImGui::PopStyleColor();
    ImGui::PopStyleVar();
}

void ui_window_end(void)
{
    ImGui::End();
}

float ui_window_height(void)
{
    return ImGui::GetWindowHeight();
}

bool ui_menu_bar_begin(void)
{
    return ImGui::BeginMainMenuBar();
}

void ui_menu_bar_end(void)
{
    ImGui::EndMainMenuBar();
}

float ui_menu_bar_height(void)
{
    return ImGui::GetFrameHeight();
}

bool ui_menu_begin(const char *name)
{
    return ImGui::BeginMenu(name);
}

void ui_menu_end(void)
{
    ImGui::EndMenu();
}

bool ui_menu_item(const char *name, const char *keys, bool checked)
{
    return ImGui::MenuItem(name, keys, checked);
}

void ui_same_line(void)
{
    ImGui::SameLine();
}

void ui_same_line_at(float x)
{
    ImGui::SameLine(x);
}

float ui_space_left(void)
{
    return ImGui::GetContentRegionAvail().x;
}

void ui_text(const char *text)
{
    ImGui::TextUnformatted(text);
}

void ui_text_wrapped(const char *text)
{
    ImGui::PushTextWrapPos(0.0f);
    ImGui::TextUnformatted(text);
    ImGui::PopTextWrapPos();
}

void ui_text_colored(uint32_t rgba, const char *text)
{
    ImGui::PushStyleColor(ImGuiCol_Text, vec4(rgba));
    ImGui::TextUnformatted(text);
    ImGui::PopStyleColor();
}

void ui_heading(const char *text)
{
    ImGui::Spacing();
    ImGui::PushStyleColor(ImGuiCol_Text, vec4(0x7fd0d0ff));
    ImGui::TextUnformatted(text);
    ImGui::PopStyleColor();
    ImGui::Separator();
}

bool ui_button(const char *name)
{
    return ImGui::Button(name);
}

bool ui_chip(const char *id, const char *text, uint32_t rgba, bool on, bool selected)
{
    ImVec4 colour = vec4(rgba);
    float dim = !on ? 0.25f : selected ? 0.75f : 0.45f;
    ImVec4 back(colour.x * dim, colour.y * dim, colour.z * dim, 1.0f);
    ImVec4 hover(colour.x * dim + 0.08f, colour.y * dim + 0.08f, colour.z * dim + 0.08f, 1.0f);
    ImGui::PushID(id);
    ImGui::PushStyleVar(ImGuiStyleVar_FrameRounding, 12.0f);
    ImGui::PushStyleVar(ImGuiStyleVar_FrameBorderSize, selected ? 2.0f : 0.0f);
    ImGui::PushStyleColor(ImGuiCol_Border, vec4(0xffffffff));
    ImGui::PushStyleColor(ImGuiCol_Button, back);
    ImGui::PushStyleColor(ImGuiCol_ButtonHovered, hover);
    ImGui::PushStyleColor(ImGuiCol_ButtonActive, hover);
    ImGui::PushStyleColor(ImGuiCol_Text, vec4(on ? 0xffffffff : 0x8a929eff));
    bool clicked = ImGui::Button(text);
    ImGui::PopStyleColor(5);
    ImGui::PopStyleVar(2);
    ImGui::PopID();
    return clicked;
}

bool ui_clicked_right(void)
{
    return ImGui::IsItemClicked(ImGuiMouseButton_Right);
}

bool ui_clicked_middle(void)
{
    return ImGui::IsItemClicked(ImGuiMouseButton_Middle);
}

bool ui_hovered(void)
{
    return ImGui::IsItemHovered();
}

void ui_tooltip(const char *text)
{
    ImGui::BeginTooltip();
    ImGui::TextUnformatted(text);
    ImGui::EndTooltip();
}

bool ui_checkbox(const char *name, bool *value)
{
    return ImGui::Checkbox(name, value);
}

bool ui_slider(const char *name, float *value, float low, float high, const char *format)
{
    return ImGui::SliderFloat(name, value, low, high, format, ImGuiSliderFlags_AlwaysClamp);
}

bool ui_slider_int(const char *name, int *value, int low, int high, const char *format)
{
    return ImGui::SliderInt(name, value, low, high, format, ImGuiSliderFlags_AlwaysClamp);
}

bool ui_combo(const char *name, int *chosen, const char *const *items, int count)
{
    return ImGui::Combo(name, chosen, items, count, 20);
}

static int on_edit(ImGuiInputTextCallbackData *data)
{
    *static_cast<bool *>(data->UserData) = true;
    return 0;
}

bool ui_input(const char *name, const char *hint, char *text, size_t capacity, float width, bool focus, bool *edited)
{
    *edited = false;
    if (focus)
        ImGui::SetKeyboardFocusHere();
    ImGui::SetNextItemWidth(width);
    return ImGui::InputTextWithHint(name, hint, text, capacity,
                                    ImGuiInputTextFlags_EnterReturnsTrue | ImGuiInputTextFlags_CallbackEdit, on_edit, edited);
}

bool ui_input_active(void)
{
    return ImGui::IsItemActive();
}

void ui_focus(const char *window)
{
    ImGui::SetWindowFocus(window);
}

bool ui_popup_any(void)
{
    return ImGui::IsPopupOpen("", ImGuiPopupFlags_AnyPopup);
}

bool ui_popup_begin(const char *name, float right, float top)
{
    ImGui::SetNextWindowPos(ImVec2(right, top), ImGuiCond_Appearing, ImVec2(1, 0));
    return ImGui::BeginPopup(name);
}

void ui_popup_open(const char *name)
{
    ImGui::OpenPopup(name);
}

void ui_popup_end(void)
{
    ImGui::EndPopup();
}

bool ui_table_begin(const char *name, int columns)
{
    return ImGui::BeginTable(name, columns, ImGuiTableFlags_SizingFixedFit);
}

void ui_table_next(void)
{
    ImGui::TableNextColumn();
}

void ui_table_end(void)
{
    ImGui::EndTable();
}

void ui_draw_text(float x, float y, uint32_t rgba, const char *text)
{
    ImGui::GetBackgroundDrawList()->AddText(ImVec2(x, y), packed(rgba), text);
}

void ui_draw_box(float x, float y, float w, float h, uint32_t rgba, bool filled, float rounding)
{
    ImDrawList *list = ImGui::GetBackgroundDrawList();
    if (filled)
        list->AddRectFilled(ImVec2(x, y), ImVec2(x + w, y + h), packed(rgba), rounding);
    else
        list->AddRect(ImVec2(x, y), ImVec2(x + w, y + h), packed(rgba), rounding, 0, 1.5f);
}

void ui_draw_line(float x0, float y0, float x1, float y1, uint32_t rgba, float thickness)
{
    ImGui::GetBackgroundDrawList()->AddLine(ImVec2(x0, y0), ImVec2(x1, y1), packed(rgba), thickness);
}

void ui_draw_dot(float x, float y, float radius, uint32_t rgba, uint32_t outline)
{
    ImDrawList *list = ImGui::GetBackgroundDrawList();
    list->AddCircleFilled(ImVec2(x, y), radius + 1.5f, packed(outline));
    list->AddCircleFilled(ImVec2(x, y), radius, packed(rgba));
}
