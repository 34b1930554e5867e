#include "config.h"

#include "traces/record/plugin/operand.h"

#include <stdbool.h>

/* An instruction without its prefixes. */
struct opcode {
	const uint8_t *at;
	size_t left;
	bool repeated; /* f2 or f3 */
};

static struct opcode skip_prefixes(const uint8_t *bytes, size_t size)
{
	struct opcode opcode = {.at = bytes, .left = size};

	for (; opcode.left > 0; opcode.at++, opcode.left--) {
		uint8_t byte = *opcode.at;
		bool is_repeat = byte == 0xf2 || byte == 0xf3;
		bool is_segment = byte == 0x26 || byte == 0x2e || byte == 0x36 || byte == 0x3e ||
				  byte == 0x64 || byte == 0x65;
		bool is_other = byte == 0x66 || byte == 0x67 || byte == 0xf0 || (byte & 0xf0) == 0x40;
		if (!is_repeat && !is_segment && !is_other)
			break;
		opcode.repeated |= is_repeat;
	}
	return opcode;
}

/* The three bits of the ModRM byte that extend some opcodes. */
static unsigned extension(const uint8_t *modrm)
{
	return *modrm >> 3 & 7;
}

static bool is_string(uint8_t byte)
{
	return (byte >= 0xa4 && byte <= 0xa7) || (byte >= 0xaa && byte <= 0xaf) ||
	       (byte >= 0x6c && byte <= 0x6f);
}

static bool modifies_group(uint8_t byte, unsigned group)
{
	switch (byte) {
	case 0x80:
	case 0x81:
	case 0x83:
		return group != 7; /* 7 is cmp */
	case 0xc0:
	case 0xc1:
	case 0xd0:
	case 0xd1:
	case 0xd2:
	case 0xd3:
		return true;
	case 0xf6:
	case 0xf7:
		return group == 2 || group == 3; /* not, neg */
	case 0xfe:
	case 0xff:
		return group <= 1; /* inc, dec */
	default:
		return false;
	}
}

static enum operand_class one_byte(const struct opcode *opcode)
{
	uint8_t byte = *opcode->at;

	if (opcode->repeated && is_string(byte))
		return OPERAND_REPEATED;
	if ((byte >= 0xd8 && byte <= 0xdf) || byte == 0xc4 || byte == 0xc5 || byte == 0x62)
		return OPERAND_WIDE;
	if (byte == 0x86 || byte == 0x87)
		return OPERAND_MODIFY;
	/* add, or, adc, sbb, and, sub, xor with a memory destination; 38 and 39 are cmp */
	if (byte < 0x38 && (byte & 7) <= 1)
		return OPERAND_MODIFY;
	return opcode->left > 1 && modifies_group(byte, extension(opcode->at + 1)) ? OPERAND_MODIFY
										   : OPERAND_PLAIN;
}

static enum operand_class two_bytes(const struct opcode *opcode)
{
	uint8_t byte = opcode->at[1];

	switch (byte) {
	case 0xa4: /* shld */
	case 0xa5:
	case 0xac: /* shrd */
	case 0xad:
	case 0xab: /* bts */
	case 0xb3: /* btr */
	case 0xbb: /* btc */
	case 0xb0: /* cmpxchg */
	case 0xb1:
	case 0xc0: /* xadd */
	case 0xc1:
		return OPERAND_MODIFY;
	case 0xba: /* bt is the one that only reads */
		return opcode->left > 2 && extension(opcode->at + 2) > 4 ? OPERAND_MODIFY : OPERAND_PLAIN;
	case 0xc7:
		return opcode->left > 2 && extension(opcode->at + 2) == 1 ? OPERAND_WIDE_MODIFY
									  : OPERAND_WIDE;
	case 0xae: /* fxsave, xsave and their kin */
	case 0xc2:
	case 0xc6:
		return OPERAND_WIDE;
	default:
		break;
	}
	if ((byte >= 0x10 && byte <= 0x17) || (byte >= 0x28 && byte <= 0x2f) || byte == 0x38 ||
	    byte == 0x3a || (byte >= 0x50 && byte <= 0x7f) || byte >= 0xd0)
		return OPERAND_WIDE;
	return OPERAND_PLAIN;
}

enum operand_class operand_class_of(const uint8_t *bytes, size_t size)
{
	struct opcode opcode = skip_prefixes(bytes, size);

	if (opcode.left == 0)
		return OPERAND_PLAIN;
	if (*opcode.at != 0x0f)
		return one_byte(&opcode);
	return opcode.left > 1 ? two_bytes(&opcode) : OPERAND_PLAIN;
}
