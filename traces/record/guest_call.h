/* guest_call.h: how a library inside the emulated program speaks to the plugin of the emulator around it.
 *
 * By a system call whose number no kernel has: the plugin sees its arguments, the emulator answers ENOSYS. And by two
 * instructions that do nothing, which the plugin knows when it meets them: the thread enters, or has left, its allocator.
 *
 *   operation        argument 1         2                      3          4
 *   GUEST_ATTACH     start of the code  its end                answer     -       of the library, not the program's
 *   GUEST_HEAP       enum arena_kind    address                size       value   as recording_event_with (recording.h)
 *
 * `answer` is where the plugin, if there is one, stores the 32-bit number 1.
 */
#ifndef FAULTLINE_TRACES_RECORD_GUEST_CALL_H
#define FAULTLINE_TRACES_RECORD_GUEST_CALL_H

#define GUEST_CALL_NUMBER 0x666c74L

enum guest_operation {
	GUEST_ATTACH = 1,
	GUEST_HEAP,
};

/* nopl SIGN(%rax): 0f 1f 80 and the sign, low byte first. */
#define GUEST_SIGN_BYTES 7u
#define GUEST_SIGN_ENTER 0x464c5401u
#define GUEST_SIGN_LEAVE 0x464c5402u

#endif
