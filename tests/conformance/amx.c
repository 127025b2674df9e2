/* Tiles of bfloat16 (Intel AMX) for processors that have none, to be loaded before a program: LD_PRELOAD=libamx.so. Where the processor
 * does not know one of the instructions that cl/amx.clh gives as bytes, the system sends a signal; here they are done by the book (Intel's
 * Software Developer's Manual, volume 2) and left out. Anything else that is no instruction ends the program as ever. Compilers and test
 * frameworks that want to be told of the signal, to report it and to clear up, are not. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <math.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <ucontext.h>

enum { TILES = 8, ROWS = 16, ROW_BYTES = 64 };

/* A thread's registers: where no memory has to be got for them in the middle of a signal. */
static _Thread_local __attribute__((tls_model("initial-exec"))) struct {
    uint8_t rows[TILES], row_bytes[TILES];
    uint8_t data[TILES][ROWS][ROW_BYTES];
} own;

static void zero(int t)
{
    memset(own.data[t], 0, sizeof own.data[t]);
}

/* Whether the palette and the shapes are ones that the instruction takes. */
static int configure(const uint8_t *memory)
{
    memset(&own, 0, sizeof own);
    if (memory[0] != 1 || memory[1] != 0)
        return 0;
    for (int i = 2; i < 16; i++)
        if (memory[i])
            return 0;
    for (int t = 0; t < ROWS; t++) {
        int bytes = memory[16 + 2 * t] | memory[17 + 2 * t] << 8, rows = memory[48 + t];
        if (t >= TILES ? bytes || rows : bytes > ROW_BYTES || rows > ROWS || !bytes != !rows)
            return 0;
        if (t < TILES) {
            own.rows[t] = (uint8_t)rows;
            own.row_bytes[t] = (uint8_t)bytes;
        }
    }
    return 1;
}

static void load(int t, const uint8_t *memory, int64_t step)
{
    zero(t);
    for (int r = 0; r < own.rows[t]; r++)
        memcpy(own.data[t][r], memory + r * step, own.row_bytes[t]);
}

static void store(int t, uint8_t *memory, int64_t step)
{
    for (int r = 0; r < own.rows[t]; r++)
        memcpy(memory + r * step, own.data[t][r], own.row_bytes[t]);
}

static float flushed(float x)
{
    return fpclassify(x) == FP_SUBNORMAL ? copysignf(0.0f, x) : x;
}

/* Element i of a row of pairs. */
static float half(const uint8_t *row, int i)
{
    uint32_t bits = (uint32_t)(row[2 * i] | row[2 * i + 1] << 8) << 16;
    float x;
    memcpy(&x, &bits, sizeof x);
    return flushed(x);
}

/* The first and the second of all pairs have sums of their own, which are added to what was there. */
static int dot(int sum, int a, int b)
{
    int pairs = own.row_bytes[a] / 4, columns = own.row_bytes[sum] / 4;
    if (sum == a || sum == b || a == b || own.rows[sum] != own.rows[a] || own.rows[b] != pairs ||
        own.row_bytes[b] != own.row_bytes[sum] || !pairs || !columns)
        return 0;
    for (int m = 0; m < own.rows[sum]; m++)
        for (int n = 0; n < columns; n++) {
            float even = 0.0f, odd = 0.0f, before;
            for (int k = 0; k < pairs; k++) {
                even = flushed(fmaf(half(own.data[a][m], 2 * k), half(own.data[b][k], 2 * n), even));
                odd = flushed(fmaf(half(own.data[a][m], 2 * k + 1), half(own.data[b][k], 2 * n + 1), odd));
            }
            memcpy(&before, own.data[sum][m] + 4 * n, sizeof before);
            before = flushed(before + flushed(even + odd));
            memcpy(own.data[sum][m] + 4 * n, &before, sizeof before);
        }
    for (int m = own.rows[sum]; m < ROWS; m++)
        memset(own.data[sum][m], 0, ROW_BYTES);
    return 1;
}

/* Does the instruction at `code`; its length, or 0 where it is none of ours. */
static int perform(const uint8_t *code, const greg_t *registers)
{
    if (code[0] != 0xc4 || code[1] != 0xe2)
        return 0;
    int t = code[4] >> 3 & 7, whole = code[4] >= 0xc0;
    uint8_t *memory = (uint8_t *)registers[REG_RAX];
    if (code[2] == 0x78 && code[3] == 0x49 && code[4] == 0x00)
        return configure(memory) ? 5 : 0;
    if (code[2] == 0x78 && code[3] == 0x49 && code[4] == 0xc0) {
        memset(&own, 0, sizeof own);
        return 5;
    }
    if (code[2] == 0x7b && code[3] == 0x49 && whole && !(code[4] & 7) && own.rows[t]) {
        zero(t);
        return 5;
    }
    if ((code[2] == 0x7b || code[2] == 0x7a) && code[3] == 0x4b && !whole && (code[4] & 7) == 4 && code[4] < 0x40 &&
        code[5] == 0x10 && own.rows[t]) {
        if (code[2] == 0x7a)
            store(t, memory, registers[REG_RDX]);
        else
            load(t, memory, registers[REG_RDX]);
        return 6;
    }
    if ((code[2] & 0x87) == 0x02 && code[3] == 0x5c && whole)
        return dot(t, code[4] & 7, 15 - (code[2] >> 3 & 15)) ? 5 : 0;
    return 0;
}

typedef int (*take_fn)(int, const struct sigaction *, struct sigaction *);
typedef void *(*open_fn)(const char *, int);

static take_fn real_sigaction(void)
{
    static take_fn take;
    if (!take)
        *(void **)&take = dlsym(RTLD_NEXT, "sigaction");
    return take;
}

static void handle(int number, siginfo_t *info, void *context)
{
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    const struct sigaction end = {.sa_handler = SIG_DFL};
    int length = perform((const uint8_t *)registers[REG_RIP], registers);
    (void)info;
    registers[REG_RIP] += length;
    if (!length)
        real_sigaction()(number, &end, NULL);
}

static const struct sigaction ours = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO};

__attribute__((constructor)) static void begin(void)
{
    real_sigaction()(SIGILL, &ours, NULL);
}

int sigaction(int number, const struct sigaction *wanted, struct sigaction *before)
{
    if (number != SIGILL)
        return real_sigaction()(number, wanted, before);
    if (before)
        *before = ours;
    return 0;
}

sighandler_t signal(int number, sighandler_t wanted)
{
    struct sigaction action = {.sa_handler = wanted, .sa_flags = SA_RESTART}, before;
    if (number == SIGILL)
        return SIG_DFL;
    return real_sigaction()(number, &action, &before) ? SIG_ERR : before.sa_handler;
}

/* The loader of OpenCL's drivers has theirs look for functions in the system's libraries first, where they would find its own. */
void *dlopen(const char *path, int mode)
{
    static open_fn open;
    if (!open)
        *(void **)&open = dlsym(RTLD_NEXT, "dlopen");
    return open(path, mode & ~RTLD_DEEPBIND);
}
