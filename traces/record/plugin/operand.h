/* operand.h: how an instruction of x86-64 reaches memory, as far as one must know to count references.
 *
 * The emulator reports pieces: a 32-byte load is four of 8 bytes, `lock add` a load and a store, `rep movs` one of each per
 * element. A reference is one operand of one execution, so the pieces of one have to be told from those of the next. That
 * takes the instruction's class, which follows from its first bytes.
 */
#ifndef FAULTLINE_TRACES_RECORD_PLUGIN_OPERAND_H
#define FAULTLINE_TRACES_RECORD_PLUGIN_OPERAND_H

#include <stddef.h>
#include <stdint.h>

enum operand_class {
	OPERAND_PLAIN,	/* each piece is a reference */
	OPERAND_MODIFY, /* reads and writes one place */
	OPERAND_WIDE,	/* one execution's contiguous pieces are one reference (vectors, x87, state saves) */
	OPERAND_WIDE_MODIFY, /* both: cmpxchg16b */
	OPERAND_REPEATED,    /* rep and a string instruction: contiguous elements are one reference */
};

/* The class of the instruction whose `size` bytes begin at `bytes`. 64-bit mode; what cannot be an instruction is plain. */
enum operand_class operand_class_of(const uint8_t *bytes, size_t size);

#endif
