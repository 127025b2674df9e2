/* What a process has to ask the system for before its processor will do it. */
#ifndef CSG_BASE_PROCESSOR_H
#define CSG_BASE_PROCESSOR_H

#include <stdbool.h>

/* Asks for the registers of Intel AMX, for all threads and for good: each thread's state grows by 8 KB when it uses them. Whether they are
 * granted; false where the processor or the system has none. https://docs.kernel.org/arch/x86/xstate.html */
bool csg_processor_tiles(void);

#endif
